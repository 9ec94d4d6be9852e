//! `Fn::ForEach` (the `AWS::LanguageExtensions` transform): one entry written once for each value of a collection.
//! It is expanded on the tree before anything is evaluated, since it makes keys.

use super::template::Complaint;
use serde_json::Value;
use std::collections::BTreeMap;
use yagura_model::yaml::{Data, MAX_NODES, Node};

/// Expands every loop below a node.
pub(super) struct Loops<'p> {
    pub parameters: &'p BTreeMap<String, Value>,
    pub complaints: Vec<Complaint>,
    made: usize,
}

impl<'p> Loops<'p> {
    pub fn new(parameters: &'p BTreeMap<String, Value>) -> Self {
        Loops { parameters, complaints: Vec::new(), made: 0 }
    }

    /// Replaces the loops in `node` by what they stand for.
    pub fn expand(&mut self, node: &mut Node) {
        match &mut node.data {
            Data::Scalar { .. } => {}
            Data::Seq(items) => items.iter_mut().for_each(|item| self.expand(item)),
            Data::Map(entries) => {
                let has_loop = entries.iter().any(|(key, _)| is_loop(key));
                if has_loop {
                    let before = std::mem::take(entries);
                    for (key, value) in before {
                        if is_loop(&key) {
                            self.unroll(&key, &value, entries);
                        } else {
                            entries.push((key, value));
                        }
                    }
                }
                entries.iter_mut().for_each(|(_, value)| self.expand(value));
            }
        }
    }

    fn unroll(&mut self, key: &Node, value: &Node, into: &mut Vec<(Node, Node)>) {
        let [name, collection, body] = value.items() else {
            self.complain(key, "`Fn::ForEach` is used wrongly", "it wants [name, [values], {key: value}]");
            return;
        };
        let Some(name) = name.as_str() else {
            self.complain(key, "`Fn::ForEach` is used wrongly", "its first element is the name of the variable");
            return;
        };
        let Some(values) = self.values(collection) else {
            self.complain(key, "`Fn::ForEach` over values that are not known", "give them with `--parameters`");
            return;
        };
        for value in values {
            for (key, inner) in body.entries() {
                self.made += size(inner);
                if self.made > MAX_NODES {
                    self.complain(key, "`Fn::ForEach` makes more than 1,000,000 nodes", "shorten its collection");
                    return;
                }
                let (mut key, mut inner) = (key.clone(), inner.clone());
                substitute(&mut key, name, &value);
                substitute(&mut inner, name, &value);
                if is_loop(&key) {
                    self.unroll(&key, &inner, into);
                } else {
                    into.push((key, inner));
                }
            }
        }
    }

    /// The values of a collection: a list of texts, or a reference to a list parameter.
    fn values(&self, node: &Node) -> Option<Vec<String>> {
        if let Some(target) = node.get("Ref").and_then(Node::as_str) {
            return match self.parameters.get(target)? {
                Value::Array(items) => items.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
                Value::String(text) => Some(vec![text.clone()]),
                _ => None,
            };
        }
        let mut values = Vec::new();
        for item in node.items() {
            match item.as_str() {
                Some(text) => values.push(text.to_owned()),
                None => values.extend(self.values(item)?),
            }
        }
        matches!(node.data, Data::Seq(_)).then_some(values)
    }

    fn complain(&mut self, node: &Node, what: &str, hint: &str) {
        if self.complaints.len() < 20 {
            self.complaints.push(Complaint::at(node, what, hint));
        }
    }
}

fn is_loop(key: &Node) -> bool {
    key.as_str().is_some_and(|key| key.starts_with("Fn::ForEach::"))
}

fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::Scalar { text, .. } => text.len() / 256,
        Data::Seq(items) => items.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
    }
}

/// Puts `value` wherever the variable stands: `${name}`, `&{name}` (letters and digits only) and `{"Ref": "name"}`.
fn substitute(node: &mut Node, name: &str, value: &str) {
    if node.get("Ref").and_then(Node::as_str) == Some(name) && node.entries().len() == 1 {
        node.data = Data::Scalar { text: value.to_owned(), plain: false };
        return;
    }
    match &mut node.data {
        Data::Scalar { text, .. } => {
            for (form, value) in [
                (format!("${{{name}}}"), value.to_owned()),
                (format!("&{{{name}}}"), value.chars().filter(char::is_ascii_alphanumeric).collect()),
            ] {
                if text.contains(&form) {
                    *text = text.replace(&form, &value);
                }
            }
        }
        Data::Seq(items) => items.iter_mut().for_each(|item| substitute(item, name, value)),
        Data::Map(entries) => {
            for (key, inner) in entries {
                substitute(key, name, value);
                substitute(inner, name, value);
            }
        }
    }
}
