//! Pairs of policies of which one knows what is new.

use crate::ask::{HERE, ROOT, THERE, USER, policy};
use crate::pairs::{agree, case};
use serde_json::{Value, json};
use yagura_access::{NewAccess, PolicyKind, diff};

fn compared(old: Value, new: Value, kind: PolicyKind) -> Option<NewAccess> {
    let (old, new) = (policy(old), policy(new));
    let found = diff(&old, &new, kind).unwrap_or_else(|e| panic!("{e}: {old:#} {new:#}"))?;
    assert!(agree(&case(&new, kind, &found.witness), true), "{found:#?}");
    assert!(agree(&case(&old, kind, &found.witness), false), "{found:#?}");
    Some(found)
}

/// Whether the second statement allows more than the first, and the first more than the second.
fn both_ways(one: Value, other: Value) -> (bool, bool) {
    let kind = PolicyKind::Identity;
    (compared(one.clone(), other.clone(), kind).is_some(), compared(other, one, kind).is_some())
}

fn allow(parts: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    for (key, value) in parts.as_object().expect("parts") {
        statement[key] = value.clone();
    }
    if parts.get("NotAction").is_some() {
        statement.as_object_mut().expect("statement").remove("Action");
    }
    if parts.get("NotResource").is_some() {
        statement.as_object_mut().expect("statement").remove("Resource");
    }
    statement
}

fn when(condition: Value) -> Value {
    allow(json!({"Condition": condition}))
}

fn deny(parts: Value) -> Value {
    let mut statement = allow(parts);
    statement["Effect"] = json!("Deny");
    statement
}

const SAME: (bool, bool) = (false, false);
const WIDER: (bool, bool) = (true, false);
const BESIDE: (bool, bool) = (true, true);

#[test]
fn actions_and_resources() {
    let actions = |one: Value, other: Value| both_ways(allow(json!({"Action": one})), allow(json!({"Action": other})));
    assert_eq!(actions(json!("s3:GetObject"), json!("S3:getobject")), SAME);
    assert_eq!(actions(json!("s3:GetObject"), json!("s3:Get*")), WIDER);
    assert_eq!(actions(json!(["s3:Get*", "s3:List*"]), json!("s3:*")), WIDER);
    assert_eq!(actions(json!("s3:*"), json!("*")), WIDER);
    assert_eq!(actions(json!("*"), json!("*:*")), SAME);
    assert_eq!(actions(json!("s3:Get*"), json!(["s3:Get?*", "s3:Get"])), SAME);
    assert_eq!(actions(json!("s3:*Object"), json!("s3:Get*")), BESIDE);
    // What needs no permission is never new, and a service that is a pattern matches nothing.
    assert_eq!(actions(json!("s3:Get*"), json!(["s3:Get*", "sts:GetCallerIdentity", "s*:Put*"])), SAME);
    let not = |one: Value, other: Value| both_ways(allow(json!({"NotAction": one})), allow(other));
    assert_eq!(not(json!("iam:*"), json!({"Action": "*"})), WIDER);
    assert_eq!(not(json!(["iam:*", "sts:*"]), json!({"NotAction": "iam:*"})), WIDER);
    assert_eq!(not(json!("iam:*"), json!({"Action": "iam:*"})), BESIDE);

    let on = |one: Value, other: Value| both_ways(allow(json!({"Resource": one})), allow(json!({"Resource": other})));
    assert_eq!(on(json!("arn:aws:s3:::b/*"), json!("arn:aws:s3:::b*")), WIDER);
    assert_eq!(on(json!("arn:aws:s3:::b/a*"), json!(["arn:aws:s3:::b/a?*", "arn:aws:s3:::b/a"])), SAME);
    assert_eq!(on(json!("arn:aws:s3:::b/*.txt"), json!("arn:aws:s3:::b/x*")), BESIDE);
    assert_eq!(on(json!("arn:aws:s3:::B"), json!("arn:aws:s3:::b")), BESIDE);
    assert_eq!(on(json!("arn:aws:s3"), json!("arn:aws:s3:*")), SAME);
    assert_eq!(on(json!("arn:*"), json!("*")), WIDER);
    let others = allow(json!({"NotResource": "arn:aws:s3:::secret/*"}));
    assert_eq!(both_ways(others.clone(), allow(json!({"Resource": "*"}))), WIDER);
    assert_eq!(both_ways(others, allow(json!({"Resource": "arn:aws:s3:::secret/x"}))), BESIDE);
}

