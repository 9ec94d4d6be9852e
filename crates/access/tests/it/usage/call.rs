//! Records as permissions.

use super::{ALICE, of, read, record, skipped};
use serde_json::{Value, json};
use yagura_access::usage::{Call, Skipped};

fn one(source: &str, event: &str, parameters: Value) -> String {
    let found = read(source, event, parameters);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].0.clone()
}

#[test]
fn events_become_actions() {
    let cases = [
        ("ec2", "DescribeInstances", "ec2:DescribeInstances"),
        ("s3", "ListObjectsV2", "s3:ListBucket"),
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3", "PutBucketLifecycle", "s3:PutLifecycleConfiguration"),
        ("s3", "DeleteBucketCors", "s3:PutBucketCORS"),
        ("s3", "GetBucketReplication", "s3:GetReplicationConfiguration"),
        ("s3", "UploadPart", "s3:PutObject"),
        ("s3", "DeleteObjects", "s3:DeleteObject"),
        ("lambda", "GetFunction20150331v2", "lambda:GetFunction"),
        ("lambda", "ListFunctions20150331", "lambda:ListFunctions"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("cloudfront", "CreateInvalidation2020_05_31", "cloudfront:CreateInvalidation"),
        ("monitoring", "PutMetricAlarm", "cloudwatch:PutMetricAlarm"),
        ("email", "SendEmail", "ses:SendEmail"),
        ("tagging", "GetResources", "tag:GetResources"),
        ("apigateway", "GetRestApis", "apigateway:GET"),
        ("apigateway", "CreateDeployment", "apigateway:POST"),
        ("apigateway", "UpdateStage", "apigateway:PATCH"),
        ("autoscaling", "CreateAutoScalingGroup", "autoscaling:CreateAutoScalingGroup"),
        ("autoscaling", "RegisterScalableTarget", "application-autoscaling:RegisterScalableTarget"),
        ("sqs", "SendMessageBatch", "sqs:SendMessage"),
        ("bedrock", "Converse", "bedrock:InvokeModel"),
        ("cloudcontrolapi", "GetResource", "cloudformation:GetResource"),
        ("rdsdata", "ExecuteStatement", "rds-data:ExecuteStatement"),
        ("budgets", "DescribeBudgets", "budgets:ViewBudget"),
        ("cassandra", "CreateTable", "cassandra:Create"),
    ];
    for (source, event, action) in cases {
        assert_eq!(one(source, event, json!({})), action, "{source} {event}");
    }
    let scaled = json!({"serviceNamespace": "ecs"});
    assert_eq!(one("autoscaling", "PutScalingPolicy", scaled), "application-autoscaling:PutScalingPolicy");
    assert_eq!(one("autoscaling", "PutScalingPolicy", json!({})), "autoscaling:PutScalingPolicy");
    let version = json!({"bucketName": "b", "key": "k", "versionId": "3"});
    assert_eq!(one("s3", "GetObject", version), "s3:GetObjectVersion");
}

#[test]
fn one_event_may_take_several_actions() {
    let names = |found: Vec<(String, Vec<String>)>| found.into_iter().map(|(action, _)| action).collect::<Vec<_>>();
    assert_eq!(names(read("kms", "ReEncrypt", json!({}))), ["kms:ReEncryptFrom", "kms:ReEncryptTo"]);
    let items = json!({"transactItems": [{"put": {"tableName": "t"}}, {"delete": {"tableName": "t"}}, {"put": {}}]});
    assert_eq!(names(read("dynamodb", "TransactWriteItems", items)), ["dynamodb:DeleteItem", "dynamodb:PutItem"]);
    let text = json!({"statement": "select * from Orders"});
    assert_eq!(names(read("dynamodb", "ExecuteStatement", text)), ["dynamodb:PartiQLSelect"]);
    // What is half known is not known.
    let items = json!({"transactItems": [{"put": {}}, {"something": {}}]});
    assert!(matches!(skipped(&record("dynamodb", "TransactWriteItems", items)), Skipped::Unknown { .. }));
}

#[test]
fn nothing_is_guessed() {
    for (source, event) in [("s3", "FlyToTheMoon"), ("nosuch", "ListBuckets"), ("ec2", ""), ("", "DescribeInstances")] {
        let name = format!("{source}.amazonaws.com");
        let Skipped::Unknown { source, name: found } = skipped(&record(source, event, json!({}))) else {
            panic!("{source} {event}")
        };
        assert_eq!((source, found.as_str()), (name, event));
    }
}

#[test]
fn who_is_no_identity_is_skipped() {
    let by = |identity: Value| {
        let mut record = record("s3", "ListBuckets", json!({}));
        record["userIdentity"] = identity;
        Call::of(&record)
    };
    let issuer = |arn: &str| json!({"sessionIssuer": {"type": "Role", "arn": arn}});
    let nobody = [
        json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root"}),
        json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}),
        json!({"type": "AWSAccount", "accountId": "444455556666"}),
        json!({"type": "AWSAccount", "accountId": "anonymous", "principalId": ""}),
        json!({"type": "WebIdentityUser", "userName": "x"}),
        json!({"type": "FederatedUser", "sessionContext": issuer("arn:aws:iam::111122223333:root")}),
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/s"}),
        json!({"type": "IAMUser"}),
        json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/*"}),
        json!({"type": "IAMUser", "arn": "arn:aws:iam::1111:user/x"}),
        json!({}),
        Value::Null,
    ];
    for identity in nobody {
        assert_eq!(by(identity.clone()), Err(Skipped::NoIdentity), "{identity}");
    }
    let role = "arn:aws:iam::111122223333:role/team/app";
    let session = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "sessionContext": issuer(role)});
    assert_eq!(by(session).expect("a call")[0].principal, role);
    let federated = json!({"type": "FederatedUser", "sessionContext": issuer(ALICE)});
    assert_eq!(by(federated).expect("a call")[0].principal, ALICE);
}

#[test]
fn what_needs_no_permission_is_skipped() {
    assert_eq!(skipped(&record("signin", "ConsoleLogin", json!({}))), Skipped::NoPermission);
    assert_eq!(skipped(&record("sts", "GetCallerIdentity", json!({}))), Skipped::NoPermission);
    let mut by_itself = record("kms", "RotateKey", json!({}));
    by_itself["eventType"] = json!("AwsServiceEvent");
    assert_eq!(skipped(&by_itself), Skipped::NoPermission);
    let mut throttled = record("ssm", "GetParameter", json!(null));
    throttled["errorCode"] = json!("ThrottlingException");
    assert_eq!(skipped(&throttled), Skipped::NoPermission);
}

#[test]
fn resources_are_read_from_the_record() {
    let mut record = record("s3", "GetObject", json!({"bucketName": "b", "key": "a/k"}));
    record["resources"] = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/a/k"}, {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}]);
    assert_eq!(of(&record), [("s3:GetObject".to_owned(), vec!["arn:aws:s3:::b/a/k".to_owned()])]);
    record["eventName"] = json!("ListObjects");
    assert_eq!(of(&record), [("s3:ListBucket".to_owned(), vec!["arn:aws:s3:::b".to_owned()])]);
    record["eventName"] = json!("DeleteObjects");
    record["requestParameters"] = json!({"bucketName": "b"});
    record["resources"] = json!([{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"}]);
    assert_eq!(of(&record), [("s3:DeleteObject".to_owned(), vec!["arn:aws:s3:::b/*".to_owned()])]);
}

#[test]
fn resources_are_built_from_parameters() {
    let here = "ap-northeast-1:111122223333";
    let cases = [
        ("s3", "PutBucketPolicy", json!({"bucketName": "b"}), vec!["arn:aws:s3:::b".to_owned()]),
        ("dynamodb", "PutItem", json!({"tableName": "t"}), vec![format!("arn:aws:dynamodb:{here}:table/t")]),
        ("lambda", "Invoke", json!({"functionName": "f"}), vec![format!("arn:aws:lambda:{here}:function:f")]),
        (
            "lambda",
            "Invoke",
            json!({"functionName": "f", "qualifier": "live"}),
            vec![format!("arn:aws:lambda:{here}:function:f:live")],
        ),
        ("lambda", "Invoke", json!({"functionName": "111122223333:function:f"}), vec![]),
        (
            "sqs",
            "SendMessage",
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/q"}),
            vec!["arn:aws:sqs:eu-west-1:444455556666:q".to_owned()],
        ),
        ("sns", "Publish", json!({"topicArn": format!("arn:aws:sns:{here}:t")}), vec![format!("arn:aws:sns:{here}:t")]),
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "db"}),
            vec![format!("arn:aws:secretsmanager:{here}:secret:db-??????")],
        ),
        (
            "ssm",
            "GetParameters",
            json!({"names": ["/a/b", "c"]}),
            vec![format!("arn:aws:ssm:{here}:parameter/a/b"), format!("arn:aws:ssm:{here}:parameter/c")],
        ),
        (
            "logs",
            "GetLogEvents",
            json!({"logGroupName": "/g", "logStreamName": "s"}),
            vec![format!("arn:aws:logs:{here}:log-group:/g:log-stream:s")],
        ),
        (
            "iam",
            "GetRole",
            json!({"roleName": "r"}),
            vec!["arn:aws:iam::111122223333:role/*/r".to_owned(), "arn:aws:iam::111122223333:role/r".to_owned()],
        ),
        ("iam", "CreateAccessKey", json!(null), vec![ALICE.to_owned()]),
        ("iam", "CreateAccessKey", json!({"userName": "alice"}), vec![ALICE.to_owned()]),
        (
            "sts",
            "AssumeRole",
            json!({"roleArn": "arn:aws:iam::444455556666:role/x/y"}),
            vec!["arn:aws:iam::444455556666:role/x/y".to_owned()],
        ),
        (
            "ec2",
            "StopInstances",
            json!({"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}),
            vec![format!("arn:aws:ec2:{here}:instance/i-0123456789abcdef0")],
        ),
        (
            "ec2",
            "DescribeInstances",
            json!({"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}),
            vec![],
        ),
        ("kms", "Decrypt", json!({"keyId": "alias/x"}), vec![]),
        (
            "kms",
            "Decrypt",
            json!({"keyId": format!("arn:aws:kms:{here}:key/k")}),
            vec![format!("arn:aws:kms:{here}:key/k")],
        ),
    ];
    for (source, event, parameters, resources) in cases {
        let found = read(source, event, parameters.clone());
        assert_eq!(found[0].1, resources, "{event} {parameters}");
    }
}

/// A call that must name several things is known only if all are.
#[test]
fn half_of_the_resources_is_none() {
    let image = json!({"instancesSet": {"items": [{"imageId": "ami-0123456789abcdef0"}]}});
    assert_eq!(read("ec2", "RunInstances", image), [("ec2:RunInstances".to_owned(), vec![])]);
    let alias = json!({"aliasName": "alias/x", "targetKeyId": "alias/y"});
    assert_eq!(read("kms", "CreateAlias", alias), [("kms:CreateAlias".to_owned(), vec![])]);
    let subnet = json!({"vpcId": "vpc-0123456789abcdef0"});
    let found = &read("ec2", "CreateSubnet", subnet)[0].1;
    assert_eq!(
        found,
        &["arn:aws:ec2:ap-northeast-1:*:vpc/vpc-0123456789abcdef0", "arn:aws:ec2:ap-northeast-1:111122223333:subnet/*"]
    );
}

#[test]
fn passed_roles_are_calls_of_their_own() {
    let role = "arn:aws:iam::111122223333:role/job";
    let cases = [
        ("lambda", "CreateFunction20150331", json!({"functionName": "f", "role": role}), Some("lambda.amazonaws.com")),
        (
            "ecs",
            "RegisterTaskDefinition",
            json!({"taskRoleArn": role, "executionRoleArn": role}),
            Some("ecs-tasks.amazonaws.com"),
        ),
        (
            "cloudformation",
            "CreateStack",
            json!({"stackName": "s", "roleARN": role}),
            Some("cloudformation.amazonaws.com"),
        ),
        ("states", "CreateStateMachine", json!({"name": "s", "roleArn": role}), Some("states.amazonaws.com")),
        (
            "events",
            "PutTargets",
            json!({"rule": "r", "targets": [{"id": "1", "roleArn": role}]}),
            Some("events.amazonaws.com"),
        ),
        ("eks", "CreateCluster", json!({"name": "c", "roleArn": role}), None),
    ];
    for (source, event, parameters, to) in cases {
        let calls = Call::of(&record(source, event, parameters)).expect("calls");
        let passes: Vec<&Call> = calls.iter().filter(|call| call.action == "iam:PassRole").collect();
        assert_eq!(passes.len(), 1, "{event}: {calls:?}");
        assert_eq!(passes[0].resources, [role]);
        assert_eq!(passes[0].context.get("iam:PassedToService").and_then(Value::as_str), to);
    }
    // Reading passes nothing.
    let read = read("glue", "GetJobs", json!({"role": role}));
    assert!(read.iter().all(|(action, _)| action != "iam:PassRole"), "{read:?}");
}

#[test]
fn what_else_a_call_needs() {
    let names = |found: Vec<(String, Vec<String>)>| found.into_iter().map(|(action, _)| action).collect::<Vec<_>>();
    let copy = json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "/from/a/k"});
    assert_eq!(
        read("s3", "CopyObject", copy)[1],
        ("s3:GetObject".to_owned(), vec!["arn:aws:s3:::from/a/k".to_owned()])
    );
    let tags = json!({"roleName": "r", "tags": [{"key": "a", "value": "b"}]});
    assert_eq!(names(read("iam", "CreateRole", tags)), ["iam:CreateRole", "iam:TagRole"]);
    let tags = json!({"CreateVpcRequest": {"TagSpecification": {"Tag": {}}}});
    assert_eq!(names(read("ec2", "CreateVpc", tags)), ["ec2:CreateVpc", "ec2:CreateTags"]);
    let session = json!({"roleArn": "arn:aws:iam::111122223333:role/r", "tags": [{"key": "a"}], "sourceIdentity": "x"});
    assert_eq!(
        names(read("sts", "AssumeRole", session)),
        ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    );
}

