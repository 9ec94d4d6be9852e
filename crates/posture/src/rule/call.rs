//! The functions that a rule can call.

use super::{
    eval::Eval,
    node::{Function, Node},
    trace::Step,
    value::{Read, Val},
};
use crate::{
    known::{Known, Reasons, failed, missing},
    network::{Family, is_world, listed, opens},
    policy,
};
use chrono::{DateTime, NaiveDate, Utc};
use regex::RegexBuilder;
use std::rc::Rc;

/// Memory that a pattern made while a rule runs may take.
const MAX_PATTERN: usize = 1 << 20;

impl Function {
    /// The function by its name, and whether it is called on its first argument (`text.startsWith(…)`).
    pub fn of(name: &str, method: bool) -> Option<Function> {
        Some(match (name, method) {
            ("size", _) => Function::Size,
            ("startsWith", true) => Function::StartsWith,
            ("endsWith", true) => Function::EndsWith,
            ("contains", true) => Function::Contains,
            ("matches", _) => Function::Matches,
            ("lower", false) => Function::Lower,
            ("glob", false) => Function::Glob,
            ("days_since", false) => Function::DaysSince,
            ("is_world", false) => Function::IsWorld,
            ("world_open", false) => Function::WorldOpen,
            ("world_open_v4", false) => Function::WorldOpenV4,
            ("world_open_v6", false) => Function::WorldOpenV6,
            ("statements", false) => Function::Statements,
            ("policy_public", false) => Function::PolicyPublic,
            ("string", false) => Function::String,
            ("int", false) => Function::Int,
            ("double", false) => Function::Double,
            ("unknown", false) => Function::Unknown,
            _ => return None,
        })
    }

    pub const NAMES: [&'static str; 20] = [
        "related",
        "related_here",
        "days_since",
        "is_world",
        "world_open",
        "world_open_v4",
        "world_open_v6",
        "statements",
        "policy_public",
        "glob",
        "lower",
        "size",
        "startsWith",
        "endsWith",
        "contains",
        "matches",
        "string",
        "int",
        "double",
        "unknown",
    ];

    /// How many arguments it takes, the one it is called on included.
    pub fn arity(self) -> usize {
        match self {
            Function::StartsWith
            | Function::EndsWith
            | Function::Contains
            | Function::Matches
            | Function::Glob
            | Function::WorldOpen
            | Function::WorldOpenV4
            | Function::WorldOpenV6 => 2,
            _ => 1,
        }
    }
}

impl<'a> Eval<'a, '_> {
    pub(super) fn call(&mut self, function: Function, args: &'a [Node]) -> Read<'a> {
        let first = args.first().map_or(Read::computed(Val::Null), |node| self.eval(node));
        let second = args.get(1).map_or(Val::Null, |node| self.eval(node).val);
        let val = match function {
            Function::Size => size(&first.val),
            Function::StartsWith => texts("startsWith", &first.val, &second, |a, b| a.starts_with(b)),
            Function::EndsWith => texts("endsWith", &first.val, &second, |a, b| a.ends_with(b)),
            Function::Contains => texts("contains", &first.val, &second, |a, b| a.contains(b)),
            Function::Glob => texts("glob", &second, &first.val, |text, pattern| policy::glob(pattern, text)),
            Function::Matches => matches(&first.val, &second),
            Function::Lower => lower(&first.val),
            Function::DaysSince => days_since(&first.val, self.now()),
            Function::IsWorld => Val::known(is_world(&first.val, Family::Any)),
            Function::WorldOpen => return self.world_open(&first, &second, Family::Any),
            Function::WorldOpenV4 => return self.world_open(&first, &second, Family::V4),
            Function::WorldOpenV6 => return self.world_open(&first, &second, Family::V6),
            Function::Statements => return self.statements(&first),
            Function::PolicyPublic => Val::known(policy::is_public(&first.val)),
            Function::String | Function::Int | Function::Double => convert(function, &first.val),
            Function::Unknown => Val::Unknown(match (&first.val, first.val.as_str()) {
                (Val::Unknown(reasons), _) => reasons.clone(),
                (_, Some(reason)) => missing(reason),
                (other, None) => unsuitable("unknown", other),
            }),
        };
        Read::computed(val)
    }

    /// Shows the rule that opens the port instead of the whole list.
    fn world_open(&mut self, rules: &Read<'a>, port: &Val<'a>, family: Family) -> Read<'a> {
        let port = match port {
            Val::Int(port) => *port,
            Val::Unknown(reasons) => return Read::computed(Val::Unknown(reasons.clone())),
            other => return Read::computed(Val::Unknown(unsuitable("world_open", other))),
        };
        let truth = match &rules.val {
            Val::Null => Known::No,
            Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
            list => match list.items() {
                None => Known::Unknown(unsuitable("world_open", list)),
                Some(items) => {
                    let mut open = Known::No;
                    for (i, rule) in items.iter().enumerate() {
                        let list = |id: &str| listed(self.world, self.thing, id, family);
                        let this = opens(&rule, port, family, &list);
                        if this != Known::No {
                            let at = self.trace.link(rules.at, Step::Index(i));
                            self.trace.read(at, &rule);
                        }
                        open = open.or(this);
                        if open.is_yes() {
                            break;
                        }
                    }
                    open
                }
            },
        };
        Read::computed(Val::known(truth))
    }

    fn statements(&mut self, policy: &Read<'a>) -> Read<'a> {
        let val = match &policy.val {
            Val::Null => Val::List(Rc::new([])),
            Val::Unknown(reasons) => Val::Unknown(reasons.clone()),
            Val::Object(map) => {
                let key = std::ptr::from_ref(*map) as usize;
                Val::List(Rc::clone(self.statements.entry(key).or_insert_with(|| policy::statements(map))))
            }
            other => Val::Unknown(unsuitable("statements", other)),
        };
        let at = self.trace.link(policy.at, Step::Name("Statement"));
        Read { val, at }
    }
}

