//! Actions and resources, and questions about patterns of resources.

use crate::ask::*;
use crate::laws::Dice;
use serde_json::{Value, json};

#[test]
fn actions() {
    let covers = |element: &str, patterns: Value, action: &str| {
        let statement = json!({"Effect": "Allow", element: patterns, "Resource": "*"});
        outcome(&case(json!({"action": action, "identityPolicies": named(json!([statement]))}))) == "Allowed"
    };
    assert!(covers("Action", json!("S3:getobject"), "s3:GetObject"));
    assert!(covers("Action", json!("s3:*Obj*"), "S3:GETOBJECT"));
    assert!(covers("Action", json!(["ec2:*", "s3:GetObjec?"]), "s3:GetObject"));
    assert!(covers("Action", json!("*:*"), "s3:GetObject"));
    assert!(!covers("Action", json!("s*:GetObject"), "s3:GetObject"));
    assert!(!covers("Action", json!(" s3:GetObject"), "s3:GetObject"));
    assert!(covers("NotAction", json!("s3:Put*"), "s3:GetObject"));
    assert!(covers("NotAction", json!("iam:*"), "brandnew:Thing"));
    assert!(!covers("NotAction", json!("s3:Get*"), "s3:GetObject"));
    for odd in ["s3:", "s3:GetObject ", " s3:GetObject", "GetObject", "", "s3:Get*"] {
        assert!(!covers("Action", json!(["*", "s3:*"]), odd), "`{odd}`");
        assert!(!covers("NotAction", json!("iam:*"), odd), "`{odd}`");
    }
}

#[test]
fn resources() {
    let covers = |element: &str, patterns: Value, resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": "*", element: patterns});
        outcome(&case(json!({"resource": resource, "identityPolicies": named(json!([statement]))}))) == "Allowed"
    };
    let (key, queue) = ("arn:aws:s3:::b/k", "arn:aws:sqs:us-east-1:111122223333:q");
    for (pattern, resource, wanted) in [
        ("arn:aws:s3:::b/*", key, true),
        ("arn:aws:s3:::B/*", key, false),
        ("arn:aws:s3", key, true),
        ("arn:*", key, true),
        ("arn:aws:s?:::b/k", key, true),
        ("arn:aws:s3:::?/?", key, true),
        ("arn:aws:s3:*b/k", key, false),
        ("arn:aws:sqs", queue, true),
        ("arn:aws:sqs:us-*:111122223333:q", queue, true),
        ("arn:aws:sqs:us-*-1:111122223333:q", queue, true),
        ("arn:aws:sqs:us-east-1*3333:q", queue, false),
        ("arn:aws:sqs:us?east-1:111122223333:q", queue, true),
        ("arn:aws:sqs:us-east-1?111122223333:q:x", queue, false),
        ("arn:aws:sqs:*:q", queue, false),
        ("arn:aws:s3:::b/k", "arn:aws:s3:::b/k ", false),
    ] {
        assert_eq!(covers("Resource", json!([pattern]), resource), wanted, "{pattern}");
        assert_eq!(covers("NotResource", json!(pattern), resource), !wanted, "not {pattern}");
    }
}

