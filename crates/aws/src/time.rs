//! Timestamps: the three forms AWS writes, and RFC 3339 in UTC, the one form callers see.

use crate::catalogue::TimeForm;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde_json::{Number, Value};

/// Any timestamp that AWS or a caller writes, as RFC 3339 with `Z`; `None` when it is none.
pub(crate) fn normal(value: &Value) -> Option<String> {
    Some(parse(value)?.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn parse(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(number) => from_seconds(number),
        Value::String(text) => from_text(text.trim()),
        _ => None,
    }
}

fn from_seconds(number: &Number) -> Option<DateTime<Utc>> {
    if let Some(seconds) = number.as_i64() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let seconds = number.as_f64()?;
    if !(-1e12..1e12).contains(&seconds) {
        return None;
    }
    // A double holds a date of our time to the microsecond; AWS sends milliseconds.
    let micros = (seconds * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    DateTime::from_timestamp_micros(micros as i64)
}

fn from_text(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(number) = serde_json::from_str::<Number>(text) {
        return from_seconds(&number);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Some(time.with_timezone(&Utc));
    }
    // ISO 8601 without a zone, or with one written `+0000`.
    for form in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z"] {
        if let Ok(time) = DateTime::parse_from_str(text, form) {
            return Some(time.with_timezone(&Utc));
        }
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time.and_utc());
        }
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc())
}

/// A caller's timestamp in the form that a request needs: a number for [`TimeForm::Unix`], else text.
pub(crate) fn wire(value: &Value, form: TimeForm) -> Option<Value> {
    let time = parse(value)?;
    Some(match form {
        TimeForm::Iso8601 => Value::String(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        TimeForm::Rfc822 => Value::String(time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        TimeForm::Unix if time.timestamp_subsec_nanos() == 0 => Value::Number(time.timestamp().into()),
        #[expect(clippy::cast_precision_loss, reason = "microseconds of our time fit a double")]
        TimeForm::Unix => Number::from_f64(time.timestamp_micros() as f64 / 1e6).map_or(Value::Null, Value::Number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_becomes_rfc_3339() {
        for (given, wanted) in [
            (json!(1_700_000_000), "2023-11-14T22:13:20Z"),
            (json!(1_700_000_000.123), "2023-11-14T22:13:20.123Z"),
            (json!(1.7e9), "2023-11-14T22:13:20Z"),
            (json!("1700000000.5"), "2023-11-14T22:13:20.500Z"),
            (json!("2023-11-14T22:13:20Z"), "2023-11-14T22:13:20Z"),
            (json!("2023-11-15T07:13:20+09:00"), "2023-11-14T22:13:20Z"),
            (json!("2023-11-14T22:13:20+0000"), "2023-11-14T22:13:20Z"),
            (json!("2023-11-14T22:13:20.000"), "2023-11-14T22:13:20Z"),
            (json!("Tue, 14 Nov 2023 22:13:20 GMT"), "2023-11-14T22:13:20Z"),
            (json!("2023-11-14"), "2023-11-14T00:00:00Z"),
        ] {
            assert_eq!(normal(&given).as_deref(), Some(wanted), "{given}");
        }
        for nothing in [json!("soon"), json!(1e300), json!(null), json!([])] {
            assert_eq!(normal(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn requests_get_the_form_they_need() {
        let time = json!("2023-11-14T22:13:20Z");
        assert_eq!(wire(&time, TimeForm::Unix), Some(json!(1_700_000_000)));
        assert_eq!(wire(&json!("2023-11-14T22:13:20.25Z"), TimeForm::Unix), Some(json!(1_700_000_000.25)));
        assert_eq!(wire(&time, TimeForm::Rfc822), Some(json!("Tue, 14 Nov 2023 22:13:20 GMT")));
        assert_eq!(wire(&time, TimeForm::Iso8601), Some(time.clone()));
    }
}
