//! Operators, missing keys, lists, variables.

use crate::ask::*;
use serde_json::{Value, json};

fn holds(condition: Value, context: Value) -> bool {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
    outcome(&case(json!({"context": context, "identityPolicies": named(json!([statement]))}))) == "Allowed"
}

#[test]
fn missing_keys_and_lists() {
    // (operator, absent, "a", "b", ["a"], ["a","b"], [])
    let table = [
        ("StringEquals", [false, true, false, false, false, false]),
        ("StringNotEquals", [true, false, true, false, false, false]),
        ("StringEqualsIfExists", [true, true, false, false, false, false]),
        ("StringNotEqualsIfExists", [true, false, true, false, false, false]),
        ("ForAllValues:StringEquals", [true, true, false, true, false, true]),
        ("ForAnyValue:StringEquals", [false, true, false, true, true, false]),
        ("ForAllValues:StringNotEquals", [true, false, true, false, false, true]),
        ("ForAnyValue:StringNotEquals", [false, false, true, false, true, false]),
    ];
    for (operator, wanted) in table {
        let contexts = [
            json!({}),
            json!({"k:x": "a"}),
            json!({"k:x": "b"}),
            json!({"k:x": ["a"]}),
            json!({"k:x": ["a", "b"]}),
            json!({"k:x": []}),
        ];
        for (context, wanted) in contexts.into_iter().zip(wanted) {
            assert_eq!(holds(json!({operator: {"k:x": "a"}}), context.clone()), wanted, "{operator} {context}");
        }
    }
    for (says, context, wanted) in [
        ("true", json!({}), true),
        ("false", json!({}), false),
        ("true", json!({"k:x": "a"}), false),
        ("false", json!({"k:x": ["a"]}), true),
    ] {
        assert_eq!(holds(json!({"Null": {"k:x": says}}), context), wanted);
    }
}

#[test]
fn operators() {
    let table = [
        ("StringEquals", json!("a*"), "ab", false),
        ("StringEquals", json!("A"), "a", false),
        ("StringEquals", json!(["a", "b"]), "b", true),
        ("StringNotEquals", json!(["a", "b"]), "b", false),
        ("StringNotEquals", json!(["a", "b"]), "c", true),
        ("StringEqualsIgnoreCase", json!("AbC"), "aBc", true),
        ("StringNotEqualsIgnoreCase", json!("AbC"), "aBc", false),
        ("StringLike", json!("a?c*"), "abcd", true),
        ("StringLike", json!("arn:*:b"), "arn:x:y:b", true),
        ("StringNotLike", json!(["a*", "b*"]), "c", true),
        ("NumericEquals", json!(10), "10.0", true),
        ("NumericNotEquals", json!("10"), "abc", false),
        ("NumericLessThan", json!("10"), "9.9", true),
        ("NumericLessThanEquals", json!("10"), "10", true),
        ("NumericGreaterThan", json!("10"), "10", false),
        ("NumericGreaterThanEquals", json!(["20", "10"]), "10", true),
        ("DateEquals", json!("2020-01-01T09:00:00+09:00"), "2020-01-01T00:00:00Z", true),
        ("DateEquals", json!("1577836800"), "2020-01-01T00:00:00Z", true),
        ("DateNotEquals", json!("2020-01-01"), "junk", false),
        ("DateLessThan", json!("2020"), "2019-12-31T23:59:59Z", true),
        ("DateLessThanEquals", json!("2020-01-01"), "2020-01-01T00:00:00Z", true),
        ("DateGreaterThan", json!("2020-01"), "2020-01-01T00:00:01Z", true),
        ("DateGreaterThanEquals", json!("2020-01-01T00:00:00Z"), "2019-12-31", false),
        ("Bool", json!(true), "True", true),
        ("Bool", json!("false"), "x", false),
        ("BinaryEquals", json!("QmluYXJ5"), "qmluYXJ5", false),
        ("IpAddress", json!("10.0.0.5/8"), "10.1.2.3", true),
        ("IpAddress", json!("10.0.0.1"), "10.0.0.1", true),
        ("IpAddress", json!("10.0.0.0/33"), "10.0.0.0", false),
        ("IpAddress", json!("::/0"), "10.0.0.1", false),
        ("IpAddress", json!("2001:db8::/32"), "2001:DB8:0::1", true),
        ("NotIpAddress", json!("10.0.0.0/8"), "::1", true),
        ("NotIpAddress", json!("10.0.0.0/8"), "junk", false),
        ("ArnEquals", json!("arn:aws:s3:::b*"), "arn:aws:s3:::bx", true),
        ("ArnLike", json!("arn:aws:sns:*:*:t"), "arn:aws:sns:us-east-1:1:t", true),
        ("ArnLike", json!("arn:aws:sns:*:t"), "arn:aws:sns:us-east-1:1:t", false),
        ("ArnLike", json!("*"), "arn:aws:sns:us-east-1:1:t", false),
        ("ArnNotLike", json!("arn:aws:s3:::b"), "arn:aws:s3:::c", true),
        ("ArnNotEquals", json!("arn:aws:s3:::b"), "not an arn", false),
        ("stringequals", json!("a"), "a", true),
    ];
    for (operator, operand, value, wanted) in table {
        let got = holds(json!({operator: {"K:X": operand}}), json!({"k:x": value}));
        assert_eq!(got, wanted, "{operator} {operand} {value}");
    }
    assert!(!holds(json!({"StringEquals": {"k:x": "a", "k:y": "b"}}), json!({"k:x": "a"})), "keys are and");
    let two = json!({"StringEquals": {"k:x": "a"}, "Bool": {"k:y": "true"}});
    assert!(!holds(two, json!({"k:x": "a", "k:y": "false"})), "operators are and");
}

