//! A server with a script, a clock that never waits, and credentials that are counted.

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use yagura_aws::{Call, Client, Clock, Options};

pub enum Reply {
    /// Status, headers, body.
    Say(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
    /// Closes the connection without a word.
    Hang,
    /// Says nothing and keeps the connection.
    Silence,
}

pub fn say(status: u16, body: &str) -> Reply {
    Reply::Say(status, Vec::new(), body.as_bytes().to_vec())
}

pub fn with(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    Reply::Say(status, headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(), body.as_bytes().to_vec())
}

/// What a client asked: the head in lower case, and the body.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Clone)]
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Serves the replies in order, one a connection; then closes connections.
    pub async fn start(replies: Vec<Reply>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut replies = VecDeque::from(replies);
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                seen.lock().expect("lock").push(request);
                let bytes = match replies.pop_front() {
                    Some(Reply::Say(status, headers, body)) => answer(status, &headers, &body),
                    Some(Reply::Raw(bytes)) => bytes,
                    Some(Reply::Silence) => {
                        kept.push(stream);
                        continue;
                    }
                    Some(Reply::Hang) | None => continue,
                };
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        });
        Server { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("lock").clone()
    }
}

fn answer(status: u16, headers: &[(&'static str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

async fn read(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Asked { head: text, body: String::new() };
            }
            continue;
        };
        let asked = Asked { head: head.replace("\r\n", "\n"), body: body.to_owned() };
        let length = asked.header("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        if body.len() >= length || read == 0 {
            return asked;
        }
    }
}

/// Sleeping advances it at once; chance is always the most.
pub struct TestClock {
    now: Mutex<SystemTime>,
    pub slept: Mutex<Vec<Duration>>,
}

impl TestClock {
    /// 2024-01-01T00:00:00Z
    pub fn new() -> Arc<TestClock> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_067_200);
        Arc::new(TestClock { now: Mutex::new(now), slept: Mutex::default() })
    }

    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().expect("lock").clone()
    }

    pub fn advance(&self, time: Duration) {
        *self.now.lock().expect("lock") += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().expect("lock")
    }

    fn sleep<'a>(&'a self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.slept.lock().expect("lock").push(time);
        self.advance(time);
        Box::pin(std::future::ready(()))
    }

    fn random(&self) -> u128 {
        u128::MAX
    }
}

/// Gives `KEY1`, `KEY2`, …; each time it is asked another.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pub given: Arc<AtomicUsize>,
    pub fail: bool,
}

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
        if self.fail {
            return future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nothing there")));
        }
        let token = Some("token".to_owned());
        future::ProvideCredentials::ready(Ok(Credentials::new(format!("KEY{number}"), "secret", token, None, "test")))
    }
}

pub fn options(server: &Server, clock: &Arc<TestClock>) -> Options {
    Options {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(server.url.clone()),
        credentials: Some(SharedCredentialsProvider::new(Keys::default())),
        read_timeout: Duration::from_millis(200),
        clock: Arc::<TestClock>::clone(clock),
        ..Options::default()
    }
}

/// A client, its server and its clock.
pub async fn client(replies: Vec<Reply>) -> (Client, Server, Arc<TestClock>) {
    let server = Server::start(replies).await;
    let clock = TestClock::new();
    let client = Client::connect(options(&server, &clock)).await.expect("a client");
    (client, server, clock)
}

pub fn call(service: &str, operation: &str, params: Value) -> Call {
    Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        params,
        region: "us-east-1".to_owned(),
        account: None,
    }
}
