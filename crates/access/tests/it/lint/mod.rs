//! Each remark where it belongs, and none a step aside.

mod good;
mod grants;
mod hostile;
mod mistakes;
mod ways;

use serde_json::{Value, json};
use ways::*;
use yagura_access::lint::{CODES, PolicyType, Remark, line_of, lint, lint_text};
use yagura_model::Severity;

fn table() -> Vec<Pair> {
    [grants::pairs(), mistakes::pairs()].concat()
}

#[test]
fn each_code_where_it_belongs_and_not_a_step_aside() {
    let mut wrong = Vec::new();
    for (code, kind, bad, near) in table() {
        let found = codes(&document(bad.clone()), kind);
        if !found.contains(&code) {
            wrong.push(format!("{code} is missing of {found:?} for {bad}"));
        }
        let found = codes(&document(near.clone()), kind);
        if found.contains(&code) {
            wrong.push(format!("{code} is said of {near}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_listed_and_tried() {
    let elsewhere = ["duplicate-key", "more-remarks", "not-compared", "not-json", "variables-need-version"];
    let tried: Vec<&str> = table().iter().map(|(code, ..)| *code).chain(elsewhere).collect();
    let missing: Vec<&&str> = CODES.iter().filter(|code| !tried.contains(code)).collect();
    assert!(missing.is_empty() && tried.iter().all(|code| CODES.contains(code)), "{missing:?}");
    assert!(CODES.is_sorted());
}

#[test]
fn variables_need_the_version_of_2012() {
    let statement = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*");
    let found = lint(&json!({"Statement": [statement]}), PolicyType::Identity);
    assert_eq!((found[0].code, found[0].at.as_str()), ("variables-need-version", "Statement[0].Resource"));
    assert!(codes(&document(json!([statement])), PolicyType::Identity).is_empty());
    assert!(codes(&json!({"Statement": [allow("s3:GetObject", "*")]}), PolicyType::Identity).is_empty());
}

fn one(statement: Value) -> Remark {
    let found = lint(&document(json!([allow("sqs:ReceiveMessage", "*"), statement])), PolicyType::Identity);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

#[test]
fn remarks_name_element_and_remedy_in_both_languages() {
    let remark = one(with(allow("", "*"), json!({"Sid": "Read", "Action": ["s3:ListBucket", "s3:GetObjects"]})));
    assert_eq!((remark.at.as_str(), remark.statement.as_deref()), ("Statement[1].Action[1]", Some("Read")));
    assert_eq!(remark.text.en, "AWS is not known to have an action `s3:GetObjects`: did you mean `s3:GetObject`?");
    let ja = "アクション `s3:GetObjects` は AWS のカタログにありません。`s3:GetObject` の誤りではありませんか";
    assert_eq!(remark.text.ja, ja);
    let remark = one(get(json!({"StringEquals": {"aws:PrincipalOrgIDs": "o-a"}})));
    assert_eq!(remark.at, "Statement[1].Condition.StringEquals.aws:PrincipalOrgIDs");
    assert!(remark.text.en.ends_with("did you mean `aws:PrincipalOrgID`?"), "{}", remark.text.en);
    let remark = one(get(json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "home"]}})));
    assert_eq!(remark.at, "Statement[1].Condition.IpAddress.aws:SourceIp[1]");
    for (code, kind, bad, _) in table() {
        for remark in lint(&document(bad), kind) {
            assert!(!remark.text.en.is_empty() && !remark.text.ja.is_empty(), "{code}");
            assert!(!remark.text.en.ends_with('.') && !remark.text.ja.ends_with('。'), "{:?}", remark.text);
            let japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
            assert!(remark.text.ja.contains(japanese) && !remark.text.en.contains(japanese), "{:?}", remark.text);
        }
    }
}

#[test]
fn a_misspelt_deny_weighs_more_than_a_misspelt_allow() {
    let of = |statement: Value| one(statement).severity;
    assert_eq!(of(allow("s3:GetObjects", "*")), Severity::Medium);
    assert_eq!(of(deny("s3:GetObjects", "*")), Severity::High);
}

#[test]
fn every_statement_is_read_though_another_cannot_be() {
    let found = lint(
        &json!({"Version": "2012-10-17", "Stuff": 1, "Statement": [
            {"Effect": "allow", "Action": "s3:GetObject", "Resource": "*"},
            allow("s3:GetObjects", "*"),
            {"Effect": "Allow", "Action": ["s3:GetObject", 5], "Resource": "*"},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3"], "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringIs": {"a:b": "c"}}},
            {"Effect": "Allow", "Action": "s3:GetObject"},
            "text",
        ]}),
        PolicyType::Identity,
    );
    let places: Vec<(&str, &str)> = found.iter().map(|r| (r.code, r.at.as_str())).collect();
    let wanted = [
        ("unreadable", "Stuff"),
        ("unreadable", "Statement[0].Effect"),
        ("unknown-action", "Statement[1].Action"),
        ("unreadable", "Statement[2].Action[1]"),
        ("unreadable", "Statement[3].Action[1]"),
        ("unreadable", "Statement[4].Condition.StringIs"),
        ("unreadable", "Statement[5].Resource"),
        ("unreadable", "Statement[6]"),
    ];
    let (mut sorted, mut all) = (places.clone(), wanted);
    sorted.sort_by_key(|(_, at)| *at);
    all.sort_by_key(|(_, at)| *at);
    assert_eq!(sorted, all);
    assert_eq!(found[0].text.en, "`Stuff` of the policy is no element of a policy: correct its name or remove it");
    assert!(found.iter().any(|r| r.text.en == "`Statement[5].Resource` is missing: add it"));
    for odd in [json!(1), json!([]), json!({}), json!({"Statement": 1}), Value::Null] {
        assert_eq!(codes(&odd, PolicyType::Identity), ["unreadable"], "{odd}");
    }
}

const SOURCE: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },
    {
      "Effect": "Allow",
      "Action": [ "s3:ListBucket",
                  "s3:GetObjects" ],
      "Resource": "*",
      "Condition": { "StringEquals": { "aws:PrincipalTag/日本.語": [ "a", "b" ] } }
    }
  ]
}"#;

