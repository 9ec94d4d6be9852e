//! Our requests and answers against botocore's, case by case. `tests/wire.py` makes the cases.

use super::{Answer, output, request, scalar::decode};
use crate::{
    catalogue::{self, Protocol},
    xml::{self, Element},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Case {
    Request {
        service: String,
        operation: String,
        params: Value,
        method: String,
        path: String,
        query: Vec<(String, String)>,
        headers: BTreeMap<String, String>,
        body: String,
    },
    Answer {
        service: String,
        operation: String,
        status: u16,
        headers: BTreeMap<String, String>,
        body: String,
        output: Value,
    },
}

#[test]
fn requests_and_answers_are_botocores() {
    let file = std::env::var("YAGURA_WIRE")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire.ndjson").to_owned());
    let text = std::fs::read_to_string(file).expect("made by tests/wire.py");
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        cases += 1;
        if let Err(why) = check(&case) {
            wrong.push(why);
        }
    }
    assert!(cases > 100, "only {cases} cases");
    assert!(wrong.is_empty(), "{} of {cases} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(case: &Case) -> Result<(), String> {
    match case {
        Case::Request { service, operation, params, method, path, query, headers, body } => {
            let at = format!("request {service}.{operation}");
            let known = catalogue::find(service).expect("known");
            let found = known.operations.get(operation).expect("known");
            let ours = request(known, operation, found, params, &String::new).map_err(|e| format!("{at}: {e}"))?;
            same(&at, "method", &ours.method, method)?;
            same(&at, "path", &decode(&ours.path), &decode(path))?;
            same(&at, "query", &pairs(&ours.query), query)?;
            for (name, value) in headers {
                let given = ours.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
                // S3's checksums are ours to choose.
                if name != "x-amz-sdk-checksum-algorithm" {
                    same(&at, name, &given.unwrap_or("nothing").to_lowercase(), &value.to_lowercase())?;
                }
            }
            let theirs = STANDARD.decode(body).expect("base64");
            same_body(&at, known.protocol, &ours.body, &theirs)
        }
        Case::Answer { service, operation, status, headers, body, output: wanted } => {
            let at = format!("answer {service}.{operation}");
            let known = catalogue::find(service).expect("known");
            let found = known.operations.get(operation).expect("known");
            let pairs = headers.iter().map(|(n, v)| {
                let name = HeaderName::from_bytes(n.as_bytes()).expect("a name");
                (name, HeaderValue::from_bytes(v.as_bytes()).expect("a value"))
            });
            let body = STANDARD.decode(body).expect("base64");
            // As if the caller had asked for encoded keys, which are then given as they come.
            let asked = serde_json::json!({"EncodingType": "url"});
            let answer = Answer { status: *status, headers: HeaderMap::from_iter(pairs), body };
            let ours = output(known, operation, found, &asked, &answer).map_err(|e| format!("{at}: {e}"))?;
            let mut paths = Vec::new();
            differences(&ours, wanted, "", &mut paths);
            if paths.is_empty() { Ok(()) } else { Err(format!("{at}: {}", paths.join("; "))) }
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(at: &str, what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{at}: {what}: ours {ours:?}, botocore's {theirs:?}")) }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let split = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
    let mut pairs: Vec<_> = split.map(|(n, v)| (decode(&n.replace('+', " ")), decode(&v.replace('+', " ")))).collect();
    pairs.sort();
    pairs
}

fn same_body(at: &str, protocol: Protocol, ours: &[u8], theirs: &[u8]) -> Result<(), String> {
    let (text, wanted) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    match protocol {
        Protocol::Query | Protocol::Ec2 => same(at, "form", &pairs(&text), &pairs(&wanted)),
        Protocol::RestXml if wanted.starts_with('<') => {
            let mut trees =
                [xml::parse(&text), xml::parse(&wanted)].map(|t| t.map_err(|e| format!("{at}: {e}: {text}")));
            for tree in trees.iter_mut().flatten() {
                sort_attributes(tree);
            }
            let [ours, theirs] = trees;
            same(at, "XML", &ours?, &theirs?)
        }
        Protocol::Json | Protocol::RestJson if wanted.starts_with('{') => {
            let ours = serde_json::from_str(&text).map_err(|e| format!("{at}: {e}: {text}"))?;
            let theirs = serde_json::from_str(&wanted).map_err(|e| format!("{at}: {e}"))?;
            let mut paths = Vec::new();
            differences(&ours, &theirs, "", &mut paths);
            if paths.is_empty() { Ok(()) } else { Err(format!("{at}: body {}", paths.join("; "))) }
        }
        _ => same(at, "body", &text, &wanted),
    }
}

fn sort_attributes(element: &mut Element) {
    element.attributes.sort();
    element.children.iter_mut().for_each(sort_attributes);
}

/// Where two values differ; `1` and `1.0` are the same.
fn differences(ours: &Value, theirs: &Value, path: &str, out: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let null = Value::Null;
                let (x, y) = (a.get(name).unwrap_or(&null), b.get(name).unwrap_or(&null));
                differences(x, y, &format!("{path}.{name}"), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                differences(x, y, &format!("{path}[{i}]"), out);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if ours == theirs => {}
        _ => out.push(format!("{path}: ours `{ours}`, botocore's `{theirs}`")),
    }
}
