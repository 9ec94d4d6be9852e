//! Who calls, where to, and over how many pages.

use crate::server::{Keys, Server, TestClock, call, client, options, say, with};
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::json;
use std::{sync::atomic::Ordering, time::Duration};
use yagura_aws::{Api, Call, Client, ErrorKind, Options, Role, enabled_regions, identity};

const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws-cn:iam::111111111111:user/u</Arn>\
    <UserId>U</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

#[tokio::test]
async fn the_caller_has_account_and_partition() {
    let (client, ..) = client(vec![say(200, WHO)]).await;
    let who = identity(&client, client.region()).await.expect("an identity");
    assert_eq!((who.account.as_str(), who.partition.as_str()), ("111111111111", "aws-cn"));
}

#[tokio::test]
async fn without_credentials_the_message_says_what_to_do_and_nothing_is_sent() {
    let server = Server::start(Vec::new()).await;
    let clock = TestClock::new();
    let keys = Keys { fail: true, ..Keys::default() };
    let asked = keys.given.clone();
    let credentials = Some(SharedCredentialsProvider::new(keys));
    let client = Client::connect(Options { credentials, ..options(&server, &clock) }).await.expect("a client");
    for _ in 0..3 {
        let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("no credentials");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "no_credentials"));
        assert!(error.message.contains("aws sso login"), "{}", error.message);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the failure is remembered");
    clock.advance(Duration::from_secs(61));
    client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("still none");
    assert_eq!((asked.load(Ordering::SeqCst), server.asked().len()), (2, 0));
}

fn assumed(key: &str, expires: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s\
         </SecretAccessKey><SessionToken>t</SessionToken><Expiration>{expires}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>"
    )
}

#[tokio::test]
async fn another_account_is_entered_by_role_until_the_role_expires() {
    let keys = || say(200, r#"{"Keys":[]}"#);
    let server = Server::start(vec![
        say(200, WHO),
        say(200, &assumed("ROLE1", "2024-01-01T01:00:00Z")),
        keys(),
        keys(),
        say(200, &assumed("ROLE2", "2024-01-01T02:00:00Z")),
        keys(),
        keys(),
    ])
    .await;
    let clock = TestClock::new();
    let role = Role {
        name: "security/audit".to_owned(),
        external_id: Some("e&x".to_owned()),
        session_name: "yagura".to_owned(),
        own_account: false,
    };
    let options = Options { role: Some(role), ..options(&server, &clock) };
    let client = Client::connect(options).await.expect("a client");
    let there = Call { account: Some("222222222222".to_owned()), ..call("kms", "ListKeys", json!({})) };
    let own = Call { account: Some("111111111111".to_owned()), ..there.clone() };
    client.call(&there).await.expect("an answer");
    client.call(&there).await.expect("an answer");
    clock.advance(Duration::from_secs(3_540));
    client.call(&there).await.expect("an answer");
    client.call(&own).await.expect("an answer");
    let asked = server.asked();
    assert!(asked[1].body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fsecurity%2Faudit"), "{asked:?}");
    assert!(asked[1].body.contains("&ExternalId=e%26x") && asked[1].body.contains("&RoleSessionName=yagura"));
    let keys: Vec<&str> = asked.iter().filter_map(|a| a.head.split_once("Credential=")?.1.split('/').next()).collect();
    assert_eq!(keys, ["KEY1", "KEY1", "ROLE1", "ROLE1", "KEY1", "ROLE2", "KEY1"]);
}

#[tokio::test]
async fn another_account_without_a_role_or_with_a_closed_one_is_an_error_about_credentials() {
    let (client, ..) = client(vec![say(200, WHO)]).await;
    let there = Call { account: Some("222222222222".to_owned()), ..call("kms", "ListKeys", json!({})) };
    let error = client.call(&there).await.expect_err("no role");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "no_role"));

    let closed =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>";
    let server = Server::start(vec![say(200, WHO), say(403, closed)]).await;
    let role =
        Role { name: "audit".to_owned(), external_id: None, session_name: "yagura".to_owned(), own_account: false };
    let options = Options { role: Some(role), ..options(&server, &TestClock::new()) };
    let client = Client::connect(options).await.expect("a client");
    let error = client.call(&there).await.expect_err("closed");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Credentials, "assume_role"));
    assert!(error.message.contains("role/audit") && error.message.contains("trust policy"), "{}", error.message);
}

