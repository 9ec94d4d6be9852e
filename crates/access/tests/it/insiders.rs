//! Who inside reaches a critical resource, and when the answer can't be complete.

use serde_json::{Value, json};
use yagura_access::{Critical, DataAccess, Estate, Guard, Inside, Trust};
use yagura_model::Resource;

const ACCOUNT: &str = "111122223333";
const BUCKET: &str = "arn:aws:s3:::payroll";

fn resource(kind: &str, arn: &str, properties: Value, observed: Value) -> Resource {
    let id = arn.rsplit([':', '/']).next().unwrap_or(arn);
    serde_json::from_value(json!({
        "type": kind, "id": id, "arn": arn, "account": ACCOUNT, "region": "us-east-1",
        "properties": properties, "observed": observed,
    }))
    .expect("a resource")
}

fn role(name: &str, statement: Value) -> Resource {
    let properties =
        json!({"ManagedPolicyArns": [], "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": statement}}]});
    resource("AWS::IAM::Role", &format!("arn:aws:iam::{ACCOUNT}:role/{name}"), properties, Value::Null)
}

fn nothing() -> Value {
    json!({"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"})
}

/// Who reaches the bucket with this policy beside these roles, in an account that is in no organization.
fn inside(policy: Value, roles: Vec<Resource>, trust: &Trust) -> Inside {
    let mut resources = roles;
    let policy = if policy.is_null() { Value::Null } else { json!({"Statement": policy}) };
    resources.push(resource("AWS::S3::Bucket", BUCKET, json!({"PolicyDocument": policy}), Value::Null));
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    resources.push(resource(
        "AWS::::Account",
        &root,
        json!({}),
        json!({"Organization": null, "S3PublicAccessBlock": null}),
    ));
    let estate = Estate::of(&resources, |resource| {
        let document = &resource.properties["PolicyDocument"];
        let policies = (!document.is_null()).then(|| ("policy".to_owned(), document.clone()));
        (resource.kind == "AWS::S3::Bucket")
            .then(|| Guard { arn: BUCKET.to_owned(), policies: policies.into_iter().collect() })
    });
    let data = [DataAccess { resource: format!("{BUCKET}/*"), actions: vec!["s3:GetObject".to_owned()] }];
    estate.inside(BUCKET, &data, trust, "2026-11-26")
}

fn names(inside: &Inside) -> Vec<(&str, bool)> {
    let short = |arn: &str| arn.rsplit(':').next().map_or(0, |last| arn.len() - last.len());
    inside.insiders.iter().map(|insider| (&insider.principal[short(&insider.principal)..], insider.is_open())).collect()
}

fn critical(allowed: &[&str]) -> Trust {
    let allowed = allowed.iter().map(|text| (*text).to_owned()).collect();
    Trust { critical: vec![Critical { resource: BUCKET.to_owned(), allowed }], ..Trust::default() }
}

#[test]
fn whoever_reaches_an_object_is_told_unless_they_are_expected_or_denied() {
    let reads = |resource: &str| json!({"Sid": "R", "Effect": "Allow", "Action": "s3:Get*", "Resource": resource});
    let roles = || {
        vec![
            role("app", reads("arn:aws:s3:::payroll/app/*")),
            role("other", reads("arn:aws:s3:::reports/*")),
            role("wide", reads("*")),
        ]
    };
    let trust = critical(&["*:role/app"]);
    assert_eq!(names(&inside(Value::Null, roles(), &trust)), [("role/app", false), ("role/wide", true)]);
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::payroll/*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}});
    assert_eq!(names(&inside(deny, roles(), &trust)), [("role/app", false)]);
    // A condition is told with the statement that allows, not with the one that denies.
    let office = json!({"Sid": "Office", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::payroll/*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}});
    let found = inside(office, roles(), &trust);
    let wide = &found.insiders[1].reached[0];
    assert_eq!((wide.statement.as_deref(), &wide.conditions[..]), (Some("p/R"), &["aws:SourceIp".to_owned()][..]));
}

#[test]
fn a_session_that_the_policy_names_counts_beside_its_role() {
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/web/s1");
    let policy = json!({"Effect": "Allow", "Principal": {"AWS": session}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payroll/*"});
    let roles = || vec![role("web", nothing())];
    assert_eq!(names(&inside(policy.clone(), roles(), &critical(&[]))), [("assumed-role/web/s1", true)]);
    assert_eq!(names(&inside(policy, roles(), &critical(&["*:role/web"]))), [("assumed-role/web/s1", false)]);
}

#[test]
fn principals_that_were_not_read_make_the_answer_incomplete() {
    assert_eq!(inside(Value::Null, Vec::new(), &critical(&[])).unread, [format!("principals of {ACCOUNT}")]);
    let other = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:*", "Resource": "arn:aws:s3:::payroll/*"});
    let trust = Trust { accounts: vec!["444455556666".to_owned()], ..critical(&[]) };
    let roles = || vec![role("app", nothing())];
    assert_eq!(inside(other.clone(), roles(), &trust).unread, ["principals of 444455556666"]);
    // Who is outside is another question.
    assert!(inside(other, roles(), &critical(&[])).unread.is_empty());
}

#[test]
fn what_can_not_be_decided_of_one_hides_nobody_else() {
    let keys: Vec<String> = (0..30).map(|i| format!("*a{i}*b*")).collect();
    let clause = |n: usize| (format!("aws:RequestTag/k{n}"), json!(keys));
    let condition: serde_json::Map<String, Value> = (0..4).map(clause).collect();
    let hard = json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Condition": {"StringLike": condition}});
    let wide = json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"});
    let found = inside(Value::Null, vec![role("hard", hard), role("wide", wide)], &critical(&[]));
    assert!(names(&found).contains(&("role/wide", true)), "{found:?}");
    let told =
        found.unread.iter().any(|name| name.contains("role/hard")) || names(&found).contains(&("role/hard", true));
    assert!(told, "{found:?}");
}
