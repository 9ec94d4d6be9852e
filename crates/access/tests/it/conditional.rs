//! Requests of which some keys are not known.

use crate::ask::*;
use crate::laws::Dice;
use serde_json::{Map, Value, json};

fn open(statements: Value, mut parts: Value) -> Value {
    parts["identityPolicies"] = named(statements);
    parts["unknownContext"] = json!("conditional");
    case(parts)
}

fn when(effect: &str, condition: Value) -> Value {
    json!({"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition})
}

#[test]
fn conditional_only_if_both_can_be() {
    let a = json!({"StringEquals": {"k:x": "a"}});
    let not_a = json!({"StringNotEquals": {"k:x": "a"}});
    let table = [
        (json!([when("Allow", a.clone())]), "Conditional"),
        (json!([allow("*"), when("Deny", a.clone())]), "Conditional"),
        (json!([when("Allow", a.clone()), when("Allow", not_a.clone())]), "Allowed"),
        (json!([when("Allow", a.clone()), when("Deny", a.clone())]), "ImplicitlyDenied"),
        (json!([when("Deny", a.clone()), when("Deny", not_a)]), "ExplicitlyDenied"),
        (json!([when("Deny", a)]), "ImplicitlyDenied"),
        (
            json!([when("Allow", json!({"StringLike": {"k:x": "a*"}, "StringNotLike": {"k:x": "*"}}))]),
            "ImplicitlyDenied",
        ),
        (
            json!([when("Allow", json!({"StringLike": {"k:x": "a*"}, "StringEquals": {"k:x": ["b", "ab"]}}))]),
            "Conditional",
        ),
        (json!([when("Allow", json!({"StringLike": {"k:x": "a*c"}, "StringNotLike": {"k:x": "*b*"}}))]), "Conditional"),
        (
            json!([when("Allow", json!({"StringLike": {"k:x": "a*"}, "StringEquals": {"k:x": "b"}}))]),
            "ImplicitlyDenied",
        ),
        (
            json!([when("Allow", json!({"NumericLessThan": {"k:x": "5"}, "NumericGreaterThan": {"k:x": "4"}}))]),
            "Conditional",
        ),
        (
            json!([when("Allow", json!({"NumericLessThan": {"k:x": "5"}, "NumericGreaterThanEquals": {"k:x": "5"}}))]),
            "ImplicitlyDenied",
        ),
        (
            json!([when("Allow", json!({"IpAddress": {"k:x": "10.0.0.0/8"}, "NotIpAddress": {"k:x": "10.0.0.0/9"}}))]),
            "Conditional",
        ),
        (
            json!([when(
                "Allow",
                json!({"IpAddress": {"k:x": "10.0.0.0/8"}, "NotIpAddress": {"k:x": ["10.0.0.0/9", "10.128.0.0/9"]}})
            )]),
            "ImplicitlyDenied",
        ),
        (
            json!([
                when("Allow", json!({"Bool": {"k:x": "true"}})),
                when("Allow", json!({"Bool": {"k:x": "false"}})),
                when("Allow", json!({"Null": {"k:x": "true"}}))
            ]),
            "Allowed",
        ),
        (
            json!([when(
                "Allow",
                json!({"DateLessThan": {"k:x": "2020-01-01"}, "DateGreaterThan": {"k:x": "2019-12-31"}})
            )]),
            "Conditional",
        ),
        (
            json!([when(
                "Allow",
                json!({"ForAnyValue:StringEquals": {"k:x": "a"}, "ForAnyValue:StringLike": {"k:x": "b*"}})
            )]),
            "Conditional",
        ),
        (
            json!([when(
                "Allow",
                json!({"ForAllValues:StringEquals": {"k:x": "a"}, "ForAnyValue:StringLike": {"k:x": "b*"}})
            )]),
            "ImplicitlyDenied",
        ),
        (
            json!([when(
                "Allow",
                json!({"ArnLike": {"k:x": "arn:aws:s3:::*"}, "ArnNotLike": {"k:x": "arn:aws:*:::*"}})
            )]),
            "ImplicitlyDenied",
        ),
        (json!([when("Allow", json!({"StringEquals": {"k:x": "${k:y}"}}))]), "Conditional"),
        (
            json!([when("Allow", json!({"StringEquals": {"k:x": "${k:y}", "k:y": "a"}, "StringLike": {"k:x": "b*"}}))]),
            "ImplicitlyDenied",
        ),
    ];
    for (statements, wanted) in table {
        let case = open(statements.clone(), json!({}));
        let given = answer(&case);
        assert_eq!(given.outcome.as_str(), wanted, "{statements:#}");
        assert_eq!(given.witness.is_some(), wanted == "Conditional");
        assert_witness(&case);
    }
}

/// A witness is a context that is allowed, known keys as they were.
fn assert_witness(open: &Value) {
    let given = answer(open);
    let Some(witness) = given.witness else { return };
    let mut closed = open.clone();
    closed["unknownContext"] = json!("absent");
    closed["context"] = Value::Object(witness.clone());
    assert_eq!(outcome(&closed), "Allowed", "the witness is not allowed: {closed:#}");
    let known = open["context"].as_object().cloned().unwrap_or_default();
    assert!(known.iter().all(|(k, v)| witness.get(k) == Some(v)), "{witness:?}");
    assert!(!given.conditions.expect("conditions").is_empty(), "hangs on nothing: {open:#}");
}

#[test]
fn says_what_it_hangs_on() {
    let statements = json!([
        when(
            "Allow",
            json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "StringEquals": {"aws:RequestedRegion": "x"}})
        ),
        when("Allow", json!({"StringEquals": {"k:other": "a"}, "Null": {"k:other": "true"}})),
    ]);
    let given = answer(&open(statements, json!({"context": {"aws:RequestedRegion": "x"}})));
    let object = |value: Value| value.as_object().cloned();
    assert_eq!(given.conditions, object(json!({"aws:SourceIp": ["192.0.2.0/24"]})));
    assert_eq!(given.witness, object(json!({"aws:SourceIp": "192.0.2.0", "aws:RequestedRegion": "x"})));
    assert!(given.because.en.contains("`aws:SourceIp`") && given.because.ja.contains("`aws:SourceIp`"));
}

