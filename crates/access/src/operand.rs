//! Values that conditions compare: numbers, times, addresses.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A decimal number, perhaps with an exponent.
pub fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok().filter(|n: &f64| n.is_finite()) } else { None }
}

/// A time as microseconds since 1970: a W3C form of ISO 8601 (a year, a month, a day, a time with its zone) or seconds
/// since 1970.
pub fn time(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if digits && text.len() != 4 {
        return text.parse::<i64>().ok()?.checked_mul(1_000_000);
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    if let Ok(day) = NaiveDate::parse_from_str(&day, "%Y-%m-%d") {
        return Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    let minutes = text.strip_suffix('Z').unwrap_or(text);
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(minutes, form).ok())
        .map(|time| time.and_utc().timestamp_micros())
}

/// A time as text, in whole seconds where it is one.
pub fn time_text(micros: i64) -> Option<String> {
    let form = if micros % 1_000_000 == 0 { chrono::SecondsFormat::Secs } else { chrono::SecondsFormat::Micros };
    Some(DateTime::from_timestamp_micros(micros)?.to_rfc3339_opts(form, true))
}

/// A block of addresses: its first and last as numbers, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub v6: bool,
    pub first: u128,
    pub last: u128,
}

/// `10.0.0.0/8`, `2001:db8::/32`, or one address.
pub fn block(text: &str) -> Option<Block> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let (v6, value) = address_value(address)?;
    let width: u32 = if v6 { 128 } else { 32 };
    let length = match length {
        None => width,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().filter(|n| *n <= width)?,
        Some(_) => return None,
    };
    let free = width - length;
    let host = if free == 128 { u128::MAX } else { (1 << free) - 1 };
    Some(Block { v6, first: value & !host, last: value | host })
}

/// One address: (whether it is IPv6, its number).
pub fn address_value(text: &str) -> Option<(bool, u128)> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => (false, u128::from(u32::from(address))),
        IpAddr::V6(address) => (true, u128::from(address)),
    })
}

/// An address as text.
pub fn address_text(v6: bool, value: u128) -> String {
    match u32::try_from(value) {
        Ok(value) if !v6 => Ipv4Addr::from(value).to_string(),
        _ => Ipv6Addr::from(value).to_string(),
    }
}
