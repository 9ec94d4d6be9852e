//! A policy that `data "aws_iam_policy_document"` will make at apply time, put together from what the plan knows of
//! its statements: a policy for a bucket that doesn't exist yet has an ARN that isn't known, but all else is.

use serde_json::{Map, Value, json};
use yagura_model::is_unknown;

/// The document; `None` when other documents are merged in, or the statements themselves aren't known.
pub(super) fn build(values: &Value) -> Option<Value> {
    let set = |key: &str| values.get(key).is_some_and(|v| !v.is_null() && *v != json!([]));
    let merged = ["override_json", "override_policy_documents", "source_json", "source_policy_documents"];
    if merged.iter().any(|key| set(key)) {
        return None;
    }
    let statements = values.get("statement")?.as_array()?;
    let statements: Vec<Value> = statements.iter().map(statement).collect();
    let version = values.get("version").filter(|v| !v.is_null()).cloned().unwrap_or_else(|| json!("2012-10-17"));
    Some(json!({"Version": version, "Statement": statements}))
}

fn statement(source: &Value) -> Value {
    if is_unknown(source) {
        return source.clone();
    }
    let mut statement = Map::new();
    let filled = |key: &str| source.get(key).filter(|v| !v.is_null() && **v != json!([]) && **v != json!(""));
    if let Some(sid) = filled("sid") {
        statement.insert("Sid".to_owned(), sid.clone());
    }
    statement.insert("Effect".to_owned(), filled("effect").cloned().unwrap_or_else(|| json!("Allow")));
    for (from, to) in [
        ("actions", "Action"),
        ("not_actions", "NotAction"),
        ("resources", "Resource"),
        ("not_resources", "NotResource"),
    ] {
        if let Some(value) = filled(from) {
            statement.insert(to.to_owned(), value.clone());
        }
    }
    for (from, to) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        if let Some(value) = filled(from) {
            statement.insert(to.to_owned(), principals(value));
        }
    }
    if let Some(value) = filled("condition") {
        statement.insert("Condition".to_owned(), conditions(value));
    }
    Value::Object(statement)
}

fn principals(source: &Value) -> Value {
    let Some(items) = source.as_array() else { return source.clone() };
    let mut by_type = Map::new();
    for item in items {
        let (Some(kind), Some(identifiers)) = (item.get("type").and_then(Value::as_str), item.get("identifiers"))
        else {
            return marker_in(item);
        };
        if kind == "*" {
            return json!("*");
        }
        join(by_type.entry(kind).or_insert_with(|| json!([])), identifiers);
    }
    Value::Object(by_type)
}

fn conditions(source: &Value) -> Value {
    let Some(items) = source.as_array() else { return source.clone() };
    let mut by_test = Map::new();
    for item in items {
        let texts = (item.get("test").and_then(Value::as_str), item.get("variable").and_then(Value::as_str));
        let (Some(test), Some(variable)) = texts else { return marker_in(item) };
        let values = item.get("values").cloned().unwrap_or_default();
        let by_variable = by_test.entry(test).or_insert_with(|| json!({}));
        if let Value::Object(map) = by_variable {
            join(map.entry(variable).or_insert_with(|| json!([])), &values);
        }
    }
    Value::Object(by_test)
}

/// Adds a list to a list; with a marker, the whole isn't known.
fn join(list: &mut Value, more: &Value) {
    match (&mut *list, more) {
        (Value::Array(items), Value::Array(more)) => items.extend(more.iter().cloned()),
        (Value::Array(_), more) => *list = more.clone(),
        _ => {}
    }
}

fn marker_in(item: &Value) -> Value {
    let inner = item.as_object().into_iter().flat_map(Map::values).find(|v| is_unknown(v));
    inner
        .or(Some(item).filter(|v| is_unknown(v)))
        .cloned()
        .unwrap_or_else(|| yagura_model::unknown(super::overlay::AFTER_APPLY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_model::unknown;

    #[test]
    fn puts_together_what_is_known() {
        let arn = unknown("known after apply");
        let values = json!({"override_json": null, "source_policy_documents": null, "version": null, "statement": [{
            "sid": null, "effect": "Deny", "actions": ["s3:*"], "not_actions": null, "resources": [arn],
            "principals": [{"type": "AWS", "identifiers": ["a"]}, {"type": "Service", "identifiers": ["s"]}],
            "not_principals": [], "condition": [{"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}],
        }]});
        assert_eq!(
            build(&values),
            Some(json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Deny", "Action": ["s3:*"], "Resource": [arn], "Principal": {"AWS": ["a"], "Service": ["s"]},
                "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
            }]}))
        );
        assert_eq!(build(&json!({"statement": [], "source_json": "{}"})), None);
    }
}
