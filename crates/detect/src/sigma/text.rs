//! Sigma's strings: wildcards, escapes, and matching without regard to case.

use std::borrow::Cow;

/// A piece of a Sigma string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// `*`
    Many,
    /// `?`
    One,
}

/// A string value of a rule, its wildcards told apart from plain text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Pattern {
    pub(crate) parts: Vec<Part>,
}

impl Pattern {
    /// Reads a value as it stands in a rule: `\` escapes `*`, `?` and itself and is plain before anything else.
    pub(crate) fn parse(text: &str) -> Pattern {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next_if(|n| matches!(n, '*' | '?' | '\\')) {
                    Some(escaped) => plain.push(escaped),
                    None => plain.push('\\'),
                },
                '*' | '?' => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(if c == '*' { Part::Many } else { Part::One });
                }
                _ => plain.push(c),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Pattern { parts }
    }

    /// Text without wildcards.
    pub(crate) fn plain(text: impl Into<String>) -> Pattern {
        let text = text.into();
        Pattern { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// The text when there are no wildcards in it.
    pub(crate) fn as_plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn open_start(&mut self) {
        if self.parts.first() != Some(&Part::Many) {
            self.parts.insert(0, Part::Many);
        }
    }

    pub(crate) fn open_end(&mut self) {
        if self.parts.last() != Some(&Part::Many) {
            self.parts.push(Part::Many);
        }
    }
}

/// A pattern ready to match.
#[derive(Clone, Debug)]
pub(crate) struct TextMatcher {
    shape: Shape,
    /// Letters count as written.
    cased: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    Anything,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Glob(Vec<Part>),
}

impl TextMatcher {
    pub(crate) fn new(pattern: &Pattern, cased: bool) -> TextMatcher {
        let fold = |t: &String| if cased { t.clone() } else { t.to_lowercase() };
        let shape = match pattern.parts.as_slice() {
            [] => Shape::Exact(String::new()),
            [Part::Many] | [Part::Many, Part::Many] => Shape::Anything,
            [Part::Text(t)] => Shape::Exact(fold(t)),
            [Part::Text(t), Part::Many] => Shape::Prefix(fold(t)),
            [Part::Many, Part::Text(t)] => Shape::Suffix(fold(t)),
            [Part::Many, Part::Text(t), Part::Many] => Shape::Contains(fold(t)),
            parts => Shape::Glob(
                parts
                    .iter()
                    .map(|p| match p {
                        Part::Text(t) => Part::Text(fold(t)),
                        other => other.clone(),
                    })
                    .collect(),
            ),
        };
        TextMatcher { shape, cased }
    }

    pub(crate) fn is_match(&self, value: &str) -> bool {
        if matches!(self.shape, Shape::Anything) {
            return true;
        }
        // ASCII, which nearly every value is, is compared without a copy.
        let folded: Cow<'_, str> = match (&self.shape, self.cased || value.is_ascii()) {
            (Shape::Glob(_), true) if !self.cased => Cow::Owned(value.to_ascii_lowercase()),
            (_, true) => Cow::Borrowed(value),
            (_, false) => Cow::Owned(value.to_lowercase()),
        };
        match &self.shape {
            Shape::Glob(parts) => glob(parts, &folded),
            _ => self.is_folded(folded.as_bytes()),
        }
    }

    /// As [`TextMatcher::is_match`] for a raw JSON string that is ASCII without escapes; `None` for any other value.
    pub(crate) fn is_match_raw(&self, raw: &[u8]) -> Option<bool> {
        let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let plain = inner.iter().fold(true, |plain, &c| plain & (c < 0x80) & (c != b'\\'));
        (plain && !matches!(self.shape, Shape::Glob(_))).then(|| self.is_folded(inner))
    }

    /// Whether a value matches that is ASCII or, where case doesn't count, in lower case; not for globs.
    fn is_folded(&self, value: &[u8]) -> bool {
        let same = |a: &[u8], b: &[u8]| if self.cased { a == b } else { a.eq_ignore_ascii_case(b) };
        match &self.shape {
            Shape::Anything => true,
            Shape::Exact(t) => same(value, t.as_bytes()),
            Shape::Prefix(t) => value.get(..t.len()).is_some_and(|v| same(v, t.as_bytes())),
            Shape::Suffix(t) => value.len() >= t.len() && same(&value[value.len() - t.len()..], t.as_bytes()),
            Shape::Contains(t) => contains(value, t.as_bytes(), self.cased),
            Shape::Glob(_) => false,
        }
    }

    /// The folded text when the pattern has no wildcards and case doesn't count.
    pub(crate) fn exact(&self) -> Option<&str> {
        match &self.shape {
            Shape::Exact(t) => Some(t),
            _ => None,
        }
    }
}