/// `Allowed` only if every resource of the pattern is; a part that is denied makes all denied.
#[test]
fn patterns_are_asked_about_as_a_whole() {
    let s = |effect: &str, resource: Value| json!({"Effect": effect, "Action": "s3:*", "Resource": resource});
    let all = "arn:aws:s3:::b/*";
    let table = [
        (all, json!([s("Allow", json!("*"))]), "Allowed"),
        (all, json!([s("Allow", json!(all))]), "Allowed"),
        (all, json!([s("Allow", json!("arn:aws:s3:::b/k*"))]), "ImplicitlyDenied"),
        (all, json!([s("Allow", json!("*")), s("Deny", json!("arn:aws:s3:::b/secret"))]), "ExplicitlyDenied"),
        (all, json!([s("Allow", json!("*")), s("Deny", json!("arn:aws:s3:::c/*"))]), "Allowed"),
        ("arn:aws:s3:::b/k*", json!([s("Allow", json!(["arn:aws:s3:::b/k", "arn:aws:s3:::b/k?*"]))]), "Allowed"),
        (
            "arn:aws:s3:::b/k*",
            json!([s("Allow", json!(["arn:aws:s3:::b/k", "arn:aws:s3:::b/k??*"]))]),
            "ImplicitlyDenied",
        ),
        (
            "arn:aws:s3:::b/?",
            json!([s("Allow", json!("arn:aws:s3:::b/*")), s("Deny", json!("arn:aws:s3:::b/??"))]),
            "Allowed",
        ),
        (
            "arn:aws:s3:::b/*a",
            json!([s("Allow", json!("*")), s("Deny", json!("arn:aws:s3:::b/b*"))]),
            "ExplicitlyDenied",
        ),
        ("*", json!([s("Allow", json!("*"))]), "Allowed"),
        ("*", json!([s("Allow", json!("arn:aws:s3:::*"))]), "ImplicitlyDenied"),
    ];
    for (resource, statements, wanted) in table {
        let parts = json!({"resource": resource, "identityPolicies": named(statements.clone())});
        assert_eq!(outcome(&case(parts)), wanted, "{resource} {statements}");
    }
    let but = json!([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/secret*"}]);
    let ask = |resource: &str| outcome(&case(json!({"resource": resource, "identityPolicies": named(but.clone())})));
    assert_eq!(ask("arn:aws:s3:::b/*"), "ImplicitlyDenied");
    assert_eq!(ask("arn:aws:s3:::b/open*"), "Allowed");
}

/// Small patterns, held against every short word that they cover.
#[test]
fn patterns_answer_as_their_words_do() {
    let words: Vec<String> = (0..6u32)
        .flat_map(|n| {
            (0..2u32.pow(n)).map(move |bits| (0..n).map(|i| if bits >> i & 1 == 0 { 'a' } else { 'b' }).collect())
        })
        .collect();
    let mut dice = Dice::new(5);
    let pattern =
        |dice: &mut Dice| -> String { (0..1 + dice.below(3)).map(|_| *dice.one(&["a", "b", "*", "*", "?"])).collect() };
    let arn = |name: &str| format!("arn:aws:s3:::{name}");
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..1_500 {
        let statements: Vec<Value> = (0..1 + dice.below(4))
            .map(|_| {
                let element = *dice.one(&["Resource", "Resource", "Resource", "NotResource"]);
                let list: Vec<String> = (0..1 + dice.below(2)).map(|_| arn(&pattern(&mut dice))).collect();
                json!({"Effect": dice.one(&["Allow", "Allow", "Deny"]), "Action": "*", element: list})
            })
            .collect();
        let asked = format!("{}{}", pattern(&mut dice), dice.one(&["*", "?"]));
        let ask =
            |name: &str| outcome(&case(json!({"resource": arn(name), "identityPolicies": named(json!(statements))})));
        let covered = words.iter().filter(|word| {
            let rule = json!([{"Effect": "Allow", "Action": "*", "Resource": arn(&asked)}]);
            outcome(&case(json!({"resource": arn(word), "identityPolicies": named(rule)}))) == "Allowed"
        });
        let worst = covered.map(|word| ask(word)).fold("Allowed", |worst, one| match (worst, one) {
            ("ExplicitlyDenied", _) | (_, "ExplicitlyDenied") => "ExplicitlyDenied",
            ("ImplicitlyDenied", _) | (_, "ImplicitlyDenied") => "ImplicitlyDenied",
            _ => "Allowed",
        });
        // Characters beyond a and b exist, too, so that the pattern can get less than its words here, never more.
        let whole = ask(&asked);
        let fits = whole == worst
            || (whole != "Allowed" && worst == "Allowed")
            || (whole, worst) == ("ExplicitlyDenied", "ImplicitlyDenied");
        assert!(fits, "{asked}: {whole}, but its words {worst}: {statements:#?}");
        *seen.entry(whole == worst).or_insert(0) += 1;
    }
    assert!(seen[&true] > 1_000, "{seen:?}");
}
