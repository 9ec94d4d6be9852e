//! One value of a rule, against one value of an event.

use super::text::TextMatcher;
use chrono::{DateTime, Datelike, Timelike, Utc};
use regex::Regex;
use std::borrow::Cow;
use std::net::IpAddr;
use yagura_logs::json;

/// How two numbers must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
}

impl Order {
    pub(crate) fn parse(word: &str) -> Option<Order> {
        Some(match word {
            "lt" => Order::Lt,
            "lte" => Order::Lte,
            "gt" => Order::Gt,
            "gte" => Order::Gte,
            "eq" => Order::Eq,
            "neq" => Order::Neq,
            _ => return None,
        })
    }

    pub(crate) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Order::Lt => left < right,
            Order::Lte => left <= right,
            Order::Gt => left > right,
            Order::Gte => left >= right,
            Order::Eq => left == right,
            Order::Neq => left != right,
        }
    }
}

/// A part of a time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl TimePart {
    pub(crate) fn parse(word: &str) -> Option<TimePart> {
        Some(match word {
            "minute" => TimePart::Minute,
            "hour" => TimePart::Hour,
            "day" => TimePart::Day,
            "week" => TimePart::Week,
            "month" => TimePart::Month,
            "year" => TimePart::Year,
            _ => return None,
        })
    }

    /// The part of the RFC 3339 time in `text`; weeks are ISO 8601's.
    fn of(self, text: &str) -> Option<f64> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
        Some(match self {
            TimePart::Minute => f64::from(time.minute()),
            TimePart::Hour => f64::from(time.hour()),
            TimePart::Day => f64::from(time.day()),
            TimePart::Week => f64::from(time.iso_week().week()),
            TimePart::Month => f64::from(time.month()),
            TimePart::Year => f64::from(time.year()),
        })
    }
}

/// A test on one value of an event.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Text(TextMatcher),
    /// A number equals the same number, in figures or in a string.
    Number {
        text: String,
        value: f64,
    },
    Bool(bool),
    Null,
    Exists(bool),
    Regex(Regex),
    Cidr {
        net: IpAddr,
        prefix: u8,
    },
    Compare(Order, f64),
    Time(TimePart, Order, f64),
    /// Another field of the same event.
    Field {
        path: u32,
        start: bool,
        end: bool,
        cased: bool,
    },
    /// Any of these: what one value was expanded to.
    Any(Vec<Test>),
}

impl Test {
    /// Whether a scalar, object or array (raw JSON) matches; an array matches when one of its elements does, an
    /// object by its JSON text. [`Test::Exists`], [`Test::Null`] on absent values and [`Test::Field`] are the caller's.
    pub(crate) fn is_match(&self, raw: &[u8]) -> bool {
        if raw.first() == Some(&b'[') {
            return json::elements(raw).any(|element| self.is_match(element));
        }
        match self {
            Test::Null => raw == b"null",
            Test::Exists(wanted) => *wanted,
            Test::Any(tests) => tests.iter().any(|t| t.is_match(raw)),
            Test::Bool(wanted) => {
                let word = if *wanted { "true" } else { "false" };
                raw == word.as_bytes() || json::text(raw).is_some_and(|t| t.eq_ignore_ascii_case(word))
            }
            Test::Field { .. } => false,
            Test::Text(matcher) if let Some(matches) = matcher.is_match_raw(raw) => matches,
            _ => event_text(raw).is_some_and(|text| self.is_text_match(&text, raw.first() == Some(&b'"'))),
        }
    }

    /// How dear the test is, next to comparing two short texts.
    pub(crate) fn cost(&self) -> u32 {
        match self {
            Test::Regex(_) => 4,
            Test::Text(matcher) => u32::from(matcher.exact().is_none()),
            Test::Any(tests) => tests.iter().map(Test::cost).sum(),
            _ => 0,
        }
    }

    /// Whether a text test matches `text`; other tests don't.
    pub(crate) fn is_in_text(&self, text: &str) -> bool {
        match self {
            Test::Any(tests) => tests.iter().any(|t| t.is_in_text(text)),
            test => test.is_text_match(text, true),
        }
    }

    fn is_text_match(&self, text: &str, quoted: bool) -> bool {
        match self {
            Test::Text(matcher) => matcher.is_match(text),
            Test::Regex(regex) => regex.is_match(text),
            Test::Number { text: wanted, value } => {
                text == wanted || !quoted && text.parse::<f64>().is_ok_and(|n| n.is_finite() && n == *value)
            }
            Test::Compare(order, wanted) => text.trim().parse::<f64>().is_ok_and(|n| order.holds(n, *wanted)),
            Test::Time(part, order, wanted) => part.of(text).is_some_and(|n| order.holds(n, *wanted)),
            Test::Cidr { net, prefix } => text.parse().is_ok_and(|ip| in_net(ip, *net, *prefix)),
            _ => false,
        }
    }
}

/// What text tests see of a value: nothing of a null, the JSON text of an object.
pub(crate) fn event_text(raw: &[u8]) -> Option<Cow<'_, str>> {
    match raw.first()? {
        b'n' => None,
        b'{' => Some(String::from_utf8_lossy(raw)),
        _ => json::scalar(raw),
    }
}

/// Whether `ip` is in the network; a mapped IPv4 address (`::ffff:10.0.0.1`) counts as IPv4.
fn in_net(ip: IpAddr, net: IpAddr, prefix: u8) -> bool {
    match (ip.to_canonical(), net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            (u32::from(ip) ^ u32::from(net)) & mask == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            (u128::from(ip) ^ u128::from(net)) & mask == 0
        }
        _ => false,
    }
}
