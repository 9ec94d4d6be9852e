//! A look at JSON text without parsing it: which keys an object has at its top, and where the elements of an array
//! begin and end. A snapshot of any size passes through one element at a time, and a bad element costs only itself.
//! Nesting is counted, not recursed into, so no depth can exhaust the stack.

use std::io::{self, BufRead};

/// Largest element that is kept; a longer one is skipped and counted.
const MAX_ELEMENT: usize = 16 << 20;

/// The keys of the object that `text` begins with, each with the first byte of its value. `text` may be cut off
/// anywhere; `None` when it doesn't begin with an object.
pub(super) fn top_keys(text: &[u8]) -> Option<Vec<(String, u8)>> {
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    let mut keys = Vec::new();
    loop {
        at = skip_space(text, at);
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b'"') => {
                let Some(end) = skip_string(text, at) else { return Some(keys) };
                let key = serde_json::from_slice::<String>(&text[at..end]).unwrap_or_default();
                at = skip_space(text, end);
                if text.get(at) != Some(&b':') {
                    return Some(keys);
                }
                at = skip_space(text, at + 1);
                let Some(first) = text.get(at) else { return Some(keys) };
                keys.push((key, *first));
                let Some(end) = skip_value(text, at) else { return Some(keys) };
                at = end;
            }
            _ => return Some(keys),
        }
    }
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the string that begins at `at` ends; `None` when the text is cut off inside.
fn skip_string(text: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        match text.get(i)? {
            b'\\' => i += 2,
            b'"' => return Some(i + 1),
            _ => i += 1,
        }
    }
}

fn skip_value(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match text.get(at)? {
            b'"' => at = skip_string(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' if depth == 0 => return Some(at),
            _ => at += 1,
        }
        if depth == 0 && matches!(text.get(at), Some(b',' | b'}' | b']')) {
            return Some(at);
        }
    }
}

/// How the reading of an array ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The array was closed.
    Closed,
    /// The text ends inside the array.
    CutOff,
    /// No such array.
    Missing,
}

/// What [`elements`] saw.
#[derive(Debug)]
pub(super) struct Seen {
    pub end: End,
    pub elements: usize,
    /// Elements longer than 16 MiB, which were passed over.
    pub too_long: usize,
}

/// Calls `found` with the bytes of each element of the array under the top-level key `key`.
///
/// # Errors
/// What the reader says, with what was seen up to there.
pub(super) fn elements(
    reader: &mut impl BufRead,
    keys: &[&str],
    found: &mut dyn FnMut(&[u8]),
) -> Result<Seen, (io::Error, Seen)> {
    let mut scanner = Scanner::new(keys);
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err((e, scanner.seen())),
        };
        if chunk.is_empty() {
            return Ok(scanner.seen());
        }
        let length = chunk.len();
        scanner.feed(chunk, found);
        reader.consume(length);
        if scanner.done {
            return Ok(scanner.seen());
        }
    }
}

struct Scanner<'k> {
    keys: &'k [&'k str],
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Bytes of the string that may turn out to be a key of the top object.
    text: Vec<u8>,
    key_matches: bool,
    /// Inside the wanted array.
    inside: bool,
    element: Vec<u8>,
    element_too_long: bool,
    elements: usize,
    too_long: usize,
    done: bool,
    found_array: bool,
}

