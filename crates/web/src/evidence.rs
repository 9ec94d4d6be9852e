//! JSON as a person reads it: one row a value, with the path that leads to it, and what differs between two states.
//! Everything is capped, because a page has to open whatever an account holds.

use crate::ui::{Ui, short, visible};
use serde_json::Value;
use std::collections::BTreeSet;
use yagura_model::Finding;

/// Letters of a value that a row shows.
const VALUE: usize = 160;
/// Rows of one change.
const LINES: usize = 30;

/// A path and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub path: String,
    pub value: String,
    /// Nothing is set there.
    pub absent: bool,
}

/// The leaves of `value`, at most `cap` of them, and how many were left out.
pub(crate) fn rows(ui: &Ui, value: &Value, cap: usize) -> (Vec<Row>, usize) {
    let mut all = Vec::new();
    let mut left_out = 0;
    if let Value::Object(map) = value {
        for (path, inner) in map {
            let path = path.strip_prefix("resource.").unwrap_or(path);
            leaves(ui, path, inner, cap, &mut all, &mut left_out);
        }
    }
    (all, left_out)
}

fn leaves(ui: &Ui, path: &str, value: &Value, cap: usize, rows: &mut Vec<Row>, left_out: &mut usize) {
    match value {
        Value::Object(map) if !map.is_empty() && !map.contains_key("$unknown") => {
            map.iter().for_each(|(key, inner)| leaves(ui, &format!("{path}.{key}"), inner, cap, rows, left_out));
        }
        Value::Array(list) if list.iter().any(|v| v.is_object() || v.is_array()) => {
            list.iter().enumerate().for_each(|(i, v)| leaves(ui, &format!("{path}[{i}]"), v, cap, rows, left_out));
        }
        _ if rows.len() >= cap => *left_out += 1,
        _ => rows.push(Row { path: short(path, VALUE), value: say(ui, value), absent: value.is_null() }),
    }
}

/// A value in words where JSON has only a sign for it.
fn say(ui: &Ui, value: &Value) -> String {
    let text = match value {
        Value::Null => ui.w("not set", "未設定").to_owned(),
        Value::String(text) if text.is_empty() => ui.w("(empty)", "(空)").to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => ui.w("none", "なし").to_owned(),
        Value::Array(list) => list.iter().map(|v| say(ui, v)).collect::<Vec<_>>().join(", "),
        Value::Object(map) if map.is_empty() => ui.w("none", "なし").to_owned(),
        Value::Object(map) => match map.get("$unknown").and_then(Value::as_str) {
            Some(why) => format!("{}: {why}", ui.w("unknown", "不明")),
            None => map.iter().map(|(key, v)| format!("{key}: {}", inside(ui, v))).collect::<Vec<_>>().join(", "),
        },
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    short(&text, VALUE)
}

/// A value within another.
fn inside(ui: &Ui, value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => format!("({})", say(ui, value)),
        Value::Array(list) if list.len() > 1 => format!("[{}]", say(ui, value)),
        _ => say(ui, value),
    }
}

/// The finding's reason; where that is one object, its fields in words instead of the beginning of its JSON.
pub(crate) fn reason(ui: &Ui, finding: &Finding) -> String {
    let one = finding.evidence.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    match one {
        Some((path, value @ Value::Object(map))) if !map.is_empty() && !map.contains_key("$unknown") => {
            format!("`{}`: {}", path.strip_prefix("resource.").unwrap_or(path), say(ui, value))
        }
        _ => ui.say(&finding.reason).to_owned(),
    }
}

/// What differs at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// What differs between two states, and how many differences were left out. Lists are compared as sets: what was
/// taken out and what came in, wherever in the list.
pub(crate) fn differences(ui: &Ui, path: &str, old: &Value, new: &Value) -> (Vec<Line>, usize) {
    let mut lines = Vec::new();
    compare(ui, path, old, new, &mut lines);
    let left_out = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    (lines, left_out)
}

fn compare(ui: &Ui, path: &str, old: &Value, new: &Value, lines: &mut Vec<Line>) {
    let path_of = |path: String, before: Option<&Value>, after: Option<&Value>| Line {
        path: short(&path, VALUE),
        before: before.filter(|v| !v.is_null()).map(|v| say(ui, v)),
        after: after.filter(|v| !v.is_null()).map(|v| say(ui, v)),
    };
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(ui, &inner, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a != b => {
            let at = lines.len();
            lines.extend(a.iter().filter(|v| !b.contains(v)).map(|v| path_of(format!("{path}[]"), Some(v), None)));
            lines.extend(b.iter().filter(|v| !a.contains(v)).map(|v| path_of(format!("{path}[]"), None, Some(v))));
            if lines.len() == at {
                lines.push(path_of(path.to_owned(), Some(old), Some(new)));
            }
        }
        (a, b) if a != b => lines.push(path_of(path.to_owned(), Some(a), Some(b))),
        _ => {}
    }
}

/// Indented JSON of at most `cap` bytes, and whether it was cut.
pub(crate) fn pretty(value: &Value, cap: usize) -> (String, bool) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text: String = text.chars().map(visible).collect();
    let cut = text.len() > cap;
    if cut {
        text.truncate(text.floor_char_boundary(cap));
    }
    (text, cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn evidence_is_one_row_a_value() {
        let ui = Ui::plain();
        let value = json!({"resource.Ingress": [{"CidrIp": "0.0.0.0/0", "Port": 22}], "resource.Name": null,
                           "derived.ports": [22, 80], "resource.Egress": []});
        let (rows, left_out) = rows(&ui, &value, 4);
        let text: Vec<String> = rows.iter().map(|r| format!("{}={}", r.path, r.value)).collect();
        assert_eq!(text, ["derived.ports=22, 80", "Egress=none", "Ingress[0].CidrIp=0.0.0.0/0", "Ingress[0].Port=22"]);
        assert_eq!(left_out, 1);
    }

    #[test]
    fn lists_differ_by_what_came_and_went() {
        let ui = Ui::plain();
        let old = json!({"Rules": [{"a": 1}, {"a": 2}], "Same": true, "Gone": "x"});
        let new = json!({"Rules": [{"a": 2}, {"a": 3}], "Same": true});
        let (lines, left_out) = differences(&ui, "", &old, &new);
        let text: Vec<String> = lines.iter().map(|l| format!("{} {:?} {:?}", l.path, l.before, l.after)).collect();
        let went = r#"Rules[] Some("a: 1") None"#;
        assert_eq!(text, [r#"Gone Some("x") None"#, went, r#"Rules[] None Some("a: 3")"#]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn long_json_is_cut_between_letters() {
        let (text, cut) = pretty(&json!("ああああ"), 5);
        assert!(cut && text == "\"あ", "{text}");
    }
}
