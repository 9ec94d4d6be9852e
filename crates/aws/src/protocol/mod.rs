//! AWS's five wire protocols: a call's JSON parameters to an HTTP request, an HTTP answer to JSON by API names.
//!
//! All is driven by the operation's shapes. The semantics are those of Smithy's protocol pages
//! (smithy.io/2.0/aws/protocols) and of botocore's serialisers, against which the tests compare.

mod answer;
mod body;
mod failure;
mod form;
mod keys;
#[cfg(test)]
mod oracle;
mod rest;
mod scalar;
mod tree;

use crate::catalogue::{Operation, Protocol, Service, Shape};
use http::HeaderMap;
use serde_json::{Map, Value};

pub(crate) use failure::{failure, hidden};

/// A request before it has a host and a signature.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Request {
    pub method: String,
    /// Percent-encoded, with a leading slash.
    pub path: String,
    /// Percent-encoded `name=value` pairs, without `?`.
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// To stand before the host: `123456789012.`
    pub host_prefix: Option<String>,
    /// S3: the bucket, which may move from the path to the host.
    pub bucket: Option<String>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Builds the request of a call. `token` makes idempotency tokens. The error says which parameter is wrong.
pub(crate) fn request(
    service: &Service,
    operation: &str,
    found: &Operation,
    params: &Value,
    token: &dyn Fn() -> String,
) -> Result<Request, String> {
    let empty = Map::new();
    let params = match params {
        Value::Null => &empty,
        Value::Object(map) => map,
        _ => return Err("parameters are not a JSON object".to_owned()),
    };
    let mut params = with_tokens(service, found, params, token);
    if keys::concerned(&service.name, operation, &params) {
        params.insert("EncodingType".to_owned(), Value::from("url"));
    }
    let build = body::Build { service };
    let mut request = match service.protocol {
        Protocol::Json => build.json(operation, found, &params)?,
        Protocol::Query | Protocol::Ec2 => form::build(service, operation, found, &params)?,
        Protocol::RestJson | Protocol::RestXml => rest::build(&build, found, &params)?,
    };
    if let Some(prefix) = &found.host_prefix {
        request.host_prefix = Some(host_prefix(prefix, &params)?);
    }
    Ok(request)
}

/// The parameters with the idempotency tokens that the caller left out.
fn with_tokens(
    service: &Service,
    operation: &Operation,
    params: &Map<String, Value>,
    token: &dyn Fn() -> String,
) -> Map<String, Value> {
    let mut params = params.clone();
    params.retain(|_, value| !value.is_null());
    if let Some(Shape::Structure { members, .. }) = operation.input.map(|n| service.shape(n)) {
        for member in members.iter().filter(|m| m.2.token == 1) {
            params.entry(member.0.clone()).or_insert_with(|| Value::String(token()));
        }
    }
    params
}

/// Fills `{AccountId}.`; the value must be one DNS label, since it decides which host is called.
fn host_prefix(template: &str, params: &Map<String, Value>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a broken host prefix")?;
        let value = params.get(name).and_then(Value::as_str).unwrap_or_default();
        let label = !value.is_empty()
            && value.len() <= 63
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !value.starts_with('-');
        if !label {
            return Err(format!("parameter `{name}` must be one host label (letters, digits, `-`)"));
        }
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The output members of a successful answer to a call. The error says what about the answer can't be read.
pub(crate) fn output(
    service: &Service,
    operation: &str,
    found: &Operation,
    params: &Value,
    answer: &Answer,
) -> Result<Value, String> {
    let Some(shape) = found.output.map(|n| service.shape(n)) else { return Ok(Value::Object(Map::new())) };
    let mut output = match service.protocol {
        Protocol::Json => answer::json(service, shape, answer),
        Protocol::RestJson | Protocol::RestXml => answer::rest(service, found, shape, answer),
        Protocol::Query | Protocol::Ec2 => answer::wrapped(service, found, shape, answer),
    }?;
    if keys::concerned(&service.name, operation, params.as_object().unwrap_or(&Map::new())) {
        keys::decode(&mut output);
    }
    Ok(output)
}

/// The name of a parameter that no member has, with the nearest one that there is.
fn unknown_member<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.min_by_key(|k| distance(&name.to_lowercase(), &k.to_lowercase()));
    match near {
        Some(near) if distance(&name.to_lowercase(), &near.to_lowercase()) <= 1 + name.len() / 3 => {
            format!("no parameter `{name}`; did you mean `{near}`?")
        }
        _ => format!("no parameter `{name}`"),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let next = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            diagonal = above;
            left = next;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
