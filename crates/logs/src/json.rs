//! A one-pass JSON scanner that checks the grammar (RFC 8259) and hands out byte ranges, never values.
//!
//! A log file is read once, and most of its bytes decide nothing, so no tree is built: a value is looked at only where
//! a rule asks for it. What always holds: a range that [`value_end`] returned is one well-formed JSON value, nested at
//! most `max_depth` deep. Bytes from 0x80 up are taken inside strings as they are; callers replace invalid UTF-8 when
//! they read the text.

use std::borrow::Cow;

/// Nesting that one record may have unless the caller says otherwise.
pub const DEFAULT_DEPTH: usize = 128;

/// Why a scan stopped before the end of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes ended inside the value.
    End,
    /// Not JSON from this offset on.
    Bad(usize),
    /// Nested deeper than allowed at this offset.
    Deep(usize),
}

/// The offset of the first byte that is no JSON white space.
pub fn skip_space(b: &[u8], mut i: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = b.get(i) {
        i += 1;
    }
    i
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Set high bits where a byte is `"`, `\` or below 0x20; only the lowest set bit is exact.
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (zero(quote) | zero(slash) | (word.wrapping_sub(ONES * 0x20) & !word)) & HIGHS
}

/// The end of a string whose opening quote is just before `i`, and whether it holds escapes. Eight bytes a step:
/// strings are nine tenths of a CloudTrail record.
fn string_end(b: &[u8], mut i: usize) -> Result<(usize, bool), Stop> {
    let mut escaped = false;
    loop {
        let stop = loop {
            let Some(chunk) = b.get(i..).and_then(|rest| rest.first_chunk::<8>()) else {
                break b[i.min(b.len())..].iter().position(|&c| c < 0x20 || c == b'"' || c == b'\\');
            };
            let found = stops(u64::from_le_bytes(*chunk));
            if found != 0 {
                break Some((found.trailing_zeros() / 8) as usize);
            }
            i += 8;
        };
        let Some(stop) = stop else { return Err(Stop::End) };
        i += stop;
        match b[i] {
            b'"' => return Ok((i + 1, escaped)),
            b'\\' => {
                escaped = true;
                i = escape_end(b, i + 1)?;
            }
            _ => return Err(Stop::Bad(i)),
        }
    }
}

fn escape_end(b: &[u8], i: usize) -> Result<usize, Stop> {
    match b.get(i) {
        None => Err(Stop::End),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(i + 1),
        Some(b'u') => {
            for k in i + 1..i + 5 {
                match b.get(k) {
                    None => return Err(Stop::End),
                    Some(c) if c.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Stop::Bad(k)),
                }
            }
            Ok(i + 5)
        }
        Some(_) => Err(Stop::Bad(i)),
    }
}

fn number_end(b: &[u8], start: usize) -> Result<usize, Stop> {
    let digits = |mut i: usize| -> Result<usize, Stop> {
        let from = i;
        while b.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        match (i > from, i < b.len()) {
            (true, _) => Ok(i),
            (false, true) => Err(Stop::Bad(i)),
            (false, false) => Err(Stop::End),
        }
    };
    let mut i = start + usize::from(b.get(start) == Some(&b'-'));
    i = if b.get(i) == Some(&b'0') { i + 1 } else { digits(i)? };
    if b.get(i) == Some(&b'.') {
        i = digits(i + 1)?;
    }
    if let Some(b'e' | b'E') = b.get(i) {
        i += 1;
        if let Some(b'+' | b'-') = b.get(i) {
            i += 1;
        }
        i = digits(i)?;
    }
    Ok(i)
}

fn literal_end(b: &[u8], i: usize, word: &[u8]) -> Result<usize, Stop> {
    let there = &b[i..b.len().min(i + word.len())];
    if there == word {
        Ok(i + word.len())
    } else if word.starts_with(there) {
        Err(Stop::End)
    } else {
        Err(Stop::Bad(i))
    }
}

/// The end of the member name at `i` (which must be a quote) and of the colon after it, as
/// `(end of name, start of value, has escapes)`.
fn key_end(b: &[u8], i: usize) -> Result<(usize, usize, bool), Stop> {
    match b.get(i) {
        None => return Err(Stop::End),
        Some(b'"') => {}
        Some(_) => return Err(Stop::Bad(i)),
    }
    let (end, escaped) = string_end(b, i + 1)?;
    let colon = skip_space(b, end);
    match b.get(colon) {
        None => Err(Stop::End),
        Some(b':') => Ok((end, skip_space(b, colon + 1), escaped)),
        Some(_) => Err(Stop::Bad(colon)),
    }
}

/// The end of the JSON value that starts at `start` (no white space before it). `max_depth` is at most 128.
///
/// # Errors
/// [`Stop`] with the place.
pub fn value_end(b: &[u8], start: usize, max_depth: usize) -> Result<usize, Stop> {
    let mut objects: u128 = 0; // one bit a level, the lowest is the innermost: is it an object?
    let mut depth = 0usize;
    let mut i = start;
    loop {
        match b.get(i) {
            None => return Err(Stop::End),
            Some(b'"') => i = string_end(b, i + 1)?.0,
            Some(&open @ (b'{' | b'[')) => {
                let object = open == b'{';
                if depth >= max_depth.min(128) {
                    return Err(Stop::Deep(i));
                }
                i = skip_space(b, i + 1);
                if b.get(i) == Some(if object { &b'}' } else { &b']' }) {
                    i += 1;
                } else {
                    depth += 1;
                    objects = objects << 1 | u128::from(object);
                    if object {
                        i = key_end(b, i)?.1;
                    }
                    continue;
                }
            }
            Some(b't') => i = literal_end(b, i, b"true")?,
            Some(b'f') => i = literal_end(b, i, b"false")?,
            Some(b'n') => i = literal_end(b, i, b"null")?,
            Some(b'-' | b'0'..=b'9') => i = number_end(b, i)?,
            Some(_) => return Err(Stop::Bad(i)),
        }
        loop {
            if depth == 0 {
                return Ok(i);
            }
            i = skip_space(b, i);
            let object = objects & 1 == 1;
            match b.get(i) {
                None => return Err(Stop::End),
                Some(b',') => {
                    i = skip_space(b, i + 1);
                    if object {
                        i = key_end(b, i)?.1;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                Some(_) => return Err(Stop::Bad(i)),
            }
            i += 1;
            depth -= 1;
            objects >>= 1;
        }
    }
}

/// A member of an object: the ranges of its name (without quotes) and of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub key: (u32, u32),
    pub value: (u32, u32),
    /// The name holds escapes.
    pub escaped: bool,
}

/// Scans the object at `start`, calling `each` for every member in order, and returns its end.
///
/// # Errors
/// [`Stop`] with the place; members before it have been reported.
pub fn object(b: &[u8], start: usize, max_depth: usize, each: impl FnMut(Member)) -> Result<usize, Stop> {
    object_by(b, start, |from| value_end(b, from, max_depth.saturating_sub(1)), each)
}

/// [`object`] whose values end where `end` says of their start.
pub(crate) fn object_by(
    b: &[u8],
    start: usize,
    mut end: impl FnMut(usize) -> Result<usize, Stop>,
    mut each: impl FnMut(Member),
) -> Result<usize, Stop> {
    match b.get(start) {
        None => return Err(Stop::End),
        Some(b'{') => {}
        Some(_) => return Err(Stop::Bad(start)),
    }
    let mut i = skip_space(b, start + 1);
    if b.get(i) == Some(&b'}') {
        return Ok(i + 1);
    }
    loop {
        let (key_to, from, escaped) = key_end(b, i)?;
        let to = end(from)?;
        each(Member { key: (i as u32 + 1, key_to as u32 - 1), value: (from as u32, to as u32), escaped });
        i = skip_space(b, to);
        match b.get(i) {
            None => return Err(Stop::End),
            Some(b',') => i = skip_space(b, i + 1),
            Some(b'}') => return Ok(i + 1),
            Some(_) => return Err(Stop::Bad(i)),
        }
    }
}

/// The members of a well-formed object (as found by a scan); stops silently where it isn't one.
pub fn members<'a>(value: &'a [u8]) -> impl Iterator<Item = (Cow<'a, [u8]>, &'a [u8])> {
    let mut i = if value.first() == Some(&b'{') { skip_space(value, 1) } else { value.len() };
    std::iter::from_fn(move || {
        let (key_to, from, escaped) = key_end(value, i).ok()?;
        let to = value_end(value, from, DEFAULT_DEPTH).ok()?;
        let key = &value[i + 1..key_to - 1];
        i = skip_space(value, to);
        if value.get(i) == Some(&b',') {
            i = skip_space(value, i + 1);
        }
        Some((if escaped { Cow::Owned(unescape(key).into_bytes()) } else { Cow::Borrowed(key) }, &value[from..to]))
    })
}

/// The elements of a well-formed array; stops silently where it isn't one.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut i = if value.first() == Some(&b'[') { skip_space(value, 1) } else { value.len() };
    std::iter::from_fn(move || {
        let to = value_end(value, i, DEFAULT_DEPTH).ok()?;
        let element = &value[i..to];
        i = skip_space(value, to);
        if value.get(i) == Some(&b',') {
            i = skip_space(value, i + 1);
        }
        Some(element)
    })
}

/// The text of a JSON string value (quotes included in `value`); `None` when it is no string. Invalid UTF-8 and lone
/// surrogates become U+FFFD.
pub fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') { Some(Cow::Owned(unescape(inner))) } else { Some(lossy(inner)) }
}

/// A scalar's text: a string's text, or a number's, boolean's or null's own letters; `None` for objects and arrays.
pub fn scalar(value: &[u8]) -> Option<Cow<'_, str>> {
    match value.first()? {
        b'"' => text(value),
        b'{' | b'[' => None,
        _ => Some(lossy(value)),
    }
}

/// As [`String::from_utf8_lossy`], and faster where nothing is lost.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn unescape(inner: &[u8]) -> String {
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    let hex = |at: usize| -> Option<u32> {
        inner.get(at..at + 4).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok())
    };
    while let Some(&c) = inner.get(i) {
        if c != b'\\' {
            out.push(c);
            i += 1;
            continue;
        }
        let escape = inner.get(i + 1).copied().unwrap_or(b'\\');
        i += 2;
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut unit = hex(i).unwrap_or(0xfffd);
                i += 4;
                if (0xd800..0xdc00).contains(&unit)
                    && inner.get(i..i + 2) == Some(b"\\u")
                    && let Some(low) = hex(i + 2).filter(|l| (0xdc00..0xe000).contains(l))
                {
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    i += 6;
                }
                let c = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<usize, Stop> {
        value_end(text.as_bytes(), 0, DEFAULT_DEPTH)
    }

    #[test]
    fn accepts_exactly_json() {
        for good in [
            "{}",
            "[]",
            "0",
            "-0.5e+10",
            "1e999",
            "true",
            "null",
            r#""\u00e9\n\"""#,
            r#"{"a":[1,{"b":null}],"c":""}"#,
            "[ 1 , 2 ]",
            "{ \"a\" : { } }",
            "\"0123456789abcdef\\\\\"",
        ] {
            assert_eq!(whole(good), Ok(good.len()), "{good}");
            assert!(serde_json::from_str::<serde_json::Value>(&good.replace("1e999", "1")).is_ok(), "{good}");
        }
        for bad in ["{a:1}", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "\"\u{1}\"", "\"\\x\"", "tru3", "-x", "[1 2]", "1.x"] {
            assert!(matches!(whole(bad), Err(Stop::Bad(_))), "{bad} {:?}", whole(bad));
        }
        for short in ["", "{", "{\"a\"", "{\"a\":", "[1", "\"abc", "tr", "-", "1.", "\"\\u00"] {
            assert_eq!(whole(short), Err(Stop::End), "{short}");
        }
    }

    #[test]
    fn caps_nesting() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(whole(&nested(128)), Ok(256));
        assert_eq!(whole(&nested(129)), Err(Stop::Deep(128)));
        assert_eq!(whole(&"[".repeat(1_000_000)), Err(Stop::Deep(128)));
    }

    #[test]
    fn reads_text_as_serde_json_does() {
        for s in [r#""plain""#, r#""a\u65e5\ud83d\ude00\/\"\\""#, r#""日本""#, r#""\t\b\f\n\r""#] {
            let expected: String = serde_json::from_str(s).expect("valid");
            assert_eq!(text(s.as_bytes()).as_deref(), Some(expected.as_str()));
        }
        assert_eq!(text(br#""\ud800x""#).as_deref(), Some("\u{fffd}x"));
        assert_eq!(text(b"\"\xff\"").as_deref(), Some("\u{fffd}"));
        assert_eq!(scalar(b"1e999").as_deref(), Some("1e999"));
    }

    #[test]
    fn lists_members_and_elements() {
        let v = br#"{"a":1, "\u0062" : [ 1 , "x" ] }"#;
        let m: Vec<_> = members(v).map(|(k, v)| (String::from_utf8_lossy(&k).into_owned(), v.to_vec())).collect();
        assert_eq!(m, [("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"[ 1 , \"x\" ]".to_vec())]);
        assert_eq!(elements(&m[1].1).collect::<Vec<_>>(), [b"1".as_slice(), b"\"x\""]);
        assert_eq!(elements(b"[]").count(), 0);
    }
}
