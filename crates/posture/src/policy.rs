//! Resource policies: normalised statements for rules, and AWS's own meaning of "public".
//!
//! The rule is Amazon S3's (user guide, "The meaning of public", also the API reference of
//! PublicAccessBlockConfiguration): a policy is public unless everything it grants goes to fixed principals or hangs on
//! a fixed value (no wildcard, no policy variable) of a condition key that names who or where the caller is.

use crate::known::{Known, failed, missing};
use crate::rule::{Read, Val};
use serde_json::{Map, Value};
use std::rc::Rc;
use yagura_model::{AddressRange, unknown_reason};

/// Keys whose fixed value limits who can call. Lower case.
const LIMITING_KEYS: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];
const ADDRESS_KEYS: &[&str] = &["aws:sourceip", "aws:vpcsourceip"];
/// Operators that hold only for the values named; negated ones hold for everything else.
const POSITIVE_OPERATORS: &[&str] =
    &["stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"];

/// The statements of a policy as a list, also when there is only one.
pub fn raw_statements(policy: &Map<String, Value>) -> Vec<&Value> {
    match policy.get("Statement") {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

/// The statements of a policy, each with the same fields whatever shorthand it was written in.
pub fn statements<'a>(policy: &'a Map<String, Value>) -> Rc<[Read<'a>]> {
    raw_statements(policy).into_iter().map(|statement| Read::computed(normalised(statement))).collect()
}

fn normalised<'a>(statement: &'a Value) -> Val<'a> {
    let Val::Object(map) = Val::of(statement) else { return Val::of(statement) };
    let plain = |name| map.get(name).map_or(Val::Null, Val::of);
    let list = |name, lower| match map.get(name) {
        None | Some(Value::Null) => Val::Null,
        Some(value) => Val::List(strings(value, lower).into()),
    };
    Val::Record(Rc::new([
        ("Sid", plain("Sid")),
        ("Effect", plain("Effect")),
        ("Principal", list("Principal", false)),
        ("NotPrincipal", list("NotPrincipal", false)),
        ("Action", list("Action", true)),
        ("NotAction", list("NotAction", true)),
        ("Resource", list("Resource", false)),
        ("NotResource", list("NotResource", false)),
        ("Condition", plain("Condition")),
    ]))
}

/// A string, a list of strings, or `{"AWS": …, "Service": …}` as one flat list.
fn strings<'a>(value: &'a Value, lower: bool) -> Vec<Read<'a>> {
    let one = |value: &'a Value| match Val::of(value) {
        Val::Str(s) if lower && s.bytes().any(|b| b.is_ascii_uppercase()) => Val::Text(s.to_ascii_lowercase().into()),
        val => val,
    };
    match value {
        Value::Array(items) => items.iter().map(|item| Read::computed(one(item))).collect(),
        Value::Object(map) if unknown_reason(value).is_none() => {
            map.values().flat_map(|value| strings(value, lower)).collect()
        }
        value => vec![Read::computed(one(value))],
    }
}

/// Whether a policy lets anyone in.
pub fn is_public(policy: &Val<'_>) -> Known {
    match policy {
        Val::Null => Known::No,
        Val::Unknown(reasons) => Known::Unknown(Rc::clone(reasons)),
        Val::Object(map) => raw_statements(map)
            .into_iter()
            .map(|statement| grants_public(statement).and(limited(statement).negate()))
            .fold(Known::No, Known::or),
        other => {
            let (en, ja) = other.kind();
            Known::Unknown(failed(format!("the policy is {en}, not an object"), format!("ポリシーが{ja}です")))
        }
    }
}

/// Whether a statement allows something to every principal, conditions aside.
pub fn grants_public(statement: &Value) -> Known {
    let Value::Object(map) = statement else { return Known::No };
    if let Some(reason) = unknown_reason(statement) {
        return Known::Unknown(missing(reason));
    }
    let allow = match map.get("Effect").map(Val::of) {
        Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
        Some(effect) => Known::of(effect.as_str() == Some("Allow")),
        None => Known::No,
    };
    let excluded = map.get("NotPrincipal").is_some_and(|v| !v.is_null());
    let anyone = map.get("Principal").map_or(Known::No, has_anyone);
    allow.and(Known::of(excluded).or(anyone))
}

