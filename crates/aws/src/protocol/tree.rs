//! XML answers to JSON by shape.

use super::scalar;
use crate::{
    catalogue::{Member, Service, Shape},
    time,
    xml::Element,
};
use serde_json::{Map, Value};

/// The members of a structure that the element holds; absent ones are left out.
pub(super) fn structure(service: &Service, members: &[Member], element: &Element) -> Map<String, Value> {
    let mut out = Map::new();
    for member in members.iter().filter(|m| m.2.location.is_none()) {
        if let Some(value) = self::member(service, member, element) {
            out.insert(member.0.clone(), value);
        }
    }
    out
}

fn member(service: &Service, member: &Member, element: &Element) -> Option<Value> {
    let shape = service.shape(member.1);
    if member.2.attribute == 1 {
        let (_, text) = element.attributes.iter().find(|(name, _)| name == member.wire_name())?;
        return Some(text_value(shape, text));
    }
    match shape {
        Shape::List { member: inner, name, flat: true } => {
            let name = name.as_deref().unwrap_or_else(|| member.wire_name());
            let items: Vec<Value> = element
                .children
                .iter()
                .filter(|child| child.name == name)
                .map(|child| value(service, service.shape(*inner), child))
                .collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Shape::Map { flat: true, .. } => {
            let entries: Vec<&Element> =
                element.children.iter().filter(|child| child.name == member.wire_name()).collect();
            (!entries.is_empty()).then(|| map(service, shape, entries.into_iter()))
        }
        _ => Some(value(service, shape, element.child(member.wire_name())?)),
    }
}

pub(super) fn value(service: &Service, shape: &Shape, element: &Element) -> Value {
    match shape {
        Shape::Structure { members, .. } => Value::Object(structure(service, members, element)),
        Shape::List { member, .. } => {
            element.children.iter().map(|child| value(service, service.shape(*member), child)).collect()
        }
        Shape::Map { .. } => map(service, shape, element.children.iter()),
        scalar => text_value(scalar, &element.text),
    }
}

fn map<'a>(service: &Service, shape: &Shape, entries: impl Iterator<Item = &'a Element>) -> Value {
    let Shape::Map { value: inner, key_name, value_name, .. } = shape else { return Value::Null };
    let pairs = entries.filter_map(|entry| {
        let key = entry.child_text(key_name)?.to_owned();
        Some((key, value(service, service.shape(*inner), entry.child(value_name)?)))
    });
    Value::Object(pairs.collect())
}

/// A scalar from text. What isn't what the shape says keeps its text, so that nothing is lost.
pub(super) fn text_value(shape: &Shape, text: &str) -> Value {
    let keep = || Value::String(text.to_owned());
    match shape {
        Shape::Boolean => match text.trim() {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            _ => keep(),
        },
        Shape::Integer => text.trim().parse::<i64>().map_or_else(|_| keep(), Value::from),
        Shape::Float => {
            text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or_else(keep, Value::Number)
        }
        Shape::Timestamp(_) => time::normal(&keep()).map_or_else(keep, Value::String),
        Shape::Blob => Value::String(text.split_whitespace().collect()),
        Shape::Policy => serde_json::from_str(&scalar::decode(text)).unwrap_or_else(|_| keep()),
        _ => keep(),
    }
}