#[tokio::test]
async fn a_listing_is_followed_to_its_end() {
    let page = |user: &str, more: &str| {
        say(
            200,
            &format!(
                "<ListUsersResponse><ListUsersResult><Users><member><UserName>{user}</UserName>\
            <CreateDate>2024-01-01T00:00:00Z</CreateDate></member></Users>{more}</ListUsersResult></ListUsersResponse>"
            ),
        )
    };
    let more = "<IsTruncated>true</IsTruncated><Marker>m&amp;1</Marker>";
    let (client, server, _) = client(vec![page("a", more), page("b", "<IsTruncated>false</IsTruncated>")]).await;
    let answer = client.call_all(&call("iam", "ListUsers", json!({"PathPrefix": "/"}))).await.expect("users");
    assert_eq!(
        answer,
        json!({"Users": [
            {"UserName": "a", "CreateDate": "2024-01-01T00:00:00Z"},
            {"UserName": "b", "CreateDate": "2024-01-01T00:00:00Z"},
        ]})
    );
    let asked = server.asked();
    assert_eq!(asked[0].body, "Action=ListUsers&Version=2010-05-08&PathPrefix=%2F");
    assert!(asked[1].body.contains("Marker=m%261"), "{asked:?}");
}

#[tokio::test]
async fn enabled_regions_come_from_ec2_else_from_the_account_service() {
    let ec2 = "<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item>\
        <item><regionName>ap-northeast-1</regionName></item><item><regionName>no region!</regionName></item>\
        </regionInfo></DescribeRegionsResponse>";
    let denied = || {
        say(
            403,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors></Response>",
        )
    };
    let account = r#"{"Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED"}]}"#;
    let (client, server, _) = client(vec![say(200, ec2), denied(), say(200, account), denied(), say(403, "{}")]).await;
    let regions = async || enabled_regions(&client, "us-east-1", None).await;
    assert_eq!(regions().await.expect("Regions"), ["ap-northeast-1", "us-east-1"]);
    assert_eq!(regions().await.expect("Regions"), ["eu-west-1"]);
    assert_eq!(regions().await.expect_err("denied").operation, "DescribeRegions");
    assert!(server.asked()[0].body.contains("Filter.1.Value.2=opted-in"));
}

#[tokio::test]
async fn keys_that_xml_cannot_hold_are_listed_encoded_and_given_decoded() {
    let list = "<ListBucketResult><Name>bbb</Name><EncodingType>url</EncodingType><Prefix>a+b%2F</Prefix><Contents>\
        <Key>a+b%2F%01</Key><Size>1</Size></Contents><CommonPrefixes><Prefix>p%2B</Prefix></CommonPrefixes></ListBucketResult>";
    let (client, server, _) = client(vec![say(200, list)]).await;
    let answer = client.call(&call("s3", "ListObjectsV2", json!({"Bucket": "bbb"}))).await.expect("objects");
    assert_eq!(
        answer,
        json!({"Name": "bbb", "Prefix": "a b/", "Contents": [{"Key": "a b/\u{1}", "Size": 1}], "CommonPrefixes": [{"Prefix": "p+"}]})
    );
    assert!(server.asked()[0].head.starts_with("GET /bbb?list-type=2&encoding-type=url "), "{:?}", server.asked());
}

#[tokio::test]
async fn a_streamed_body_is_given_as_bytes_or_base64() {
    let headers = [("content-type", "text/plain"), ("x-amz-meta-owner", "me")];
    let (client, ..) = client(vec![with(200, &headers, "hello"), say(200, "hello")]).await;
    let get = call("s3", "GetObject", json!({"Bucket": "bbb", "Key": "k"}));
    let answer = client.call(&get).await.expect("an object");
    assert_eq!(answer["Body"], "aGVsbG8=");
    assert_eq!((&answer["Metadata"], &answer["ContentType"]), (&json!({"owner": "me"}), &json!("text/plain")));
    assert_eq!(client.bytes(&get).await.expect("an object"), b"hello");
}
