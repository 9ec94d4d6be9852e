//! Successful answers to JSON by API names.

use super::{Answer, tree};
use crate::{
    catalogue::{Location, Member, Operation, Protocol, Service, Shape},
    time, xml,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

pub(super) fn json(service: &Service, shape: &Shape, answer: &Answer) -> Result<Value, String> {
    json_value(service, shape, &json_body(shape, answer)?)
}

/// The body. An empty one for a shape that has something to say is no answer: taken for one, a list that was never
/// given would be a list of nothing.
fn json_body(shape: &Shape, answer: &Answer) -> Result<Value, String> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return match shape {
            Shape::Structure { members, .. } if members.iter().any(|m| m.2.location.is_none()) => {
                Err("the answer is empty".to_owned())
            }
            _ => Ok(Value::Object(Map::new())),
        };
    }
    serde_json::from_slice(&answer.body).map_err(|e| format!("the answer is no JSON: {e}"))
}

fn xml_body(answer: &Answer) -> Result<xml::Element, String> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Err("the answer is empty".to_owned());
    }
    let root = xml::parse(&String::from_utf8_lossy(&answer.body))?;
    // A login page may be well-formed, and would be an answer without members.
    if root.name.eq_ignore_ascii_case("html") {
        return Err("the answer is a web page".to_owned());
    }
    Ok(root)
}

/// A value by shape: wire names become API names, timestamps RFC 3339; what the shape doesn't know is left out.
/// A scalar of another type than the shape's stays as it came; what should be a list or an object must be one.
fn json_value(service: &Service, shape: &Shape, value: &Value) -> Result<Value, String> {
    Ok(match (shape, value) {
        (_, Value::Null) => Value::Null,
        (Shape::Structure { members, .. }, Value::Object(map)) => Value::Object(json_members(service, members, map)?),
        (Shape::List { member, .. }, Value::Array(items)) => {
            items.iter().map(|item| json_value(service, service.shape(*member), item)).collect::<Result<_, _>>()?
        }
        (Shape::Map { value: inner, .. }, Value::Object(map)) => {
            let pairs = map.iter().map(|(k, v)| Ok((k.clone(), json_value(service, service.shape(*inner), v)?)));
            Value::Object(pairs.collect::<Result<_, String>>()?)
        }
        (Shape::Structure { .. } | Shape::Map { .. }, _) => return Err("something in it is no JSON object".to_owned()),
        (Shape::List { .. }, _) => return Err("something in it is no list".to_owned()),
        (Shape::Timestamp(_), value) => time::normal(value).map_or_else(|| value.clone(), Value::String),
        (_, value) => value.clone(),
    })
}

fn json_members(service: &Service, members: &[Member], map: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut out = Map::new();
    for member in members.iter().filter(|m| m.2.location.is_none()) {
        if let Some(value) = map.get(member.wire_name()).filter(|v| !v.is_null()) {
            out.insert(member.0.clone(), json_value(service, service.shape(member.1), value)?);
        }
    }
    Ok(out)
}

/// Query and EC2: the result inside its wrapper.
pub(super) fn wrapped(
    service: &Service,
    operation: &Operation,
    shape: &Shape,
    answer: &Answer,
) -> Result<Value, String> {
    let root = xml_body(answer)?;
    let result = match &operation.wrapper {
        Some(wrapper) => root.child(wrapper).ok_or_else(|| format!("the answer has no `{wrapper}`"))?,
        None => &root,
    };
    Ok(tree::value(service, shape, result))
}

pub(super) fn rest(service: &Service, operation: &Operation, shape: &Shape, answer: &Answer) -> Result<Value, String> {
    let Shape::Structure { members, payload } = shape else { return Ok(Value::Object(Map::new())) };
    let xml = service.protocol == Protocol::RestXml;
    let mut out = match payload {
        Some(name) => {
            let mut out = Map::new();
            if let Some(member) = members.iter().find(|m| m.0 == *name)
                && let Some(value) = payload_value(service, member, answer, xml)?
            {
                out.insert(name.clone(), value);
            }
            out
        }
        None if operation.method == "HEAD" || members.iter().all(|m| m.2.location.is_some()) => Map::new(),
        None if xml => {
            let root = xml_body(answer)?;
            match members.iter().find(|m| m.wire_name() == root.name && root.children.is_empty()) {
                // S3's GetBucketLocation: the root element is the one member, empty for us-east-1.
                Some(member) if root.text.is_empty() => Map::from_iter([(member.0.clone(), Value::Null)]),
                Some(member) => {
                    Map::from_iter([(member.0.clone(), tree::value(service, service.shape(member.1), &root))])
                }
                None => tree::structure(service, members, &root),
            }
        }
        None => match json_body(shape, answer)? {
            Value::Object(map) => json_members(service, members, &map)?,
            _ => return Err("the answer is no JSON object".to_owned()),
        },
    };
    for member in members {
        if let Some(value) = header_value(service, member, answer) {
            out.insert(member.0.clone(), value);
        }
    }
    Ok(Value::Object(out))
}

fn payload_value(service: &Service, member: &Member, answer: &Answer, xml: bool) -> Result<Option<Value>, String> {
    Ok(Some(match service.shape(member.1) {
        Shape::Blob => Value::String(STANDARD.encode(&answer.body)),
        Shape::String | Shape::Policy | Shape::Json => {
            if answer.body.is_empty() {
                return Ok(None);
            }
            Value::String(String::from_utf8_lossy(&answer.body).into_owned())
        }
        shape if xml => tree::value(service, shape, &xml_body(answer)?),
        shape => json_value(service, shape, &json_body(shape, answer)?)?,
    }))
}

fn header_value(service: &Service, member: &Member, answer: &Answer) -> Option<Value> {
    let shape = service.shape(member.1);
    match member.2.location? {
        Location::StatusCode => Some(Value::from(answer.status)),
        Location::Headers => {
            let prefix = member.wire_name().to_ascii_lowercase();
            let pairs = answer.headers.iter().filter_map(|(name, value)| {
                let key = name.as_str().strip_prefix(&prefix)?;
                Some((key.to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())))
            });
            Some(Value::Object(pairs.collect()))
        }
        Location::Header => {
            let raw = answer.headers.get(member.wire_name())?;
            let text = String::from_utf8_lossy(raw.as_bytes());
            Some(match shape {
                Shape::List { member: inner, .. } => {
                    text.split(',').map(|item| tree::text_value(service.shape(*inner), item.trim())).collect()
                }
                Shape::Json => STANDARD
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                    .unwrap_or_else(|| Value::String(text.into_owned())),
                shape => tree::text_value(shape, &text),
            })
        }
        Location::Uri | Location::Query => None,
    }
}
