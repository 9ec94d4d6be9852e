use serde_json::Value;
use std::{future::Future, pin::Pin};

/// One AWS operation to call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// botocore's service name: `s3`, `s3control`, `ec2`, `iam`, `config`, `kms`, `events`, …
    pub service: String,
    /// `ListBuckets`
    pub operation: String,
    /// Input members by their API names. Blobs are base64 text, timestamps RFC 3339 text.
    pub params: Value,
    /// Where to call; global services are mapped to their own Region by the client.
    pub region: String,
    /// The account whose credentials are used; `None` is the caller's own.
    pub account: Option<String>,
}

/// What went wrong, as far as a rule or a person must tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401/403, AccessDenied and its many names: a blind spot.
    Denied,
    /// The thing asked for does not exist (`NoSuchBucketPolicy`, `NoSuchEntity`, …): often an answer in itself.
    NotFound,
    /// Still throttled after all retries.
    Throttled,
    /// The endpoint doesn't know this operation, or the service is not offered in this Region.
    Unsupported,
    /// No credentials, expired or invalid ones.
    Credentials,
    /// Not reachable, reset, timed out.
    Network,
    /// 5xx after all retries.
    Server,
    /// Anything else: a validation error, a broken answer.
    Other,
}

/// A failed call. `code` is AWS's error code (`NoSuchBucketPolicy`), or one of ours in lower case.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{service}:{operation} in {region}: {code}: {message}")]
pub struct CallError {
    pub service: String,
    pub operation: String,
    pub region: String,
    pub kind: ErrorKind,
    pub code: String,
    pub message: String,
    /// HTTP status, 0 when there was no answer.
    pub status: u16,
}

/// A way to AWS: the signed client, a recording, a replay, or a test's own.
pub trait Api: Send + Sync {
    /// Calls an operation once (with retries) and gives its output members as JSON.
    fn call<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>>;

    /// Like [`Api::call`], but follows the operation's paginator to the end and gives one answer with the pages'
    /// result lists joined. An operation without paginator is called once.
    fn call_all<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>>;
}
