//! One call's attempts: sign, send, judge the answer, and try again where that helps.

use crate::{
    Call, CallError, Client, ErrorKind,
    catalogue::{Operation, Service},
    endpoint::{Endpoint, is_region, partition},
    kind,
    pace::{Lanes, backoff},
    protocol::{self, Answer, Request},
    sign,
};
use aws_credential_types::Credentials;
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

/// No answer to a call is larger; a listing comes in pages.
const MAX_BODY: usize = 64 << 20;
/// AWS refuses signatures older than five minutes.
const MAX_SKEW: i64 = 240;

/// What became of an attempt.
enum Outcome {
    Good(Answer),
    /// AWS answered an error.
    Bad(Answer),
    /// No answer: our code for it, and what happened.
    Lost {
        code: &'static str,
        message: String,
    },
}

/// What a call has used up of its chances.
#[derive(Default)]
struct Spent {
    attempts: u32,
    waited: Duration,
    quota: u32,
    timeouts: u32,
    refreshed: bool,
    corrected: bool,
    moved: bool,
}

impl Client {
    /// Sends a call until it succeeds or trying again is no use.
    pub(crate) async fn exchange(
        &self,
        call: &Call,
        service: &Service,
        operation: &Operation,
    ) -> Result<Answer, CallError> {
        let token =
            || uuid::Builder::from_random_bytes(self.options.clock.random().to_be_bytes()).into_uuid().to_string();
        let request = protocol::request(service, &call.operation, operation, &call.params, &token)
            .map_err(|why| self.error(call, ErrorKind::Other, "invalid_parameters", why))?;
        let mut region = self.bucket_region(&request).unwrap_or_else(|| call.region.clone());
        let mut spent = Spent::default();
        let mut refused: Option<Credentials> = None;
        loop {
            let endpoint = self
                .endpoint(service, &region)
                .map_err(|why| self.error(call, ErrorKind::Other, "invalid_endpoint", why))?;
            let credentials = match operation.signed {
                0 => None,
                _ => Some(self.credentials(call, refused.as_ref()).await?),
            };
            let account = call.account.as_deref().unwrap_or_default();
            let lane = self.pace.lane(account, &endpoint.signing_region, &service.name, self.options.clock.now());
            self.wait(lane.turn(self.options.clock.now())).await;
            spent.attempts += 1;
            let outcome = self.send(service, &request, &endpoint, credentials.as_ref()).await;
            let (error, answer) = match outcome {
                Outcome::Good(answer) => {
                    lane.succeeded(spent.quota);
                    return Ok(answer);
                }
                Outcome::Bad(answer) => (self.failed(call, service, &answer), Some(answer)),
                Outcome::Lost { code, message } => (self.lost(call, service, &endpoint, code, message).await, None),
            };
            if let Some(answer) = &answer {
                if let Some(right) = wrong_region(&request, answer, &endpoint).filter(|_| !spent.moved) {
                    spent.moved = true;
                    self.remember_bucket(&request, &right);
                    region = right;
                    continue;
                }
                if kind::skewed(&error.code) && !spent.corrected && self.correct_clock(answer) {
                    spent.corrected = true;
                    continue;
                }
                if kind::expired(&error.code) && !spent.refreshed {
                    spent.refreshed = true;
                    refused = credentials;
                    continue;
                }
            }
            match self.before_next(&error, answer.as_ref(), &lane, &mut spent) {
                Some(delay) => self.wait(delay).await,
                None => return Err(kind::advise(error)),
            }
        }
    }

