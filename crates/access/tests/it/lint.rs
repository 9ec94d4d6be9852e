//! Each remark where it belongs, and none a step aside.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yagura_access::lint::{CODES, PolicyType, Remark, line_of, lint, lint_text};
use yagura_model::Severity;

pub fn codes(document: &Value, kind: PolicyType) -> Vec<&'static str> {
    lint(document, kind).iter().map(|r| r.code).collect()
}

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn deny(action: &str, resource: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": resource})
}

/// A statement with some elements replaced, or taken away where they are null.
fn with(mut statement: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("elements") {
        statement[key] = value.clone();
    }
    statement.as_object_mut().expect("a statement").retain(|_, v| !v.is_null());
    statement
}

fn get(condition: Value) -> Value {
    with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Condition": condition}))
}

fn public(condition: Value) -> Value {
    with(get(condition), json!({"Principal": "*"}))
}

fn oidc(condition: Value) -> Value {
    json!({
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    })
}

fn github(sub: &str) -> Value {
    let host = "token.actions.githubusercontent.com";
    oidc(json!({
        "StringEquals": {format!("{host}:aud"): "sts.amazonaws.com"},
        "StringLike": {format!("{host}:sub"): sub},
    }))
}

/// For each code a document that gets it, and one much like it that doesn't.
fn table() -> Vec<(&'static str, PolicyType, Value, Value)> {
    use PolicyType::{Endpoint, Identity, Resource, ResourceControl, ServiceControl, Trust};
    let many = |n: usize| -> Value { (0..n).map(|i| format!("arn:aws:s3:::bucket-number-{i:05}/*")).collect() };
    let aws = |name: &str| json!({"AWS": name});
    let trust = |action: &str| json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": action});
    vec![
        (
            "action-resource-mismatch",
            Identity,
            json!([allow("s3:ListBucket", "arn:aws:s3:::b/*")]),
            json!([allow("s3:ListBucket", "arn:aws:s3:::b*")]),
        ),
        (
            "allow-everything",
            Identity,
            json!([allow("*", "*")]),
            json!([with(allow("*", "*"), json!({"Effect": "Deny"}))]),
        ),
        (
            "allow-everything",
            Identity,
            json!([allow("*:*", "*")]),
            json!([with(allow("*", "*"), json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}))]),
        ),
        (
            "allow-not-action",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Action": null, "NotAction": "iam:*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Action": null, "NotAction": "iam:*"}))]),
        ),
        (
            "allow-not-principal",
            Resource,
            json!([with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
        ),
        (
            "allow-not-resource",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": null, "NotResource": "arn:aws:s3:::b/*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Resource": null, "NotResource": "arn:aws:s3:::b/*"}))]),
        ),
        (
            "allow-service",
            Identity,
            json!([allow("s3:*", "*")]),
            json!([with(allow("s3:*", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}, "StringLike": {"aws:PrincipalOrgID": "o-b*"}})
            )]),
            json!([get(
                json!({"StringEquals": {"aws:PrincipalOrgID": ["o-a", "o-b"]}, "StringLike": {"aws:PrincipalOrgID": "o-b*"}})
            )]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringEquals": {"aws:SourceVpce": "vpce-1"}})
            )]),
            json!([get(
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-1"}})
            )]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"DateGreaterThan": {"aws:CurrentTime": "2026-02-01"}, "DateLessThan": {"aws:CurrentTime": "2026-01-01"}})
            )]),
            json!([get(
                json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}, "DateLessThan": {"aws:CurrentTime": "2026-02-01"}})
            )]),
        ),
        (
            "deny-not-principal",
            Resource,
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Principal": aws("111122223333")}))]),
        ),
        (
            "duplicate-sid",
            Identity,
            json!([
                with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Sid": "A"})),
                with(allow("s3:ListBucket", "arn:aws:s3:::b"), json!({"Sid": "A"}))
            ]),
            json!([
                with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Sid": "A"})),
                with(allow("s3:ListBucket", "arn:aws:s3:::b"), json!({"Sid": "a"}))
            ]),
        ),
        (
            "empty-list",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": []}))]),
            json!([allow("s3:GetObject", "*")]),
        ),
        ("empty-list", Identity, json!([]), json!([allow("s3:GetObject", "*")])),
        (
            "for-all-values-allows-absent",
            Identity,
            json!([with(
                allow("dynamodb:Query", "*"),
                json!({"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}}})
            )]),
            json!([with(
                allow("dynamodb:Query", "*"),
                json!({"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}, "Null": {"dynamodb:LeadingKeys": "false"}}})
            )]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}}))]),
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/32"}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"DateLessThan": {"aws:CurrentTime": "31.12.2026"}}))]),
            json!([get(json!({"DateLessThan": {"aws:CurrentTime": "2026-12-31"}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"Bool": {"aws:SecureTransport": "yes"}}))]),
            json!([get(json!({"Bool": {"aws:SecureTransport": true}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"ArnLike": {"aws:PrincipalArn": "role/x"}}))]),
            json!([get(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}))]),
        ),
        (
            "invalid-resource",
            Identity,
            json!([allow("s3:GetObject", "my-bucket/*")]),
            json!([allow("s3:GetObject", "arn:aws:s3:::my-bucket/*")]),
        ),
        (
            "invalid-sid",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Sid": "Read objects"}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Sid": "ReadObjects"}))]),
        ),
        (
            "key-never-set",
            Identity,
            json!([get(json!({"StringLike": {"s3:prefix": "home/*"}}))]),
            json!([with(
                allow("s3:ListBucket", "arn:aws:s3:::b"),
                json!({"Condition": {"StringLike": {"s3:prefix": "home/*"}}})
            )]),
        ),
        ("matches-no-action", Identity, json!([allow("s3:Got*", "*")]), json!([allow("s3:Get*", "*")])),
        (
            "no-principal",
            Resource,
            json!([allow("s3:GetObject", "arn:aws:s3:::b/*")]),
            json!([with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Principal": aws("111122223333")}))]),
        ),
        ("not-a-trust-action", Trust, json!([trust("s3:GetObject")]), json!([trust("sts:AssumeRole")])),
        (
            "oidc-no-subject",
            Trust,
            json!([oidc(json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}))]),
            json!([github("repo:acme/app:*")]),
        ),
        (
            "oidc-no-subject",
            Trust,
            json!([oidc(
                json!({"StringLikeIfExists": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}})
            )]),
            json!([github("repo:acme/*")]),
        ),
        (
            "oidc-no-audience",
            Trust,
            json!([oidc(json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}}))]),
            json!([github("repo:acme/app:*")]),
        ),
        ("oidc-wide-subject", Trust, json!([github("repo:*")]), json!([github("repo:acme/*")])),
        ("oidc-wide-subject", Trust, json!([github("repo:acme*")]), json!([github("repo:acme/app-*:*")])),
        ("oidc-wide-subject", Trust, json!([github("*")]), json!([github("repo:acme/app:ref:refs/heads/main")])),
        (
            "operator-type",
            Identity,
            json!([get(json!({"StringEquals": {"aws:SourceIp": "203.0.113.0/24"}}))]),
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))]),
        ),
        (
            "operator-type",
            Identity,
            json!([get(json!({"NumericLessThan": {"aws:MultiFactorAuthPresent": "3600"}}))]),
            json!([get(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}))]),
        ),
        (
            "pass-role-anywhere",
            Identity,
            json!([allow("iam:PassRole", "*")]),
            json!([with(
                allow("iam:PassRole", "*"),
                json!({"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}})
            )]),
        ),
        (
            "pass-role-anywhere",
            Identity,
            json!([allow("iam:Pass*", "arn:aws:iam::111122223333:role/*")]),
            json!([allow("iam:Pass*", "arn:aws:iam::111122223333:role/app/*")]),
        ),
        (
            "private-source-ip",
            Identity,
            json!([get(json!({"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}))]),
            json!([get(json!({"IpAddress": {"aws:VpcSourceIp": "10.1.0.0/16"}}))]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"Bool": {"aws:SecureTransport": "true"}}))]),
            json!([public(json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}}))]),
        ),
        (
            "public",
            Resource,
            json!([with(public(json!({})), json!({"Principal": {"AWS": ["*"]}}))]),
            json!([with(public(json!({})), json!({"Effect": "Deny"}))]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}))]),
            json!([public(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}))]),
            json!([public(json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/r-b/*"}}))]),
        ),
        (
            "rcp-allow",
            ResourceControl,
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": "*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Principal": "*"}))]),
        ),
        (
            "redundant-action",
            Identity,
            json!([with(allow("", "*"), json!({"Action": ["s3:Get*", "s3:GetObject"]}))]),
            json!([with(allow("", "*"), json!({"Action": ["s3:Get*", "s3:PutObject"]}))]),
        ),
        (
            "redundant-resource",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b/x"]}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::c/x"]}))]),
        ),
        (
            "redundant-statement",
            Identity,
            json!([allow("s3:Get*", "arn:aws:s3:::b/*"), allow("s3:GetObject", "arn:aws:s3:::b/x/*")]),
            json!([allow("s3:Get*", "arn:aws:s3:::b/*"), allow("s3:GetObject", "arn:aws:s3:::c/x/*")]),
        ),
        (
            "redundant-statement",
            Identity,
            json!([
                get(json!({"Bool": {"aws:SecureTransport": "true"}})),
                get(json!({"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
            ]),
            json!([
                get(json!({"Bool": {"aws:SecureTransport": "true"}})),
                get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
            ]),
        ),
        (
            "resource-in-trust",
            Trust,
            json!([with(trust("sts:AssumeRole"), json!({"Resource": "*"}))]),
            json!([trust("sts:AssumeRole")]),
        ),
        (
            "resource-without-action",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
            json!([with(allow("s3:Get*", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
        ),
        (
            "resourceless-action",
            Identity,
            json!([allow("s3:ListAllMyBuckets", "arn:aws:s3:::b")]),
            json!([allow("s3:ListAllMyBuckets", "*")]),
        ),
        ("service-wildcard", Identity, json!([allow("s*:Get*", "*")]), json!([allow("s3:Get*", "*")])),
        (
            "single-operator-on-many",
            Identity,
            json!([with(
                allow("ec2:CreateTags", "*"),
                json!({"Condition": {"StringEquals": {"aws:TagKeys": "team"}}})
            )]),
            json!([with(
                allow("ec2:CreateTags", "*"),
                json!({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}})
            )]),
        ),
        (
            "too-long",
            Identity,
            json!([with(allow("s3:GetObject", ""), json!({"Resource": many(250)}))]),
            json!([with(allow("s3:GetObject", ""), json!({"Resource": many(120)}))]),
        ),
        (
            "too-long",
            ServiceControl,
            json!([with(deny("s3:GetObject", ""), json!({"Resource": many(300)}))]),
            json!([with(deny("s3:GetObject", ""), json!({"Resource": many(250)}))]),
        ),
        ("unknown-action", Identity, json!([allow("s3:GetObjects", "*")]), json!([allow("S3:getobject", "*")])),
        (
            "unknown-condition-key",
            Identity,
            json!([get(json!({"StringEquals": {"aws:PrincipalOrgId1": "o-a"}}))]),
            json!([get(json!({"StringEquals": {"aws:principalorgid": "o-a"}}))]),
        ),
        (
            "unknown-condition-key",
            Identity,
            json!([get(json!({"StringEquals": {"s3:ExistingObjectTags/team": "a"}}))]),
            json!([get(json!({"StringEquals": {"s3:ExistingObjectTag/team": "a"}}))]),
        ),
        (
            "unknown-service",
            Identity,
            json!([allow("lamda:InvokeFunction", "*")]),
            json!([allow("lambda:InvokeFunction", "*")]),
        ),
        (
            "unreachable-allow",
            Identity,
            json!([allow("s3:GetObject", "arn:aws:s3:::b/x/*"), deny("s3:*", "arn:aws:s3:::b/*")]),
            json!([allow("s3:GetObject", "arn:aws:s3:::c/x/*"), deny("s3:*", "arn:aws:s3:::b/*")]),
        ),
        (
            "unreachable-allow",
            Identity,
            json!([allow("s3:GetObject", "*"), with(deny("", "*"), json!({"Action": null, "NotAction": ["ec2:*"]}))]),
            json!([allow("s3:GetObject", "*"), with(deny("", "*"), json!({"Action": null, "NotAction": ["s3:Get*"]}))]),
        ),
        (
            "unreadable",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Acton": "x"}))]),
            json!([allow("s3:GetObject", "*")]),
        ),
        (
            "wildcard-in-principal",
            Resource,
            json!([with(
                allow("s3:GetObject", "arn:aws:s3:::b/*"),
                json!({"Principal": aws("arn:aws:iam::111122223333:role/*")})
            )]),
            json!([with(
                allow("s3:GetObject", "arn:aws:s3:::b/*"),
                json!({"Principal": aws("arn:aws:iam::111122223333:role/x")})
            )]),
        ),
        (
            "wildcard-without-like",
            Identity,
            json!([get(json!({"StringEquals": {"aws:PrincipalTag/team": "a*"}}))]),
            json!([get(json!({"StringLike": {"aws:PrincipalTag/team": "a*"}}))]),
        ),
        (
            "wrong-account-id",
            Identity,
            json!([allow("sns:Publish", "arn:aws:sns:us-east-1:11112222333:t")]),
            json!([allow("sns:Publish", "arn:aws:sns:us-east-1:*:t")]),
        ),
        (
            "wrong-partition",
            Identity,
            json!([allow("s3:GetObject", "arn:was:s3:::b/*")]),
            json!([allow("s3:GetObject", "arn:aws-cn:s3:::b/*")]),
        ),
        (
            "public",
            Trust,
            json!([with(trust("sts:AssumeRole"), json!({"Principal": "*"}))]),
            json!([trust("sts:AssumeRole")]),
        ),
        (
            "public",
            Resource,
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": "*"}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": aws("111122223333")}))]),
        ),
        (
            "redundant-action",
            Endpoint,
            json!([with(allow("", "*"), json!({"Principal": "*", "Action": ["s3:*", "*"]}))]),
            json!([with(allow("*", "*"), json!({"Principal": "*"}))]),
        ),
    ]
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

#[test]
fn no_document_takes_long() {
    let stars = "*".repeat(1 << 20);
    let saw = "*a".repeat(1 << 19);
    let action = format!("s3:{saw}");
    let actions: Vec<String> = (0..40_000).map(|i| format!("s3:*a*b{i}*")).collect();
    let resources: Vec<String> = (0..40_000).map(|i| format!("arn:aws:s3:::*a*b{i}*")).collect();
    let statements: Value =
        (0..5_000).map(|i| allow(&format!("s3:Get*{i}*"), &format!("arn:aws:s3:::b{i}*/*"))).collect();
    let values: Vec<String> = (0..2_000).map(|i| format!("*a{i}*b*")).collect();
    let heavy: Value = (0..300)
        .map(|i| {
            let (a, b) = (format!("*{}{i}*", "ab".repeat(40)), format!("*{}{i}*", "abb".repeat(30)));
            get(json!({"StringLike": {"aws:PrincipalTag/x": a}, "StringNotLike": {"aws:PrincipalTag/x": b}}))
        })
        .collect();
    let documents = [
        json!([allow(&action, &saw)]),
        json!([allow("s3:GetObject", &stars), allow("s3:GetObject", &saw), deny("s3:*", &saw)]),
        json!([with(allow("", "*"), json!({"Action": actions}))]),
        json!([with(allow("s3:*", "*"), json!({"Resource": resources}))]),
        json!([with(allow("*", "*"), json!({"Resource": resources}))]),
        statements,
        json!([get(
            json!({"StringLike": {"aws:PrincipalTag/x": values}, "StringNotLike": {"aws:PrincipalTag/x": values}})
        )]),
        json!([get(json!({"StringLike": {saw.clone(): stars}, "StringEquals": {&saw: saw}}))]),
        heavy,
        json!([get(json!({
            "StringLike": {"aws:PrincipalTag/x": format!("*{}*", "ab".repeat(2400))},
            "StringNotLike": {"aws:PrincipalTag/x": format!("*{}*", "abb".repeat(1600))},
        }))]),
        json!([get(
            json!({"StringLike": {"aws:PrincipalTag/x": values[..50]}, "StringNotLike": {"aws:PrincipalTag/x": "c"}})
        )]),
        json!([with(
            allow("*", "*"),
            json!({"Condition": {"StringEquals": (0..20_000).map(|i| (format!("nosuch:key{i}"), json!("x"))).collect::<serde_json::Map<_, _>>()}})
        )]),
    ];
    for (i, statements) in documents.into_iter().enumerate() {
        let text = document(statements).to_string();
        let start = Instant::now();
        let found = lint_text(&text, PolicyType::Identity);
        assert!(start.elapsed() < Duration::from_secs(10), "document {i} took {:?}", start.elapsed());
        assert!(found.len() <= 1200, "document {i}: {}", found.len());
    }
}

#[test]
fn what_is_too_much_is_said_to_be() {
    let actions: Vec<String> = (0..8_000).map(|i| format!("s3:*a*b{i}*")).collect();
    let found = codes(&document(json!([with(allow("", "*"), json!({"Action": actions}))])), PolicyType::Identity);
    assert!(found.contains(&"more-remarks"), "{}", found.len());
    let resources: Vec<String> = (0..8_000).map(|i| format!("arn:aws:s3:::b{i}/*")).collect();
    let found = codes(
        &document(json!([with(allow("s3:GetObject", ""), json!({"Resource": resources}))])),
        PolicyType::Identity,
    );
    assert!(found.contains(&"not-compared"), "{found:?}");
    let few = document(json!([allow("s3:GetObject", "*")]));
    assert!(codes(&few, PolicyType::Identity).is_empty());
}