fn unsuitable(function: &str, val: &Val<'_>) -> Reasons {
    let (en, ja) = val.kind();
    failed(format!("`{function}` can't take {en}"), format!("`{function}` に{ja}は渡せません"))
}

fn size<'a>(val: &Val<'a>) -> Val<'a> {
    let length = |n: usize| Val::Int(i64::try_from(n).unwrap_or(i64::MAX));
    match val {
        Val::Null => Val::Int(0),
        Val::Unknown(reasons) => Val::Unknown(reasons.clone()),
        Val::Str(_) | Val::Text(_) => length(val.as_str().unwrap_or("").chars().count()),
        Val::Object(map) => match map.values().find_map(|v| Val::of(v).reasons().cloned()) {
            Some(reasons) => Val::Unknown(reasons),
            None => length(map.values().filter(|v| !v.is_null()).count()),
        },
        Val::Tags(tags) => length(tags.len()),
        list => match list.items() {
            Some(items) => items.first_unknown().map_or_else(|| length(items.len()), Val::Unknown),
            None => Val::Unknown(unsuitable("size", list)),
        },
    }
}

/// A test of two strings; null is no string, so it never holds.
fn texts<'a>(name: &str, a: &Val<'a>, b: &Val<'a>, test: impl Fn(&str, &str) -> bool) -> Val<'a> {
    if let Some(reasons) = super::operator::unknown_of(a, b) {
        return Val::Unknown(reasons);
    }
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => Val::Bool(test(a, b)),
        _ if matches!(a, Val::Null) || matches!(b, Val::Null) => Val::Bool(false),
        (None, _) => Val::Unknown(unsuitable(name, a)),
        (_, None) => Val::Unknown(unsuitable(name, b)),
    }
}

/// A pattern that isn't written out in the rule; see [`super::node::Node::Matches`] for the others.
fn matches<'a>(text: &Val<'a>, pattern: &Val<'a>) -> Val<'a> {
    let compiled = pattern.as_str().map(|p| RegexBuilder::new(p).size_limit(MAX_PATTERN).build());
    match compiled {
        Some(Err(_)) => Val::Unknown(failed("a pattern is no regular expression", "正規表現として読めません")),
        Some(Ok(regex)) => texts("matches", text, pattern, |text, _| regex.is_match(text)),
        None => texts("matches", text, pattern, |_, _| false),
    }
}

fn lower<'a>(val: &Val<'a>) -> Val<'a> {
    match val {
        Val::Str(s) if !s.chars().any(char::is_uppercase) => Val::Str(s),
        Val::Str(_) | Val::Text(_) => Val::Text(val.as_str().unwrap_or("").to_lowercase().into()),
        Val::Null | Val::Unknown(_) => val.clone(),
        other => Val::Unknown(unsuitable("lower", other)),
    }
}

/// Days from a time (RFC 3339, a date, or seconds since 1970) until now, negative for what lies ahead.
fn days_since<'a>(val: &Val<'a>, now: DateTime<Utc>) -> Val<'a> {
    let seconds = match val {
        Val::Null | Val::Unknown(_) => return val.clone(),
        Val::Int(seconds) => Some(*seconds as f64),
        Val::Double(seconds) => Some(*seconds),
        other => other.as_str().and_then(|text| {
            let time = DateTime::parse_from_rfc3339(text).map(|t| t.timestamp_millis());
            let date =
                || text.parse::<NaiveDate>().map(|d| d.and_time(Default::default()).and_utc().timestamp_millis());
            time.or_else(|_| date()).ok().map(|ms| ms as f64 / 1000.0)
        }),
    };
    match seconds {
        Some(seconds) => Val::Double((now.timestamp_millis() as f64 / 1000.0 - seconds) / 86_400.0),
        None => Val::Unknown(unsuitable("days_since", val)),
    }
}

fn convert<'a>(function: Function, val: &Val<'a>) -> Val<'a> {
    let converted = match (function, val) {
        (_, Val::Unknown(_)) => Some(val.clone()),
        (Function::String, Val::Str(_) | Val::Text(_)) => Some(val.clone()),
        (Function::String, Val::Bool(_) | Val::Int(_) | Val::Double(_)) => {
            Some(Val::Text(val.to_json().to_string().into()))
        }
        (Function::Int, Val::Int(_)) | (Function::Double, Val::Double(_)) => Some(val.clone()),
        (Function::Int, Val::Double(d)) if d.abs() < 9e18 => Some(Val::Int(*d as i64)),
        (Function::Double, Val::Int(i)) => Some(Val::Double(*i as f64)),
        (Function::Int, _) => val.as_str().and_then(|s| s.parse().ok()).map(Val::Int),
        (Function::Double, _) => val.as_str().and_then(|s| s.parse().ok()).map(Val::Double),
        _ => None,
    };
    let name = match function {
        Function::Int => "int",
        Function::Double => "double",
        _ => "string",
    };
    converted.unwrap_or_else(|| Val::Unknown(unsuitable(name, val)))
}
