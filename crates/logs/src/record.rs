//! One CloudTrail record, borrowed from the bytes of its file.
//!
//! A scan remembers where the top-level members lie and nothing else; what is inside them is found when a rule asks.
//! Where a member stands twice the last one holds, at every level, so that no two readers of a record can be made to
//! disagree.

use crate::json::{self, Member, Stop};
use std::borrow::Cow;

/// An object one level down: where it starts, and which of the inner members are its own.
#[derive(Clone, Copy, Debug)]
struct Object {
    start: u32,
    members: (u32, u32),
}

/// Where the top-level members of one record lie; kept by the reader and reused from record to record.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    members: Vec<Member>,
    /// Members of the objects one level down, which rules ask for most, and where those of each object stand.
    inner: Vec<Member>,
    objects: Vec<Object>,
    source: Option<usize>,
    name: Option<usize>,
    time: Option<usize>,
    id: Option<usize>,
    known: bool,
}

impl Layout {
    /// Scans the object at the start of `bytes` and returns its length.
    ///
    /// # Errors
    /// [`Stop`] with the place.
    pub fn scan(&mut self, bytes: &[u8], max_depth: usize) -> Result<usize, Stop> {
        self.members.clear();
        self.inner.clear();
        self.objects.clear();
        let (inner, objects) = (&mut self.inner, &mut self.objects);
        let end = |start: usize| {
            let depth = max_depth.saturating_sub(1);
            if bytes.get(start) != Some(&b'{') || depth == 0 {
                return json::value_end(bytes, start, depth);
            }
            let from = inner.len() as u32;
            let end = json::object(bytes, start, depth, |member| inner.push(member))?;
            objects.push(Object { start: start as u32, members: (from, inner.len() as u32) });
            Ok(end)
        };
        (self.source, self.name, self.time, self.id, self.known) = (None, None, None, None, false);
        json::object_by(bytes, 0, end, |member| {
            let at = self.members.len();
            self.members.push(member);
            let range = member.key.0 as usize..member.key.1 as usize;
            let unescaped;
            let key = if member.escaped {
                unescaped = json::text(&bytes[range.start - 1..range.end + 1]).unwrap_or_default();
                unescaped.as_bytes()
            } else {
                &bytes[range]
            };
            match key {
                b"eventSource" => self.source = Some(at),
                b"eventName" => self.name = Some(at),
                b"eventTime" => self.time = Some(at),
                b"eventID" => self.id = Some(at),
                b"eventVersion" | b"userIdentity" | b"awsRegion" => self.known = true,
                _ => {}
            }
        })
    }

    /// Whether the object has anything that makes it a CloudTrail record.
    pub fn is_record(&self) -> bool {
        self.known || self.source.is_some() || self.name.is_some() || self.time.is_some()
    }
}

/// A record and where its top-level members lie.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    raw: &'a [u8],
    layout: &'a Layout,
}

