//! One record as rules see it: fields by dotted path, looked up when asked for and once only.

use crate::hash::FastMap;
use crate::hits::{NONE, Texts};
use crate::shape::{Shapes, Start};
use crate::sigma::{Expr, Item, Items, Test, event_text};
use std::borrow::Cow;
use yagura_logs::Record;
use yagura_logs::json::{self, Member};

/// What has been looked up in the record at hand; reused from record to record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    round: u32,
    /// For each path: the round it was looked up in, and where its values stand in `values`.
    slots: Vec<(u32, u32, u32)>,
    /// Ranges in the raw record.
    values: Vec<(u32, u32)>,
    /// The objects that have been opened: where each starts, and where its members stand in `members`.
    opened: Vec<(u32, u32, u32)>,
    members: Vec<Member>,
    /// For each path: what the values seen so far came to.
    outcomes: Vec<Outcomes>,
    shapes: Shapes,
}

/// What the remembered items of one path say of its values.
#[derive(Clone, Debug, Default)]
struct Outcomes {
    by_value: FastMap<Box<[u8]>, u32>,
    all: Vec<Box<[bool]>>,
    /// The round in which the record's value was looked up, and where its outcomes stand in `all`.
    current: (u32, u32),
}

/// Values that are remembered of one path, and how long they may be.
const REMEMBERED: usize = 4_096;
const LONGEST: usize = 512;

impl Cache {
    /// Forgets the last record for this one.
    pub(crate) fn next_record(&mut self, record: &Record<'_>, paths: &[String]) {
        self.shapes.recall(record, paths);
        self.slots.resize(paths.len(), (0, 0, 0));
        self.outcomes.resize_with(paths.len(), Outcomes::default);
        self.values.clear();
        self.opened.clear();
        self.members.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.slots.fill((0, 0, 0));
            self.round = 1;
        }
    }
}

pub(crate) struct View<'a, 'r> {
    pub(crate) items: &'a Items,
    pub(crate) record: &'a Record<'r>,
    pub(crate) cache: &'a mut Cache,
}