#[test]
fn denies() {
    let all = allow(json!({"Action": "*"}));
    let none_of_iam = json!([all, deny(json!({"Action": "iam:*"}))]);
    assert_eq!(both_ways(none_of_iam.clone(), json!([all])), WIDER);
    assert_eq!(both_ways(none_of_iam.clone(), allow(json!({"NotAction": "iam:*"}))), SAME);
    assert_eq!(both_ways(none_of_iam, json!([all, deny(json!({"NotAction": "s3:*"}))])), (false, true));
    let mfa = deny(json!({"Action": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}));
    let weak = deny(json!({"Action": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}));
    assert_eq!(both_ways(json!([all, mfa]), json!([all, weak])), WIDER);
    let found =
        compared(json!([all, deny(json!({"Sid": "No", "Action": "iam:*"}))]), json!([all]), PolicyKind::Identity);
    let found = found.expect("new");
    assert_eq!((found.allowed_by.as_str(), found.denied_by.as_deref()), ("new/1", Some("old/No")));
    assert_eq!(found.witness.action, "iam:PassRole");
    assert_eq!(found.witness.context.len(), 0);
    assert!(found.text().ja.starts_with("`old/No` が拒否していた `"), "{}", found.text().ja);
}

#[test]
fn conditions() {
    let on = |one: Value, other: Value| both_ways(when(one), when(other));
    assert_eq!(on(json!({"StringEquals": {"k:x": "a"}}), json!({"StringEquals": {"k:x": ["a", "b"]}})), WIDER);
    assert_eq!(on(json!({"StringEquals": {"k:x": "a"}}), json!({"StringLike": {"K:X": "a"}})), SAME);
    assert_eq!(on(json!({"StringEquals": {"k:x": "a"}}), json!({})), WIDER);
    // A key that is missing is not equal, and IfExists lets it pass.
    assert_eq!(on(json!({"StringNotEquals": {"k:x": "a"}}), json!({"StringNotEqualsIfExists": {"k:x": "a"}})), SAME);
    assert_eq!(on(json!({"StringEquals": {"k:x": "a"}}), json!({"StringEqualsIfExists": {"k:x": "a"}})), WIDER);
    assert_eq!(
        on(
            json!({"StringNotEquals": {"k:x": "a"}, "Null": {"k:x": "false"}}),
            json!({"StringNotEquals": {"k:x": "a"}})
        ),
        WIDER
    );
    assert_eq!(
        on(json!({"ForAnyValue:StringEquals": {"k:x": "a"}}), json!({"ForAllValues:StringEquals": {"k:x": "a"}})),
        BESIDE
    );
    assert_eq!(
        on(
            json!({"ForAllValues:StringEquals": {"k:x": "a"}, "Null": {"k:x": "false"}}),
            json!({"ForAllValues:StringEquals": {"k:x": "a"}})
        ),
        WIDER
    );
    assert_eq!(
        on(json!({"StringLike": {"k:x": "*"}}), json!({"Null": {"k:x": "false"}})),
        WIDER,
        "a list is there, too"
    );
    assert_eq!(on(json!({"StringLike": {"k:x": "?*"}}), json!({"StringLike": {"k:x": "*"}})), WIDER, "an empty text");
    assert_eq!(
        on(json!({"StringEqualsIgnoreCase": {"k:x": "Ab"}}), json!({"StringEquals": {"k:x": "ab"}})),
        (false, true)
    );
    let halves = json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}});
    assert_eq!(on(halves, json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})), SAME);
    assert_eq!(on(json!({"IpAddress": {"k:i": "10.0.0.0/9"}}), json!({"IpAddress": {"k:i": "10.0.0.0/8"}})), WIDER);
    assert_eq!(on(json!({"NumericLessThan": {"k:n": "5"}}), json!({"NumericLessThanEquals": {"k:n": "5"}})), WIDER);
    assert_eq!(on(json!({"NumericLessThan": {"k:n": "5"}}), json!({"NumericLessThan": {"k:n": "5.0"}})), SAME);
    assert_eq!(
        on(json!({"ArnLike": {"k:a": "arn:aws:s3:::*"}}), json!({"ArnEquals": {"k:a": "arn:aws:s*:::*"}})),
        WIDER
    );
    assert_eq!(
        on(json!({"ArnNotLike": {"k:a": "arn:aws:s3:::*"}}), json!({"StringNotLike": {"k:a": "arn:aws:s3:::*"}})),
        WIDER
    );
    assert_eq!(on(json!({"Bool": {"k:b": "true"}}), json!({"Bool": {"k:b": "TRUE"}})), SAME);
    assert_eq!(on(json!({"StringEquals": {"k:b": "true"}}), json!({"Bool": {"k:b": "true"}})), WIDER, "or True");
    let dates = |a: &str, b: &str| {
        let (old, new) = (
            policy(json!([when(json!({"DateLessThan": {"k:d": a}}))])),
            policy(json!([when(json!({"DateLessThan": {"k:d": b}}))])),
        );
        diff(&old, &new, PolicyKind::Identity).expect("an answer").is_some()
    };
    assert!(!dates("2030-01-01T00:00:00Z", "2030-01-01T09:00:00+09:00"));
    assert!(dates("2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"));
}

