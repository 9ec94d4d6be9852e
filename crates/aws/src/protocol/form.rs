//! Query and EC2 Query: parameters flattened into a form.

use super::{
    Request,
    scalar::{encode, text},
    unknown_member,
};
use crate::catalogue::{Member, Operation, Protocol, Service, Shape, TimeForm};
use serde_json::{Map, Value};

pub(super) fn build(
    service: &Service,
    operation: &str,
    found: &Operation,
    params: &Map<String, Value>,
) -> Result<Request, String> {
    let mut form = Form {
        service,
        ec2: service.protocol == Protocol::Ec2,
        out: format!("Action={operation}&Version={}", service.version),
    };
    if let Some(shape) = found.input.map(|n| service.shape(n)) {
        form.structure(shape, params, "")?;
    } else if let Some(name) = params.keys().next() {
        return Err(unknown_member(name, std::iter::empty()));
    }
    Ok(Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned())],
        body: form.out.into_bytes(),
        ..Request::default()
    })
}

struct Form<'a> {
    service: &'a Service,
    ec2: bool,
    out: String,
}

impl Form<'_> {
    fn pair(&mut self, name: &str, value: &str) {
        self.out.push('&');
        encode(name, b"", &mut self.out);
        self.out.push('=');
        encode(value, b"", &mut self.out);
    }

    fn structure(&mut self, shape: &Shape, params: &Map<String, Value>, prefix: &str) -> Result<(), String> {
        let Shape::Structure { members, .. } = shape else { return Err("expected a structure".to_owned()) };
        for (name, value) in params {
            let Some(member) = members.iter().find(|m| m.0 == *name) else {
                return Err(unknown_member(name, members.iter().map(|m| m.0.as_str())));
            };
            if value.is_null() {
                continue;
            }
            let wire = self.name(member);
            let full = if prefix.is_empty() { wire } else { format!("{prefix}.{wire}") };
            self.value(member.1, value, &full).map_err(|e| format!("parameter `{name}`: {e}"))?;
        }
        Ok(())
    }

    /// EC2 capitalises the wire name, unless a name is given for queries.
    fn name(&self, member: &Member) -> String {
        if !self.ec2 {
            return member.wire_name().to_owned();
        }
        if let Some(name) = &member.2.query_name {
            return name.clone();
        }
        let Some(name) = &member.2.name else { return member.0.clone() };
        let mut letters = name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    fn value(&mut self, number: usize, value: &Value, prefix: &str) -> Result<(), String> {
        match (self.service.shape(number), value) {
            (shape @ Shape::Structure { .. }, Value::Object(map)) => self.structure(shape, map, prefix),
            (Shape::List { member, name, flat }, Value::Array(items)) => {
                self.list(*member, name.as_deref(), *flat, items, prefix)
            }
            (Shape::Map { key, value: inner, key_name, value_name, flat }, Value::Object(map)) => {
                for (i, (k, v)) in map.iter().enumerate() {
                    let entry = if *flat { format!("{prefix}.{}", i + 1) } else { format!("{prefix}.entry.{}", i + 1) };
                    self.value(*key, &Value::String(k.clone()), &format!("{entry}.{key_name}"))?;
                    self.value(*inner, v, &format!("{entry}.{value_name}"))?;
                }
                Ok(())
            }
            (Shape::Structure { .. } | Shape::Map { .. }, _) => Err("expected an object".to_owned()),
            (Shape::List { .. }, _) => Err("expected a list".to_owned()),
            (shape, value) => {
                let text = text(shape, value, TimeForm::Iso8601)?;
                self.pair(prefix, &text);
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        member: usize,
        name: Option<&str>,
        flat: bool,
        items: &[Value],
        prefix: &str,
    ) -> Result<(), String> {
        if items.is_empty() && !self.ec2 {
            self.pair(prefix, "");
        }
        // A flat list with a named element is called by the element's name, not the list's.
        let base = match (self.ec2, flat, name) {
            (true, ..) | (_, true, None) => prefix.to_owned(),
            (_, true, Some(name)) => match prefix.rsplit_once('.') {
                Some((parent, _)) => format!("{parent}.{name}"),
                None => name.to_owned(),
            },
            (_, false, name) => format!("{prefix}.{}", name.unwrap_or("member")),
        };
        for (i, item) in items.iter().enumerate() {
            self.value(member, item, &format!("{base}.{}", i + 1))?;
        }
        Ok(())
    }
}
