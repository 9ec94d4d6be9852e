//! What nobody used, and what isn't known.

use super::{ACCOUNT, ALICE, record};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use yagura_access::usage::{Call, Unused, UnusedService, Used, What, Window, unused, used_by};
use yagura_model::{Resource, Severity, unknown};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// Since when the account is logged.
static SINCE: LazyLock<BTreeMap<String, DateTime<Utc>>> =
    LazyLock::new(|| BTreeMap::from([(ACCOUNT.to_owned(), at("2026-01-01T00:00:00Z"))]));

fn window() -> Window<'static> {
    Window { now: at("2026-06-01T00:00:00Z"), since: &SINCE, days: 90 }
}

fn arn(what: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{what}")
}

fn principal(what: &str, policy: Value, observed: Value) -> Resource {
    let kind = if what.starts_with("user/") { "AWS::IAM::User" } else { "AWS::IAM::Role" };
    let policies = if policy.is_null() { json!([]) } else { json!([{"PolicyName": "p", "PolicyDocument": policy}]) };
    serde_json::from_value(json!({
        "type": kind, "id": what, "arn": arn(what), "account": ACCOUNT, "region": "us-east-1",
        "properties": {"Policies": policies, "ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": null},
        "observed": observed,
    }))
    .expect("a resource")
}

fn allow(actions: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})
}

fn used(what: &str, actions: &[(&str, &str)]) -> Used {
    BTreeMap::from([(arn(what), actions.iter().map(|(a, t)| ((*a).to_owned(), (*t).to_owned())).collect())])
}

const OLD: &str = "2025-06-01T00:00:00Z";
const RECENT: &str = "2026-05-20T00:00:00Z";

fn kinds(found: &[Unused]) -> Vec<String> {
    let kind = |found: &Unused| match &found.what {
        What::Role => "role".to_owned(),
        What::Password => "password".to_owned(),
        What::AccessKey(id) => format!("key {id}"),
        What::Permissions(_) => "permissions".to_owned(),
        What::Unknown(what) => format!("unknown {what}"),
    };
    found.iter().map(kind).collect()
}

#[test]
fn roles_by_their_last_use() {
    let role =
        |last: Value, made: &str| principal("role/r", Value::Null, json!({"LastUsedDate": last, "CreateDate": made}));
    let nothing = Used::new();
    let told = |role: Resource| kinds(&unused(&[role], &nothing, &window()));
    assert_eq!(told(role(json!(OLD), OLD)), ["role"]);
    assert_eq!(told(role(json!(RECENT), OLD)), [""; 0]);
    assert_eq!(told(role(Value::Null, OLD)), ["role"]);
    assert_eq!(told(role(Value::Null, RECENT)), [""; 0]);
    assert_eq!(told(role(unknown("not recorded by AWS Config"), OLD)), ["unknown observed.LastUsedDate"]);
    assert_eq!(told(role(json!("yesterday"), OLD)), ["unknown observed.LastUsedDate"]);
    // The logs know of a use that AWS doesn't tell yet.
    let seen = used("role/r", &[("s3:ListAllMyBuckets", RECENT)]);
    assert!(unused(&[role(Value::Null, OLD)], &seen, &window()).is_empty());
    // Of longer than AWS remembers nothing is said.
    let long = Window { days: 500, ..window() };
    assert_eq!(
        kinds(&unused(&[role(Value::Null, "2020-01-01T00:00:00Z")], &nothing, &long)),
        ["unknown observed.LastUsedDate"]
    );
    let linked =
        principal("role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", Value::Null, json!({"CreateDate": OLD}));
    assert!(unused(&[linked], &nothing, &window()).is_empty());
    let found = unused(&[role(json!(OLD), OLD)], &nothing, &window());
    assert_eq!((found[0].severity, found[0].last.as_deref()), (Severity::Low, Some(OLD)));
    assert!(found[0].reason.en.contains("2025-06-01") && found[0].reason.ja.contains("90 日"));
}