impl<'a> Record<'a> {
    /// Scans `raw` into `layout`; the record is the object that `raw` starts with.
    ///
    /// # Errors
    /// [`Stop`] with the place where it is no JSON object.
    pub fn scan(raw: &'a [u8], layout: &'a mut Layout) -> Result<Record<'a>, Stop> {
        let length = layout.scan(raw, json::DEFAULT_DEPTH)?;
        Ok(Record { raw: &raw[..length], layout })
    }

    /// A record that was just scanned: `layout` must come from scanning exactly these bytes.
    pub(crate) fn new(raw: &'a [u8], layout: &'a Layout) -> Record<'a> {
        Record { raw, layout }
    }

    /// The record as it stands in its file, from `{` to `}`.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where the top-level members lie in [`Record::raw`], in the order of the record.
    pub fn layout(&self) -> &'a [Member] {
        &self.layout.members
    }

    /// The members of the object that starts at `start` in [`Record::raw`], if it is the value of a top-level member.
    pub fn object_at(&self, start: u32) -> Option<&'a [Member]> {
        let object = self.layout.objects.iter().find(|object| object.start == start)?;
        self.layout.inner.get(object.members.0 as usize..object.members.1 as usize)
    }

    fn value(&self, at: Option<usize>) -> Option<&'a [u8]> {
        let member = self.layout.members.get(at?)?;
        self.raw.get(member.value.0 as usize..member.value.1 as usize)
    }

    /// `eventSource`'s value as raw JSON.
    pub fn event_source(&self) -> Option<&'a [u8]> {
        self.value(self.layout.source)
    }

    /// `eventName`'s value as raw JSON.
    pub fn event_name(&self) -> Option<&'a [u8]> {
        self.value(self.layout.name)
    }

    /// `eventID`'s text when there is one.
    pub fn event_id(&self) -> Option<Cow<'a, str>> {
        self.value(self.layout.id).and_then(json::text).filter(|id| !id.is_empty())
    }

    /// `eventID`'s value as raw JSON.
    pub fn raw_event_id(&self) -> Option<&'a [u8]> {
        self.value(self.layout.id)
    }

    /// `eventTime` in microseconds since 1970; `None` when it is missing or no RFC 3339 time.
    pub fn event_time(&self) -> Option<i64> {
        let raw = self.value(self.layout.time)?;
        // The usual form holds no escapes, which would make it longer.
        match raw {
            [b'"', text @ .., b'"'] if text.len() == 20 => usual_time(text).or_else(|| parse_time(&json::text(raw)?)),
            _ => parse_time(&json::text(raw)?),
        }
    }

    /// The raw JSON of a top-level member.
    pub fn get(&self, key: &str) -> Option<&'a [u8]> {
        self.members().filter(|(k, _)| **k == *key.as_bytes()).last().map(|(_, value)| value)
    }

    /// The raw JSON at a path of member names; arrays are not entered.
    pub fn at(&self, path: &[&str]) -> Option<&'a [u8]> {
        let (first, rest) = path.split_first()?;
        let mut value = self.get(first)?;
        for key in rest {
            value = json::members(value).filter(|(k, _)| **k == *key.as_bytes()).last()?.1;
        }
        Some(value)
    }

    /// The text of the non-empty string at a path.
    pub fn text(&self, path: &[&str]) -> Option<Cow<'a, str>> {
        json::text(self.at(path)?).filter(|t| !t.is_empty())
    }

    /// All top-level members in the order of the record, names unescaped.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, &'a [u8])> {
        let raw = self.raw;
        self.layout.members.iter().map(move |m| {
            let key = &raw[m.key.0 as usize..m.key.1 as usize];
            let key = if m.escaped {
                let quoted = &raw[m.key.0 as usize - 1..m.key.1 as usize + 1];
                Cow::Owned(json::text(quoted).unwrap_or_default().into_owned().into_bytes())
            } else {
                Cow::Borrowed(key)
            };
            (key, &raw[m.value.0 as usize..m.value.1 as usize])
        })
    }
}

/// Microseconds since 1970 of an RFC 3339 time.
pub fn parse_time(text: &str) -> Option<i64> {
    usual_time(text.as_bytes())
        .or_else(|| chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| t.timestamp_micros()))
}

/// The form that CloudTrail writes (`2023-07-10T11:42:36Z`) by hand, since it is read once a record.
fn usual_time(b: &[u8]) -> Option<i64> {
    if b.len() != 20 || b[4] != b'-' || b[7] != b'-' || b[10] != b'T' || b[13] != b':' || b[16] != b':' || b[19] != b'Z'
    {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        b[range].iter().try_fold(0i64, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// RFC 3339 UTC with `Z`; a fraction only where there is one.
pub fn format_time(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_holds_even_when_escaped() {
        let raw = br#"{"eventName":"A","event\u004eame":"B","userIdentity":{"arn":"x","arn":"y"}}"#;
        let mut layout = Layout::default();
        let r = Record::scan(raw, &mut layout).expect("json");
        assert_eq!(r.event_name(), Some(br#""B""#.as_slice()));
        assert_eq!(r.text(&["eventName"]).as_deref(), Some("B"));
        assert_eq!(r.text(&["userIdentity", "arn"]).as_deref(), Some("y"));
    }

    #[test]
    fn times_agree_with_chrono() {
        for t in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2023-07-10T11:42:36Z", "2100-03-01T00:00:00Z"] {
            let expected = chrono::DateTime::parse_from_rfc3339(t).expect("time").timestamp_micros();
            assert_eq!(parse_time(t), Some(expected));
            assert_eq!(format_time(expected), t);
        }
        assert_eq!(
            parse_time("2023-07-10T20:42:36.5+09:00").map(format_time).as_deref(),
            Some("2023-07-10T11:42:36.500Z")
        );
        for t in ["", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-07-10T24:00:00Z", "2023-07-1xT00:00:00Z"] {
            assert_eq!(parse_time(t), None, "{t}");
        }
    }
}
