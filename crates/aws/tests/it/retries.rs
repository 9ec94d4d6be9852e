//! What is tried again, how often, and what is not.

use crate::server::{Keys, Reply, Server, TestClock, call, client, options, say, with};
use aws_credential_types::provider::SharedCredentialsProvider;
use serde_json::json;
use std::{sync::atomic::Ordering, time::Duration};
use yagura_aws::{Api, Client, ErrorKind, Options};

const THROTTLED: &str = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
const KEYS: &str = r#"{"Keys":[]}"#;

#[tokio::test]
async fn a_throttled_call_is_tried_again_after_growing_waits() {
    let (client, server, clock) = client(vec![say(400, THROTTLED), say(400, THROTTLED), say(200, KEYS)]).await;
    let answer = client.call(&call("kms", "ListKeys", json!({}))).await;
    assert_eq!(answer, Ok(json!({"Keys": []})));
    assert_eq!(server.asked().len(), 3);
    let slept = clock.slept();
    assert!(slept.contains(&Duration::from_secs(1)) && slept.contains(&Duration::from_secs(2)), "{slept:?}");
}

#[tokio::test]
async fn endless_throttling_ends_within_attempts_and_patience() {
    let replies = (0..20).map(|_| say(400, THROTTLED)).collect();
    let (client, server, clock) = client(replies).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("throttled");
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!((error.code.as_str(), error.status), ("ThrottlingException", 400));
    assert!(error.message.contains("try again later"), "{}", error.message);
    assert_eq!(server.asked().len(), 5);
    assert!(clock.slept().iter().sum::<Duration>() < Duration::from_secs(25), "{:?}", clock.slept());
}

#[tokio::test]
async fn what_the_server_asks_to_wait_is_waited_but_not_forever() {
    let (client, _, clock) = client(vec![with(503, &[("retry-after", "7")], ""), say(200, KEYS)]).await;
    client.call(&call("kms", "ListKeys", json!({}))).await.expect("an answer");
    assert!(clock.slept().contains(&Duration::from_secs(7)), "{:?}", clock.slept());

    let (client, server, clock) = crate::server::client(vec![with(503, &[("retry-after", "3600")], "")]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("too long");
    assert_eq!(error.kind, ErrorKind::Server);
    assert_eq!((server.asked().len(), clock.slept().len()), (1, 0));
}

#[tokio::test]
async fn failures_of_the_server_and_the_network_are_tried_again() {
    let (client, server, _) = client(vec![say(500, ""), Reply::Hang, say(502, "<html>"), say(200, KEYS)]).await;
    client.call(&call("kms", "ListKeys", json!({}))).await.expect("an answer");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let denied = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User is not authorized to perform: kms:ListKeys"}"#;
    let (client, server, _) = client(vec![say(400, denied)]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("denied");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "AccessDeniedException"));
    assert!(error.message.contains("kms:ListKeys"));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn expired_credentials_are_fetched_again_once() {
    let expired =
        r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#;
    let server = Server::start(vec![say(400, expired), say(200, KEYS), say(400, expired), say(400, expired)]).await;
    let keys = Keys::default();
    let given = keys.given.clone();
    let credentials = Some(SharedCredentialsProvider::new(keys));
    let options = Options { credentials, ..options(&server, &TestClock::new()) };
    let client = Client::connect(options).await.expect("a client");
    client.call(&call("kms", "ListKeys", json!({}))).await.expect("an answer");
    let asked = server.asked();
    assert!(asked[0].head.contains("Credential=KEY1/") && asked[1].head.contains("Credential=KEY2/"), "{asked:?}");
    assert!(asked[1].head.contains("x-amz-security-token: token"));

    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("expired for good");
    assert_eq!(error.kind, ErrorKind::Credentials);
    assert!(error.message.contains("log in again"), "{}", error.message);
    assert_eq!(server.asked().len(), 4);
    assert_eq!(given.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_awss_own() {
    let skewed = r#"{"__type":"InvalidSignatureException","message":"Signature expired"}"#;
    let date = [("date", "Mon, 01 Jan 2024 01:00:00 GMT")];
    let (client, server, _) = client(vec![with(400, &date, skewed), say(200, KEYS), say(200, KEYS)]).await;
    for _ in 0..2 {
        client.call(&call("kms", "ListKeys", json!({}))).await.expect("an answer");
    }
    let asked = server.asked();
    assert!(asked[0].head.contains("x-amz-date: 20240101T000000Z"), "{asked:?}");
    assert!(asked[1].head.contains("x-amz-date: 20240101T010000Z"), "{asked:?}");
    assert!(asked[2].head.contains("x-amz-date: 20240101T010000Z"), "{asked:?}");
}

#[tokio::test]
async fn a_bad_signature_with_a_right_clock_is_final() {
    let bad = r#"{"__type":"InvalidSignatureException","message":"does not match"}"#;
    let (client, server, _) = client(vec![with(400, &[("date", "Mon, 01 Jan 2024 00:00:30 GMT")], bad)]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("bad");
    assert_eq!(error.kind, ErrorKind::Credentials);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn silence_is_a_time_out() {
    let (client, server, _) = client(vec![Reply::Silence, Reply::Silence, say(200, KEYS)]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("silence");
    assert_eq!(server.asked().len(), 2, "each costs its whole time, so it is tried only once more");
    assert_eq!((error.kind, error.code.as_str(), error.status), (ErrorKind::Network, "timeout", 0));
}

#[tokio::test]
async fn a_refused_connection_names_the_host_and_the_next_step() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let server = Server::start(Vec::new()).await;
    let clock = TestClock::new();
    let options = Options { endpoint: Some(url), ..options(&server, &clock) };
    let client = Client::connect(options).await.expect("a client");
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("refused");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Network, "connect"));
    assert!(error.message.contains("127.0.0.1") && error.message.contains("AWS_ENDPOINT_URL"), "{}", error.message);
    assert_eq!(clock.slept().len(), 4, "five attempts");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(vec![say(200, KEYS)]).await;
    let (client, server, _) = client(vec![with(302, &[("location", &elsewhere.url)], "<html>moved</html>")]).await;
    let error = client.call(&call("kms", "ListKeys", json!({}))).await.expect_err("a redirect");
    assert_eq!(error.kind, ErrorKind::Other);
    assert!(error.message.contains(&elsewhere.url), "{}", error.message);
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (1, 0));
}

#[tokio::test]
async fn a_bucket_elsewhere_is_asked_where_it_is_and_remembered() {
    let moved = with(301, &[("x-amz-bucket-region", "eu-west-1")], "<Error><Code>PermanentRedirect</Code></Error>");
    let good = || say(200, "<Tagging><TagSet/></Tagging>");
    let (client, server, _) = client(vec![moved, good(), good()]).await;
    let tags = call("s3", "GetBucketTagging", json!({"Bucket": "far-away"}));
    for _ in 0..2 {
        assert_eq!(client.call(&tags).await, Ok(json!({"TagSet": []})));
    }
    let regions: Vec<bool> = server.asked().iter().map(|a| a.head.contains("/eu-west-1/s3/aws4_request")).collect();
    assert_eq!(regions, [false, true, true]);
}

#[tokio::test]
async fn s3s_late_error_is_an_error_and_tried_again() {
    let late = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>We failed</Message></Error>";
    let (client, server, _) = client(vec![say(200, late), say(200, "<Tagging><TagSet/></Tagging>")]).await;
    client.call(&call("s3", "GetBucketTagging", json!({"Bucket": "bbb"}))).await.expect("an answer");
    assert_eq!(server.asked().len(), 2);
}
