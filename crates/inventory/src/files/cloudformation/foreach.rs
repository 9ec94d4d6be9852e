//! `Fn::ForEach` (the `AWS::LanguageExtensions` transform): one entry written once for each value of a collection.
//! It is expanded on the tree before anything is evaluated, since it makes keys.

use super::{
    functions::text_of,
    template::{Complaint, call},
};
use serde_json::Value;
use std::collections::BTreeMap;
use yagura_model::{
    is_unknown,
    yaml::{Data, MAX_NODES, Node},
};

const WRONG: (&str, &str) = ("`Fn::ForEach` is used wrongly", "`Fn::ForEach` の書き方が正しくありません");

/// Expands every loop below a node.
pub(super) struct Loops {
    pub complaints: Vec<Complaint>,
    parameters: BTreeMap<String, Value>,
    mappings: Value,
    made: usize,
}

impl Loops {
    /// With the parameters' values, unknown markers among them, and the template's mappings.
    pub fn new(parameters: BTreeMap<String, Value>, mappings: Value) -> Self {
        Loops { complaints: Vec::new(), parameters, mappings, made: 0 }
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
        let [names, collection, body] = value.items() else {
            self.complain(
                key,
                WRONG,
                ("it wants [name, [values], {key: value}]", "正しい形: [name, [values], {key: value}]"),
            );
            return;
        };
        let names = if names.items().is_empty() { std::slice::from_ref(names) } else { names.items() };
        let Some(names) = names.iter().map(|name| self.text(name)).collect::<Option<Vec<String>>>() else {
            self.complain(key, WRONG, ("it begins with the variable's name", "最初に変数名を書いてください"));
            return;
        };
        let Some(rows) = self.rows(collection) else {
            let what = ("`Fn::ForEach` over values that are not known", "`Fn::ForEach` で繰り返す値が分かりません");
            self.complain(key, what, ("give them with `--parameters`", "`--parameters` で値を指定してください"));
            return;
        };
        for row in rows {
            for (key, inner) in body.entries() {
                self.made += size(inner) * names.len();
                if self.made > MAX_NODES {
                    let what = (
                        "`Fn::ForEach` makes more than 1,000,000 nodes",
                        "`Fn::ForEach` の展開が 1,000,000 要素を超えます",
                    );
                    self.complain(key, what, ("shorten its collection", "繰り返す値を減らしてください"));
                    return;
                }
                let (mut key, mut inner) = (key.clone(), inner.clone());
                for (name, value) in names.iter().zip(&row) {
                    substitute(&mut key, name, value);
                    substitute(&mut inner, name, value);
                }
                if is_loop(&key) {
                    self.unroll(&key, &inner, into);
                } else {
                    into.push((key, inner));
                }
            }
        }
    }

    /// The collection: for each turn one value, or one for each of several variables.
    fn rows(&self, node: &Node) -> Option<Vec<Vec<String>>> {
        if call(node).is_some() {
            return rows_of(&self.resolve(node)?);
        }
        if matches!(node.data, Data::Map(_)) {
            let entries = node.entries().iter();
            return entries.map(|(key, value)| Some(vec![key.as_str()?.to_owned(), self.text(value)?])).collect();
        }
        let mut rows = Vec::new();
        for item in node.items() {
            if let Some(text) = item.as_str() {
                rows.push(vec![text.to_owned()]);
            } else if call(item).is_some() {
                rows.extend(rows_of(&self.resolve(item)?)?);
            } else {
                rows.push(item.items().iter().map(|part| self.text(part)).collect::<Option<_>>()?);
            }
        }
        matches!(node.data, Data::Seq(_)).then_some(rows)
    }

    fn text(&self, node: &Node) -> Option<String> {
        match node.as_str() {
            Some(text) => Some(text.to_owned()),
            None => text_of(&self.resolve(node)?),
        }
    }

    /// A parameter's value or a map's entry.
    fn resolve(&self, node: &Node) -> Option<Value> {
        let (name, argument) = call(node)?;
        if name == "Ref" {
            return self.parameters.get(argument.as_str()?).filter(|value| !is_unknown(value)).cloned();
        }
        let ("Fn::FindInMap", [map, top, second, ..]) = (name, argument.items()) else { return None };
        let map = self.mappings.get(self.text(map)?)?.as_object()?;
        let second = self.text(second)?;
        match self.text(top) {
            Some(top) => map.get(&top)?.get(&second).cloned(),
            // Whatever the top key: known when all entries have the same.
            None => {
                let mut values = map.values().map(|entry| entry.get(&second));
                let first = values.next()??;
                values.all(|other| other == Some(first)).then(|| first.clone())
            }
        }
    }

    fn complain(&mut self, node: &Node, what: (&str, &str), hint: (&str, &str)) {
        if self.complaints.len() < 20 {
            self.complaints.push(Complaint::at(node, what, hint));
        }
    }
}

fn rows_of(value: &Value) -> Option<Vec<Vec<String>>> {
    match value {
        Value::Array(items) => items.iter().map(|item| Some(vec![text_of(item)?])).collect(),
        scalar => Some(vec![vec![text_of(scalar)?]]),
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
