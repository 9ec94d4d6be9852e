//! Remembers what a rule read, so that a verdict can show it. Paths are kept as links to their parents and written out
//! only for the few reads that become evidence, since most reads of a passing list never do.

use super::value::{At, NOWHERE, Val};
use serde_json::{Map, Value};
use std::fmt::Write;

/// Paths that evidence may have.
pub const MAX_PATHS: usize = 20;
/// Bytes of JSON that one value may have in evidence.
pub const MAX_VALUE: usize = 2048;
/// Reads that are remembered while a rule runs.
const MAX_READS: usize = 256;

#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// A variable: `resource`, `observed`, `tags`, …
    Root(&'a str),
    /// Another resource, by type and name.
    Thing(&'a str, &'a str),
    /// Properties below.
    Names(&'a [Box<str>]),
    Name(&'a str),
    Key(String),
    Index(usize),
}

struct Link<'a> {
    parent: At,
    step: Step<'a>,
}

struct Seen<'a> {
    at: At,
    val: Val<'a>,
    /// Whether the outcome hangs on it; see [`Trace::demote`].
    decisive: bool,
}

/// What a rule read.
#[derive(Default)]
pub struct Trace<'a> {
    links: Vec<Link<'a>>,
    seen: Vec<Seen<'a>>,
    /// What a derived fact rests on: paths already written out.
    facts: Vec<(String, Value)>,
}

/// The reads that became evidence: path, value, decisive.
pub struct Evidence {
    pub reads: Vec<(String, Value, bool)>,
}

impl<'a> Trace<'a> {
    pub fn clear(&mut self) {
        self.links.clear();
        self.seen.clear();
        self.facts.clear();
    }

    /// The place `step` below `parent`. Nothing is below [`NOWHERE`] but a root.
    pub fn link(&mut self, parent: At, step: Step<'a>) -> At {
        if parent == NOWHERE && !matches!(step, Step::Root(_) | Step::Thing(..)) {
            return NOWHERE;
        }
        let at = self.links.len() as At;
        self.links.push(Link { parent, step });
        at
    }

    pub fn read(&mut self, at: At, val: &Val<'a>) {
        if at != NOWHERE && self.seen.len() < MAX_READS {
            self.seen.push(Seen { at, val: val.clone(), decisive: true });
        }
    }

    pub fn fact(&mut self, path: &str, value: Value) {
        if self.facts.len() < MAX_PATHS {
            self.facts.push((path.to_owned(), value));
        }
    }

    /// How far the trace has come, for [`Trace::forget`] and [`Trace::demote`].
    pub fn mark(&self) -> usize {
        self.seen.len()
    }

    /// Forgets the reads since `mark`: an element that didn't decide a `.all()` or `.exists()`.
    pub fn forget(&mut self, mark: usize) {
        self.seen.truncate(mark);
    }

    /// Forgets the reads between the marks: an unknown side that the other side made pointless.
    pub fn forget_between(&mut self, from: usize, to: usize) {
        let end = self.seen.len();
        self.seen.drain(from.min(end)..to.min(end));
    }

    /// Keeps the reads between the marks as evidence, but not as the reason: the left side of `true && false`.
    pub fn demote(&mut self, from: usize, to: usize) {
        let end = self.seen.len();
        for seen in &mut self.seen[from.min(end)..to.min(end)] {
            seen.decisive = false;
        }
    }

    /// The reads by path, each once; a list or object gives way to what was read inside it.
    pub fn evidence(&self) -> Evidence {
        let mut reads: Vec<(String, Value, bool)> = Vec::new();
        for seen in &self.seen {
            let path = self.path(seen.at);
            if let Some(known) = reads.iter_mut().find(|(p, ..)| *p == path) {
                known.2 |= seen.decisive;
            } else if reads.len() < 4 * MAX_PATHS {
                reads.push((path, capped(&seen.val), seen.decisive));
            }
        }
        for (path, value) in &self.facts {
            if !reads.iter().any(|(p, ..)| p == path) {
                reads.push((path.clone(), capped_json(value.clone()), true));
            }
        }
        let paths: Vec<String> = reads.iter().map(|(p, ..)| p.clone()).collect();
        reads.retain(|(path, ..)| !paths.iter().any(|p| is_below(p, path)));
        // What the outcome hangs on must not be cut off.
        reads.sort_by_key(|(.., decisive)| !decisive);
        reads.truncate(MAX_PATHS);
        Evidence { reads }
    }

    fn path(&self, at: At) -> String {
        let mut chain = Vec::new();
        let mut next = at;
        while let Some(link) = self.links.get(next as usize) {
            chain.push(&link.step);
            next = link.parent;
        }
        let mut path = String::new();
        for step in chain.into_iter().rev() {
            write_step(&mut path, step);
        }
        path
    }
}

impl Evidence {
    pub fn to_json(&self) -> Value {
        Value::Object(self.reads.iter().map(|(p, v, _)| (p.clone(), v.clone())).collect::<Map<_, _>>())
    }
}

fn write_step(path: &mut String, step: &Step<'_>) {
    match step {
        Step::Root(name) => path.push_str(name),
        Step::Thing(kind, name) => {
            let _ = write!(path, "{kind}[{name}]");
        }
        Step::Names(names) => names.iter().for_each(|name| write_name(path, name)),
        Step::Name(name) => write_name(path, name),
        Step::Key(name) => write_name(path, name),
        Step::Index(index) => {
            let _ = write!(path, "[{index}]");
        }
    }
}

fn write_name(path: &mut String, name: &str) {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let _ = if plain { write!(path, ".{name}") } else { write!(path, "[{name:?}]") };
}

fn is_below(path: &str, parent: &str) -> bool {
    path.len() > parent.len() && path.starts_with(parent) && matches!(path.as_bytes()[parent.len()], b'.' | b'[')
}

fn capped(val: &Val<'_>) -> Value {
    match val {
        // Without copying megabytes first.
        Val::Array(items) if items.len() > MAX_VALUE => capped_json(Value::Array(items[..MAX_VALUE].to_vec())),
        Val::Str(text) if text.len() > MAX_VALUE => Value::String(cut(text)),
        other => capped_json(other.to_json()),
    }
}

fn capped_json(value: Value) -> Value {
    if weight(&value, MAX_VALUE) <= MAX_VALUE {
        return value;
    }
    match value {
        Value::String(text) => Value::String(cut(&text)),
        other => Value::String(cut(&other.to_string())),
    }
}

/// About how many bytes a value takes, counted no further than just past `limit`.
fn weight(value: &Value, limit: usize) -> usize {
    let sum = |parts: &mut dyn Iterator<Item = usize>| {
        let mut sum = 2;
        for part in parts {
            sum += part + 1;
            if sum > limit {
                break;
            }
        }
        sum
    };
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => sum(&mut items.iter().map(|item| weight(item, limit))),
        Value::Object(map) => sum(&mut map.iter().map(|(k, v)| k.len() + 3 + weight(v, limit))),
        _ => 5,
    }
}

fn cut(text: &str) -> String {
    let mut end = MAX_VALUE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
