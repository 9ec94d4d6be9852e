//! Questions about policies that were made to take for ever.

use crate::ask::{HERE, policy};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use yagura_access::{Error, PolicyKind, Zone, diff, public};

/// Asks whether `new` is more than a policy beside it, and whether it is public; each has to end in time.
fn ask(statements: Value) -> [Result<bool, Error>; 2] {
    let start = Instant::now();
    let new = policy(statements);
    let mut old = new.clone();
    let first = &mut old["Statement"][0];
    first["Resource"] = json!(["arn:aws:s3:::other/*", "arn:aws:s3:::b/*x"]);
    let compared = diff(&old, &new, PolicyKind::Resource).map(|found| found.is_some());
    let zone = Zone { owner: HERE.to_owned(), ..Zone::default() };
    let opened = public(&new, &zone).map(|found| found.is_some());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    [compared, opened]
}

fn statement(effect: &str, parts: Value) -> Value {
    let mut statement = json!({"Effect": effect, "Principal": "*", "Action": "s3:*", "Resource": "*"});
    for (key, value) in parts.as_object().expect("parts") {
        statement[key] = value.clone();
    }
    if parts.get("NotResource").is_some() {
        statement.as_object_mut().expect("statement").remove("Resource");
    }
    statement
}

#[test]
fn a_megabyte_of_wildcards_is_refused() {
    for pattern in ["*", "?", "*a"].map(|p| p.repeat((1 << 20) / p.len())) {
        for parts in [
            json!({"Action": format!("s3:{pattern}")}),
            json!({"Resource": pattern}),
            json!({"Condition": {"StringLike": {"k:x": pattern}}}),
        ] {
            for answer in ask(json!([statement("Allow", parts.clone())])) {
                let error = answer.expect_err("refused");
                assert!(error.to_string().contains("AWS's limit is far below the 16384 that are read"), "{error}");
                assert!(error.text().ja.contains("読み取れるのは 16384 文字までです"), "{}", error.text().ja);
            }
        }
    }
    let many: Vec<String> = (0..20_000).map(|i| format!("arn:aws:s3:::b{i}")).collect();
    for answer in ask(json!([statement("Allow", json!({})), statement("Allow", json!({"Resource": many}))])) {
        let error = answer.expect_err("refused");
        assert!(error.to_string().contains("patterns: AWS's limits are far below the 10000"), "{error}");
        assert!(error.text().ja.contains("比較できるのは 10000 個までです"), "{}", error.text().ja);
    }
}

#[test]
fn tangled_patterns_end_in_time() {
    let saws: Vec<String> = (0..12).map(|i| format!("arn:aws:s3:::b/{}{i}*", "*a?".repeat(40 + i))).collect();
    let stars: Vec<String> = (0..12).map(|i| format!("*{i}{}", "?".repeat(30))).collect();
    for patterns in [&saws, &stars] {
        let all = json!([
            statement("Allow", json!({"Resource": patterns[..6]})),
            statement("Deny", json!({"Resource": patterns[6..]})),
            statement("Allow", json!({"NotResource": patterns[3..9]})),
        ]);
        ask(all).into_iter().for_each(understood);
        let condition = |i: usize| json!({"Condition": {"StringLike": {"k:x": patterns[i]}, "StringNotLike": {"aws:SourceArn": patterns[i]}}});
        let all: Vec<Value> =
            (0..12).map(|i| statement(if i % 3 == 0 { "Deny" } else { "Allow" }, condition(i))).collect();
        ask(json!(all)).into_iter().for_each(understood);
    }
    let actions: Vec<String> = (0..12).map(|i| format!("s3:*{}{i}*", "a?".repeat(20))).collect();
    let all: Vec<Value> = actions.iter().map(|a| statement("Allow", json!({"Action": a}))).collect();
    ask(json!(all)).into_iter().for_each(understood);
}

#[test]
fn hundreds_of_keys_end_in_time() {
    let deny = |i: usize| {
        statement(
            "Deny",
            json!({"Condition": {"StringEquals": {format!("k:{i}"): "a"}, "Bool": {format!("k:{}", i + 1): "true"}}}),
        )
    };
    let mut all = vec![statement("Allow", json!({}))];
    all.extend((0..300).map(deny));
    for answer in ask(json!(all)) {
        assert_eq!(answer, Ok(true));
    }
    // Which of many keys has to be which: a puzzle of three-way clauses.
    let puzzle = |i: usize| {
        let mut keys = Map::new();
        for j in [1, 7, 11] {
            keys.insert(
                format!("k:{}", (i * j + i / 40) % 40),
                json!(if (i / j).is_multiple_of(2) { "true" } else { "false" }),
            );
        }
        statement("Deny", json!({"Condition": {"BoolIfExists": keys, "StringEquals": {}}}))
    };
    let mut all = vec![statement("Allow", json!({}))];
    all.extend((0..170).map(puzzle));
    ask(json!(all)).into_iter().for_each(understood);
    // Every set of values of one key is another.
    let tag = |i: usize| {
        statement("Allow", json!({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": format!("t{i}")}}}))
    };
    ask(json!((0..40).map(tag).collect::<Vec<_>>())).into_iter().for_each(understood);
    // Variables that could be anything.
    let variable =
        |i: usize| statement("Allow", json!({"Resource": format!("arn:aws:s3:::b/${{k:{i}}}/${{k:{}}}*", i + 1)}));
    ask(json!((0..60).map(variable).collect::<Vec<_>>())).into_iter().for_each(understood);
}

/// An answer, or an error that says what was too much.
fn understood(answer: Result<bool, Error>) {
    if let Err(error) = answer {
        assert!(error.to_string().contains("decided exactly"), "{error}");
        assert!(error.text().ja.contains("正確に判定できません"), "{}", error.text().ja);
    }
}