impl<'k> Scanner<'k> {
    fn new(keys: &'k [&'k str]) -> Self {
        Scanner {
            keys,
            depth: 0,
            in_string: false,
            escaped: false,
            text: Vec::new(),
            key_matches: false,
            inside: false,
            element: Vec::new(),
            element_too_long: false,
            elements: 0,
            too_long: 0,
            done: false,
            found_array: false,
        }
    }

    fn seen(&self) -> Seen {
        let end = match (self.found_array, self.done) {
            (false, _) => End::Missing,
            (true, true) => End::Closed,
            (true, false) => End::CutOff,
        };
        Seen { end, elements: self.elements, too_long: self.too_long }
    }

    fn feed(&mut self, chunk: &[u8], found: &mut dyn FnMut(&[u8])) {
        let mut rest = chunk;
        while let [byte, after @ ..] = rest {
            rest = after;
            if self.inside {
                self.array_byte(*byte, found);
            } else {
                self.object_byte(*byte);
            }
            if self.done {
                return;
            }
            if self.inside && self.in_string && !self.escaped {
                // Most of a snapshot is text: it is taken in one piece up to where it may end.
                let length = rest.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(rest.len());
                let (text, after) = rest.split_at(length);
                let room = MAX_ELEMENT.saturating_sub(self.element.len());
                self.element_too_long |= room < text.len();
                self.element.extend_from_slice(&text[..room.min(text.len())]);
                rest = after;
            }
        }
    }

    /// A byte outside the wanted array: looks for its key at depth 1.
    fn object_byte(&mut self, byte: u8) {
        if self.in_string {
            match (self.escaped, byte) {
                (true, _) => self.escaped = false,
                (false, b'\\') => self.escaped = true,
                (false, b'"') => {
                    self.in_string = false;
                    self.key_matches = self.depth == 1 && self.keys.iter().any(|k| k.as_bytes() == self.text);
                    return;
                }
                _ => {}
            }
            if self.depth == 1 && self.text.len() < 64 {
                self.text.push(byte);
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.text.clear();
            }
            b'[' if self.depth == 1 && self.key_matches => {
                self.inside = true;
                self.found_array = true;
                self.depth = 0;
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.key_matches = false;
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' => {}
            b',' => self.key_matches = false,
            _ => {}
        }
    }

    /// A byte inside the wanted array; depth 0 is between elements.
    fn array_byte(&mut self, byte: u8, found: &mut dyn FnMut(&[u8])) {
        if self.in_string {
            match (self.escaped, byte) {
                (true, _) => self.escaped = false,
                (false, b'\\') => self.escaped = true,
                (false, b'"') => self.in_string = false,
                _ => {}
            }
            return self.keep(byte);
        }
        match byte {
            b']' if self.depth == 0 => {
                self.finish_element(found);
                self.done = true;
                return;
            }
            b',' if self.depth == 0 => return self.finish_element(found),
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.keep(byte);
    }

    fn keep(&mut self, byte: u8) {
        if self.element.len() < MAX_ELEMENT {
            self.element.push(byte);
        } else {
            self.element_too_long = true;
        }
    }

    fn finish_element(&mut self, found: &mut dyn FnMut(&[u8])) {
        if self.element_too_long {
            self.too_long += 1;
        } else if self.element.iter().any(|b| !b.is_ascii_whitespace()) {
            self.elements += 1;
            found(&self.element);
        }
        self.element.clear();
        self.element_too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, capacity: usize) -> (Vec<String>, End) {
        let mut got = Vec::new();
        let mut reader = io::BufReader::with_capacity(capacity, text.as_bytes());
        let seen = elements(&mut reader, &["items"], &mut |e| got.push(String::from_utf8_lossy(e).trim().to_owned()))
            .expect("reads");
        (got, seen.end)
    }

    #[test]
    fn splits_elements_wherever_the_chunks_end() {
        let text = r#"{"a": {"items": [9]}, "s": "\"items\": [", "items": [{"x": "]}\\\""}, 2 , [3,[4]]], "b": 1}"#;
        for capacity in 1..40 {
            let (got, end) = split(text, capacity);
            assert_eq!(got, [r#"{"x": "]}\\\""}"#, "2", "[3,[4]]"]);
            assert_eq!(end, End::Closed);
        }
    }

    #[test]
    fn gives_what_stands_before_a_cut() {
        assert_eq!(split(r#"{"items": [{"a":1},{"b":"#, 7), (vec![r#"{"a":1}"#.to_owned()], End::CutOff));
        assert_eq!(split(r#"{"other": []}"#, 7).1, End::Missing);
    }

    #[test]
    fn names_top_keys_of_cut_and_deep_text() {
        let keys = top_keys(br#" {"a": [1, {"b": 2}], "c" : "x}", "d": {"#).expect("an object");
        assert_eq!(
            keys.iter().map(|(k, b)| (k.as_str(), *b as char)).collect::<Vec<_>>(),
            [("a", '['), ("c", '"'), ("d", '{')]
        );
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        assert_eq!(top_keys(deep.as_bytes()).map(|k| k.len()), Some(1));
        assert_eq!(top_keys(b"[1]"), None);
    }
}