impl View<'_, '_> {
    pub(crate) fn holds(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(|p| self.holds(p)),
            Expr::Any(parts) => parts.iter().any(|p| self.holds(p)),
            Expr::Not(part) => !self.holds(part),
            Expr::Item(number) => {
                let items = self.items;
                self.item(&items.items[*number as usize])
            }
        }
    }

    fn item(&mut self, item: &Item) -> bool {
        let Some(path) = item.path else { return item.negated != self.keyword(item) };
        let range = self.range(path);
        if let (Some(number), true) = (item.remembered, range.1 - range.0 == 1) {
            let (from, to) = self.cache.values[range.0 as usize];
            if to - from <= LONGEST as u32 {
                return self.remembered(path, number, &self.record.raw()[from as usize..to as usize]);
            }
        }
        self.compare(item, range)
    }

    /// The outcome of an item for its path's one value, worked out for all of the path's items at once.
    fn remembered(&mut self, path: u32, number: u32, value: &[u8]) -> bool {
        let round = self.cache.round;
        let outcomes = &mut self.cache.outcomes[path as usize];
        if outcomes.current.0 == round {
            return outcomes.all[outcomes.current.1 as usize][number as usize];
        }
        if let Some(&at) = outcomes.by_value.get(value) {
            outcomes.current = (round, at);
            return outcomes.all[at as usize][number as usize];
        }
        let range = self.range(path);
        let items = self.items;
        let all: Box<[bool]> =
            items.remembered[path as usize].iter().map(|i| self.compare(&items.items[*i as usize], range)).collect();
        let outcome = all[number as usize];
        let outcomes = &mut self.cache.outcomes[path as usize];
        if outcomes.all.len() >= REMEMBERED {
            outcomes.by_value.clear();
            outcomes.all.clear();
        }
        outcomes.current = (round, outcomes.all.len() as u32);
        outcomes.by_value.insert(value.into(), outcomes.all.len() as u32);
        outcomes.all.push(all);
        outcome
    }

    fn compare(&mut self, item: &Item, range: (u32, u32)) -> bool {
        let mut one = |test: &Test| self.test(range, test);
        let holds = if item.all { item.tests.iter().all(&mut one) } else { item.tests.iter().any(&mut one) };
        item.negated != holds
    }

    fn test(&mut self, range: (u32, u32), test: &Test) -> bool {
        match test {
            Test::Exists(wanted) => (range.0 < range.1) == *wanted,
            Test::Field { path, start, end, cased } => {
                let other = self.range(*path);
                let theirs: Vec<String> = self.texts(other);
                self.texts(range).iter().any(|a| theirs.iter().any(|b| relates(a, b, *start, *end, *cased)))
            }
            Test::Null if range.0 == range.1 => true,
            test => self.raw_values(range).any(|raw| test.is_match(raw)),
        }
    }

    fn raw_values(&self, range: (u32, u32)) -> impl Iterator<Item = &[u8]> {
        let raw = self.record.raw();
        self.cache.values[range.0 as usize..range.1 as usize].iter().map(|v| &raw[v.0 as usize..v.1 as usize])
    }

    fn texts(&self, range: (u32, u32)) -> Vec<String> {
        let mut out = Vec::new();
        for raw in self.raw_values(range) {
            each_scalar(raw, &mut |raw| out.extend(event_text(raw).map(Cow::into_owned)));
        }
        out
    }

    /// The members that say who acted, each with its name, as they stand in the record.
    pub(crate) fn actor(&self) -> impl Iterator<Item = &[u8]> {
        let (raw, members) = (self.record.raw(), self.record.layout());
        self.cache.shapes.actor().iter().map(move |at| {
            let member = members[*at as usize];
            &raw[member.key.0 as usize..member.value.1 as usize]
        })
    }

    /// The number of the first scalar at a path that isn't empty; [`NONE`] if there is none.
    pub(crate) fn number(&mut self, path: u32, texts: &mut Texts) -> u32 {
        let range = self.range(path);
        let mut first = NONE;
        for raw in self.raw_values(range) {
            each_scalar(raw, &mut |raw| {
                if first == NONE {
                    first = texts.number_of_raw(raw, |raw| event_text(raw).filter(|t| !t.is_empty()));
                }
            });
        }
        first
    }

    /// The whole record as it stands, and every value in it by itself, since escapes hide text.
    fn keyword(&mut self, item: &Item) -> bool {
        let raw = self.record.raw();
        let message = String::from_utf8_lossy(raw);
        let one = |test: &Test| {
            test.is_in_text(&message) || {
                let mut found = false;
                each_scalar(raw, &mut |value| found = found || test.is_match(value));
                found
            }
        };
        if item.all { item.tests.iter().all(one) } else { item.tests.iter().any(one) }
    }

    /// Where the values at a path stand in the cache.
    fn range(&mut self, path: u32) -> (u32, u32) {
        let (round, from, to) = self.cache.slots[path as usize];
        if round == self.cache.round {
            return (from, to);
        }
        let name = &self.items.paths[path as usize];
        let from = self.cache.values.len() as u32;
        let raw = self.record.raw();
        let mut found = Found::default();
        match self.cache.shapes.start(path) {
            Some(Start::Nowhere) => {}
            Some(Start::At(at, length)) => {
                found.one = Some((length as usize, self.record.layout()[at as usize].value));
            }
            Some(Start::Several) | None => {
                for (key, value) in self.record.members() {
                    found.offer(&key, range_in(raw, value), name);
                }
            }
        }
        self.cache.descend(self.record, &found, name);
        let to = self.cache.values.len() as u32;
        self.cache.slots[path as usize] = (self.cache.round, from, to);
        (from, to)
    }
}

/// The members of one object whose name is the path or a beginning of it, by the length of the name; of two with the
/// same name the last holds. There is nearly always one: names with dots in them are rare.
#[derive(Default)]
struct Found {
    one: Option<(usize, (u32, u32))>,
    more: Vec<(usize, (u32, u32))>,
}

impl Found {
    fn offer(&mut self, key: &[u8], value: (u32, u32), path: &str) {
        let path = path.as_bytes();
        // Most names are told apart by their first letter, without a call to compare them.
        if key.first() != path.first() || !path.starts_with(key) || path.len() > key.len() && path[key.len()] != b'.' {
            return;
        }
        let Some(one) = &mut self.one else {
            self.one = Some((key.len(), value));
            return;
        };
        match std::iter::once(one).chain(&mut self.more).find(|(length, _)| *length == key.len()) {
            Some(earlier) => earlier.1 = value,
            None => self.more.push((key.len(), value)),
        }
    }
}

impl Cache {
    fn descend(&mut self, record: &Record<'_>, found: &Found, path: &str) {
        for (length, value) in found.one.iter().chain(&found.more) {
            match path.get(length + 1..) {
                Some(rest) => self.inside(record, *value, rest),
                None => self.values.push(*value),
            }
        }
    }

