//! Template text becomes typed values. CloudFormation accepts `"true"` for a boolean and `22` for a string, so the
//! type's schema, not the way a value is written, says what it is.

use serde_json::{Number, Value};
use yagura_content::shapes::{Shape, ShapeKind};
use yagura_model::{is_unknown, unknown, yaml};

/// The value of a scalar as it stands in the template, converted from its text so that `5.70` keeps its zero where a
/// string is wanted.
pub(super) fn scalar(text: &str, plain: bool, shape: Option<Shape>) -> Value {
    let kind = shape.map_or(ShapeKind::Any, Shape::kind);
    if kind == ShapeKind::String {
        return if plain && yaml::plain_scalar(text).is_null() { Value::Null } else { Value::String(text.to_owned()) };
    }
    if plain {
        let value = match text {
            // YAML 1.1, which CloudFormation reads, has no decimal number with a leading zero: an account id.
            _ if text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) => {
                Value::String(text.to_owned())
            }
            _ => yaml::plain_scalar(text),
        };
        return self::value(value, shape);
    }
    self::value(Value::String(text.to_owned()), shape)
}

/// `value` with everything in it turned into what `shape` asks for; what can't be stays as it is.
pub(super) fn value(value: Value, shape: Option<Shape>) -> Value {
    let Some(shape) = shape else { return value };
    if is_unknown(&value) {
        return value;
    }
    match (shape.kind(), value) {
        (ShapeKind::Boolean, Value::String(text)) => boolean(text),
        (ShapeKind::Integer | ShapeKind::Number, Value::String(text)) => number(text),
        (ShapeKind::String, Value::Bool(b)) => Value::String(b.to_string()),
        (ShapeKind::String, Value::Number(n)) => Value::String(n.to_string()),
        (ShapeKind::Object | ShapeKind::Any, Value::String(text)) => document(text),
        (ShapeKind::Array, Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| self::value(item, shape.element())).collect())
        }
        (ShapeKind::Object, Value::Object(map)) => Value::Object(
            map.into_iter()
                .map(|(key, inner)| {
                    let inner = self::value(inner, shape.child(&key));
                    (key, inner)
                })
                .collect(),
        ),
        (_, value) => value,
    }
}

fn boolean(text: String) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Value::Bool(true),
        "false" | "no" | "off" => Value::Bool(false),
        _ => at_deploy_time(text),
    }
}

fn number(text: String) -> Value {
    if let Ok(n) = text.trim().parse::<i64>() {
        return Value::Number(n.into());
    }
    match text.trim().parse::<f64>().ok().and_then(Number::from_f64) {
        Some(n) => Value::Number(n),
        None => at_deploy_time(text),
    }
}

/// A dynamic reference (`{{resolve:ssm:…}}`) is looked up by CloudFormation when it deploys.
fn at_deploy_time(text: String) -> Value {
    if text.contains("{{resolve:") { unknown(text) } else { Value::String(text) }
}

/// A document that was written as JSON in a string (some types' policies) is an object all the same.
fn document(text: String) -> Value {
    if !text.trim_start().starts_with('{') {
        return Value::String(text);
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(parsed) if parsed.is_object() => parsed,
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use yagura_content::shapes;

    fn child(kind: &str, path: &[&str]) -> Option<Shape> {
        path.iter().try_fold(
            shapes::of(kind)?,
            |shape, name| {
                if *name == "[]" { shape.element() } else { shape.child(name) }
            },
        )
    }

    #[test]
    fn takes_the_type_from_the_schema() {
        let encrypted = child("AWS::EC2::Volume", &["Encrypted"]);
        assert_eq!(scalar("true", false, encrypted), json!(true));
        assert_eq!(scalar("yes", true, encrypted), json!(true));
        assert_eq!(scalar("{{resolve:ssm:/x}}", false, encrypted), unknown("{{resolve:ssm:/x}}"));
        let version = child("AWS::RDS::DBInstance", &["EngineVersion"]);
        assert_eq!(scalar("5.70", true, version), json!("5.70"));
        let port = child("AWS::EC2::SecurityGroup", &["SecurityGroupIngress", "[]", "FromPort"]);
        assert_eq!(scalar("22", false, port), json!(22));
        let policy = child("AWS::IAM::Role", &["AssumeRolePolicyDocument"]);
        assert_eq!(scalar("012345678901", true, policy), json!("012345678901"));
        assert_eq!(scalar("{\"Version\":\"2012-10-17\"}", false, policy), json!({"Version": "2012-10-17"}));
        assert_eq!(scalar("2012-10-17", true, policy), json!("2012-10-17"));
    }
}
