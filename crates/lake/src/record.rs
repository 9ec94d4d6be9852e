//! One new event on its way into the table.

use crate::ocsf::time;
use chrono::DateTime;
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use yagura_logs::{Record, json};

/// Where a row belongs: the table's partition values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Partition {
    /// Days since 1970; none for a time that the column can't hold.
    pub day: Option<i32>,
    pub region: Option<String>,
    pub account: Option<String>,
}

/// What identifies an event among those of its partition: 128 bits of its id.
pub(crate) type EventKey = u128;

impl Partition {
    /// The partition of a record whose `eventTime` is `micros`. Only text that looks like a Region and an account gets
    /// a partition of its own: log text is hostile, and each partition is a folder.
    pub fn of(record: &Record<'_>, micros: i64) -> Partition {
        Partition {
            day: i32::try_from(micros.div_euclid(86_400_000_000)).ok().filter(|_| time::fits(micros)),
            region: record.text(&["awsRegion"]).filter(|region| is_region(region)).map(|text| text.into_owned()),
            account: record
                .text(&["recipientAccountId"])
                .filter(|id| yagura_model::is_account_id(id))
                .map(|text| text.into_owned()),
        }
    }

    /// The partition's folder in the style of Security Lake.
    pub fn folder(&self) -> String {
        let day = self.day.and_then(|day| DateTime::from_timestamp(i64::from(day) * 86_400, 0));
        let day = day.map(|day| day.format("%Y%m%d").to_string());
        let part = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
        format!("region={}/accountId={}/eventDay={}", part(&self.region), part(&self.account), part(&day))
    }
}

fn is_region(text: &str) -> bool {
    (4..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The key of an event id; CloudTrail's ids are UUIDs, which are kept as they are.
pub(crate) fn event_key(uid: &str) -> EventKey {
    match Uuid::try_parse(uid) {
        // Only the canonical form: two spellings of one UUID are two ids.
        Ok(id) if id.as_hyphenated().to_string() == uid => id.as_u128(),
        _ => {
            let digest = Sha256::digest(uid.as_bytes());
            digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
        }
    }
}

/// The key of a record: of its `eventID`, else of the id that a digest of its bytes makes.
pub(crate) fn record_key(record: &Record<'_>) -> EventKey {
    match record.event_id() {
        Some(id) => event_key(&id),
        None => event_key(&format!("sha256:{}", hex::encode(Sha256::digest(record.raw())))),
    }
}

/// A record's JSON. A number that no `f64` holds keeps its text, as a string.
pub(crate) fn parse(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap_or_else(|_| lenient(raw.as_bytes()))
}

fn lenient(raw: &[u8]) -> Value {
    match raw.first() {
        Some(b'{') => {
            let mut map = Map::new();
            for (key, value) in json::members(raw) {
                map.insert(String::from_utf8_lossy(&key).into_owned(), lenient(value));
            }
            Value::Object(map)
        }
        Some(b'[') => Value::Array(json::elements(raw).map(lenient).collect()),
        Some(b'"') => json::text(raw).map_or(Value::Null, |text| Value::String(text.into_owned())),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') | None => Value::Null,
        Some(_) => {
            let text = String::from_utf8_lossy(raw).into_owned();
            text.parse::<Number>().map_or(Value::String(text), Value::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_keeps_its_text() {
        let value = parse(r#"{"a": 1e999, "b": [1, -0.5, "x"], "c": {"d": null, "e": true}, "a2": "\u0041"}"#);
        assert_eq!(
            value,
            serde_json::json!({"a": "1e999", "b": [1, -0.5, "x"], "c": {"d": null, "e": true}, "a2": "A"})
        );
    }

    #[test]
    fn ids_keep_apart_what_is_spelt_apart() {
        let id = "6b54e0ad-c23c-4850-b896-7533a3558526";
        assert_eq!(event_key(id), Uuid::parse_str(id).expect("a UUID").as_u128());
        assert_ne!(event_key(id), event_key(&id.to_uppercase()));
        assert_ne!(event_key("a"), event_key("b"));
    }
}
