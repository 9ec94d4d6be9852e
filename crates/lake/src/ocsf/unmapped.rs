//! What a record says that OCSF has no attribute for, as `path.to.field` → text. New CloudTrail fields arrive here by
//! themselves.

use super::activity::Class;
use serde_json::Value;
use std::collections::BTreeMap;

/// Top-level fields that an attribute of the event holds in full.
const MAPPED: &[&str] = &[
    "eventVersion",
    "eventTime",
    "eventSource",
    "eventName",
    "eventID",
    "eventType",
    "eventCategory",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestID",
    "responseElements",
    "recipientAccountId",
    "sharedEventID",
    "apiVersion",
    "vpcEndpointId",
];

/// Parts of `userIdentity` that the actor holds.
const MAPPED_IDENTITY: &[&str] =
    &["type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy", "identityProvider"];

pub(super) fn fields(record: &Value, class: Class) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Value::Object(record) = record else { return found };
    for (key, value) in record {
        match key.as_str() {
            key if MAPPED.contains(&key) => {}
            "requestParameters" if record.contains_key("requestID") => {}
            // Parameters stay one document, as they are where a request has an id.
            "requestParameters" => put(&mut found, key.clone(), value),
            "resources" if class == Class::ApiActivity => {}
            "userIdentity" => {
                if let Value::Object(identity) = value {
                    for (key, value) in identity.iter().filter(|(key, _)| !MAPPED_IDENTITY.contains(&key.as_str())) {
                        flatten(&mut found, &format!("userIdentity.{key}"), value, 3);
                    }
                }
            }
            _ => flatten(&mut found, key, value, 3),
        }
    }
    found
}

/// Objects become dotted paths down to `depth`; what is deeper, and lists, stay JSON text.
fn flatten(found: &mut BTreeMap<String, String>, path: &str, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if depth > 0 => {
            for (key, value) in map {
                flatten(found, &format!("{path}.{key}"), value, depth - 1);
            }
        }
        _ => put(found, path.to_owned(), value),
    }
}

fn put(found: &mut BTreeMap<String, String>, path: String, value: &Value) {
    let text = match value {
        Value::Null => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    found.insert(path, text);
}