fn has_anyone(principal: &Value) -> Known {
    strings(principal, false)
        .into_iter()
        .map(|read| match read.val {
            Val::Unknown(reasons) => Known::Unknown(reasons),
            val => Known::of(val.as_str() == Some("*")),
        })
        .fold(Known::No, Known::or)
}

/// Whether a condition of the statement limits the callers to fixed ones. Conditions are and-ed: one is enough.
pub fn limited(statement: &Value) -> Known {
    let condition = match statement.get("Condition") {
        None | Some(Value::Null) => return Known::No,
        Some(condition) => condition,
    };
    let Val::Object(operators) = Val::of(condition) else { return unknown_or_no(condition) };
    let mut result = Known::No;
    for (operator, keys) in operators {
        let operator = operator.to_ascii_lowercase();
        let operator = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
        if !POSITIVE_OPERATORS.contains(&operator) {
            continue;
        }
        let Val::Object(keys) = Val::of(keys) else {
            result = result.or(unknown_or_no(keys));
            continue;
        };
        for (key, values) in keys {
            result = result.or(limits(&key.to_ascii_lowercase(), values));
        }
    }
    result
}

fn unknown_or_no(value: &Value) -> Known {
    unknown_reason(value).map_or(Known::No, |reason| Known::Unknown(missing(reason)))
}

/// Whether every one of a key's values (they are or-ed) is fixed.
fn limits(key: &str, values: &Value) -> Known {
    let test: fn(&str, &str) -> bool = if ADDRESS_KEYS.contains(&key) {
        |_, value| AddressRange::parse(value).is_some_and(|range| !range.is_world())
    } else if LIMITING_KEYS.contains(&key) || key == "s3:dataaccesspointarn" || key.ends_with("orgpaths") {
        is_fixed
    } else {
        return Known::No;
    };
    let values = strings(values, false);
    if values.is_empty() {
        return Known::No;
    }
    values
        .into_iter()
        .map(|read| match read.val {
            Val::Unknown(reasons) => Known::Unknown(reasons),
            Val::Int(_) => Known::Yes,
            val => Known::of(val.as_str().is_some_and(|value| test(key, value))),
        })
        .fold(Known::Yes, Known::and)
}

fn is_fixed(key: &str, value: &str) -> bool {
    let has_wildcard = |text: &str| text.contains(['*', '?']) || text.contains("${");
    match key {
        // An access point's name may be a pattern as long as the account is fixed.
        "s3:dataaccesspointarn" => value.split(':').nth(4).is_some_and(yagura_model::is_account_id),
        // `AROAEXAMPLEID:*`: every session of one role.
        "aws:userid" => {
            let id = value.split(':').next().unwrap_or("");
            id.len() >= 12 && !has_wildcard(id)
        }
        // `o-exampleorgid/*`: everything in one organization.
        key if key.ends_with("orgpaths") => {
            let organization = value.split('/').next().unwrap_or("");
            organization.starts_with("o-") && !has_wildcard(organization)
        }
        _ => !value.is_empty() && !has_wildcard(value),
    }
}