#[test]
fn variables() {
    let on = |one: &str, other: &str| both_ways(allow(json!({"Resource": one})), allow(json!({"Resource": other})));
    let home = "arn:aws:s3:::home/${aws:username}/*";
    assert_eq!(on(home, home), SAME);
    assert_eq!(on(home, "arn:aws:s3:::home/*"), WIDER);
    assert_eq!(on(home, "arn:aws:s3:::home/Alice/*"), BESIDE);
    assert_eq!(on(home, "arn:aws:s3:::home/${aws:userid}/*"), BESIDE);
    assert_eq!(on("arn:aws:s3:::home/${*}", "arn:aws:s3:::home/*"), WIDER);
    let prefix = |texts: Value| when(json!({"StringLike": {"s3:prefix": texts}}));
    let own = prefix(json!(["", "home/${aws:username}/*"]));
    assert_eq!(both_ways(own.clone(), prefix(json!(["", "home/*", "home/${aws:username}/*"]))), WIDER);
    assert_eq!(both_ways(own.clone(), prefix(json!(["", "home/*"]))), WIDER);
    assert_eq!(both_ways(prefix(json!("home/${aws:username}/*")), own), WIDER);
}

#[test]
fn principals() {
    let named = |principal: Value| allow(json!({"Principal": principal}));
    let on = |one: Value, other: Value| {
        let kind = PolicyKind::Resource;
        (
            compared(named(one.clone()), named(other.clone()), kind).is_some(),
            compared(named(other), named(one), kind).is_some(),
        )
    };
    assert_eq!(on(json!({"AWS": HERE}), json!({"AWS": "*"})), WIDER);
    assert_eq!(on(json!("*"), json!({"AWS": "*"})), SAME);
    assert_eq!(on(json!({"AWS": USER}), json!({"AWS": ROOT})), WIDER);
    assert_eq!(on(json!({"AWS": HERE}), json!({"AWS": [HERE, THERE]})), WIDER);
    assert_eq!(on(json!({"AWS": HERE}), json!({"Service": "sns.amazonaws.com"})), BESIDE);
    // Another partition than those named.
    let arns = |arns: Value| allow(json!({"Principal": "*", "Resource": arns}));
    let (some, all) = (arns(json!(["arn:aws:*", "arn:aws-cn:*"])), arns(json!("arn:*")));
    let found = compared(some, all, PolicyKind::Resource).expect("new");
    assert!(found.witness.resource.starts_with("arn:aws-us-gov:s3:"), "{found:#?}");
    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    assert_eq!(on(json!({"AWS": HERE}), json!({"AWS": HERE, "CanonicalUser": id})), WIDER);
    let found = compared(named(json!({"AWS": HERE})), named(json!({"AWS": "*"})), PolicyKind::Resource).expect("new");
    assert_eq!(found.witness.principal.as_deref(), Some("arn:aws:iam::999988887777:user/somebody"));
    assert_eq!(found.witness.resource, "arn:aws:s3:::example-bucket/example.txt");
}

#[test]
fn what_cannot_be_told_apart_need_not_matter() {
    // One key as a text with wildcards and as an address: which of them an edit elsewhere doesn't touch.
    let mixed = |address: &str| {
        json!([
            when(json!({"StringLike": {"aws:SourceIp": "10.*"}})),
            allow(json!({"Action": "s3:PutObject", "Condition": {"IpAddress": {"aws:SourceIp": address}}})),
        ])
    };
    assert_eq!(both_ways(mixed("10.0.0.0/8"), mixed("10.0.0.0/8")), SAME);
    let mut edited = mixed("10.0.0.0/8");
    edited.as_array_mut().expect("a list").push(deny(json!({"Action": "s3:*", "Resource": "arn:aws:s3:::b/*"})));
    assert_eq!(both_ways(edited, mixed("10.0.0.0/8")), WIDER);
    assert!(compared(mixed("10.0.0.0/9"), mixed("10.0.0.0/8"), PolicyKind::Identity).is_some());
    let (text, address) = (
        when(json!({"StringLike": {"aws:SourceIp": "10.*"}})),
        when(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
    );
    let said = diff(&policy(json!([text])), &policy(json!([address])), PolicyKind::Identity).expect_err("in doubt");
    assert_eq!(
        said.to_string(),
        "`aws:SourceIp` is compared as a text and as a number, time or address, which can't be decided together: use one"
    );
    assert!(said.text().ja.contains("どちらかに揃えてください"), "{}", said.text().ja);
}
