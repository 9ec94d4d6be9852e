//! A value that exists but that the evidence doesn't tell: a denied call, a template parameter, a Terraform value
//! "known after apply". It travels inside ordinary JSON as `{"$unknown": "why"}`, so that it survives snapshots and
//! resource files, and a rule that depends on it can only say `UNKNOWN`.

use serde_json::{Map, Value};

/// The only key of an object that stands for a value that is not known.
pub const UNKNOWN_KEY: &str = "$unknown";

/// A value that is not known, with the reason: the IAM action that was denied (`s3:GetBucketPolicyStatus`) or the
/// name of what is missing (`Parameter DbEncrypted`, `known after apply`).
pub fn unknown(reason: impl Into<String>) -> Value {
    let mut map = Map::new();
    map.insert(UNKNOWN_KEY.to_owned(), Value::String(reason.into()));
    Value::Object(map)
}

/// The reason when `value` is a marker made by [`unknown`].
pub fn unknown_reason(value: &Value) -> Option<&str> {
    let map = value.as_object()?;
    if map.len() != 1 {
        return None;
    }
    map.get(UNKNOWN_KEY)?.as_str()
}

pub fn is_unknown(value: &Value) -> bool {
    unknown_reason(value).is_some()
}

/// A member of an object; of one that is not known as a whole, its marker.
pub fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    if is_unknown(value) { value } else { &value[name] }
}

/// Why a list, or an element of it, is not known.
pub fn unknown_in(list: &Value) -> Option<&str> {
    unknown_reason(list).or_else(|| list.as_array()?.iter().find_map(unknown_reason))
}

/// Why something in a value is not known, however deep.
pub fn unknown_within(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => unknown_reason(value).or_else(|| map.values().find_map(unknown_within)),
        Value::Array(items) => items.iter().find_map(unknown_within),
        _ => None,
    }
}
