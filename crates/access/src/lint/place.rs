//! Where an element stands in the document's text.

use super::Remark;
use std::borrow::Cow;
use std::collections::HashMap;
use yagura_model::{Severity, Text};

/// A path that is longer is cut: it is for a person to read.
const MAX_PATH: usize = 300;

/// The line and the column, both from 1, of an element such as `Statement[2].Action[0]`, or of what is nearest to it of
/// what the text holds. `None` for a text that is no JSON as far as it must be read.
pub fn line_of(source: &str, at: &str) -> Option<(usize, usize)> {
    let text = source.as_bytes();
    let mut here = blank(text, 0);
    let mut shown = here;
    let mut rest = at;
    while !rest.is_empty() {
        let next = if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']')?;
            match item(text, here, index.parse().ok()?)? {
                Some(place) => (place, place, after),
                None => break,
            }
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            match member(source, here, name)? {
                Some((key, value, length)) => (key, value, &name[length..]),
                None => break,
            }
        };
        (shown, here, rest) = next;
    }
    Some(line_and_column(source, shown))
}

fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn blank(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where a string ends that begins at `at`.
fn string(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match text.get(end)? {
            b'"' => return Some(end + 1),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// Where the value ends that begins at `at`.
fn value(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => at = string(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ => at += 1,
        }
        if depth == 0 && text.get(at).is_none_or(|b| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace()) {
            return Some(at);
        }
    }
}

/// The text of a JSON string.
fn name(quoted: &str) -> Option<Cow<'_, str>> {
    match quoted.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(quoted).ok().map(Cow::Owned),
    }
}

/// The place of an item of the list at `at`; `Some(None)` if there is none.
fn item(text: &[u8], at: usize, index: usize) -> Option<Option<usize>> {
    if text.get(at) != Some(&b'[') {
        return Some(None);
    }
    let mut here = blank(text, at + 1);
    for _ in 0..index {
        if text.get(here) == Some(&b']') {
            return Some(None);
        }
        here = blank(text, value(text, here)?);
        if text.get(here) != Some(&b',') {
            return Some(None);
        }
        here = blank(text, here + 1);
    }
    Some(Some(here).filter(|at| text.get(*at) != Some(&b']')))
}

/// The member of the object at `at` whose name begins `rest`: the places of its key and its value, and the length of
/// its name. A name may hold dots, so the longest counts, and of equal ones the last, as when the document is read.
fn member(source: &str, at: usize, rest: &str) -> Option<Option<(usize, usize, usize)>> {
    let text = source.as_bytes();
    if text.get(at) != Some(&b'{') {
        return Some(None);
    }
    let mut found: Option<(usize, usize, usize)> = None;
    let mut here = blank(text, at + 1);
    while text.get(here) == Some(&b'"') {
        let key = here;
        let end = string(text, key)?;
        let name = name(source.get(key..end)?)?;
        let colon = blank(text, end);
        if text.get(colon) != Some(&b':') {
            return None;
        }
        let start = blank(text, colon + 1);
        let begins = rest.strip_prefix(name.as_ref()).is_some_and(|r| r.is_empty() || r.starts_with(['.', '[']));
        if begins && found.is_none_or(|(_, _, length)| name.len() >= length) {
            found = Some((key, start, name.len()));
        }
        here = blank(text, value(text, start)?);
        if text.get(here) != Some(&b',') {
            break;
        }
        here = blank(text, here + 1);
    }
    Some(found)
}

/// Keys that an object has twice: reading keeps the last, and the other is lost without a word.
pub fn duplicates(source: &str) -> Vec<Remark> {
    struct Frame {
        path: String,
        keys: Option<HashMap<String, usize>>,
        index: usize,
    }
    let text = source.as_bytes();
    let mut found = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut name = String::new();
    let mut expects_key = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string(text, at) else { break };
                if let Some(frame) = frames.last_mut().filter(|_| expects_key)
                    && let Some(keys) = &mut frame.keys
                {
                    name = source.get(at..end).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
                    let path = if frame.path.is_empty() { name.clone() } else { format!("{}.{name}", frame.path) };
                    if let Some(first) = keys.insert(name.clone(), at) {
                        found.push(twice(&path, line_and_column(source, first).0, line_and_column(source, at)));
                    }
                    expects_key = false;
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                let path = match frames.last() {
                    None => String::new(),
                    Some(Frame { path, keys: None, index }) => format!("{path}[{index}]"),
                    Some(Frame { path, .. }) if path.is_empty() => name.clone(),
                    Some(Frame { path, .. }) => format!("{path}.{name}"),
                };
                let path = path.chars().take(MAX_PATH).collect();
                let keys = (*byte == b'{').then(HashMap::new);
                expects_key = keys.is_some();
                frames.push(Frame { path, keys, index: 0 });
            }
            b'}' | b']' => {
                frames.pop();
                expects_key = false;
            }
            b',' => {
                if let Some(frame) = frames.last_mut() {
                    frame.index += 1;
                    expects_key = frame.keys.is_some();
                }
            }
            _ => {}
        }
        if found.len() > 100 {
            break;
        }
        at += 1;
    }
    found
}

fn twice(at: &str, first: usize, place: (usize, usize)) -> Remark {
    let text = Text::new(
        format!("`{at}` stands in line {first}, too, and only the last counts: merge them"),
        format!("`{at}` は {first} 行目にもあり、最後のものだけが有効になります。1 つにまとめてください"),
    );
    Remark {
        code: "duplicate-key",
        severity: Severity::High,
        at: at.to_owned(),
        place: Some(place),
        statement: None,
        text,
    }
}