#[test]
fn the_context_is_what_the_record_tells() {
    let mut record = record("s3", "ListBuckets", json!({}));
    record["userIdentity"]["sessionContext"] = json!({"attributes": {"mfaAuthenticated": "true"}});
    let call = &Call::of(&record).expect("a call")[0];
    let key = |call: &Call, key: &str| call.context.get(key).and_then(Value::as_str).map(str::to_owned);
    for (name, value) in [
        ("aws:SourceIp", "203.0.113.5"),
        ("aws:MultiFactorAuthPresent", "true"),
        ("aws:RequestedRegion", "ap-northeast-1"),
        ("aws:PrincipalArn", ALICE),
        ("aws:username", "alice"),
        ("aws:ViaAWSService", "false"),
    ] {
        assert_eq!(key(call, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(
        (call.account.as_str(), call.time.as_str(), call.denied),
        (super::ACCOUNT, "2026-03-01T10:00:00Z", false)
    );
    record["sourceIPAddress"] = json!("cloudformation.amazonaws.com");
    record["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
    record["vpcEndpointId"] = json!("vpce-1");
    record["errorCode"] = json!("Client.UnauthorizedOperation");
    let call = &Call::of(&record).expect("a call")[0];
    assert_eq!(key(call, "aws:SourceIp"), None);
    assert_eq!(key(call, "aws:ViaAWSService").as_deref(), Some("true"));
    assert_eq!(key(call, "aws:SourceVpce").as_deref(), Some("vpce-1"));
    assert!(call.denied);
}
