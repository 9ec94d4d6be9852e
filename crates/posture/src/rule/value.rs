use crate::known::{Known, Reasons, failed, merge, missing};
use serde_json::{Map, Value};
use std::{cmp::Ordering, collections::BTreeMap, rc::Rc};

/// Where a value was read, as an index into the [`Trace`](super::Trace); [`NOWHERE`] for what a rule computed.
pub type At = u32;
pub const NOWHERE: At = u32::MAX;

/// How deep values are compared before the rule gives up.
const MAX_DEPTH: usize = 64;

/// A value while a rule runs. It borrows what it can from the inventory and the rulebook: nothing is converted before
/// a rule touches it.
#[derive(Clone, Debug)]
pub enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Str(&'a str),
    Text(Rc<str>),
    Array(&'a [Value]),
    Object(&'a Map<String, Value>),
    Tags(&'a BTreeMap<String, String>),
    /// A list that a rule or function made; every element knows where it came from.
    List(Rc<[Read<'a>]>),
    /// An object that a rule or function made, such as a normalised policy statement.
    Record(Rc<[(&'a str, Val<'a>)]>),
    /// A resource of the inventory, by its place in the [`World`](crate::world::World).
    Thing(u32),
    /// A value that exists but is not known, or that could not be computed.
    Unknown(Reasons),
}

/// A value and where it was read.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    pub val: Val<'a>,
    pub at: At,
}

impl<'a> Read<'a> {
    pub fn computed(val: Val<'a>) -> Read<'a> {
        Read { val, at: NOWHERE }
    }
}

impl<'a> Val<'a> {
    pub fn of(value: &'a Value) -> Val<'a> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(b) => Val::Bool(*b),
            Value::Number(n) => match n.as_i64() {
                Some(i) => Val::Int(i),
                None => Val::Double(n.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(s) => Val::Str(s),
            Value::Array(items) => Val::Array(items),
            Value::Object(map) => match yagura_model::unknown_reason(value) {
                Some(reason) => Val::Unknown(missing(reason)),
                None => Val::Object(map),
            },
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(s) => Some(s),
            Val::Text(s) => Some(s),
            _ => None,
        }
    }

    pub fn reasons(&self) -> Option<&Reasons> {
        match self {
            Val::Unknown(reasons) => Some(reasons),
            _ => None,
        }
    }

    /// What the value is, for an error message.
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Val::Null => ("null", "null"),
            Val::Bool(_) => ("a boolean", "真偽値"),
            Val::Int(_) | Val::Double(_) => ("a number", "数値"),
            Val::Str(_) | Val::Text(_) => ("a string", "文字列"),
            Val::Array(_) | Val::List(_) => ("a list", "リスト"),
            Val::Object(_) | Val::Tags(_) | Val::Record(_) => ("an object", "オブジェクト"),
            Val::Thing(_) => ("a resource", "リソース"),
            Val::Unknown(_) => ("unknown", "不明な値"),
        }
    }

    /// Elements of a list, `None` for anything else.
    pub fn items(&self) -> Option<Items<'_, 'a>> {
        match self {
            Val::Array(items) => Some(Items::Json(items)),
            Val::List(items) => Some(Items::Made(items)),
            _ => None,
        }
    }

    pub fn known(truth: Known) -> Val<'a> {
        match truth {
            Known::Yes => Val::Bool(true),
            Known::No => Val::Bool(false),
            Known::Unknown(reasons) => Val::Unknown(reasons),
        }
    }

    /// The value of a plain object's key: null when it is absent, `None` when this is no object.
    pub fn key(&self, name: &str) -> Option<Val<'a>> {
        match self {
            Val::Null => Some(Val::Null),
            Val::Object(map) => Some(map.get(name).map_or(Val::Null, Val::of)),
            Val::Tags(tags) => Some(tags.get(name).map_or(Val::Null, |v| Val::Str(v))),
            Val::Record(fields) => {
                Some(fields.iter().find(|(n, _)| *n == name).map_or(Val::Null, |(_, value)| value.clone()))
            }
            _ => None,
        }
    }

    /// Equality across types as CEL has it: values of different types differ, numbers compare by value. Unknown when
    /// what is known doesn't decide it.
    pub fn equals(&self, other: &Val<'a>) -> Known {
        self.equals_within(other, MAX_DEPTH)
    }

    fn equals_within(&self, other: &Val<'a>, depth: usize) -> Known {
        if depth == 0 {
            return Known::Unknown(failed("the values are nested too deeply", "値の入れ子が深すぎます"));
        }
        match (self, other) {
            (Val::Unknown(a), Val::Unknown(b)) => Known::Unknown(merge(a, b)),
            (Val::Unknown(a), _) | (_, Val::Unknown(a)) => Known::Unknown(Rc::clone(a)),
            (Val::Null, Val::Null) => Known::Yes,
            (Val::Bool(a), Val::Bool(b)) => Known::of(a == b),
            (Val::Thing(a), Val::Thing(b)) => Known::of(a == b),
            (Val::Int(_) | Val::Double(_), Val::Int(_) | Val::Double(_)) => {
                Known::of(self.order(other) == Some(Ordering::Equal))
            }
            (Val::Str(_) | Val::Text(_), Val::Str(_) | Val::Text(_)) => Known::of(self.as_str() == other.as_str()),
            (Val::Object(_) | Val::Tags(_) | Val::Record(_), Val::Object(_) | Val::Tags(_) | Val::Record(_)) => {
                equal_objects(self, other, depth)
            }
            (Val::Array(_) | Val::List(_), Val::Array(_) | Val::List(_)) => equal_lists(self, other, depth),
            _ => Known::No,
        }
    }

    /// The order of two numbers, strings or booleans; `None` where CEL has none.
    pub fn order(&self, other: &Val<'a>) -> Option<Ordering> {
        match (self, other) {
            (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
            (Val::Int(a), Val::Double(b)) => (*a as f64).partial_cmp(b),
            (Val::Double(a), Val::Int(b)) => a.partial_cmp(&(*b as f64)),
            (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
            (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
            _ => Some(self.as_str()?.cmp(other.as_str()?)),
        }
    }

    /// The value as JSON, for evidence; a resource is its id.
    pub fn to_json(&self) -> Value {
        match self {
            Val::Null | Val::Thing(_) => Value::Null,
            Val::Bool(b) => Value::Bool(*b),
            Val::Int(i) => Value::from(*i),
            Val::Double(d) => Value::from(*d),
            Val::Str(s) => Value::from(*s),
            Val::Text(s) => Value::from(s.as_ref()),
            Val::Array(items) => Value::Array(items.to_vec()),
            Val::Object(map) => Value::Object((*map).clone()),
            Val::Tags(tags) => tags.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect(),
            Val::List(items) => Value::Array(items.iter().map(|read| read.val.to_json()).collect()),
            Val::Record(fields) => {
                let set = fields.iter().filter(|(_, v)| !matches!(v, Val::Null));
                set.map(|(k, v)| ((*k).to_owned(), v.to_json())).collect()
            }
            Val::Unknown(reasons) => yagura_model::unknown(crate::reason::names(reasons)),
        }
    }
}

fn equal_lists<'a>(a: &Val<'a>, b: &Val<'a>, depth: usize) -> Known {
    let (Some(a), Some(b)) = (a.items(), b.items()) else { return Known::No };
    // An element that is not known may be none or several, so lengths and places say nothing then.
    if let Some(reasons) = a.first_unknown().or_else(|| b.first_unknown()) {
        return Known::Unknown(reasons);
    }
    if a.len() != b.len() {
        return Known::No;
    }
    let mut equal = Known::Yes;
    for i in 0..a.len() {
        equal = equal.and(a.get(i).equals_within(&b.get(i), depth - 1));
        if equal == Known::No {
            break;
        }
    }
    equal
}

fn equal_objects<'a>(a: &Val<'a>, b: &Val<'a>, depth: usize) -> Known {
    let mut equal = Known::Yes;
    // A property that only one has equals one that is null, like everywhere.
    for name in names(a).into_iter().chain(names(b)) {
        let (left, right) = (a.key(name).unwrap_or(Val::Null), b.key(name).unwrap_or(Val::Null));
        equal = equal.and(left.equals_within(&right, depth - 1));
        if equal == Known::No {
            break;
        }
    }
    equal
}

fn names<'v>(val: &'v Val<'_>) -> Vec<&'v str> {
    match val {
        Val::Object(map) => map.keys().map(String::as_str).collect(),
        Val::Tags(tags) => tags.keys().map(String::as_str).collect(),
        Val::Record(fields) => fields.iter().map(|(name, _)| *name).collect(),
        _ => Vec::new(),
    }
}

/// The elements of a list of either kind.
#[derive(Clone, Copy)]
pub enum Items<'v, 'a> {
    Json(&'a [Value]),
    Made(&'v [Read<'a>]),
}

impl<'a> Items<'_, 'a> {
    pub fn len(&self) -> usize {
        match self {
            Items::Json(items) => items.len(),
            Items::Made(items) => items.len(),
        }
    }

    /// The element at `index`, null past the end.
    pub fn get(&self, index: usize) -> Val<'a> {
        match self {
            Items::Json(items) => items.get(index).map_or(Val::Null, Val::of),
            Items::Made(items) => items.get(index).map_or(Val::Null, |read| read.val.clone()),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Val<'a>> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The reasons of the first element that is not known: how many elements there are is then not known either.
    pub fn first_unknown(&self) -> Option<Reasons> {
        self.iter().find_map(|val| val.reasons().cloned())
    }
}
