//! Request bodies: JSON and XML by shape.

use super::{Request, scalar, unknown_member};
use crate::{
    catalogue::{Member, Operation, Service, Shape, TimeForm},
    time, xml,
};
use serde_json::{Map, Value};

pub(super) struct Build<'a> {
    pub service: &'a Service,
}

impl Build<'_> {
    pub(super) fn json(
        &self,
        operation: &str,
        found: &Operation,
        params: &Map<String, Value>,
    ) -> Result<Request, String> {
        let body = match found.input.map(|n| self.service.shape(n)) {
            Some(shape) => self.json_structure(shape, params)?,
            None if params.is_empty() => Value::Object(Map::new()),
            None => return Err("the operation takes no parameters".to_owned()),
        };
        let mut headers = vec![
            ("content-type".to_owned(), format!("application/x-amz-json-{}", self.service.json)),
            ("x-amz-target".to_owned(), format!("{}.{operation}", self.service.target)),
        ];
        if self.service.compatible == 1 {
            headers.push(("x-amzn-query-mode".to_owned(), "true".to_owned()));
        }
        Ok(Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers,
            body: body.to_string().into_bytes(),
            ..Request::default()
        })
    }

    pub(super) fn json_structure(&self, shape: &Shape, params: &Map<String, Value>) -> Result<Value, String> {
        let Shape::Structure { members, .. } = shape else { return Ok(Value::Object(params.clone())) };
        let mut out = Map::new();
        for (name, value) in params {
            let Some(member) = members.iter().find(|m| m.0 == *name) else {
                return Err(unknown_member(name, members.iter().map(|m| m.0.as_str())));
            };
            if value.is_null() {
                continue;
            }
            let value = self.json_value(member.1, value).map_err(|e| format!("parameter `{name}`: {e}"))?;
            out.insert(member.wire_name().to_owned(), value);
        }
        Ok(Value::Object(out))
    }

    pub(super) fn json_value(&self, number: usize, value: &Value) -> Result<Value, String> {
        match (self.service.shape(number), value) {
            (shape @ Shape::Structure { .. }, Value::Object(map)) => self.json_structure(shape, map),
            (Shape::List { member, .. }, Value::Array(items)) => {
                items.iter().map(|item| self.json_value(*member, item)).collect()
            }
            (Shape::Map { value: inner, .. }, Value::Object(map)) => {
                let pairs = map.iter().map(|(k, v)| Ok((k.clone(), self.json_value(*inner, v)?)));
                Ok(Value::Object(pairs.collect::<Result<_, String>>()?))
            }
            (Shape::Structure { .. } | Shape::Map { .. }, _) => Err("expected an object".to_owned()),
            (Shape::List { .. }, _) => Err("expected a list".to_owned()),
            (Shape::Document, value) => Ok(value.clone()),
            (Shape::Timestamp(form), value) => time::wire(value, form.unwrap_or(TimeForm::Unix))
                .ok_or_else(|| format!("expected a timestamp, got `{}`", scalar::brief(value))),
            (shape @ (Shape::Boolean | Shape::Integer | Shape::Float), value) => {
                let text = scalar::text(shape, value, TimeForm::Unix)?;
                // `NaN` and its like go as text.
                Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            (shape, value) => Ok(Value::String(scalar::text(shape, value, TimeForm::Unix)?)),
        }
    }

    /// An element of a value by shape. `member` gives namespace and attributes, where there is one.
    pub(super) fn xml_element(
        &self,
        name: &str,
        number: usize,
        value: &Value,
        namespace: &[String],
        out: &mut String,
    ) -> Result<(), String> {
        let shape = self.service.shape(number);
        out.push('<');
        out.push_str(name);
        match namespace {
            [uri] => attribute("xmlns", uri, out),
            [uri, prefix] => attribute(&format!("xmlns:{prefix}"), uri, out),
            _ => {}
        }
        if let (Shape::Structure { members, .. }, Value::Object(map)) = (shape, value) {
            for member in members.iter().filter(|m| m.2.attribute == 1) {
                if let Some(given) = map.get(&member.0).filter(|v| !v.is_null()) {
                    let text = scalar::text(self.service.shape(member.1), given, TimeForm::Iso8601)?;
                    attribute(member.wire_name(), &text, out);
                }
            }
        }
        out.push('>');
        self.xml_content(shape, value, out)?;
        out.push_str("</");
        out.push_str(name);
        out.push('>');
        Ok(())
    }

    fn xml_content(&self, shape: &Shape, value: &Value, out: &mut String) -> Result<(), String> {
        match (shape, value) {
            (Shape::Structure { members, .. }, Value::Object(map)) => self.xml_members(members, map, out),
            (Shape::List { member, name, .. }, Value::Array(items)) => {
                for item in items {
                    self.xml_element(name.as_deref().unwrap_or("member"), *member, item, &[], out)?;
                }
                Ok(())
            }
            (Shape::Map { .. }, Value::Object(map)) => {
                for (key, value) in map {
                    self.xml_entry("entry", shape, key, value, out)?;
                }
                Ok(())
            }
            (Shape::Structure { .. } | Shape::Map { .. }, _) => Err("expected an object".to_owned()),
            (Shape::List { .. }, _) => Err("expected a list".to_owned()),
            (shape, value) => {
                xml::escape(&scalar::text(shape, value, TimeForm::Iso8601)?, out);
                Ok(())
            }
        }
    }

    fn xml_entry(
        &self,
        name: &str,
        shape: &Shape,
        key_text: &str,
        given: &Value,
        out: &mut String,
    ) -> Result<(), String> {
        let Shape::Map { key, value, key_name, value_name, .. } = shape else { return Ok(()) };
        out.push_str(&format!("<{name}>"));
        self.xml_element(key_name, *key, &Value::String(key_text.to_owned()), &[], out)?;
        self.xml_element(value_name, *value, given, &[], out)?;
        out.push_str(&format!("</{name}>"));
        Ok(())
    }

    /// The members that go into the body, in the model's order, which some services insist on.
    pub(super) fn xml_members(
        &self,
        members: &[Member],
        params: &Map<String, Value>,
        out: &mut String,
    ) -> Result<(), String> {
        if let Some(name) = params.keys().find(|name| !members.iter().any(|m| m.0 == **name)) {
            return Err(unknown_member(name, members.iter().map(|m| m.0.as_str())));
        }
        for member in members.iter().filter(|m| m.2.location.is_none() && m.2.attribute == 0) {
            let Some(value) = params.get(&member.0).filter(|v| !v.is_null()) else { continue };
            let context = |e: String| format!("parameter `{}`: {e}", member.0);
            match (self.service.shape(member.1), value) {
                // A flat list repeats the element under the member's name.
                (Shape::List { member: inner, flat: true, .. }, Value::Array(items)) => {
                    for item in items {
                        self.xml_element(member.wire_name(), *inner, item, &member.2.namespace, out)
                            .map_err(context)?;
                    }
                }
                (shape @ Shape::Map { flat: true, .. }, Value::Object(map)) => {
                    for (key, value) in map {
                        self.xml_entry(member.wire_name(), shape, key, value, out).map_err(context)?;
                    }
                }
                _ => {
                    self.xml_element(member.wire_name(), member.1, value, &member.2.namespace, out).map_err(context)?
                }
            }
        }
        Ok(())
    }
}

fn attribute(name: &str, value: &str, out: &mut String) {
    out.push_str(&format!(" {name}=\""));
    xml::escape(value, out);
    out.push('"');
}