#[test]
fn elements_have_lines_and_columns() {
    let table = [
        ("", (1, 1)),
        ("Version", (2, 3)),
        ("Statement[0]", (4, 5)),
        ("Statement[0].Action", (4, 26)),
        ("Statement[1].Action[0]", (7, 19)),
        ("Statement[1].Action[1]", (8, 19)),
        ("Statement[1].Condition.StringEquals.aws:PrincipalTag/日本.語[1]", (10, 72)),
        // What isn't there is shown where it would be.
        ("Statement[1].NotAction", (5, 5)),
        ("Statement[7]", (3, 3)),
        ("Nothing.At[3].All", (1, 1)),
    ];
    for (at, wanted) in table {
        assert_eq!(line_of(SOURCE, at), Some(wanted), "{at}");
    }
    let found = lint_text(SOURCE, PolicyType::Identity);
    let placed: Vec<_> = found.iter().map(|r| (r.code, r.place)).collect();
    assert_eq!(placed, [("unknown-action", Some((8, 19)))]);
}

#[test]
fn text_that_is_no_json_says_where() {
    let found = lint_text("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [,]\n}", PolicyType::Identity);
    assert_eq!((found.len(), found[0].code, found[0].place), (1, "not-json", Some((3, 17))));
    assert_eq!(found[0].text.en, "This is no JSON: expected value: correct it");
    for bad in ["", "{", "\"", "{\"a\"", "{\"a\":", "[1,", "{\"a\":\"\\", "]", "{]", "nul", "{\"Statement\": [{}"] {
        assert_eq!(lint_text(bad, PolicyType::Identity)[0].code, "not-json", "{bad}");
        for at in ["", "a", "[0]", "Statement[0].x", "[", "x[y]"] {
            let _ = line_of(bad, at);
        }
    }
}

#[test]
fn keys_that_stand_twice_are_told() {
    let twice = SOURCE.replace("\"Resource\": \"*\",\n", "\"Resource\": \"*\",\n      \"Action\": \"s3:PutObject\",\n");
    let found = lint_text(&twice, PolicyType::Identity);
    let double: Vec<_> = found.iter().filter(|r| r.code == "duplicate-key").collect();
    assert_eq!(double.len(), 1, "{found:#?}");
    assert_eq!((double[0].at.as_str(), double[0].place), ("Statement[1].Action", Some((10, 7))));
    assert!(double[0].text.en.contains("line 7"), "{}", double[0].text.en);
    assert!(!lint_text(SOURCE, PolicyType::Identity).iter().any(|r| r.code == "duplicate-key"));
}

#[test]
fn the_kind_of_a_document_is_told_by_its_look() {
    let of = |statement: Value| PolicyType::guess(&document(json!([statement])));
    assert_eq!(of(allow("*", "*")), PolicyType::Identity);
    assert_eq!(of(public(json!({}))), PolicyType::Resource);
    assert_eq!(of(github("repo:acme/app:*")), PolicyType::Trust);
    assert_eq!(PolicyType::guess(&json!(3)), PolicyType::Identity);
    for kind in PolicyType::ALL {
        assert_eq!(PolicyType::parse(kind.as_str()), Some(kind));
    }
}
