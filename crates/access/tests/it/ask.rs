//! Short ways to write cases, and to ask what they get.

use serde_json::{Value, json};
use yagura_access::{Answer, Case, Guard};
use yagura_model::Resource;

pub const HERE: &str = "111122223333";
pub const THERE: &str = "444455556666";
pub const USER: &str = "arn:aws:iam::111122223333:user/Alice";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/R";
pub const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";
pub const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/Alice";
pub const ROOT: &str = "arn:aws:iam::111122223333:root";

pub fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

pub fn named(statements: Value) -> Value {
    json!([{"name": "p", "policy": policy(statements)}])
}

pub fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

pub fn deny(action: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": "*"})
}

/// Alice gets an object of the account, unless `parts` say otherwise.
pub fn case(parts: Value) -> Value {
    let mut case = json!({
        "principal": USER, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resourceAccount": HERE,
    });
    for (key, value) in parts.as_object().expect("parts") {
        case[key] = value.clone();
    }
    case
}

pub fn answer(case: &Value) -> Answer {
    Case::read(case).and_then(|case| case.judge()).unwrap_or_else(|e| panic!("{e}: {case:#}"))
}

pub fn outcome(case: &Value) -> &'static str {
    answer(case).outcome.as_str()
}

/// What the case gets, as `OUTCOME LAYER STATEMENT`.
pub fn line(parts: Value) -> String {
    let answer = answer(&case(parts));
    format!("{} {} {}", answer.outcome.as_str(), answer.layer.as_str(), answer.statement.as_deref().unwrap_or("-"))
}

pub fn error(parts: Value) -> String {
    match Case::read(&case(parts)).and_then(|case| case.judge()) {
        Ok(answer) => panic!("{answer:?}"),
        Err(e) => e.to_string(),
    }
}

/// What guards roles and functions, by the property that holds it.
pub fn guard_of(resource: &Resource) -> Option<Guard> {
    let property = match &*resource.kind {
        "AWS::IAM::Role" => "AssumeRolePolicyDocument",
        "AWS::Lambda::Function" | "AWS::KMS::Key" => "PolicyDocument",
        _ => return None,
    };
    let policy = &resource.properties[property];
    let policies = if policy.is_null() { Vec::new() } else { vec![("policy".to_owned(), policy.clone())] };
    Some(Guard { arn: resource.arn.clone()?, policies })
}
