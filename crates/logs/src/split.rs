//! Finds the records in a file's text, however they are wrapped, and carries on behind damage.
//!
//! One pass serves files in memory and streams: [`Splitter::feed`] takes a window of text, hands out every record that
//! is whole in it, and says how much it used up. What always holds: a record is handed out at most once, nothing that
//! isn't well-formed JSON within the limits is handed out, and after damage the search goes on at the next place where
//! a record starts, so one bad byte never costs more than the record it is in.

use crate::json::{self, Stop};
use crate::record::{Layout, Record};

/// Caps on one record.
#[derive(Clone, Copy, Debug)]
pub struct RecordLimits {
    pub bytes: usize,
    /// At most 128.
    pub depth: usize,
}

impl Default for RecordLimits {
    fn default() -> RecordLimits {
        RecordLimits { bytes: 16 << 20, depth: json::DEFAULT_DEPTH }
    }
}

/// Why something that stands where a record should can't be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The text ends inside it.
    Truncated,
    Syntax,
    TooDeep,
    TooLarge,
    /// JSON, but nothing that CloudTrail writes.
    NotARecord,
    /// `eventTime` is missing or no time.
    NoTime,
}

/// Takes what a [`Splitter`] finds.
pub trait Found {
    /// A record and its `eventTime` in microseconds since 1970.
    fn record(&mut self, record: &Record<'_>, time: i64);
    /// Bytes that can't be judged; `raw` is what is at hand of them and may be cut short.
    fn bad(&mut self, raw: &[u8], why: Bad);
    /// The object that a CloudTrail digest file holds.
    fn digest(&mut self, _raw: &[u8]) {}
}

/// What a file turned out to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub records: u64,
    pub bad: u64,
    /// The first thing that was wrong.
    pub first_bad: Option<Bad>,
    /// Bad only because they are other JSON than CloudTrail's.
    pub foreign: u64,
    pub digests: u64,
    /// A `{"Records": […]}` or an array of records was opened.
    pub wrapped: bool,
    /// A record held bytes that are no UTF-8.
    pub invalid_utf8: bool,
    /// The text doesn't start like JSON and no record starts near its beginning.
    pub not_json: bool,
    /// The text ended inside an open wrapper.
    pub unclosed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Start,
    /// Outside of everything: a record, an array of records or a wrapper may follow.
    Top,
    /// In an array of records; `after` says that one element has been read and a comma or the end must come.
    Array {
        wrapped: bool,
        after: bool,
    },
    /// Behind a wrapper's `Records`: more members or its end.
    Tail,
    /// Behind damage, looking for the next start; then back to an array if `array`.
    Lost {
        array: Option<bool>,
    },
    /// Inside a record that is too large or too deep: to its end, then back.
    Skip {
        depth: u32,
        string: bool,
        escape: bool,
        array: Option<bool>,
    },
    Done,
}

/// What reading on needs.
enum Step {
    Next(usize),
    /// More text from this offset on.
    More(usize),
}

/// How far into a text that doesn't start like JSON a record is looked for.
const SALVAGE_WINDOW: usize = 64 << 10;
/// Longest start of a record that a window's end may cut.
const START_LENGTH: usize = 256;

/// See the module.
pub struct Splitter {
    state: State,
    limits: RecordLimits,
    layout: Layout,
    seen: Seen,
}

