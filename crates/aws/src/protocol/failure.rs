//! Error answers: AWS's code and message, wherever the protocol puts them.

use super::Answer;
use crate::{
    catalogue::{Protocol, Service},
    xml::{self, Element},
};
use serde_json::Value;

/// Longer messages help nobody, and come from proxies.
const MAX_MESSAGE: usize = 2_000;

/// Code and message of an error answer. The code is the status when the answer has none.
pub(crate) fn failure(service: &Service, answer: &Answer) -> (String, String) {
    let (code, message) = match service.protocol {
        // What stands before a service (a proxy, a gateway) may answer XML all the same.
        Protocol::Json | Protocol::RestJson if answer.body.starts_with(b"<") => from_xml(answer),
        Protocol::Json | Protocol::RestJson => from_json(answer),
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => from_xml(answer),
    };
    let code = code.filter(|c| !c.is_empty()).unwrap_or_else(|| answer.status.to_string());
    let message = message.filter(|m| !m.is_empty()).unwrap_or_else(|| format!("HTTP status {}", answer.status));
    (cut(&code, 200), cut(&message, MAX_MESSAGE))
}

fn from_json(answer: &Answer) -> (Option<String>, Option<String>) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str().map(str::to_owned));
    // Services that once spoke Query give the code of that time, by which all clients know the error.
    let query = answer.header("x-amzn-query-error").and_then(|h| h.split(';').next()).map(str::to_owned);
    let code = query
        .or_else(|| answer.header("x-amzn-errortype").map(str::to_owned))
        .or_else(|| text(&["__type", "code", "Code"]))
        .or_else(|| body.get("code").filter(|c| c.is_number()).map(Value::to_string));
    (code.map(|c| short(&c)), text(&["message", "Message", "errorMessage", "error_description"]))
}

/// `com.amazon.coral.service#AccessDeniedException` and `AccessDeniedException:http://…` are the middle word.
fn short(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim().to_owned()
}

fn from_xml(answer: &Answer) -> (Option<String>, Option<String>) {
    let Ok(root) = xml::parse(&String::from_utf8_lossy(&answer.body)) else { return (None, None) };
    let error = find(&root);
    let text = |name: &str| error.and_then(|e| e.child_text(name)).map(|t| t.trim().to_owned());
    (text("Code"), text("Message").or_else(|| text("message")))
}

/// `<ErrorResponse><Error>`, `<Response><Errors><Error>`, or `<Error>` itself.
fn find(root: &Element) -> Option<&Element> {
    if root.name == "Error" || root.child("Code").is_some() {
        return Some(root);
    }
    root.child("Error").or_else(|| root.child("Errors")?.child("Error"))
}

/// Whether a body with a good status is an error all the same, as S3 answers when it fails after its first byte.
pub(crate) fn hidden(service: &Service, answer: &Answer) -> bool {
    if service.name != "s3" || answer.body.len() > 65_536 {
        return false;
    }
    let text = String::from_utf8_lossy(&answer.body);
    text.contains("<Error>") && xml::parse(&text).is_ok_and(|root| root.name == "Error")
}

fn cut(text: &str, max: usize) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