#[test]
fn variables_of_resources_take_the_value_that_fits() {
    let home = json!([{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/home/${aws:username}/*"}]);
    let given = answer(&open(home.clone(), json!({"resource": "arn:aws:s3:::b/home/Al/x"})));
    assert_eq!(given.outcome.as_str(), "Conditional");
    assert_eq!(given.witness.expect("witness").get("aws:username"), Some(&json!("Al")));
    let elsewhere = answer(&open(home.clone(), json!({"resource": "arn:aws:s3:::c/home/Al/x"})));
    assert_eq!(elsewhere.outcome.as_str(), "ImplicitlyDenied");
    let pattern = answer(&open(home, json!({"resource": "arn:aws:s3:::b/home/Al/*"})));
    assert_eq!(pattern.outcome.as_str(), "Conditional");
}

/// Forty keys, each in a statement of its own, take no longer than one.
#[test]
fn many_independent_keys_are_few_combinations() {
    let mut statements: Vec<Value> =
        (0..40).map(|i| when("Deny", json!({"StringEquals": {format!("k:{i}"): "a"}}))).collect();
    statements.push(allow("*"));
    let given = answer(&open(json!(statements), json!({})));
    assert_eq!((given.outcome.as_str(), given.conditions.expect("keys").len()), ("Conditional", 40));
}

/// Generated requests with open keys: what is said to hold of all completions holds of those that are tried, and what
/// is said to be possible either way is.
#[test]
fn generated_completions_bear_the_answer_out() {
    let values = json!({
        "k:text": ["a", "ab", "B", "b", "c", "zz"], "k:tags": [["a"], ["b"], ["a", "b"], "a", "b", ["z"]],
        "k:number": ["1", "5", "6", "7"], "k:flag": ["true", "false"], "k:ip": ["10.0.0.1", "172.16.0.1", "192.0.2.1"],
        "k:arn": ["arn:aws:s3:::b", "arn:aws:sns:x:t:u", "arn:aws:ec2:::x"], "aws:username": ["Al", "Bo", "*", "A", "q"],
    });
    let values = values.as_object().expect("values");
    let mut dice = Dice::new(23);
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..2_500 {
        let mut case = dice.case();
        let context = case["context"].as_object().cloned().unwrap_or_default();
        let given: Map<String, Value> = context.into_iter().filter(|_| dice.below(3) == 0).collect();
        case["context"] = Value::Object(given.clone());
        let mut open = case.clone();
        open["unknownContext"] = json!("conditional");
        let said = outcome(&open);
        *seen.entry(said).or_insert(0) += 1;
        assert_witness(&open);
        let mut tried = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let mut completed = given.clone();
            for (key, values) in values {
                let is_given = given.keys().any(|k| k.eq_ignore_ascii_case(key));
                if !is_given && dice.below(4) > 0 {
                    completed.insert(key.clone(), dice.one(values.as_array().expect("list")).clone());
                }
            }
            case["context"] = Value::Object(completed);
            tried.insert(outcome(&case));
        }
        let fits = match said {
            "Allowed" => tried == ["Allowed"].into(),
            "ExplicitlyDenied" => tried == ["ExplicitlyDenied"].into(),
            "ImplicitlyDenied" => !tried.contains("Allowed"),
            _ => true,
        };
        assert!(fits, "{said}, but {tried:?}: {open:#}");
    }
    assert!(seen.get("Conditional").is_some_and(|n| *n > 100), "{seen:?}");
}