impl Splitter {
    pub fn new(limits: RecordLimits) -> Splitter {
        Splitter { state: State::Start, limits, layout: Layout::default(), seen: Seen::default() }
    }

    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Nothing more can come of this text.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Hands out what is whole in `window` and returns how many bytes are used up; the rest must be at the front of the
    /// next window. `eof` says that no more text follows.
    pub fn feed(&mut self, window: &[u8], eof: bool, found: &mut impl Found) -> usize {
        let mut i = 0;
        loop {
            if self.state == State::Done {
                return window.len();
            }
            if !matches!(self.state, State::Skip { .. } | State::Lost { .. }) {
                i = json::skip_space(window, i);
            }
            if i >= window.len() {
                if eof {
                    self.seen.unclosed |= matches!(self.state, State::Array { .. } | State::Tail);
                }
                return i;
            }
            let step = match self.state {
                State::Start => self.start(window, i, eof),
                State::Top => self.top(window, i, eof, found),
                State::Array { wrapped, after } => self.array(window, i, eof, wrapped, after, found),
                State::Tail => self.tail(window, i, eof, found),
                State::Lost { array } => self.find_start(window, i, eof, array),
                State::Skip { .. } => self.skip(window, i, eof),
                State::Done => Step::Next(window.len()),
            };
            match step {
                Step::Next(at) => i = at,
                Step::More(at) => return at,
            }
        }
    }

    fn start(&mut self, b: &[u8], i: usize, eof: bool) -> Step {
        if b[i..].starts_with(b"\xef\xbb\xbf") {
            self.state = State::Top;
            return Step::Next(i + 3);
        }
        if !eof && b.len() - i < 3 {
            return Step::More(i);
        }
        if !matches!(b[i], b'{' | b'[') {
            if !eof && b.len() < SALVAGE_WINDOW {
                return Step::More(i);
            }
            if !(i..b.len().min(SALVAGE_WINDOW)).any(|at| is_start(b, at)) {
                self.seen.not_json = true;
                self.state = State::Done;
                return Step::Next(b.len());
            }
        }
        self.state = State::Top;
        Step::Next(i)
    }

    fn top(&mut self, b: &[u8], i: usize, eof: bool, found: &mut impl Found) -> Step {
        match b[i] {
            b'[' => {
                self.state = State::Array { wrapped: false, after: false };
                self.seen.wrapped = true;
                Step::Next(i + 1)
            }
            b'{' => match wrapper_start(b, i) {
                Some(inner) => {
                    self.state = State::Array { wrapped: true, after: false };
                    self.seen.wrapped = true;
                    Step::Next(inner)
                }
                None if !eof && b.len() - i < START_LENGTH => Step::More(i),
                None => self.element(b, i, eof, None, found),
            },
            _ => self.damage(b, i, i, Bad::Syntax, None, found),
        }
    }

    fn array(&mut self, b: &[u8], i: usize, eof: bool, wrapped: bool, after: bool, found: &mut impl Found) -> Step {
        match b[i] {
            b']' => {
                self.state = if wrapped { State::Tail } else { State::Top };
                Step::Next(i + 1)
            }
            b',' if after => {
                self.state = State::Array { wrapped, after: false };
                Step::Next(i + 1)
            }
            _ if after => self.damage(b, i, i, Bad::Syntax, Some(wrapped), found),
            _ => self.element(b, i, eof, Some(wrapped), found),
        }
    }

    /// A wrapper's end, or more members: a second `Records` is read too, so that none can hide behind the other.
    fn tail(&mut self, b: &[u8], i: usize, eof: bool, found: &mut impl Found) -> Step {
        match b[i] {
            b'}' => {
                self.state = State::Top;
                Step::Next(i + 1)
            }
            b',' => {
                let key = json::skip_space(b, i + 1);
                if let Some(inner) = records_member(b, key) {
                    self.state = State::Array { wrapped: true, after: false };
                    return Step::Next(inner);
                }
                let end = json::value_end(b, key, 1).and_then(|end| {
                    let colon = json::skip_space(b, end);
                    match b.get(colon) {
                        None => Err(Stop::End),
                        Some(b':') => json::value_end(b, json::skip_space(b, colon + 1), self.limits.depth),
                        Some(_) => Err(Stop::Bad(colon)),
                    }
                });
                match end {
                    Ok(end) => Step::Next(end),
                    Err(Stop::End) if !eof && b.len() - i <= self.limits.bytes => Step::More(i),
                    Err(_) => self.damage(b, i, i, Bad::Syntax, None, found),
                }
            }
            _ => self.damage(b, i, i, Bad::Syntax, None, found),
        }
    }

