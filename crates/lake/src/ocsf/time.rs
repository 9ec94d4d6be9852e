//! CloudTrail's times: RFC 3339 in UTC, seconds for API calls, milliseconds for Insights.

use chrono::DateTime;
use serde_json::Value;
use yagura_logs::{format_time, parse_time};

/// The time that a field tells, in microseconds since 1970.
pub(super) fn of(value: &Value) -> Option<i64> {
    parse_time(value.as_str()?)
}

/// Whether a time can be a timestamp column's: engines compare in nanoseconds, and one event of the year 9999 must not
/// make every query over the table overflow.
pub(crate) fn fits(micros: i64) -> bool {
    micros >= 0 && DateTime::from_timestamp_micros(micros).is_some_and(|time| time.timestamp_nanos_opt().is_some())
}

pub(super) fn rfc3339(micros: i64) -> Option<String> {
    fits(micros).then(|| format_time(micros))
}

pub(super) fn millis(micros: i64) -> i64 {
    micros.div_euclid(1000)
}