/// Whether `text` matches an IAM pattern, in which `*` stands for anything and `?` for one character. Linear in the
/// product of the lengths at worst, whatever the pattern.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether some text matches both patterns: an action pattern of a policy and a class such as `s3:get*`.
pub fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // reach[j]: the rests a[i..] and b[j..] can match a common text. Filled from the ends.
    let mut next = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some(b'*'), None) => next[j],
                (None, Some(b'*')) => row[j + 1],
                (Some(b'*'), Some(_)) => next[j] || row[j + 1],
                (Some(_), Some(b'*')) => row[j + 1] || next[j],
                (Some(x), Some(y)) => (x == y || *x == b'?' || *y == b'?') && next[j + 1],
                _ => false,
            };
        }
        next = row;
    }
    next[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn public(policy: &Value) -> Known {
        is_public(&Val::of(policy))
    }

    fn with(statement: &Value) -> Value {
        json!({"Statement": statement})
    }

    #[test]
    fn anyone_without_a_limit_is_public() {
        for principal in [json!("*"), json!({"AWS": "*"}), json!({"AWS": ["arn:aws:iam::1:root", "*"]})] {
            let policy = with(&json!([{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}]));
            assert_eq!(public(&policy), Known::Yes, "{policy}");
        }
        let excluded = with(&json!({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "*"}));
        assert_eq!(public(&excluded), Known::Yes);
        for policy in [
            with(&json!({"Effect": "Deny", "Principal": "*", "Action": "*"})),
            with(&json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "*"})),
            with(&json!({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "*"})),
            json!({}),
        ] {
            assert_eq!(public(&policy), Known::No, "{policy}");
        }
    }

    #[test]
    fn fixed_conditions_limit_and_others_do_not() {
        let limited = [
            json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
            json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}}),
            json!({"StringLike": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}}),
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*"}}),
            json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}),
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:123456789012:accesspoint/*"}}),
            json!({"StringEquals": {"aws:userid": "AROAEXAMPLEIDEXAMPLE:*"}}),
            json!({"StringLike": {"aws:SourceVpc": "vpc-*"}, "ArnEquals": {"aws:SourceArn": "arn:aws:sns:a:1:b"}}),
        ];
        let open = [
            json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}),
            json!({"StringNotEquals": {"aws:SourceVpc": "vpc-91237329"}}),
            json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-91237329"}}),
            json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a"}}),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
            json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}),
            json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
            json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:*:*:accesspoint/*"}}),
            json!({"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}}),
        ];
        for (conditions, expected) in [(&limited[..], Known::No), (&open[..], Known::Yes)] {
            for condition in conditions {
                let policy =
                    with(&json!([{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}]));
                assert_eq!(public(&policy), expected, "{condition}");
            }
        }
    }

    #[test]
    fn what_is_not_known_stays_unknown_unless_it_does_not_matter() {
        let unknown = yagura_model::unknown("Parameter Vpc");
        let condition = json!({"StringEquals": {"aws:SourceVpc": unknown}});
        let policy = with(&json!([{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}]));
        assert_eq!(public(&policy), Known::Unknown(missing("Parameter Vpc")));
        let denied = with(&json!([{"Effect": "Deny", "Principal": unknown, "Action": "*"}]));
        assert_eq!(public(&denied), Known::No);
        let open = json!({"Effect": "Allow", "Principal": "*", "Action": "*"});
        assert_eq!(public(&with(&json!([unknown, open]))), Known::Yes);
    }

    #[test]
    fn statements_have_one_form() {
        let policy = with(&json!({"Effect": "Allow", "Principal": {"AWS": "*", "Service": ["a.amazonaws.com"]},
            "Action": "S3:GetObject", "Resource": ["x"]}));
        let Value::Object(map) = &policy else { unreachable!() };
        let list = Val::List(statements(map)).to_json();
        assert_eq!(
            list,
            json!([{"Effect": "Allow", "Principal": ["*", "a.amazonaws.com"], "Action": ["s3:getobject"],
                    "Resource": ["x"]}])
        );
    }

    #[test]
    fn patterns_match_and_overlap() {
        assert!(glob("s3:Get*", "s3:GetObject") && glob("*", "") && glob("a?c*", "abcd"));
        assert!(!glob("s3:Get*", "s3:PutObject") && !glob("a?c", "ac"));
        assert!(overlap("s3:*", "s3:get*") && overlap("*", "s3:put*") && overlap("s3:*object", "s3:get*"));
        assert!(overlap("s3:g*", "s3:get*") && overlap("s3:getobject", "s3:get*"));
        assert!(!overlap("s3:put*", "s3:get*") && !overlap("s3:g", "s3:get*") && !overlap("sqs:*", "s3:get*"));
    }
}