    /// Reads what should be a record at `i`.
    fn element(&mut self, b: &[u8], i: usize, eof: bool, array: Option<bool>, found: &mut impl Found) -> Step {
        let window = &b[i..b.len().min(i + self.limits.bytes)];
        let cut = window.len() < b.len() - i;
        let scanned = if b[i] == b'{' {
            self.layout.scan(window, self.limits.depth)
        } else {
            json::value_end(window, 0, self.limits.depth)
        };
        match scanned {
            Ok(length) => {
                self.state = match array {
                    Some(wrapped) => State::Array { wrapped, after: true },
                    None => State::Top,
                };
                self.take(&window[..length], found);
                Step::Next(i + length)
            }
            Err(Stop::End) if cut => self.skip_over(window, i, Bad::TooLarge, array, found),
            Err(Stop::End) if !eof => Step::More(i),
            Err(Stop::End) => self.damage(b, i, i + 1, Bad::Truncated, array, found),
            Err(Stop::Deep(_)) => self.skip_over(window, i, Bad::TooDeep, array, found),
            Err(Stop::Bad(_)) => self.damage(b, i, i + 1, Bad::Syntax, array, found),
        }
    }

    /// A well-formed value: a record, a digest, a wrapper whose first member is another than `Records`, or none of them.
    fn take(&mut self, raw: &[u8], found: &mut impl Found) {
        if raw[0] == b'{' && self.layout.is_record() {
            let record = Record::new(raw, &self.layout);
            match record.event_time() {
                Some(time) => {
                    self.seen.invalid_utf8 |= !raw.is_ascii() && std::str::from_utf8(raw).is_err();
                    self.seen.records += 1;
                    found.record(&record, time);
                }
                None => self.bad(raw, Bad::NoTime, found),
            }
            return;
        }
        let member = |name: &[u8]| json::members(raw).filter(|(k, _)| **k == *name).last().map(|(_, value)| value);
        if let Some(records) = member(b"Records").filter(|v| v[0] == b'[') {
            self.seen.wrapped = true;
            for element in json::elements(records) {
                let is_object = element[0] == b'{' && self.layout.scan(element, self.limits.depth).is_ok();
                if is_object && self.layout.is_record() {
                    self.take(element, found);
                } else {
                    self.bad(element, Bad::NotARecord, found);
                }
            }
        } else if member(b"digestStartTime").is_some() && member(b"logFiles").is_some() {
            self.seen.digests += 1;
            found.digest(raw);
        } else {
            self.seen.foreign += 1;
            self.bad(raw, Bad::NotARecord, found);
        }
    }

    fn bad(&mut self, raw: &[u8], why: Bad, found: &mut impl Found) {
        self.seen.bad += 1;
        self.seen.first_bad.get_or_insert(why);
        found.bad(raw, why);
    }

    /// Counts what starts at `i` as bad and looks for the next start from `on`.
    fn damage(&mut self, b: &[u8], i: usize, on: usize, why: Bad, array: Option<bool>, found: &mut impl Found) -> Step {
        let end = (on..b.len()).find(|&at| is_next(b, at, array)).unwrap_or(b.len());
        self.bad(&b[i..end.min(i + self.limits.bytes)], why, found);
        self.state = State::Lost { array };
        Step::Next(on)
    }

    fn find_start(&mut self, b: &[u8], i: usize, eof: bool, array: Option<bool>) -> Step {
        match (i..b.len()).find(|&at| is_next(b, at, array)) {
            Some(at) if eof || b.len() - at >= START_LENGTH => {
                self.state = match array {
                    Some(wrapped) if wrapper_start(b, at).is_none() => State::Array { wrapped, after: false },
                    _ => State::Top,
                };
                Step::Next(at)
            }
            Some(at) => Step::More(at),
            None if eof => Step::Next(b.len()),
            None => Step::More(b.len().saturating_sub(START_LENGTH).max(i)),
        }
    }

    fn skip_over(&mut self, window: &[u8], i: usize, why: Bad, array: Option<bool>, found: &mut impl Found) -> Step {
        self.bad(&window[..window.len().min(64 << 10)], why, found);
        self.state = State::Skip { depth: 0, string: false, escape: false, array };
        Step::Next(i)
    }

