//! Mistakes, each with a document that is right.

use super::ways::*;
use serde_json::json;
use yagura_access::lint::PolicyType::{Endpoint, Identity, Resource, ServiceControl};

pub fn pairs() -> Vec<Pair> {
    let many =
        |n: usize| -> serde_json::Value { (0..n).map(|i| format!("arn:aws:s3:::bucket-number-{i:05}/*")).collect() };
    let aws = |name: &str| json!({"AWS": name});
    vec![
        (
            "action-resource-mismatch",
            Identity,
            json!([allow("s3:ListBucket", "arn:aws:s3:::b/*")]),
            json!([allow("s3:ListBucket", "arn:aws:s3:::b*")]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}, "StringLike": {"aws:PrincipalOrgID": "o-b*"}})
            )]),
            json!([get(
                json!({"StringEquals": {"aws:PrincipalOrgID": ["o-a", "o-b"]}, "StringLike": {"aws:PrincipalOrgID": "o-b*"}})
            )]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringEquals": {"aws:SourceVpce": "vpce-1"}})
            )]),
            json!([get(
                json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-1"}})
            )]),
        ),
        (
            "condition-never-matches",
            Identity,
            json!([get(
                json!({"DateGreaterThan": {"aws:CurrentTime": "2026-02-01"}, "DateLessThan": {"aws:CurrentTime": "2026-01-01"}})
            )]),
            json!([get(
                json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}, "DateLessThan": {"aws:CurrentTime": "2026-02-01"}})
            )]),
        ),
        (
            "duplicate-sid",
            Identity,
            json!([
                with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Sid": "A"})),
                with(allow("s3:ListBucket", "arn:aws:s3:::b"), json!({"Sid": "A"}))
            ]),
            json!([
                with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Sid": "A"})),
                with(allow("s3:ListBucket", "arn:aws:s3:::b"), json!({"Sid": "a"}))
            ]),
        ),
        (
            "empty-list",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": []}))]),
            json!([allow("s3:GetObject", "*")]),
        ),
        ("empty-list", Identity, json!([]), json!([allow("s3:GetObject", "*")])),
        (
            "for-all-values-allows-absent",
            Identity,
            json!([with(
                allow("dynamodb:Query", "*"),
                json!({"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}}})
            )]),
            json!([with(
                allow("dynamodb:Query", "*"),
                json!({"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "a"}, "Null": {"dynamodb:LeadingKeys": "false"}}})
            )]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}}))]),
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/32"}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"DateLessThan": {"aws:CurrentTime": "31.12.2026"}}))]),
            json!([get(json!({"DateLessThan": {"aws:CurrentTime": "2026-12-31"}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"Bool": {"aws:SecureTransport": "yes"}}))]),
            json!([get(json!({"Bool": {"aws:SecureTransport": true}}))]),
        ),
        (
            "invalid-condition-value",
            Identity,
            json!([get(json!({"ArnLike": {"aws:PrincipalArn": "role/x"}}))]),
            json!([get(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}))]),
        ),
        (
            "invalid-resource",
            Identity,
            json!([allow("s3:GetObject", "my-bucket/*")]),
            json!([allow("s3:GetObject", "arn:aws:s3:::my-bucket/*")]),
        ),
        (
            "invalid-sid",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Sid": "Read objects"}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Sid": "ReadObjects"}))]),
        ),
        (
            "key-never-set",
            Identity,
            json!([get(json!({"StringLike": {"s3:prefix": "home/*"}}))]),
            json!([with(
                allow("s3:ListBucket", "arn:aws:s3:::b"),
                json!({"Condition": {"StringLike": {"s3:prefix": "home/*"}}})
            )]),
        ),
        ("matches-no-action", Identity, json!([allow("s3:Got*", "*")]), json!([allow("s3:Get*", "*")])),
        (
            "no-principal",
            Resource,
            json!([allow("s3:GetObject", "arn:aws:s3:::b/*")]),
            json!([with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Principal": aws("111122223333")}))]),
        ),
        (
            "operator-type",
            Identity,
            json!([get(json!({"StringEquals": {"aws:SourceIp": "203.0.113.0/24"}}))]),
            json!([get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))]),
        ),
        (
            "operator-type",
            Identity,
            json!([get(json!({"NumericLessThan": {"aws:MultiFactorAuthPresent": "3600"}}))]),
            json!([get(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}))]),
        ),
        (
            "private-source-ip",
            Identity,
            json!([get(json!({"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}))]),
            json!([get(json!({"IpAddress": {"aws:VpcSourceIp": "10.1.0.0/16"}}))]),
        ),
        (
            "redundant-action",
            Identity,
            json!([with(allow("", "*"), json!({"Action": ["s3:Get*", "s3:GetObject"]}))]),
            json!([with(allow("", "*"), json!({"Action": ["s3:Get*", "s3:PutObject"]}))]),
        ),
        (
            "redundant-resource",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b/x"]}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::c/x"]}))]),
        ),
        (
            "redundant-statement",
            Identity,
            json!([allow("s3:Get*", "arn:aws:s3:::b/*"), allow("s3:GetObject", "arn:aws:s3:::b/x/*")]),
            json!([allow("s3:Get*", "arn:aws:s3:::b/*"), allow("s3:GetObject", "arn:aws:s3:::c/x/*")]),
        ),
        (
            "redundant-statement",
            Identity,
            json!([
                get(json!({"Bool": {"aws:SecureTransport": "true"}})),
                get(json!({"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
            ]),
            json!([
                get(json!({"Bool": {"aws:SecureTransport": "true"}})),
                get(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
            ]),
        ),
        (
            "resource-without-action",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
            json!([with(allow("s3:Get*", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
        ),
        (
            "resourceless-action",
            Identity,
            json!([allow("s3:ListAllMyBuckets", "arn:aws:s3:::b")]),
            json!([allow("s3:ListAllMyBuckets", "*")]),
        ),
        ("service-wildcard", Identity, json!([allow("s*:Get*", "*")]), json!([allow("s3:Get*", "*")])),
        (
            "single-operator-on-many",
            Identity,
            json!([with(
                allow("ec2:CreateTags", "*"),
                json!({"Condition": {"StringEquals": {"aws:TagKeys": "team"}}})
            )]),
            json!([with(
                allow("ec2:CreateTags", "*"),
                json!({"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}})
            )]),
        ),
        (
            "too-long",
            Identity,
            json!([with(allow("s3:GetObject", ""), json!({"Resource": many(250)}))]),
            json!([with(allow("s3:GetObject", ""), json!({"Resource": many(120)}))]),
        ),
        (
            "too-long",
            ServiceControl,
            json!([with(deny("s3:GetObject", ""), json!({"Resource": many(300)}))]),
            json!([with(deny("s3:GetObject", ""), json!({"Resource": many(250)}))]),
        ),
        ("unknown-action", Identity, json!([allow("s3:GetObjects", "*")]), json!([allow("S3:getobject", "*")])),
        (
            "unknown-condition-key",
            Identity,
            json!([get(json!({"StringEquals": {"aws:PrincipalOrgId1": "o-a"}}))]),
            json!([get(json!({"StringEquals": {"aws:principalorgid": "o-a"}}))]),
        ),
        (
            "unknown-condition-key",
            Identity,
            json!([get(json!({"StringEquals": {"s3:ExistingObjectTags/team": "a"}}))]),
            json!([get(json!({"StringEquals": {"s3:ExistingObjectTag/team": "a"}}))]),
        ),
        (
            "unknown-service",
            Identity,
            json!([allow("lamda:InvokeFunction", "*")]),
            json!([allow("lambda:InvokeFunction", "*")]),
        ),
        (
            "unreachable-allow",
            Identity,
            json!([allow("s3:GetObject", "arn:aws:s3:::b/x/*"), deny("s3:*", "arn:aws:s3:::b/*")]),
            json!([allow("s3:GetObject", "arn:aws:s3:::c/x/*"), deny("s3:*", "arn:aws:s3:::b/*")]),
        ),
        (
            "unreachable-allow",
            Identity,
            json!([allow("s3:GetObject", "*"), with(deny("", "*"), json!({"Action": null, "NotAction": ["ec2:*"]}))]),
            json!([allow("s3:GetObject", "*"), with(deny("", "*"), json!({"Action": null, "NotAction": ["s3:Get*"]}))]),
        ),
        (
            "unreadable",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Acton": "x"}))]),
            json!([allow("s3:GetObject", "*")]),
        ),
        (
            "wildcard-without-like",
            Identity,
            json!([get(json!({"StringEquals": {"aws:PrincipalTag/team": "a*"}}))]),
            json!([get(json!({"StringLike": {"aws:PrincipalTag/team": "a*"}}))]),
        ),
        (
            "wrong-account-id",
            Identity,
            json!([allow("sns:Publish", "arn:aws:sns:us-east-1:11112222333:t")]),
            json!([allow("sns:Publish", "arn:aws:sns:us-east-1:*:t")]),
        ),
        (
            "wrong-partition",
            Identity,
            json!([allow("s3:GetObject", "arn:was:s3:::b/*")]),
            json!([allow("s3:GetObject", "arn:aws-cn:s3:::b/*")]),
        ),
        (
            "redundant-action",
            Endpoint,
            json!([with(allow("", "*"), json!({"Principal": "*", "Action": ["s3:*", "*"]}))]),
            json!([with(allow("*", "*"), json!({"Principal": "*"}))]),
        ),
    ]
}
