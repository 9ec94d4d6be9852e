//! Errors by protocol, and answers that are broken or hostile.

use crate::server::{Reply, call, client, say, with};
use serde_json::json;
use yagura_aws::{Api, ErrorKind, Options};

#[tokio::test]
async fn codes_and_messages_are_found_in_every_protocol() {
    let json_header = [("x-amzn-errortype", "ResourceNotFoundException:http://internal.amazon.com/x/")];
    let query_header = [("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")];
    for (service, operation, params, reply, kind, code, message) in [
        (
            "kms",
            "DescribeKey",
            json!({"KeyId": "k"}),
            say(400, r#"{"__type":"NotFoundException","message":"no key"}"#),
            ErrorKind::NotFound,
            "NotFoundException",
            "no key",
        ),
        (
            "sqs",
            "GetQueueUrl",
            json!({"QueueName": "q"}),
            with(400, &query_header, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}"#),
            ErrorKind::NotFound,
            "AWS.SimpleQueueService.NonExistentQueue",
            "no queue",
        ),
        (
            "lambda",
            "GetPolicy",
            json!({"FunctionName": "f"}),
            with(404, &json_header, r#"{"Type":"User","Message":"no policy"}"#),
            ErrorKind::NotFound,
            "ResourceNotFoundException",
            "no policy",
        ),
        (
            "iam",
            "GetUser",
            json!({}),
            say(
                404,
                "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no user</Message></Error></ErrorResponse>",
            ),
            ErrorKind::NotFound,
            "NoSuchEntity",
            "no user",
        ),
        (
            "ec2",
            "DescribeVpcs",
            json!({}),
            say(
                403,
                "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no &amp; never</Message></Error></Errors><RequestID>1</RequestID></Response>",
            ),
            ErrorKind::Denied,
            "UnauthorizedOperation",
            "no & never",
        ),
        (
            "s3",
            "GetBucketPolicy",
            json!({"Bucket": "bbb"}),
            say(
                404,
                "<?xml version=\"1.0\"?><Error><Code>NoSuchBucketPolicy</Code><Message>no policy</Message></Error>",
            ),
            ErrorKind::NotFound,
            "NoSuchBucketPolicy",
            "no policy",
        ),
        (
            "route53",
            "GetHostedZone",
            json!({"Id": "/hostedzone/Z1"}),
            say(
                404,
                "<ErrorResponse xmlns=\"x\"><Error><Code>NoSuchHostedZone</Code><Message>no zone</Message></Error></ErrorResponse>",
            ),
            ErrorKind::NotFound,
            "NoSuchHostedZone",
            "no zone",
        ),
        ("s3", "HeadBucket", json!({"Bucket": "bbb"}), say(403, ""), ErrorKind::Denied, "403", "HTTP status 403"),
        (
            "eks",
            "ListClusters",
            json!({}),
            say(404, "<html>nginx</html>"),
            ErrorKind::Unsupported,
            "404",
            "HTTP status 404",
        ),
    ] {
        let (client, server, _) = client(vec![reply]).await;
        let error = client.call(&call(service, operation, params)).await.expect_err("an error");
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{service}");
        assert!(error.message.starts_with(message), "{service}: {}", error.message);
        assert_eq!(server.asked().len(), 1, "{service}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_not_a_value() {
    let deep_json = "[".repeat(100_000);
    let deep_xml = "<a>".repeat(1_000);
    for (service, operation, body) in [
        ("kms", "ListKeys", "not json"),
        ("kms", "ListKeys", deep_json.as_str()),
        ("ec2", "DescribeVpcs", "<Response><vpcSet>"),
        ("ec2", "DescribeVpcs", deep_xml.as_str()),
        ("iam", "ListUsers", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"),
        ("eks", "ListClusters", "[]"),
    ] {
        let (client, ..) = client(vec![say(200, body)]).await;
        let error = client.call(&call(service, operation, json!({}))).await.expect_err("broken");
        assert_eq!(
            (error.kind, error.code.as_str(), error.status),
            (ErrorKind::Other, "broken_answer", 200),
            "{body:.20}"
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let (client, ..) = client(vec![Reply::Raw(head)]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("too large");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "too_large"));
}

#[tokio::test]
async fn mistakes_in_a_call_are_named_before_anything_is_sent() {
    let (client, server, _) = client(Vec::new()).await;
    for (service, operation, params, kind, message) in [
        ("s3", "GetBukcet", json!({}), ErrorKind::Unsupported, "no operation `GetBukcet` in `s3`"),
        ("s5", "GetBucket", json!({}), ErrorKind::Unsupported, "no service `s5`"),
        ("s3", "GetBucketAcl", json!({}), ErrorKind::Other, "parameter `Bucket` is missing"),
        (
            "s3",
            "GetBucketAcl",
            json!({"Bukcet": "b"}),
            ErrorKind::Other,
            "no parameter `Bukcet`; did you mean `Bucket`?",
        ),
        (
            "s3",
            "GetObject",
            json!({"Bucket": "bbb", "Key": "a/../b"}),
            ErrorKind::Other,
            "parameter `Key` has a `.` or `..`",
        ),
        ("ec2", "DescribeVpcs", json!({"VpcIds": "vpc-1"}), ErrorKind::Other, "parameter `VpcIds`: expected a list"),
        (
            "kms",
            "ListKeys",
            json!({"Limit": "many"}),
            ErrorKind::Other,
            "parameter `Limit`: expected a number, got `\"many\"`",
        ),
        ("kms", "ListKeys", json!([]), ErrorKind::Other, "parameters are not a JSON object"),
        (
            "s3control",
            "GetPublicAccessBlock",
            json!({"AccountId": "evil.example/"}),
            ErrorKind::Other,
            "parameter `AccountId` must be one host label",
        ),
        (
            "logs",
            "StartLiveTail",
            json!({"logGroupIdentifiers": ["a"]}),
            ErrorKind::Unsupported,
            "`StartLiveTail` speaks in event streams",
        ),
    ] {
        let error = client.call(&call(service, operation, params)).await.expect_err("a mistake");
        assert_eq!(error.kind, kind, "{message}");
        assert!(error.message.starts_with(message), "{}", error.message);
    }
    let elsewhere = yagura_aws::Call { region: "evil.example/".to_owned(), ..call("kms", "ListKeys", json!({})) };
    assert_eq!(client.call(&elsewhere).await.expect_err("no Region").code, "invalid_endpoint");
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn no_attempts_at_all_is_a_configuration_error() {
    let (_, server, clock) = client(Vec::new()).await;
    let options = Options { max_attempts: Some(0), ..crate::server::options(&server, &clock) };
    assert!(yagura_aws::Client::connect(options).await.is_err());
}
