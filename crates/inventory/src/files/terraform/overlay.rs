//! A planned resource's values with what the plan doesn't know marked: exactly those attributes.
//!
//! `after_unknown` marks two things alike: what the configuration sets to something that only exists after apply, and
//! what the configuration leaves to the provider. Of a resource that will be made, the second kind is what a template
//! calls a property that isn't there, and is left out in the same way; the configuration tells them apart.

use serde_json::{Map, Value};
use yagura_model::unknown;

/// The reason of every marker that a plan gives.
pub(super) const AFTER_APPLY: &str = "known after apply";

/// What the configuration says of a place in a resource.
#[derive(Clone)]
pub(super) enum Configured<'c> {
    /// Nothing is known: all that is unknown stays so.
    Unsaid,
    /// An expression sets all of it.
    Set,
    /// It isn't in the configuration.
    Absent,
    /// Blocks, of which any may set what is inside.
    Blocks(Vec<&'c Map<String, Value>>),
}

impl<'c> Configured<'c> {
    /// What is said of `key` inside.
    fn inside(&self, key: &str) -> Configured<'c> {
        let Configured::Blocks(blocks) = self else { return self.clone() };
        let mut inner = Vec::new();
        for block in blocks {
            match block.get(key) {
                None => {}
                Some(Value::Array(items)) if items.iter().all(Value::is_object) => {
                    inner.extend(items.iter().filter_map(Value::as_object));
                }
                Some(Value::Object(expression)) if !is_expression(expression) => inner.push(expression),
                Some(_) => return Configured::Set,
            }
        }
        if inner.is_empty() { Configured::Absent } else { Configured::Blocks(inner) }
    }
}

/// A single expression; a call of constants alone has no key at all.
fn is_expression(map: &Map<String, Value>) -> bool {
    map.keys().all(|key| key == "constant_value" || key == "references")
}

/// `values` with markers where `unknown_at` says so; `None` when there is nothing at this place.
pub(super) fn overlay(
    values: Option<Value>,
    unknown_at: &Value,
    configured: &Configured<'_>,
    makes: bool,
) -> Option<Value> {
    match unknown_at {
        Value::Bool(true) => {
            let left_out = makes && matches!(configured, Configured::Absent);
            if left_out { None } else { Some(unknown(AFTER_APPLY)) }
        }
        Value::Object(marks) => {
            let mut map = match values {
                Some(Value::Object(map)) => map,
                _ => Map::new(),
            };
            for (key, mark) in marks {
                let before = map.remove(key);
                if let Some(value) = overlay(before, mark, &inner(configured, key, mark), makes) {
                    map.insert(key.clone(), value);
                }
            }
            Some(Value::Object(map))
        }
        Value::Array(marks) => {
            let items = match values {
                Some(Value::Array(items)) => items,
                other if marks.is_empty() => return other.or(Some(Value::Array(Vec::new()))),
                _ => Vec::new(),
            };
            let mut items = items.into_iter();
            let mut merged: Vec<Value> = marks
                .iter()
                .filter_map(|mark| {
                    let before = items.next();
                    match mark {
                        // An element is there, whatever it is.
                        Value::Bool(true) => Some(unknown(AFTER_APPLY)),
                        mark => overlay(before, mark, configured, makes),
                    }
                })
                .collect();
            merged.extend(items);
            Some(Value::Array(merged))
        }
        _ => values,
    }
}

/// A block that isn't in the configuration and still has inner values was made by `dynamic`, of which the plan's
/// configuration says nothing.
fn inner<'c>(configured: &Configured<'c>, key: &str, mark: &Value) -> Configured<'c> {
    match configured.inside(key) {
        Configured::Absent if !mark.is_boolean() => Configured::Unsaid,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marked(values: Value, unknown_at: &Value, expressions: &Value) -> Value {
        let configured = Configured::Blocks(expressions.as_object().into_iter().collect());
        overlay(Some(values), unknown_at, &configured, true).unwrap_or_default()
    }

    #[test]
    fn marks_what_is_set_and_leaves_out_what_is_not() {
        let got = marked(
            json!({"name": "t", "root": [{"encrypted": true}]}),
            &json!({"arn": true, "kms": true, "jsonencoded": true, "root": [{"kms": true, "size": true}]}),
            &json!({
                "name": {"constant_value": "t"}, "kms": {"references": ["aws_kms_key.k.arn", "aws_kms_key.k"]},
                "jsonencoded": {}, "root": [{"encrypted": {"constant_value": true}, "kms": {"references": ["x.y"]}}],
            }),
        );
        let unknown = unknown(AFTER_APPLY);
        let root = json!([{"encrypted": true, "kms": unknown}]);
        assert_eq!(got, json!({"name": "t", "kms": unknown, "jsonencoded": unknown, "root": root}));
    }

    #[test]
    fn keeps_what_a_dynamic_block_leaves_open() {
        let got = marked(
            json!({"ingress": [{"from_port": 443}]}),
            &json!({"ingress": [{"security_groups": true, "cidr_blocks": []}], "resources": [true, true]}),
            &json!({"name": {"constant_value": "x"}, "resources": {"references": ["a.b"]}}),
        );
        let unknown = unknown(AFTER_APPLY);
        assert_eq!(got["ingress"], json!([{"from_port": 443, "cidr_blocks": [], "security_groups": unknown}]));
        assert_eq!(got["resources"], json!([unknown, unknown]));
    }

    #[test]
    fn says_nothing_without_a_configuration() {
        let got = overlay(Some(json!({})), &json!({"kms": true}), &Configured::Unsaid, true);
        assert_eq!(got, Some(json!({"kms": unknown(AFTER_APPLY)})));
        let got = overlay(Some(json!({})), &json!({"kms": true}), &Configured::Blocks(vec![]), false);
        assert_eq!(got, Some(json!({"kms": unknown(AFTER_APPLY)})), "an update may change it");
    }
}