    /// Everything at `path` in a value; arrays stand for each of their elements.
    fn inside(&mut self, record: &Record<'_>, value: (u32, u32), path: &str) {
        let raw = record.raw();
        let text = &raw[value.0 as usize..value.1 as usize];
        match text.first() {
            Some(b'[') => json::elements(text).for_each(|element| self.inside(record, range_in(raw, element), path)),
            Some(b'{') => {
                let mut found = Found::default();
                let members = record.object_at(value.0).unwrap_or_else(|| {
                    let (from, to) = self.open(text, value.0);
                    &self.members[from as usize..to as usize]
                });
                for member in members {
                    let key = &raw[member.key.0 as usize..member.key.1 as usize];
                    if member.escaped {
                        let quoted = &raw[member.key.0 as usize - 1..member.key.1 as usize + 1];
                        found.offer(json::text(quoted).unwrap_or_default().as_bytes(), member.value, path);
                    } else {
                        found.offer(key, member.value, path);
                    }
                }
                self.descend(record, &found, path);
            }
            _ => {}
        }
    }

    /// Where the members of the object that starts at `at` stand; it is scanned once a record.
    fn open(&mut self, object: &[u8], at: u32) -> (u32, u32) {
        if let Some((_, from, to)) = self.opened.iter().find(|(start, ..)| *start == at) {
            return (*from, *to);
        }
        let from = self.members.len() as u32;
        let shift = |(a, b): (u32, u32)| (a + at, b + at);
        let members = &mut self.members;
        // The record has been scanned, so its parts are sound.
        let _ = json::object(object, 0, json::DEFAULT_DEPTH, |m| {
            members.push(Member { key: shift(m.key), value: shift(m.value), escaped: m.escaped });
        });
        let to = self.members.len() as u32;
        self.opened.push((at, from, to));
        (from, to)
    }
}

/// Where `part`, a slice of `raw`, lies in it.
fn range_in(raw: &[u8], part: &[u8]) -> (u32, u32) {
    let from = (part.as_ptr() as usize).saturating_sub(raw.as_ptr() as usize);
    (from as u32, (from + part.len()) as u32)
}

/// Every string, number and boolean in a value.
fn each_scalar<'a>(value: &'a [u8], visit: &mut impl FnMut(&'a [u8])) {
    match value.first() {
        Some(b'[') => json::elements(value).for_each(|e| each_scalar(e, visit)),
        Some(b'{') => json::members(value).for_each(|(_, v)| each_scalar(v, visit)),
        _ => visit(value),
    }
}

fn relates(a: &str, b: &str, start: bool, end: bool, cased: bool) -> bool {
    let (a, b) = if cased { (a.to_owned(), b.to_owned()) } else { (a.to_lowercase(), b.to_lowercase()) };
    match (start, end) {
        (false, false) => a == b,
        (true, false) => a.starts_with(&b),
        (false, true) => a.ends_with(&b),
        (true, true) => a.contains(&b),
    }
}

/// Whether `expr` can hold in a record with these values of `eventSource` and `eventName` (raw JSON, `None` when
/// absent): `Some(false)` means that nothing else in the record can make it hold.
pub(crate) fn decided(expr: &Expr, items: &Items, known: &dyn Fn(u32) -> Option<Option<Vec<u8>>>) -> Option<bool> {
    match expr {
        Expr::All(parts) => fold(parts, items, known, false),
        Expr::Any(parts) => fold(parts, items, known, true),
        Expr::Not(part) => decided(part, items, known).map(|b| !b),
        Expr::Item(number) => {
            let item = &items.items[*number as usize];
            let value = known(item.path?)?;
            if item.tests.iter().any(|t| matches!(t, Test::Field { .. })) {
                return None;
            }
            let one = |test: &Test| match (test, &value) {
                (Test::Exists(wanted), value) => value.is_some() == *wanted,
                (Test::Null, None) => true,
                (_, None) => false,
                (test, Some(raw)) => test.is_match(raw),
            };
            Some(item.negated != if item.all { item.tests.iter().all(one) } else { item.tests.iter().any(one) })
        }
    }
}

/// Kleene's conjunction (`decides` false) or disjunction (`decides` true).
fn fold(parts: &[Expr], items: &Items, known: &dyn Fn(u32) -> Option<Option<Vec<u8>>>, decides: bool) -> Option<bool> {
    let mut open = false;
    for part in parts {
        match decided(part, items, known) {
            Some(b) if b == decides => return Some(decides),
            Some(_) => {}
            None => open = true,
        }
    }
    if open { None } else { Some(!decides) }
}
