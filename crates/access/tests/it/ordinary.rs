//! Policies of the length and kind that people write, and edits of them.

use crate::laws::Dice;
use serde_json::{Value, json};
use yagura_access::PolicyKind;

const SERVICES: [(&str, &str, &[&str]); 10] = [
    (
        "s3",
        "arn:aws:s3:::",
        &["Get*", "List*", "PutObject", "DeleteObject", "GetObject", "*Object*", "GetBucketPolicy", "*"],
    ),
    (
        "ec2",
        "arn:aws:ec2:us-east-1:111122223333:",
        &["Describe*", "RunInstances", "TerminateInstances", "CreateTags", "*"],
    ),
    (
        "iam",
        "arn:aws:iam::111122223333:",
        &["PassRole", "Get*", "List*", "CreateUser", "AttachRolePolicy", "*AccessKey*"],
    ),
    ("kms", "arn:aws:kms:*:111122223333:", &["Decrypt", "Encrypt", "GenerateDataKey*", "ReEncrypt*", "DescribeKey"]),
    ("dynamodb", "arn:aws:dynamodb:*:*:", &["GetItem", "PutItem", "Query", "Scan", "Batch*", "*Table"]),
    ("logs", "arn:aws:logs:*:111122223333:", &["CreateLogGroup", "CreateLogStream", "PutLogEvents", "Describe*"]),
    ("lambda", "arn:aws:lambda:us-east-1:111122223333:", &["InvokeFunction", "Get*", "UpdateFunctionCode", "Create*"]),
    ("sqs", "arn:aws:sqs:*:111122223333:", &["SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueue*"]),
    ("sns", "arn:aws:sns:*:111122223333:", &["Publish", "Subscribe", "List*"]),
    ("ssm", "arn:aws:ssm:*:111122223333:", &["GetParameter*", "SendCommand", "StartSession", "Describe*"]),
];

const NAMES: [&str; 14] = [
    "app-logs/*",
    "app-*",
    "prod-data",
    "prod-data/*",
    "table/orders",
    "table/*",
    "role/app-*",
    "role/service/*",
    "function:report-*",
    "key/*",
    "log-group:/aws/lambda/*",
    "instance/*",
    "parameter/app/*",
    "shared/${aws:username}/*",
];

const CONDITIONS: [(&str, &str, &str); 14] = [
    ("StringEquals", "aws:RequestedRegion", r#"["us-east-1", "eu-west-1"]"#),
    ("StringNotEquals", "aws:RequestedRegion", r#"["us-east-1", "us-west-2", "ap-northeast-1"]"#),
    ("IpAddress", "aws:SourceIp", r#"["203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8"]"#),
    ("NotIpAddress", "aws:SourceIp", r#"["203.0.113.0/24"]"#),
    ("Bool", "aws:SecureTransport", r#""false""#),
    ("Bool", "aws:MultiFactorAuthPresent", r#""true""#),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", r#""false""#),
    ("StringLike", "s3:prefix", r#"["home/*", "public/*", ""]"#),
    ("StringEquals", "aws:ResourceTag/team", r#"["blue", "green"]"#),
    ("ForAllValues:StringEquals", "aws:TagKeys", r#"["team", "env"]"#),
    ("StringEquals", "iam:PassedToService", r#"["lambda.amazonaws.com", "ec2.amazonaws.com"]"#),
    ("ArnLike", "aws:PrincipalArn", r#"["arn:aws:iam::*:role/admin-*"]"#),
    ("NumericLessThan", "aws:MultiFactorAuthAge", r#""3600""#),
    ("DateGreaterThan", "aws:CurrentTime", r#""2026-01-01T00:00:00Z""#),
];

fn statement(dice: &mut Dice, naming: bool) -> Value {
    let (service, arn, names) = *dice.one(&SERVICES);
    let (other, ..) = *dice.one(&SERVICES);
    let actions: Vec<String> = (0..1 + dice.below(8))
        .map(|i| format!("{}:{}", if i % 4 == 3 { other } else { service }, dice.one(names)))
        .collect();
    let resources: Vec<String> = (0..1 + dice.below(4)).map(|_| format!("{arn}{}", dice.one(&NAMES))).collect();
    let denies = dice.below(4) == 0;
    let mut statement = json!({"Effect": if denies { "Deny" } else { "Allow" }});
    statement[if denies && dice.below(3) == 0 { "NotAction" } else { "Action" }] = json!(actions);
    statement["Resource"] = if dice.below(4) == 0 { json!("*") } else { json!(resources) };
    for _ in 0..dice.below(3) {
        let (operator, key, operands) = *dice.one(&CONDITIONS);
        statement["Condition"][operator][key] = serde_json::from_str(operands).expect("operands");
    }
    if naming {
        let somebody = ["111122223333", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:role/app", "*"];
        statement["Principal"] = json!({"AWS": [dice.one(&somebody), dice.one(&somebody)]});
    }
    statement
}

/// A policy of five to fourteen statements, and one in which a statement is another, gone, or new.
pub fn pair(dice: &mut Dice) -> (PolicyKind, Value, Value) {
    let naming = dice.below(3) == 0;
    let statements: Vec<Value> = (0..5 + dice.below(10)).map(|_| statement(dice, naming)).collect();
    let mut edited = statements.clone();
    let i = dice.below(edited.len());
    match dice.below(4) {
        0 => edited.push(statement(dice, naming)),
        1 => {
            edited.remove(i);
        }
        2 => edited[i] = statement(dice, naming),
        _ => {
            edited[i].as_object_mut().expect("statement").remove("Condition");
        }
    }
    let document = |statements| json!({"Version": "2012-10-17", "Statement": statements});
    let (one, two) = (document(statements), document(edited));
    let kind = if naming { PolicyKind::Resource } else { PolicyKind::Identity };
    if dice.below(2) == 0 { (kind, one, two) } else { (kind, two, one) }
}
