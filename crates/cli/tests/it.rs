//! What a person reads of the binary, in both languages, and the codes that scripts read.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const TEMPLATE: &str = "\
Parameters:
  Encrypted:
    Type: String
Resources:
  Open:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
  Disk:
    Type: AWS::EC2::Volume
    Properties:
      Encrypted: !Ref Encrypted
";

fn yagura(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_yagura"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .output()
        .expect("runs")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("t.yaml"), TEMPLATE).expect("writes");
    fs::write(folder.path().join("broken.yaml"), "Resources: [").expect("writes");
    folder
}

/// Exit code, standard output and standard error, as one text.
fn seen(args: &[&str]) -> String {
    let folder = folder();
    let done = yagura(folder.path(), args);
    let [out, err] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(!err.contains("panicked"), "{err}");
    format!("{}\n--- out\n{out}--- err\n{err}", done.status.code().expect("a code"))
}

#[test]
fn help() {
    for lang in ["en", "ja"] {
        insta::assert_snapshot!(format!("help-{lang}"), seen(&["--help", "--lang", lang]));
        insta::assert_snapshot!(format!("help-check-{lang}"), seen(&["check", "--help", "--lang", lang]));
    }
}

#[test]
fn verdicts() {
    for lang in ["en", "ja"] {
        let args = ["check", "t.yaml", "broken.yaml", "gone.yaml", "--no-state", "--lang", lang];
        insta::assert_snapshot!(format!("check-{lang}"), seen(&args));
        insta::assert_snapshot!(
            format!("check-md-{lang}"),
            seen(&["check", "t.yaml", "--lang", lang, "--format", "md"])
        );
    }
}

#[test]
fn explanations() {
    for lang in ["en", "ja"] {
        let folder = folder();
        let new = ["content", "new", "control", "YG-1", "--dir", "ours"];
        assert_eq!(yagura(folder.path(), &new).status.code(), Some(0));
        let done = yagura(folder.path(), &["explain", "yg-1", "--content", "ours", "--lang", lang]);
        insta::assert_snapshot!(format!("explain-{lang}"), String::from_utf8_lossy(&done.stdout));
    }
}

#[test]
fn errors_say_what_to_do() {
    insta::assert_snapshot!(
        "errors",
        [
            seen(&["chek"]),
            seen(&["check", "t.yaml", "--fail-on", "bad"]),
            seen(&["check", "t.yaml", "-o", "html"]),
            seen(&["check", "t.yaml", "-o", "html=no/folder.html"]),
            seen(&["check", "t.yaml", "--format", "asff"]),
            seen(&["explain", "EC2.1313"]),
        ]
        .join("\n")
    );
}

#[test]
fn exit_codes() {
    let folder = folder();
    let code = |args: &[&str]| yagura(folder.path(), args).status.code();
    assert_eq!(code(&["check", "t.yaml"]), Some(0));
    assert_eq!(code(&["check", "t.yaml", "--fail-on", "critical"]), Some(1));
    assert_eq!(code(&["check", "gone.yaml"]), Some(2));
    assert_eq!(code(&["check"]), Some(2));
    assert_eq!(code(&["check", "broken.yaml"]), Some(3));
    assert_eq!(code(&["check", "t.yaml", "broken.yaml"]), Some(0));
    assert_eq!(code(&["check", "t.yaml", "broken.yaml", "--strict"]), Some(4));
}

/// An account in which an intern may pass a strong role to Lambda.
fn estate() -> String {
    let account = "111122223333";
    let line = |kind: &str, what: &str, properties: serde_json::Value| {
        let (arn, id) = (format!("arn:aws:iam::{account}:{what}"), what.rsplit('/').next());
        let line = serde_json::json!({
            "type": kind, "id": id, "arn": arn, "account": account, "region": "us-east-1", "properties": properties,
        });
        format!("{line}\n")
    };
    let allow = |sid: &str, actions: &[&str], resource: &str| {
        serde_json::json!([{"PolicyName": sid, "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Sid": "Work", "Effect": "Allow", "Action": actions, "Resource": resource},
        ]}}])
    };
    let trust = serde_json::json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
    }});
    let work = ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"];
    [
        line(
            "AWS::IAM::User",
            "user/intern",
            serde_json::json!({"Policies": allow("functions", &work, "*"), "ManagedPolicyArns": [], "Groups": []}),
        ),
        line(
            "AWS::IAM::User",
            "user/auditor",
            serde_json::json!({"Policies": [], "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"], "Groups": []}),
        ),
        line(
            "AWS::IAM::Role",
            "role/batch",
            serde_json::json!({
                "AssumeRolePolicyDocument": trust, "Policies": [],
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
            }),
        ),
    ]
    .concat()
}

const OLD: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
]}"#;

const NEW: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"},
  {"Sid": "Typo", "Effect": "Allow", "Action": "s3:ListBuckets", "Resource": "*"}
]}"#;

const OPEN: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "Web", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}
]}"#;

#[test]
fn questions_about_access() {
    let ask = |args: &[&str]| {
        let folder = folder();
        fs::create_dir(folder.path().join("estate")).expect("a folder");
        for (name, text) in
            [("estate/r.ndjson", estate().as_str()), ("old.json", OLD), ("new.json", NEW), ("open.json", OPEN)]
        {
            fs::write(folder.path().join(name), text).expect("writes");
        }
        let done = yagura(folder.path(), args);
        let [out, err] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(!err.contains("panicked"), "{err}");
        format!("$ yagura {}\n{}\n--- out\n{out}--- err\n{err}", args.join(" "), done.status.code().expect("a code"))
    };
    let (intern, auditor) = ("arn:aws:iam::111122223333:user/intern", "arn:aws:iam::111122223333:user/auditor");
    let role = "arn:aws:iam::111122223333:role/batch";
    for lang in ["en", "ja"] {
        let questions: [&[&str]; 8] = [
            &["access", "can", intern, "iam:PassRole", role, "--inventory", "estate"],
            &["access", "can", auditor, "s3:ListAllMyBuckets", "*", "--inventory", "estate", "--strict"],
            &["access", "can", intern, "s3:GetObject", "arn:aws:s3:::reports/x", "--inventory", "estate"],
            &["access", "who-can", "iam:PassRole", role, "--inventory", "estate"],
            &["access", "escalate", "--inventory", "estate", "--fail-on", "high"],
            &["access", "diff", "old.json", "new.json", "--fail-on", "high"],
            &["access", "public", "open.json", "--type", "AWS::S3::Bucket"],
            &["access", "lint", "new.json"],
        ];
        let said: Vec<String> = questions.iter().map(|args| ask(&[*args, &["--lang", lang]].concat())).collect();
        // How many methods there are is nobody's promise.
        let count = said.iter().find_map(|text| {
            let (before, _) = text.split_once(" methods were tried").or_else(|| text.split_once(" 種類）"))?;
            before.rsplit(' ').next()
        });
        let count = count.expect("a count");
        let said = said
            .join("\n")
            .replace(&format!(" {count} methods"), " N methods")
            .replace(&format!(" {count} 種類"), " N 種類");
        insta::assert_snapshot!(format!("access-{lang}"), said);
    }
}
