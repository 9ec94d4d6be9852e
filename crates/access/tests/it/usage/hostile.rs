//! Records that nobody at AWS wrote.

use super::{ALICE, record};
use crate::laws::Dice;
use serde_json::{Value, json};
use yagura_access::lint::{PolicyType, lint};
use yagura_access::size;
use yagura_access::usage::{Call, Options, least, replay};
use yagura_model::Severity;

/// Values of every type, and texts that mean something to someone.
fn values() -> Vec<Value> {
    let long = "a".repeat(1 << 20);
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(-1e300),
        json!(""),
        json!([]),
        json!({}),
        json!([[[]]]),
        json!({"ARN": 1}),
        json!([{"ARN": ["x"]}, 3, null, {"ARNPrefix": {}}]),
        json!(long),
        json!(format!("arn:aws:s3:::{long}")),
        json!(format!("arn:aws:s3:::b/{}", "/é".repeat(2000))),
        json!("arn:aws:s3:::b/${aws:username}/*"),
        json!("arn:aws:s3:::b/日本語/キー"),
        json!("arn:::::"),
        json!("arn:aws:iam::12:role/x"),
        json!("arn:aws:iam::111122223333:role/"),
        json!("*"),
        json!("${*}"),
        json!("a\u{0}b\n\"\\"),
        json!("i-0123456789abcdef0"),
        json!("é-01234567"),
        deep,
    ]
}

#[test]
fn no_record_is_too_strange() {
    let good = record("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
    let keys: Vec<String> = good.as_object().expect("an object").keys().cloned().collect();
    for value in values() {
        _ = Call::of(&value);
        for key in keys.iter().map(String::as_str).chain(["resources", "errorCode", "vpcEndpointId"]) {
            let mut record = good.clone();
            record[key] = value.clone();
            _ = Call::of(&record);
        }
        for key in ["type", "arn", "principalId", "sessionContext", "invokedBy"] {
            let mut record = good.clone();
            record["userIdentity"][key] = value.clone();
            _ = Call::of(&record);
        }
    }
    let mut missing = good;
    missing.as_object_mut().expect("an object").remove("userIdentity");
    assert!(Call::of(&missing).is_err());
}

/// Whatever names are in the parameters, the policy is one that AWS takes, and it allows what was done.
#[test]
fn strange_names_end_in_sound_policies() {
    let events = [
        ("s3", "GetObject", ["bucketName", "key"]),
        ("s3", "CopyObject", ["x-amz-copy-source", "key"]),
        ("lambda", "CreateFunction20150331", ["functionName", "role"]),
        ("dynamodb", "Query", ["tableName", "indexName"]),
        ("iam", "GetRole", ["roleName", "x"]),
        ("sqs", "SendMessage", ["queueUrl", "x"]),
        ("ssm", "GetParameters", ["names", "x"]),
        ("ec2", "RunInstances", ["keyName", "imageId"]),
        ("secretsmanager", "GetSecretValue", ["secretId", "x"]),
    ];
    let mut calls = Vec::new();
    for (source, event, [first, second]) in events {
        for a in values() {
            for b in values() {
                let mut record = record(source, event, json!({first: a, second: b}));
                record["resources"] = json!([{"ARN": b}, {"ARNPrefix": a}]);
                calls.extend(Call::of(&record).unwrap_or_default());
            }
        }
    }
    assert!(calls.iter().all(|call| call.resources.iter().all(|r| r.len() <= 2048 && !r.contains("${"))));
    let found = least(&calls, &Options::default());
    for (name, policy) in &found.policies {
        let wrong: Vec<_> =
            lint(policy, PolicyType::Identity).into_iter().filter(|r| r.severity >= Severity::Medium).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        assert!(size(policy) <= 6144);
    }
    let told = replay(&found.policies, &calls).expect("readable policies");
    assert!(told.denied.is_empty(), "{:#?}", told.denied.first());
}

/// Calls that were not read from a record but made by hand.
#[test]
fn strange_calls_end_in_sound_policies() {
    let mut dice = Dice::new(5);
    let texts: Vec<String> = values().iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let call = |action: &str, resources: Vec<String>| Call {
        principal: ALICE.to_owned(),
        action: action.to_owned(),
        resources,
        account: String::new(),
        region: String::new(),
        context: serde_json::Map::new(),
        time: "x".repeat(100),
        denied: false,
    };
    let actions = ["s3:GetObject", "iam:PassRole", "x", "", ":", "é:é", "ec2:DescribeInstances", "sqs:SendMessage"];
    let calls: Vec<Call> = (0..500)
        .map(|_| call(dice.one::<&str>(&actions), vec![dice.one(&texts).clone(), dice.one(&texts).clone()]))
        .collect();
    let found = least(&calls, &Options { name: String::new(), resources: 0 });
    assert!(found.skipped.contains_key(&("é".to_owned(), "é".to_owned())));
    for (_, policy) in &found.policies {
        assert!(
            lint(policy, PolicyType::Identity)
                .iter()
                .all(|r| r.severity < Severity::High || r.code == "pass-role-anywhere"),
            "{policy}"
        );
    }
}
