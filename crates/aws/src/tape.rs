//! Recording calls and playing them back, so that a scan can be tested, or looked into elsewhere, without AWS.
//!
//! A tape is ndjson, one call and its answer a line. It holds no credentials and no request headers; members that AWS
//! uses for secrets (`SecretString`, `SessionToken`, values of environment variables, …) are blanked out.

use crate::{Api, Call, CallError, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    io::{self, BufRead, Write},
    pin::Pin,
    sync::{Mutex, PoisonError},
};

/// A line longer than this is no line of ours.
const MAX_LINE: u64 = 256 << 20;
const BLANK: &str = "***";
const SECRET: &[&str] = &[
    "AuthToken",
    "authorizationToken",
    "CiphertextForRecipient",
    "ClientSecret",
    "KeyMaterial",
    "MasterUserPassword",
    "Password",
    "PasswordData",
    "Plaintext",
    "PrivateKey",
    "SecretAccessKey",
    "SecretBinary",
    "SecretString",
    "SessionToken",
    "UserData",
];
/// Under these, what is at `Value`, `value` or below a name is a value of somebody's choosing.
const ENVIRONMENTS: &[&str] = &["Environment", "environment", "environmentVariables"];

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    service: String,
    operation: String,
    region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    all: bool,
    params: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Failure {
    kind: String,
    code: String,
    message: String,
    status: u16,
}

const KINDS: &[(ErrorKind, &str)] = &[
    (ErrorKind::Denied, "denied"),
    (ErrorKind::NotFound, "not_found"),
    (ErrorKind::Throttled, "throttled"),
    (ErrorKind::Unsupported, "unsupported"),
    (ErrorKind::Credentials, "credentials"),
    (ErrorKind::Network, "network"),
    (ErrorKind::Server, "server"),
    (ErrorKind::Other, "other"),
];

/// Passes calls on, and writes each with its answer.
pub struct Record<A> {
    inner: A,
    out: Mutex<(Box<dyn Write + Send>, io::Result<()>)>,
}

impl<A: Api> Record<A> {
    pub fn new(inner: A, out: impl Write + Send + 'static) -> Record<A> {
        Record { inner, out: Mutex::new((Box::new(out), Ok(()))) }
    }

    /// Ends the recording: the first error in writing, if there was one.
    pub fn finish(self) -> io::Result<A> {
        let (mut out, result) = self.out.into_inner().unwrap_or_else(PoisonError::into_inner);
        result.and_then(|()| out.flush())?;
        Ok(self.inner)
    }

    fn write(&self, call: &Call, all: bool, answer: &Result<Value, CallError>) {
        let (mut params, mut output) = (call.params.clone(), answer.as_ref().ok().cloned());
        blank(&mut params);
        if let Some(output) = &mut output {
            blank(output);
        }
        let error = answer.as_ref().err().map(|e| Failure {
            kind: KINDS.iter().find(|(kind, _)| *kind == e.kind).map_or("other", |(_, name)| name).to_owned(),
            code: e.code.clone(),
            message: e.message.clone(),
            status: e.status,
        });
        let line = Line {
            service: call.service.clone(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            account: call.account.clone(),
            all,
            params,
            output,
            error,
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.1.is_ok() {
            let written = serde_json::to_vec(&line).map_err(io::Error::other);
            out.1 = written.and_then(|mut bytes| {
                bytes.push(b'\n');
                out.0.write_all(&bytes)
            });
        }
    }
}

fn blank(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                if SECRET.contains(&name.as_str()) && !inner.is_object() {
                    *inner = Value::from(BLANK);
                } else if ENVIRONMENTS.contains(&name.as_str()) {
                    blank_environment(inner);
                } else {
                    blank(inner);
                }
            }
        }
        _ => {}
    }
}

/// `{"Variables": {NAME: value}}` and `[{"name": NAME, "value": value}]` keep their names.
fn blank_environment(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(blank_environment),
        Value::Object(map) => {
            if let Some(Value::Object(variables)) = map.get_mut("Variables") {
                variables.values_mut().for_each(|v| *v = Value::from(BLANK));
            }
            for name in ["value", "Value"] {
                if let Some(v) = map.get_mut(name) {
                    *v = Value::from(BLANK);
                }
            }
            // CodeBuild's `environment` holds `environmentVariables`.
            if let Some(inner) = map.get_mut("environmentVariables") {
                blank_environment(inner);
            }
        }
        _ => {}
    }
}

impl<A: Api> Api for Record<A> {
    fn call<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(async move {
            let answer = self.inner.call(call).await;
            self.write(call, false, &answer);
            answer
        })
    }

    fn call_all<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(async move {
            let answer = self.inner.call_all(call).await;
            self.write(call, true, &answer);
            answer
        })
    }
}

/// Service, operation, Region, account, whether all pages.
type Key = (String, String, String, Option<String>, bool);
type Answers = VecDeque<Result<Value, Failure>>;

/// Answers calls from a tape. A call recorded several times gets its answers in order, then the last again.
#[derive(Debug, Default)]
pub struct Replay {
    calls: HashMap<Key, Vec<(Value, Mutex<Answers>)>>,
}

impl Replay {
    /// Reads a tape. The error names the line.
    pub fn read(input: impl BufRead) -> io::Result<Replay> {
        let mut replay = Replay::default();
        let mut input = input;
        for number in 1.. {
            let mut text = Vec::new();
            if io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line: Line = serde_json::from_slice(&text).map_err(|e| {
                io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is no recorded call: {e}"))
            })?;
            replay.add(line);
        }
        Ok(replay)
    }

    fn add(&mut self, line: Line) {
        let answer = match line.error {
            Some(error) => Err(error),
            None => Ok(line.output.unwrap_or_default()),
        };
        let same = self.calls.entry((line.service, line.operation, line.region, line.account, line.all)).or_default();
        match same.iter_mut().find(|(params, _)| *params == line.params) {
            Some((_, answers)) => answers.get_mut().unwrap_or_else(PoisonError::into_inner).push_back(answer),
            None => same.push((line.params, Mutex::new(VecDeque::from([answer])))),
        }
    }

    fn answer(&self, call: &Call, all: bool) -> Result<Value, CallError> {
        let key = (call.service.clone(), call.operation.clone(), call.region.clone(), call.account.clone(), all);
        let mut params = call.params.clone();
        blank(&mut params);
        let found = self.calls.get(&key).and_then(|same| same.iter().find(|(p, _)| *p == params));
        let recorded = found.and_then(|(_, answers)| {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        });
        let failure = match recorded {
            Some(Ok(output)) => return Ok(output),
            Some(Err(failure)) => failure,
            None => Failure {
                kind: "other".to_owned(),
                code: "not_recorded".to_owned(),
                message: "the recording has no such call; record it again".to_owned(),
                status: 0,
            },
        };
        Err(CallError {
            service: call.service.clone(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            kind: KINDS.iter().find(|(_, name)| *name == failure.kind).map_or(ErrorKind::Other, |(kind, _)| *kind),
            code: failure.code,
            message: failure.message,
            status: failure.status,
        })
    }
}

impl Api for Replay {
    fn call<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(std::future::ready(self.answer(call, false)))
    }

    fn call_all<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(std::future::ready(self.answer(call, true)))
    }
}