#[test]
fn credentials_of_users() {
    let observed = json!({
        "CreateDate": OLD, "PasswordEnabled": true, "PasswordLastUsed": null, "PasswordLastChanged": OLD,
        "AccessKeys": [
            {"Id": "OLD", "Active": true, "CreateDate": OLD, "LastUsedDate": OLD},
            {"Id": "NEVER", "Active": true, "CreateDate": OLD, "LastUsedDate": null},
            {"Id": "YOUNG", "Active": true, "CreateDate": RECENT, "LastUsedDate": null},
            {"Id": "USED", "Active": true, "CreateDate": OLD, "LastUsedDate": RECENT},
            {"Id": "OFF", "Active": false, "CreateDate": OLD, "LastUsedDate": null},
            {"Id": "DARK", "Active": true, "CreateDate": OLD, "LastUsedDate": unknown("iam:GetAccessKeyLastUsed")},
        ],
    });
    let user = principal("user/u", Value::Null, observed);
    let found = unused(&[user], &Used::new(), &window());
    assert_eq!(kinds(&found), ["password", "key OLD", "key NEVER", "unknown observed.AccessKeys.LastUsedDate"]);
    assert_eq!(found[0].severity, Severity::Medium);
    let dark = json!({"CreateDate": OLD, "PasswordEnabled": unknown("x"), "AccessKeys": unknown("iam:ListAccessKeys")});
    let found = unused(&[principal("user/u", Value::Null, dark)], &Used::new(), &window());
    assert_eq!(kinds(&found), ["unknown observed.PasswordEnabled", "unknown observed.AccessKeys"]);
    let fresh = json!({"CreateDate": OLD, "PasswordEnabled": true, "PasswordLastChanged": RECENT, "AccessKeys": []});
    assert!(unused(&[principal("user/u", Value::Null, fresh)], &Used::new(), &window()).is_empty());
}

fn services(found: &[Unused]) -> Vec<UnusedService> {
    let of = |found: &Unused| match &found.what {
        What::Permissions(services) => Some(services.clone()),
        _ => None,
    };
    found.iter().find_map(of).unwrap_or_default()
}

fn role(policy: Value) -> Resource {
    principal("role/r", policy, json!({"LastUsedDate": RECENT, "CreateDate": OLD}))
}

#[test]
fn permissions_by_service_and_action() {
    let policy = allow(json!([
        "sqs:ListQueues",
        "sqs:CreateQueue",
        "sqs:DeleteQueue",
        "kms:*",
        "s3:GetObject",
        "s3:CreateBucket"
    ]));
    let seen = used("role/r", &[("sqs:CreateQueue", RECENT), ("sqs:DeleteQueue", OLD)]);
    let found = services(&unused(&[role(policy.clone())], &seen, &window()));
    let names: Vec<(&str, bool)> = found.iter().map(|s| (s.service.as_str(), s.whole)).collect();
    // Whether objects were read, no trail tells that doesn't log data events.
    assert_eq!(names, [("kms", true), ("s3", false), ("sqs", false)]);
    assert!(found[0].actions.is_empty() && found[0].last.is_none());
    assert_eq!(
        (&found[1].actions, &found[1].untold),
        (&vec!["CreateBucket".to_owned()], &vec!["GetObject".to_owned()])
    );
    assert_eq!(found[2].actions, ["DeleteQueue", "ListQueues"]);
    assert_eq!(found[2].last.as_deref(), Some(RECENT));
    // Somebody's data events are there.
    let mut seen = seen;
    seen.insert(arn("user/other"), BTreeMap::from([("s3:PutObject".to_owned(), RECENT.to_owned())]));
    let found = services(&unused(&[role(policy)], &seen, &window()));
    assert_eq!((found[1].whole, found[1].actions.len(), found[1].untold.len()), (true, 0, 0));
    // What leaves no event is never called unused.
    assert!(
        services(&unused(&[role(allow(json!(["iam:PassRole", "logs:PutLogEvents"])))], &seen, &window())).is_empty()
    );
}