    /// To the end of what is skipped, or, should it never close, to a line that starts a record.
    fn skip(&mut self, b: &[u8], i: usize, eof: bool) -> Step {
        let State::Skip { mut depth, mut string, mut escape, array } = self.state else { return Step::Next(i) };
        for (at, &c) in b.iter().enumerate().skip(i) {
            if string {
                match c {
                    _ if escape => escape = false,
                    b'\\' => escape = true,
                    b'"' => string = false,
                    0..0x20 => {
                        self.state = State::Lost { array };
                        return Step::Next(at);
                    }
                    _ => {}
                }
                continue;
            }
            match c {
                b'"' => string = true,
                b'\n' if !eof && b.len() - at < START_LENGTH => {
                    self.state = State::Skip { depth, string, escape, array };
                    return Step::More(at);
                }
                b'\n' if is_start(b, at + 1) => {
                    self.state = State::Lost { array };
                    return Step::Next(at + 1);
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.state = match array {
                            Some(wrapped) => State::Array { wrapped, after: true },
                            None => State::Top,
                        };
                        return Step::Next(at + 1);
                    }
                }
                _ => {}
            }
        }
        self.state = State::Skip { depth, string, escape, array };
        Step::Next(b.len())
    }
}

/// Whether the search behind damage may go on at `at`: where a record or a wrapper starts, or, outside of arrays, on a
/// new line that opens an object.
fn is_next(b: &[u8], at: usize, array: Option<bool>) -> bool {
    b[at] == b'{' && (is_start(b, at) || array.is_none() && at > 0 && b[at - 1] == b'\n')
}

/// Whether a record, in the order that CloudTrail writes it, or a wrapper starts at `at`.
fn is_start(b: &[u8], at: usize) -> bool {
    if b.get(at) != Some(&b'{') {
        return false;
    }
    let key = &b[json::skip_space(b, at + 1)..];
    [b"\"eventVersion\"".as_slice(), b"\"Records\"", b"\"userIdentity\"", b"\"awsRegion\"", b"\"eventTime\""]
        .iter()
        .any(|k| key.starts_with(k))
}

/// Where the first element may be when `{"Records": [` is at `i`.
fn wrapper_start(b: &[u8], i: usize) -> Option<usize> {
    records_member(b, json::skip_space(b, i + 1))
}

