//! What is known of a request beside who, what and on what: condition keys with their values.

use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// The value of a key. A list is multivalued even if it holds one: single-valued operators do not match it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    One(String),
    Many(Vec<String>),
}

/// The keys of a request; names differ not by case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, (String, Value)>,
    /// Keys, or beginnings of keys that end in a slash, of which it is known that the request has no other.
    closed: Vec<String>,
}

impl Context {
    /// The value of a key whose name is in lower case.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|(_, value)| value)
    }

    /// Whether nothing is known of a key in lower case, so that the request may have it.
    pub fn is_open(&self, key: &str) -> bool {
        let closes = |closed: &String| closed == key || (closed.ends_with('/') && key.starts_with(closed.as_str()));
        self.get(key).is_none() && !self.closed.iter().any(closes)
    }

    /// Says that the request has no such key but what is set. A name that ends in a slash stands for all that begin so.
    pub fn close(&mut self, name: &str) {
        self.closed.push(name.to_ascii_lowercase());
    }

    /// Hands out all keys, in the spelling that they were set with.
    pub fn each(&self, mut visit: impl FnMut(&str, &Value)) {
        self.values.values().for_each(|(name, value)| visit(name, value));
    }

    /// Sets a key, which keeps the spelling `name`.
    pub fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_ascii_lowercase(), (name.to_owned(), value));
    }

    /// Takes a key away.
    pub fn unset(&mut self, key: &str) {
        self.values.remove(&key.to_ascii_lowercase());
    }

    /// Keeps just the keys, in lower case, for which something holds.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.values.retain(|key, _| keep(key));
    }

    /// All keys as JSON, in the spelling that they were set with.
    pub fn json(&self) -> Map<String, Json> {
        let value = |value: &Value| match value {
            Value::One(text) => Json::from(text.as_str()),
            Value::Many(texts) => Json::from(texts.clone()),
        };
        self.values.values().map(|(name, v)| (name.clone(), value(v))).collect()
    }
}
