//! Scalars as text in paths, queries, headers, forms and XML.

use crate::{
    catalogue::{Shape, TimeForm},
    time,
};
use serde_json::Value;

/// A parameter as text; `form` is where it goes' own form of timestamps. The error says what was expected.
pub(super) fn text(shape: &Shape, value: &Value, form: TimeForm) -> Result<String, String> {
    let wrong = |wanted: &str| Err(format!("expected {wanted}, got `{}`", brief(value)));
    match (shape, value) {
        (Shape::Timestamp(own), _) => match time::wire(value, own.unwrap_or(form)) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Ok(other.to_string()),
            None => wrong("a timestamp"),
        },
        (Shape::Boolean, Value::Bool(_)) | (Shape::Integer | Shape::Float, Value::Number(_)) => Ok(value.to_string()),
        (Shape::Boolean, Value::String(s)) if s == "true" || s == "false" => Ok(s.clone()),
        (Shape::Integer, Value::String(s)) if s.parse::<i64>().is_ok() => Ok(s.clone()),
        (Shape::Float, Value::String(s)) if s.parse::<f64>().is_ok() => Ok(s.clone()),
        (Shape::Boolean, _) => wrong("true or false"),
        (Shape::Integer | Shape::Float, _) => wrong("a number"),
        (Shape::List { .. } | Shape::Map { .. } | Shape::Structure { .. } | Shape::EventStream, _) => wrong("a scalar"),
        (_, Value::String(text)) => Ok(text.clone()),
        // A policy may be given as the object it is.
        (Shape::String | Shape::Policy | Shape::Json | Shape::Document, Value::Object(_) | Value::Array(_)) => {
            Ok(value.to_string())
        }
        (Shape::String | Shape::Policy, Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        _ => wrong("text"),
    }
}

/// A value short enough for an error.
pub(super) fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Appends text percent-encoded as SigV4 wants it: all but RFC 3986's unreserved characters, and `keep`.
pub(super) fn encode(text: &str, keep: &[u8], out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF".get(usize::from(digit)).copied().unwrap_or(b'0')));
            }
        }
    }
}

/// Percent-decodes; what isn't an escape stays. Invalid UTF-8 is replaced.
pub(super) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match escape {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
