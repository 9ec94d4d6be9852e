//! Detections: maps of fields, lists of maps, lists of keywords.

use super::condition::Expr;
use super::modifier::{self, Value};
use super::value::Test;
use super::{Fault, Node};
use std::collections::HashMap;
use yagura_model::yaml::Data;

/// One field (or the whole record) and the values it is tested for.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Number of the field's path; `None` searches the whole record.
    pub(crate) path: Option<u32>,
    pub(crate) tests: Vec<Test>,
    /// All tests must hold, not any.
    pub(crate) all: bool,
    pub(crate) negated: bool,
    /// Its number among the items of its path whose outcomes are remembered by value.
    pub(crate) remembered: Option<u32>,
}

/// Items and field paths of all rules; paths are shared between rules so that a record's field is looked up once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items {
    pub(crate) items: Vec<Item>,
    pub(crate) paths: Vec<String>,
    numbers: HashMap<String, u32>,
    /// For each path: the items whose outcomes are remembered by value.
    pub(crate) remembered: Vec<Vec<u32>>,
}

impl Items {
    /// The number of a dotted field name.
    pub(crate) fn path(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.paths.len() as u32;
        self.paths.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Chooses the paths where it pays to remember what a value came to: regular expressions and lists of substrings,
    /// over fields such as the user agent that repeat themselves.
    pub(crate) fn plan(&mut self) {
        let mut costs = vec![0; self.paths.len()];
        for item in &self.items {
            if let Some(path) = item.path {
                costs[path as usize] += item.tests.iter().map(Test::cost).sum::<u32>();
            }
        }
        self.remembered = vec![Vec::new(); self.paths.len()];
        for (number, item) in self.items.iter_mut().enumerate() {
            let Some(path) = item.path.filter(|p| costs[*p as usize] >= 4) else { continue };
            if !item.tests.iter().any(|t| matches!(t, Test::Field { .. })) {
                let list = &mut self.remembered[path as usize];
                item.remembered = Some(list.len() as u32);
                list.push(number as u32);
            }
        }
    }

    /// One named detection: a map is a conjunction, a list a disjunction, plain values are keywords.
    pub(crate) fn read(&mut self, node: &Node) -> Result<Expr, Fault> {
        match &node.data {
            Data::Scalar { .. } => self.item("", node, node),
            Data::Map(entries) if entries.is_empty() => Err(Fault::at(node, "the detection is empty")),
            Data::Map(entries) => {
                let mut all = Vec::new();
                for (key, value) in entries {
                    let field = key.as_str().ok_or_else(|| Fault::at(key, "a field's name must be a string"))?;
                    all.push(self.item(field, value, key)?);
                }
                Ok(if all.len() == 1 { all.remove(0) } else { Expr::All(all) })
            }
            Data::Seq(list) if list.is_empty() => Err(Fault::at(node, "the detection is empty")),
            Data::Seq(list) if list.iter().all(|n| matches!(n.data, Data::Scalar { .. })) => self.item("", node, node),
            Data::Seq(list) => Ok(Expr::Any(list.iter().map(|n| self.read(n)).collect::<Result<_, _>>()?)),
        }
    }

    fn item(&mut self, key: &str, value: &Node, place: &Node) -> Result<Expr, Fault> {
        let mut parts = key.split('|');
        let field = parts.next().unwrap_or_default();
        let modifiers: Vec<&str> = parts.collect();
        let fail =
            |message: String| Fault::at(place, if key.is_empty() { message } else { format!("`{key}`: {message}") });
        let nodes = match &value.data {
            Data::Seq(list) => list.as_slice(),
            Data::Scalar { .. } => std::slice::from_ref(value),
            Data::Map(_) => return Err(fail("a field's value can't be a mapping".to_owned())),
        };
        let raw = modifiers.contains(&"re");
        let mut values = nodes.iter().map(|n| Value::read(n, raw)).collect::<Result<Vec<_>, _>>().map_err(fail)?;
        let keyword = field.is_empty();
        if values.is_empty() {
            values.push(Value::Null);
        }
        let mut modified = modifier::apply(&modifiers, values, keyword).map_err(fail)?;
        if keyword {
            for value in &mut modified.values {
                open_keyword(value).map_err(|m| Fault::at(place, m))?;
            }
        }
        let mut tests = Vec::new();
        for value in modified.values {
            tests.push(value.into_test(&mut |name| self.path(name)).map_err(fail)?);
        }
        let path = (!keyword).then(|| self.path(field));
        self.items.push(Item { path, tests, all: modified.all, negated: modified.negated, remembered: None });
        Ok(Expr::Item(self.items.len() as u32 - 1))
    }
}

/// A keyword may stand anywhere in the record.
fn open_keyword(value: &mut Value) -> Result<(), String> {
    match value {
        Value::Text { pattern, .. } => {
            pattern.open_start();
            pattern.open_end();
        }
        Value::Number { text, .. } => {
            let mut pattern = super::text::Pattern::plain(std::mem::take(text));
            pattern.open_start();
            pattern.open_end();
            *value = Value::Text { pattern, cased: false };
        }
        Value::Any(values) => return values.iter_mut().try_for_each(open_keyword),
        Value::Regex { .. } => {}
        _ => return Err("a keyword must be a string, number or regular expression".to_owned()),
    }
    Ok(())
}