#[test]
fn variables() {
    let ask = |version: &str, resource: Value, context: Value, more: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": resource});
        more.as_object().expect("parts").iter().for_each(|(k, v)| statement[k] = v.clone());
        let document = json!({"Version": version, "Statement": statement});
        let policies = json!([{"name": "p", "policy": document}]);
        outcome(&case(json!({"resource": "arn:aws:s3:::b/Al", "context": context, "identityPolicies": policies})))
            == "Allowed"
    };
    let new = "2012-10-17";
    let home = json!("arn:aws:s3:::b/${aws:username}");
    let al = json!({"aws:UserName": "Al"});
    assert!(ask(new, home.clone(), al.clone(), json!({})));
    assert!(!ask("2008-10-17", home.clone(), al, json!({})), "variables came with version 2012-10-17");
    assert!(!ask(new, home.clone(), json!({}), json!({})));
    assert!(!ask(new, home.clone(), json!({"aws:username": ["Al"]}), json!({})), "a list is no value");
    assert!(!ask(new, home, json!({"aws:username": "*"}), json!({})), "a value is text");
    assert!(ask(new, json!("arn:aws:s3:::b/${aws:username, 'Al'}"), json!({}), json!({})));
    assert!(!ask(new, json!("arn:aws:s3:::b/${*}"), json!({}), json!({})));
    let except = |pattern: &str| {
        let statement = json!({"Effect": "Allow", "Action": "*", "NotResource": pattern});
        outcome(&case(json!({"identityPolicies": named(json!([statement]))}))) == "Allowed"
    };
    assert!(!except("arn:aws:s3:::b/${aws:username}"), "it may be the exception");
    assert!(except("arn:aws:s3:::other/${aws:username}"), "it can't be the exception");
    let denied = json!([allow("*"), {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::b/${k:none}*"}]);
    assert_eq!(outcome(&case(json!({"identityPolicies": named(denied)}))), "Allowed", "a Deny matches nothing, too");
    let same = |operator: &str| json!({"Condition": {operator: {"k:x": "${k:y}"}}});
    assert!(ask(new, json!("*"), json!({"k:x": "q", "k:y": "q"}), same("StringEquals")));
    assert!(!ask(new, json!("*"), json!({"k:x": "q"}), same("StringNotEquals")), "without a value nothing matches");
    assert!(ask(new, json!("*"), json!({}), same("StringNotEquals")), "an absent key differs from anything");
    assert!(!ask(new, json!("*"), json!({"k:x": "1", "k:y": "1"}), same("NumericEquals")), "only text has variables");
    let literal = json!({"Condition": {"StringLike": {"k:x": "a${*}${?}${$}b"}}});
    assert!(ask(new, json!("*"), json!({"k:x": "a*?$b"}), literal.clone()));
    assert!(!ask(new, json!("*"), json!({"k:x": "axx$b"}), literal));
}