#[test]
fn denies_boundaries_and_what_is_not_read() {
    let seen = used("role/r", &[("sqs:ListQueues", RECENT)]);
    let denied = json!({"Statement": [
        {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"},
        {"Effect": "Deny", "NotAction": ["sqs:ListQueues", "sqs:CreateQueue"], "Resource": "*"},
        {"Effect": "Deny", "Action": "sqs:CreateQueue", "Resource": "arn:aws:sqs:*:*:prod"},
    ]});
    let found = services(&unused(&[role(denied)], &seen, &window()));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].actions, ["CreateQueue"]);
    let mut unread = role(allow(json!("sqs:*")));
    unread.properties["ManagedPolicyArns"] = json!(["arn:aws:iam::aws:policy/Something"]);
    let found = unused(&[unread], &seen, &window());
    assert_eq!(kinds(&found), ["unknown arn:aws:iam::aws:policy/Something", "permissions"]);
    // Logs that are shorter than the window say nothing.
    let late = BTreeMap::from([(ACCOUNT.to_owned(), at("2026-05-01T00:00:00Z"))]);
    // Nor do those of another account.
    let other = BTreeMap::from([("999999999999".to_owned(), at("2026-01-01T00:00:00Z"))]);
    for since in [&late, &other] {
        let short = Window { since, ..window() };
        assert_eq!(kinds(&unused(&[role(allow(json!("sqs:*")))], &seen, &short)), ["unknown CloudTrail"]);
    }
}

#[test]
fn no_inventory_is_too_strange() {
    let values = [json!(1), json!("x"), json!([]), json!({}), Value::Null, json!("9999-99-99T00:00:00Z"), json!([[1]])];
    for value in &values {
        for key in
            ["LastUsedDate", "CreateDate", "PasswordEnabled", "PasswordLastUsed", "PasswordLastChanged", "AccessKeys"]
        {
            for what in ["user/u", "role/r"] {
                let mut resource = principal(what, value.clone(), json!({"PasswordEnabled": true}));
                resource.observed[key] = value.clone();
                let seen = used(what, &[("", ""), ("x", "y"), ("a:b:c", OLD)]);
                _ = unused(&[resource], &seen, &Window { days: u32::MAX, ..window() });
            }
        }
        let mut resource = principal("role/r", Value::Null, Value::Null);
        resource.observed = value.clone();
        _ = unused(&[resource], &Used::new(), &window());
    }
}

#[test]
fn a_large_account_takes_seconds() {
    let all = allow(json!("*"));
    let roles: Vec<Resource> = (0..100)
        .map(|i| principal(&format!("role/r{i}"), all.clone(), json!({"LastUsedDate": RECENT, "CreateDate": OLD})))
        .collect();
    let seen = used("role/r1", &[("ec2:RunInstances", RECENT)]);
    let began = std::time::Instant::now();
    let found = unused(&roles, &seen, &window());
    assert_eq!(found.len(), 100);
    assert!(services(&found[1..2]).iter().any(|s| s.service == "ec2" && !s.whole && s.actions.len() > 500));
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn the_last_use_of_each_action_counts() {
    let mut calls = Vec::new();
    for (time, error) in [(OLD, ""), (RECENT, ""), ("2026-05-30T00:00:00Z", "AccessDenied")] {
        let mut record = record("s3", "ListBuckets", json!({}));
        record["eventTime"] = json!(time);
        record["errorCode"] = json!(error);
        calls.extend(Call::of(&record).expect("a call"));
    }
    let used = used_by(&calls);
    assert_eq!(
        used,
        BTreeMap::from([(ALICE.to_owned(), BTreeMap::from([("s3:ListAllMyBuckets".to_owned(), RECENT.to_owned())]))])
    );
}
