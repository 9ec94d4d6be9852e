//! Documents that are made to take for ever, or to be told no end of.

use super::ways::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yagura_access::lint::{PolicyType, lint_text};

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