fn records_member(b: &[u8], key: usize) -> Option<usize> {
    let rest = b.get(key..)?;
    let colon = json::skip_space(b, key + rest.strip_prefix(b"\"Records\"").map(|_| 9)?);
    if b.get(colon) != Some(&b':') {
        return None;
    }
    let open = json::skip_space(b, colon + 1);
    (b.get(open) == Some(&b'[')).then_some(open + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Names {
        names: Vec<String>,
        bad: Vec<Bad>,
    }

    impl Found for Names {
        fn record(&mut self, record: &Record<'_>, _: i64) {
            self.names.push(record.text(&["eventName"]).unwrap_or_default().into_owned());
        }
        fn bad(&mut self, _: &[u8], why: Bad) {
            self.bad.push(why);
        }
    }

    fn rec(name: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2024-01-01T00:00:00Z","eventName":"{name}","x":{{"y":["}}"]}}}}"#
        )
    }

    /// Feeds `text` in windows of every size up to `step` more bytes at a time; all must agree.
    fn split(text: &[u8], limits: RecordLimits) -> (Names, Seen) {
        let mut whole = Names::default();
        let mut splitter = Splitter::new(limits);
        splitter.feed(text, true, &mut whole);
        for step in [1, 7, 300] {
            let (mut names, mut s) = (Names::default(), Splitter::new(limits));
            let (mut buffer, mut read) = (Vec::new(), 0);
            loop {
                let more = &text[read..text.len().min(read + step)];
                read += more.len();
                buffer.extend_from_slice(more);
                let used = s.feed(&buffer, read == text.len(), &mut names);
                buffer.drain(..used);
                if read == text.len() {
                    break;
                }
            }
            assert_eq!(names.names, whole.names, "step {step}");
            assert_eq!(s.seen().records, splitter.seen().records);
            assert_eq!(s.seen().bad, splitter.seen().bad, "step {step}: {:?} {:?}", names.bad, whole.bad);
        }
        (whole, splitter.seen())
    }

    fn names(text: &str) -> (Vec<String>, Vec<Bad>) {
        let (n, _) = split(text.as_bytes(), RecordLimits::default());
        (n.names, n.bad)
    }

    #[test]
    fn knows_every_wrapping() {
        let (a, b) = (rec("A"), rec("B"));
        for text in [
            format!(r#"{{"Records":[{a},{b}]}}"#),
            format!("\u{feff}{{ \"Records\" : [ {a} , {b} ] }}\n"),
            format!("{a}\n{b}\n"),
            format!("{a}{b}"),
            format!("[{a},\n{b}]"),
            format!("{{\"x\":1,\"Records\":[{a},{b}]}}"),
            format!("{{\"Records\":[{a}]}}\n{{\"Records\":[{b}]}}"),
            format!("{{\"Records\":[{a}],\"n\":[1],\"Records\":[{b}]}}"),
        ] {
            assert_eq!(names(&text), (vec!["A".to_owned(), "B".to_owned()], vec![]), "{text}");
        }
    }

    #[test]
    fn goes_on_behind_damage() {
        let (a, b, c) = (rec("A"), rec("B"), rec("C"));
        let cut = &b[..40];
        for text in [
            format!(r#"{{"Records":[{a},{cut},{c}]}}"#),
            format!(r#"{{"Records":[{a},{cut}{c}]}}"#),
            format!("{a}\n{cut}\n{c}\n"),
            format!("{a}\nnonsense\n{c}\n"),
            format!("xx{a}\n{c}"),
        ] {
            let (names, bad) = names(&text);
            assert_eq!((names, bad), (vec!["A".to_owned(), "C".to_owned()], vec![Bad::Syntax]), "{text}");
        }
        let (got, bad) = names(&format!(r#"{{"Records":[{a},{c},{cut}"#));
        assert_eq!((got.len(), bad), (2, vec![Bad::Truncated]));
    }

    #[test]
    fn keeps_to_its_limits() {
        let limits = RecordLimits { bytes: 400, depth: 6 };
        let (a, c) = (rec("A"), rec("C"));
        let long = rec(&"B".repeat(1000));
        let deep = format!(r#"{{"eventVersion":1,"x":{}{}}}"#, "[".repeat(9), "]".repeat(9));
        for (bad, why) in [(&long, Bad::TooLarge), (&deep, Bad::TooDeep)] {
            for text in [format!(r#"{{"Records":[{a},{bad},{c}]}}"#), format!("{a}\n{bad}\n{c}\n")] {
                let (n, _) = split(text.as_bytes(), limits);
                assert_eq!((n.names, n.bad), (vec!["A".to_owned(), "C".to_owned()], vec![why]), "{text}");
            }
        }
        let (n, _) = split("[".repeat(100_000).as_bytes(), RecordLimits::default());
        assert_eq!((n.names.len(), n.bad), (0, vec![Bad::TooDeep]));
    }

    #[test]
    fn tells_what_is_no_log() {
        let kind = |text: &str| split(text.as_bytes(), RecordLimits::default()).1;
        assert!(kind("MIT License\n\nPermission").not_json);
        assert_eq!(kind(r#"{"name":"x"}"#).foreign, 1);
        assert_eq!(kind(r#"{"awsAccountId":"1","digestStartTime":"t","logFiles":[]}"#).digests, 1);
        assert!(kind(r#"{"Records":["#).unclosed);
        let no_time = kind(r#"{"Records":[{"eventVersion":"1","eventName":"X"}]}"#);
        assert_eq!((no_time.records, no_time.first_bad), (0, Some(Bad::NoTime)));
    }
}