    async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            self.options.clock.sleep(time).await;
        }
    }

    /// How long to wait before the next attempt; `None` when there is to be none.
    fn before_next(
        &self,
        error: &CallError,
        answer: Option<&Answer>,
        lane: &Lanes,
        spent: &mut Spent,
    ) -> Option<Duration> {
        let throttled = error.kind == ErrorKind::Throttled;
        if throttled {
            lane.throttled();
        }
        let passing = error.code == "RequestTimeout" || error.code == "RequestTimeoutException";
        if !(throttled || passing || matches!(error.kind, ErrorKind::Server | ErrorKind::Network)) {
            return None;
        }
        // Each silence has cost its whole time already.
        spent.timeouts += u32::from(error.code == "timeout");
        if spent.timeouts > 1 {
            return None;
        }
        // A service that says it doesn't implement the call won't in a second.
        if error.status == 501 || spent.attempts >= self.attempts {
            return None;
        }
        let asked = answer.and_then(retry_after).unwrap_or_default();
        let delay = backoff(spent.attempts - 1, throttled, self.options.clock.random()).max(asked);
        if spent.waited + delay > self.options.patience {
            return None;
        }
        spent.quota += lane.pay(error.code == "timeout")?;
        spent.waited += delay;
        Some(delay)
    }

    async fn send(
        &self,
        service: &Service,
        request: &Request,
        endpoint: &Endpoint,
        credentials: Option<&Credentials>,
    ) -> Outcome {
        let lost = |code, message| Outcome::Lost { code, message };
        let url = endpoint.url(request);
        let Ok(method) = reqwest::Method::from_bytes(request.method.as_bytes()) else {
            return lost("invalid_request", format!("`{}` is no HTTP method", request.method));
        };
        let mut headers = request.headers.clone();
        if let Some(credentials) = credentials {
            let parts = (request.method.as_str(), url.as_str(), headers.as_slice(), request.body.as_slice());
            match sign::headers(credentials, &service.signing, &endpoint.signing_region, self.now(), parts) {
                Ok(signature) => headers.extend(signature),
                Err(why) => return lost("invalid_request", format!("the request can't be signed: {why}")),
            }
        }
        let mut building = self.http.request(method, &url).body(request.body.clone());
        for (name, value) in &headers {
            building = building.header(name, value);
        }
        match building.send().await {
            Ok(response) => match read(response).await {
                Ok(answer) if (200..300).contains(&answer.status) && !protocol::hidden(service, &answer) => {
                    Outcome::Good(answer)
                }
                Ok(answer) => Outcome::Bad(answer),
                Err(outcome) => outcome,
            },
            Err(error) => lost_to(&error),
        }
    }

    /// The error that AWS answered.
    fn failed(&self, call: &Call, service: &Service, answer: &Answer) -> CallError {
        let (code, message) = protocol::failure(service, answer);
        let mut error = self.error(call, ErrorKind::Other, &code, message);
        error.status = answer.status;
        // S3's PermanentRedirect has a code of its own; any other redirect is a proxy's or a login page's.
        if (300..400).contains(&answer.status) && code == answer.status.to_string() {
            let to = answer.header("location").unwrap_or("nowhere").to_owned();
            error.message = format!("the endpoint redirects to `{to}`, which is not followed; check AWS_ENDPOINT_URL");
            return error;
        }
        error.kind = kind::kind(&service.name, &code, answer.status, &error.message);
        // S3's late errors come with status 200.
        if answer.status == 200 && error.kind == ErrorKind::Other {
            error.kind = ErrorKind::Server;
        }
        error
    }

    /// The error of a call without an answer.
    async fn lost(
        &self,
        call: &Call,
        service: &Service,
        endpoint: &Endpoint,
        code: &str,
        message: String,
    ) -> CallError {
        match code {
            "too_large" | "invalid_request" => self.error(call, ErrorKind::Other, code, message),
            "connect" if !endpoint.foreign && missing_host(endpoint, &call.region).await => {
                let message = format!("`{}` is not offered in `{}`", service.id, call.region);
                self.error(call, ErrorKind::Unsupported, "not_in_region", message)
            }
            _ => self.error(call, ErrorKind::Network, code, message),
        }
    }

    /// Takes over AWS's time when it is far from ours; `false` when that isn't what is wrong.
    fn correct_clock(&self, answer: &Answer) -> bool {
        let Some(theirs) = answer.date() else { return false };
        let seconds = |time: std::time::SystemTime| {
            time.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0))
        };
        let skew = seconds(theirs) - seconds(self.options.clock.now());
        let before = self.skew.load(Ordering::Relaxed);
        if (skew - before).abs() < MAX_SKEW {
            return false;
        }
        self.skew.store(skew, Ordering::Relaxed);
        true
    }

    fn bucket_region(&self, request: &Request) -> Option<String> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(request.bucket.as_deref()?).cloned()
    }

    fn remember_bucket(&self, request: &Request, region: &str) {
        if let Some(bucket) = &request.bucket {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            buckets.insert(bucket.clone(), region.to_owned());
        }
    }
}

/// The bucket's own Region, when S3 answers that it was asked elsewhere.
fn wrong_region(request: &Request, answer: &Answer, endpoint: &Endpoint) -> Option<String> {
    request.bucket.as_ref()?;
    if !matches!(answer.status, 301 | 307 | 400 | 403) {
        return None;
    }
    let named = answer.header("x-amz-bucket-region").map(str::to_owned).or_else(|| {
        let text = String::from_utf8_lossy(answer.body.get(..answer.body.len().min(4096))?).into_owned();
        let (_, after) = text.split_once("<Region>")?;
        Some(after.split_once("</Region>")?.0.to_owned())
    })?;
    (named != endpoint.signing_region && is_region(&named)).then_some(named)
}

/// What the server asks for: `x-amz-retry-after` in milliseconds, `retry-after` in seconds.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
    number("x-amz-retry-after").map(Duration::from_millis).or_else(|| number("retry-after").map(Duration::from_secs))
}

/// Whether only this service's host has no address, while the Region's STS does: the service isn't there.
async fn missing_host(endpoint: &Endpoint, region: &str) -> bool {
    let host = endpoint.host().split(':').next().unwrap_or_default();
    if tokio::net::lookup_host((host, 443)).await.is_ok() {
        return false;
    }
    let sts = format!("sts.{region}.{}", partition(region).suffix);
    tokio::net::lookup_host((sts.as_str(), 443)).await.is_ok()
}

async fn read(mut response: reqwest::Response) -> Result<Answer, Outcome> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let too_large = || Outcome::Lost {
        code: "too_large",
        message: format!("the answer is larger than {} MiB; is the endpoint AWS's?", MAX_BODY >> 20),
    };
    if response.content_length().is_some_and(|length| length > MAX_BODY as u64) && !headers.is_empty() {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => return Err(too_large()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Answer { status, headers, body }),
            Err(error) => return Err(lost_to(&error)),
        }
    }
}

fn lost_to(error: &reqwest::Error) -> Outcome {
    let code = match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "connect",
        () if error.is_builder() => "invalid_request",
        () => "network",
    };
    // The innermost cause says what happened; the URL is in none of the outer texts that help.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let host = error.url().map_or("the endpoint", reqwest::Url::authority);
    let what = match code {
        "timeout" => format!("`{host}` didn't answer in time"),
        "connect" => format!("can't connect to `{host}`: {cause}"),
        _ => format!("the connection to `{host}` failed: {cause}"),
    };
    Outcome::Lost { code, message: what }
}
