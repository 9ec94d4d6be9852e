//! Short ways to write policies.

use serde_json::{Value, json};
use yagura_access::lint::{PolicyType, lint};

/// A code, and for a type of policy a document that gets it and one much like it that doesn't.
pub type Pair = (&'static str, PolicyType, Value, Value);

pub fn codes(document: &Value, kind: PolicyType) -> Vec<&'static str> {
    lint(document, kind).iter().map(|r| r.code).collect()
}

pub fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

pub fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

pub fn deny(action: &str, resource: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": resource})
}

/// A statement with some elements replaced, or taken away where they are null.
pub fn with(mut statement: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("elements") {
        statement[key] = value.clone();
    }
    statement.as_object_mut().expect("a statement").retain(|_, v| !v.is_null());
    statement
}

pub fn get(condition: Value) -> Value {
    with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Condition": condition}))
}

pub fn public(condition: Value) -> Value {
    with(get(condition), json!({"Principal": "*"}))
}

pub fn oidc(condition: Value) -> Value {
    json!({
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    })
}

pub fn github(sub: &str) -> Value {
    let host = "token.actions.githubusercontent.com";
    oidc(json!({
        "StringEquals": {format!("{host}:aud"): "sts.amazonaws.com"},
        "StringLike": {format!("{host}:sub"): sub},
    }))
}

pub fn provider(host: &str, claim: &str, value: &str) -> Value {
    let name = if host.starts_with("cognito") {
        host.to_owned()
    } else {
        format!("arn:aws:iam::111122223333:oidc-provider/{host}")
    };
    let condition = json!({"StringLike": {format!("{host}:{claim}"): value}});
    with(oidc(condition), json!({"Principal": {"Federated": name}}))
}
