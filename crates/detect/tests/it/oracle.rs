//! The engine against a naive evaluator that shares nothing with it: plain recursion over `serde_json` values, no
//! dispatch, no cache, no byte ranges.

use crate::compile;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yagura_detect::{Filter, Hunt};
use yagura_logs::{Layout, Record};

/// Every value at a dotted path; arrays stand for their elements.
fn at<'v>(value: &'v Value, path: &str, out: &mut Vec<&'v Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|v| at(v, path, out)),
        Value::Object(map) => {
            for (key, inner) in map {
                if key == path {
                    out.push(inner);
                } else if let Some(rest) = path.strip_prefix(key.as_str()).and_then(|r| r.strip_prefix('.')) {
                    at(inner, rest, out);
                }
            }
        }
        _ => {}
    }
}

fn leaves<'v>(value: &'v Value, out: &mut Vec<&'v Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|v| leaves(v, out)),
        other => out.push(other),
    }
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|i| glob(rest, &text[i..])),
        Some(('?', rest)) => text.split_first().is_some_and(|(_, t)| glob(rest, t)),
        Some((c, rest)) => text.split_first().is_some_and(|(t, more)| t == c && glob(rest, more)),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

fn scalar_holds(modifier: &str, wanted: &Value, value: &Value) -> bool {
    let Some(have) = text(value) else { return wanted.is_null() };
    let lower = |s: &str| s.to_lowercase().chars().collect::<Vec<char>>();
    match wanted {
        Value::Null => false,
        Value::Bool(b) => have.eq_ignore_ascii_case(&b.to_string()),
        Value::Number(n) => have == n.to_string() || value.is_number() && value.as_f64() == n.as_f64(),
        Value::String(s) => {
            let pattern = match modifier {
                "contains" => format!("*{s}*"),
                "startswith" => format!("{s}*"),
                "endswith" => format!("*{s}"),
                _ => s.clone(),
            };
            glob(&lower(&pattern), &lower(&have))
        }
        _ => false,
    }
}

fn item(key: &str, wanted: &Value, event: &Value) -> bool {
    let mut parts = key.split('|');
    let field = parts.next().unwrap_or_default();
    let modifiers: Vec<&str> = parts.collect();
    let mut found = Vec::new();
    at(event, field, &mut found);
    let present = !found.is_empty();
    let mut values = Vec::new();
    found.into_iter().for_each(|v| leaves(v, &mut values));
    let list: Vec<Value> = match wanted {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let modifier = modifiers.first().copied().filter(|m| *m != "all" && *m != "neq").unwrap_or_default();
    let one = |w: &Value| match (modifier, w) {
        ("exists", Value::Bool(b)) => present == *b,
        (_, Value::Null) if !present => true,
        ("gt", Value::Number(n)) => values
            .iter()
            .any(|v| text(v).and_then(|t| t.trim().parse::<f64>().ok()).is_some_and(|f| Some(f) > n.as_f64())),
        _ => values.iter().any(|v| scalar_holds(modifier, w, v)),
    };
    let holds = if modifiers.contains(&"all") { list.iter().all(one) } else { list.iter().any(one) };
    holds != modifiers.contains(&"neq")
}

fn detection(definition: &Value, event: &Value) -> bool {
    match definition {
        Value::Object(map) => map.iter().all(|(key, wanted)| item(key, wanted, event)),
        Value::Array(list) => list.iter().any(|d| detection(d, event)),
        _ => false,
    }
}

/// A condition that was built as a tree, and its text.
#[derive(Clone, Debug)]
enum Tree {
    Name(usize),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    OneOf,
    AllOf,
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Name(i) => format!("s{i}"),
            Tree::Not(t) => format!("not ({})", t.text()),
            Tree::And(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Tree::Or(a, b) => format!("({}) or ({})", a.text(), b.text()),
            Tree::OneOf => "1 of s*".to_owned(),
            Tree::AllOf => "all of them".to_owned(),
        }
    }

    fn holds(&self, named: &[bool]) -> bool {
        match self {
            Tree::Name(i) => named[*i],
            Tree::Not(t) => !t.holds(named),
            Tree::And(a, b) => a.holds(named) && b.holds(named),
            Tree::Or(a, b) => a.holds(named) || b.holds(named),
            Tree::OneOf => named.iter().any(|b| *b),
            Tree::AllOf => named.iter().all(|b| *b),
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "", "a", "A", "b", "ab", "Ab c", "é", "É", "*", "a*", "*b", "?", "a?", "1", "true", "iam.x",
    ])
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => word().prop_map(Value::from),
        1 => (0..3i64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(1.5)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(vec!["x", "y", "x.y"]), inner, 0..3)
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

const FIELDS: &[&str] = &["eventName", "eventSource", "userAgent", "p", "p.x", "p.x.y", "p.y"];

fn an_event() -> impl Strategy<Value = Value> {
    let top = prop::sample::select(vec!["eventName", "eventSource", "userAgent", "p", "q"]);
    prop::collection::btree_map(top, value(), 0..5)
        .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()))
}

