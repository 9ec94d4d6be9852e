//! Input that is wrong, or made to take for ever.

use crate::ask::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yagura_access::{Case, cases};

#[test]
fn errors_name_the_element_and_where() {
    let with = |statement: Value| error(json!({"identityPolicies": named(json!([statement]))}));
    let at = "identityPolicies[0].policy.Statement[0]";
    let table = [
        (
            json!({"Effect": "Allow", "Acton": "*", "Resource": "*"}),
            format!("`Acton` of {at} is no element of a policy: correct its name or remove it"),
        ),
        (
            json!({"Effect": "allow", "Action": "*", "Resource": "*"}),
            format!("`allow` of {at}.Effect is not valid: write Allow or Deny"),
        ),
        (json!({"Effect": "Allow", "Resource": "*"}), format!("`{at}.Action` is missing: add it")),
        (json!({"Effect": "Allow", "Action": "*"}), format!("`{at}.Resource` is missing: add it")),
        (
            json!({"Effect": "Allow", "Action": 1, "Resource": "*"}),
            format!("`{at}.Action` is a number: it must be a text or a list of texts"),
        ),
        (
            json!({"Effect": "Allow", "Action": "s3", "Resource": "*"}),
            format!("`s3` of {at}.Action is not valid: write service:Action, or *"),
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}),
            format!("{at} can't have `NotAction`: its opposite is there, too: keep one"),
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}),
            format!("{at} can't have `Principal`: its principal is who it is attached to"),
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringIs": {"k:x": "a"}}}),
            format!("`StringIs` of {at}.Condition is not valid: write a condition operator"),
        ),
        (
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"k:x": {}}}}),
            format!("`{at}.Condition.StringLike.k:x` is an object: it must be a text or a list of texts"),
        ),
        (json!("x"), format!("`{at}` is a text: it must be an object")),
    ];
    for (statement, wanted) in table {
        assert_eq!(with(statement), wanted);
    }
    assert_eq!(error(json!({"principal": 5})), "`principal` is a number: it must be a text");
    assert_eq!(
        error(json!({"principal": "arn:aws:iam::111122223333:group/g"})),
        "`arn:aws:iam::111122223333:group/g` of principal is not valid: write an ARN, a service such as ec2.amazonaws.com, or anonymous"
    );
    assert_eq!(error(json!({"resourcePolicy": []})), "`resourcePolicy` is a list: it must be an object");
    assert_eq!(
        error(json!({"identityPolicies": {}})),
        "`identityPolicies` is an object: it must be a list of policies with names"
    );
    assert_eq!(
        error(json!({"unknownContext": "maybe"})),
        "`maybe` of unknownContext is not valid: write absent or conditional"
    );
    assert!(
        cases("{").expect_err("not JSON").to_string().starts_with("not JSON: EOF while parsing an object at line 1")
    );
}

#[test]
fn errors_speak_japanese() {
    let bad = case(json!({"identityPolicies": named(json!([{"Effect": "allow", "Action": "*", "Resource": "*"}]))}));
    let said = Case::read(&bad).expect_err("bad").text().ja;
    let wanted = "identityPolicies[0].policy.Statement[0].Effect の `allow` は正しくありません: Allow または Deny と書いてください";
    assert_eq!(said, wanted);
    let said = Case::read(&case(json!({"principal": 5}))).expect_err("bad").text().ja;
    assert_eq!(said, "`principal` が数値です: 文字列にしてください");
}

#[test]
fn a_bad_case_leaves_the_others() {
    let text =
        json!([case(json!({"name": "bad", "action": null})), 7, case(json!({"name": "good", "more": 1}))]).to_string();
    let read = cases(&text).expect("JSON");
    let names: Vec<(&Value, bool)> = read.iter().map(|(name, case)| (name, case.is_ok())).collect();
    assert_eq!(names, [(&json!("bad"), false), (&Value::Null, false), (&json!("good"), true)]);
    assert_eq!(cases(&case(json!({"name": "one"})).to_string()).expect("one case").len(), 1);
}

#[test]
fn no_pattern_takes_long() {
    let stars = "*".repeat(1 << 20);
    let questions = "?".repeat(1 << 20);
    let saw = "*a".repeat(1 << 19);
    let text = format!("arn:aws:s3:::{}", "a".repeat(4000));
    let near = format!("arn:aws:s3:::{}b", "*a".repeat(2000));
    let both = format!("arn:aws:s3:::b/*{}", "?a".repeat(500));
    for pattern in [&stars, &questions, &saw, &near, &both] {
        for resource in [text.as_str(), "arn:aws:s3:::b/*"] {
            for mode in ["absent", "conditional"] {
                let statement = json!({"Effect": "Allow", "Action": ["s3:*", pattern.replace("arn", "")], "Resource": pattern,
                    "Condition": {"StringLike": {"k:x": pattern}, "StringNotLike": {"k:x": [pattern, "x*"]}}});
                let statement_ok = json!({"Effect": "Allow", "Action": "s3:*", "Resource": pattern,
                    "Condition": statement["Condition"]});
                let parts = json!({"resource": resource, "unknownContext": mode, "context": {"k:y": text},
                    "identityPolicies": named(json!([statement_ok]))});
                let start = Instant::now();
                let _ = Case::read(&case(parts)).and_then(|case| case.judge());
                assert!(
                    start.elapsed() < Duration::from_secs(10),
                    "{mode} {resource:.30} {pattern:.30} {:?}",
                    start.elapsed()
                );
            }
        }
    }
    assert!(error(json!({"resource": "a".repeat(9000)})).starts_with("`resource` has 9000 characters"));
}

#[test]
fn what_is_too_much_is_an_error_and_no_guess() {
    let statements: Vec<Value> = (0..20)
        .map(|i| json!({"Effect": "Allow", "Action": "*", "Resource": format!("arn:aws:s3:::b/*{}?????????????", i)}))
        .collect();
    let said = error(json!({"resource": "arn:aws:s3:::b/*", "identityPolicies": named(json!(statements))}));
    assert!(said.contains("overlap in too many ways"), "{said}");
}
