//! A recorded scan plays back the same, and holds no secrets.

use crate::server::{call, client, say};
use serde_json::json;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use yagura_aws::{Api, Call, ErrorKind, Record, Replay};

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_was_recorded_is_played_back() {
    let (client, ..) = client(vec![
        say(200, r#"{"Keys":[{"KeyId":"a"}],"Truncated":false}"#),
        say(200, r#"{"Keys":[],"Truncated":false}"#),
        say(400, r#"{"__type":"AccessDeniedException","message":"no"}"#),
        say(200, r#"{"SecretString":"hunter2","Name":"n"}"#),
        say(200, r#"{"Configuration":{"Environment":{"Variables":{"DB_PASSWORD":"hunter2"}}}}"#),
    ])
    .await;
    let tape = Tape::default();
    let record = Record::new(client, tape.clone());
    let list = call("kms", "ListKeys", json!({}));
    let describe = call("kms", "DescribeKey", json!({"KeyId": "k"}));
    let secret = call("secretsmanager", "GetSecretValue", json!({"SecretId": "s"}));
    let function = call("lambda", "GetFunction", json!({"FunctionName": "f"}));
    let all = record.call_all(&list).await;
    let one = record.call(&list).await;
    let denied = record.call(&describe).await;
    assert_eq!(record.call(&secret).await.expect("a secret")["SecretString"], "hunter2");
    record.call(&function).await.expect("a function");
    record.finish().expect("written");

    let text = String::from_utf8(tape.0.lock().expect("lock").clone()).expect("UTF-8");
    assert_eq!(text.lines().count(), 5);
    assert!(!text.contains("hunter2") && !text.contains("KEY1") && text.contains("DB_PASSWORD"), "{text}");

    let replay = Replay::read(text.as_bytes()).expect("a tape");
    assert_eq!(replay.call_all(&list).await, all);
    assert_eq!((replay.call(&list).await, replay.call(&list).await), (one.clone(), one), "the last answer stays");
    assert_eq!(replay.call(&describe).await, denied);
    let elsewhere = Call { region: "eu-west-1".to_owned(), ..list };
    let error = replay.call(&elsewhere).await.expect_err("not recorded");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "not_recorded"));
}

#[test]
fn a_broken_tape_is_refused_with_its_line() {
    let error = Replay::read("\n{\"service\":1}\n".as_bytes()).expect_err("broken");
    assert!(error.to_string().contains("line 2"), "{error}");
}