/// No backslash stands in any value: a wildcard in a pattern is a wildcard, in an event a letter.
fn an_item() -> impl Strategy<Value = (String, Value)> {
    let field = prop::sample::select(FIELDS.to_vec());
    let plain =
        prop::sample::select(vec!["", "|contains", "|startswith", "|endswith", "|neq", "|all", "|contains|all"]);
    prop_oneof![
        8 => (field.clone(), plain, prop::collection::vec(scalar(), 1..4)).prop_map(|(f, m, mut list)| {
            if m.contains("with") || m.contains("contains") {
                list.retain(Value::is_string);
                list.push(json!("b"));
            }
            (format!("{f}{m}"), Value::Array(list))
        }),
        1 => (field.clone(), any::<bool>()).prop_map(|(f, b)| (format!("{f}|exists"), json!(b))),
        1 => (field, 0..3i64).prop_map(|(f, n)| (format!("{f}|gt"), json!(n))),
    ]
}

fn a_detection() -> impl Strategy<Value = Value> {
    let map = prop::collection::vec(an_item(), 1..4)
        .prop_map(|items| Value::Object(items.into_iter().collect::<Map<String, Value>>()))
        .boxed();
    prop_oneof![3 => map.clone(), 1 => prop::collection::vec(map, 1..3).prop_map(Value::from)]
}

fn a_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![(0..3usize).prop_map(Tree::Name), Just(Tree::OneOf), Just(Tree::AllOf)];
    leaf.prop_recursive(3, 12, 2, |t| {
        prop_oneof![
            t.clone().prop_map(|t| Tree::Not(Box::new(t))),
            (t.clone(), t.clone()).prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            (t.clone(), t).prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn agrees_with_the_naive_evaluator(
        rules in prop::collection::vec((prop::collection::vec(a_detection(), 3), a_tree()), 1..5),
        events in prop::collection::vec(an_event(), 1..12),
    ) {
        let texts: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(i, (named, tree))| {
                json!({"title": "t", "id": i.to_string(), "logsource": {"product": "aws"}, "detection":
                    {"s0": named[0], "s1": named[1], "s2": named[2], "condition": tree.text()}})
                .to_string()
            })
            .collect();
        let (set, loaded) = compile(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(&loaded.errors, &vec![]);
        // One hunt for all events, so that what it remembers of one is tried on the next.
        let (mut hunt, mut layout) = (Hunt::new(&set, Filter::default()), Layout::default());
        let mut expected = Vec::new();
        for (n, event) in events.iter().enumerate() {
            let mut event = event.clone();
            event["eventID"] = json!(format!("e{n}"));
            for (i, (named, tree)) in rules.iter().enumerate() {
                let named: Vec<bool> = named.iter().map(|d| detection(d, &event)).collect();
                if tree.holds(&named) {
                    expected.push((i.to_string(), format!("e{n}")));
                }
            }
            let raw = event.to_string();
            hunt.judge(&Record::scan(raw.as_bytes(), &mut layout).expect("json"), n as i64);
        }
        let mut found: Vec<(String, String)> = hunt
            .finish()
            .detections
            .iter()
            .flat_map(|d| d.event_ids.iter().map(|id| (d.detection.clone(), id.clone())).collect::<Vec<_>>())
            .collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}