fn contains(value: &[u8], needle: &[u8], cased: bool) -> bool {
    let Some((&first, _)) = needle.split_first() else { return true };
    if value.len() < needle.len() {
        return false;
    }
    let starts = &value[..=value.len() - needle.len()];
    if cased {
        return starts.iter().enumerate().any(|(i, &b)| b == first && value[i..].starts_with(needle));
    }
    let (low, high) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    starts
        .iter()
        .enumerate()
        .any(|(i, &b)| (b == low || b == high) && value[i..i + needle.len()].eq_ignore_ascii_case(needle))
}

/// Matches both already folded. Greedy with one point to go back to, so that it takes at most the product of the
/// lengths.
fn glob(parts: &[Part], value: &str) -> bool {
    let (mut p, mut rest) = (0, value);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let step = match parts.get(p) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Part::Many) => {
                retry = Some((p + 1, rest));
                p += 1;
                continue;
            }
            Some(Part::One) => rest.chars().next().map(|c| &rest[c.len_utf8()..]),
            Some(Part::Text(t)) => rest.strip_prefix(t.as_str()),
        };
        match (step, retry) {
            (Some(next), _) => {
                rest = next;
                p += 1;
            }
            (None, None) => return false,
            (None, Some((at, from))) => {
                let Some(c) = from.chars().next() else { return false };
                let from = &from[c.len_utf8()..];
                retry = Some((at, from));
                (p, rest) = (at, from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, value: &str) -> bool {
        TextMatcher::new(&Pattern::parse(pattern), false).is_match(value)
    }

    #[test]
    fn reads_wildcards_and_escapes() {
        use Part::{Many, One, Text};
        let text = |t: &str| Text(t.to_owned());
        for (value, parts) in [
            ("a*b?", vec![text("a"), Many, text("b"), One]),
            (r"a\*b", vec![text("a*b")]),
            (r"a\\*", vec![text(r"a\"), Many]),
            (r"\\\*", vec![text(r"\*")]),
            (r"C:\Win\x", vec![text(r"C:\Win\x")]),
            (r"\\\\", vec![text(r"\\")]),
            (r"\\\", vec![text(r"\\")]),
            (r"end\", vec![text(r"end\")]),
        ] {
            assert_eq!(Pattern::parse(value).parts, parts, "{value}");
        }
    }

    #[test]
    fn matches_without_regard_to_case() {
        for (pattern, value) in [
            ("ABC", "abc"),
            ("a*", "Abc"),
            ("*C", "abc"),
            ("*B*", "abc"),
            ("a?c", "ABC"),
            ("*a*b*c*", "xAxBxC"),
            ("", ""),
            ("*", ""),
            ("ÄÖ*", "äöü"),
            ("*ß*", "aßb"),
            ("a?c", "a日c"),
            ("a*bab", "ababab"),
        ] {
            assert!(is(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [("abc", "abcd"), ("a?c", "ac"), ("", "x"), ("a*b", "abc"), ("?", ""), ("*x", "xy")] {
            assert!(!is(pattern, value), "{pattern} {value}");
        }
        assert!(!TextMatcher::new(&Pattern::parse("*Abc*"), true).is_match("xabcx"));
    }
}
