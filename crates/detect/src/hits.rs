//! Matches, small: one rule and one event in 32 bytes, with everything that repeats kept once beside them.
//!
//! Grouping waits until all is read, so that neither the order of events nor how they lie in files, nor which thread
//! met them, can change a finding.

use crate::hash::FastMap;
use crate::identity::Actor;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use yagura_logs::Record;

/// Numbers for texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    numbers: FastMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    /// What raw JSON values were numbered, so that a value that repeats is not read again.
    of_raw: FastMap<Box<[u8]>, u32>,
}

/// Raw values that are remembered, and how long they may be.
const REMEMBERED: usize = 65_536;
const LONGEST: usize = 256;

impl Texts {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(&n) = self.numbers.get(text) {
            return n;
        }
        let (n, text): (u32, Arc<str>) = (self.texts.len() as u32, text.into());
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, n);
        n
    }

    /// The number of a raw scalar's text, by `text`.
    pub(crate) fn number_of_raw<'a>(&mut self, raw: &'a [u8], text: impl Fn(&'a [u8]) -> Option<Cow<'a, str>>) -> u32 {
        if let Some(&n) = self.of_raw.get(raw) {
            return n;
        }
        let n = text(raw).map_or(NONE, |text| self.number(&text));
        if raw.len() <= LONGEST && self.of_raw.len() < REMEMBERED {
            self.of_raw.insert(raw.into(), n);
        }
        n
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |t| t)
    }
}

/// An event's identity: a UUID as it is, anything else by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventId([u64; 2]);

impl EventId {
    fn of_text(text: &str) -> EventId {
        if let Some(id) = uuid(text.as_bytes()) {
            return id;
        }
        let digest = Sha256::digest(text.as_bytes());
        let word = |at: usize| digest[at..at + 8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        EventId([word(0), word(8)])
    }

    /// 64 bits of it, for counting.
    pub(crate) fn short(self) -> u64 {
        (self.0[0].rotate_left(32) ^ self.0[1]).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The value of each lower-case hexadecimal digit; 0x80 for what is none.
const HEX: [u8; 256] = {
    let mut table = [0x80; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// The 128 bits of a UUID in the form that CloudTrail writes; `None` for any other text, so that nothing is lost.
fn uuid(b: &[u8]) -> Option<EventId> {
    if b.len() != 36 {
        return None;
    }
    // One word for the digits of each stretch between dashes; what is no digit leaves its mark in `bad`.
    let mut bad = u8::from(b[8] != b'-' || b[13] != b'-' || b[18] != b'-' || b[23] != b'-');
    let mut number = |from: usize, to: usize| {
        b[from..to].iter().fold(0u64, |n, c| {
            let digit = HEX[usize::from(*c)];
            bad |= digit & 0x80;
            n << 4 | u64::from(digit & 15)
        })
    };
    let high = number(0, 8) << 32 | number(9, 13) << 16 | number(14, 18);
    let low = number(19, 23) << 48 | number(24, 36);
    (bad == 0).then_some(EventId([high, low]))
}

/// The identity of a record whose `eventID` is a UUID without escapes.
fn usual(record: &Record<'_>) -> Option<EventId> {
    uuid(record.raw_event_id()?.strip_prefix(b"\"")?.strip_suffix(b"\"")?)
}

/// The record's `eventID`, else `sha256:` and the digest of its raw bytes.
fn event_id<'a>(record: &Record<'a>) -> Cow<'a, str> {
    record.event_id().unwrap_or_else(|| {
        let mut text = "sha256:".to_owned();
        for byte in Sha256::digest(record.raw()) {
            let _ = write!(text, "{byte:02x}");
        }
        Cow::Owned(text)
    })
}

/// Event ids that have been seen in matches; those that are no UUID keep their text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    other: HashMap<EventId, Box<str>>,
}

impl Ids {
    /// A record's identity.
    pub(crate) fn of(record: &Record<'_>) -> EventId {
        usual(record).unwrap_or_else(|| EventId::of_text(&event_id(record)))
    }

    /// A record's identity, whose text can be told later.
    pub(crate) fn keep(&mut self, record: &Record<'_>) -> EventId {
        usual(record).unwrap_or_else(|| {
            let text = event_id(record);
            let id = EventId::of_text(&text);
            if self.text(id) != text {
                self.other.insert(id, text.into());
            }
            id
        })
    }

    pub(crate) fn text(&self, id: EventId) -> String {
        match self.other.get(&id) {
            Some(text) => text.to_string(),
            None => {
                let hex = format!("{:016x}{:016x}", id.0[0], id.0[1]);
                [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
            }
        }
    }

    /// The order of the texts.
    pub(crate) fn compare(&self, a: EventId, b: EventId) -> Ordering {
        if self.other.is_empty() { a.cmp(&b) } else { self.text(a).cmp(&self.text(b)) }
    }
}

/// What a finding takes from an event, texts as numbers; [`NONE`] is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fact {
    pub(crate) account: u32,
    pub(crate) principal: u32,
    pub(crate) target: u32,
    pub(crate) session: u32,
    pub(crate) source_ip: u32,
    pub(crate) region: u32,
}

pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    /// Microseconds since 1970.
    pub(crate) time: i64,
    pub(crate) id: EventId,
    pub(crate) fact: u32,
    /// The captured fields of a rule that correlations use.
    pub(crate) row: u32,
}

/// All matches of one worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hits {
    pub(crate) texts: Texts,
    pub(crate) ids: Ids,
    pub(crate) facts: Vec<Fact>,
    fact_numbers: FastMap<Fact, u32>,
    pub(crate) rows: Vec<Box<[u32]>>,
    row_numbers: FastMap<Box<[u32]>, u32>,
    /// For each rule over single events.
    pub(crate) of_rule: Vec<Vec<Hit>>,
    /// How many each rule had when doubles were last taken out.
    settled: Vec<usize>,
}

/// Matches of a rule past which doubles are taken out while reading.
const SETTLE: usize = 1 << 18;

impl Hits {
    pub(crate) fn new(rules: usize) -> Hits {
        Hits { of_rule: vec![Vec::new(); rules], settled: vec![0; rules], ..Hits::default() }
    }

    /// An actor's part of a fact; the target is still to come.
    pub(crate) fn actor(&mut self, actor: &Actor) -> Fact {
        let mut number = |text: Option<&str>| text.map_or(NONE, |t| self.texts.number(t));
        Fact {
            account: number(actor.account.as_deref()),
            principal: number(actor.principal.as_deref()),
            target: NONE,
            session: number(actor.session.as_deref()),
            source_ip: number(actor.source_ip.as_deref()),
            region: number(actor.region.as_deref()),
        }
    }

    pub(crate) fn fact_number(&mut self, fact: Fact) -> u32 {
        *self.fact_numbers.entry(fact).or_insert_with(|| {
            self.facts.push(fact);
            self.facts.len() as u32 - 1
        })
    }

    /// The number of a row of captured texts (as numbers); [`NONE`] for an empty one.
    pub(crate) fn row(&mut self, row: &[u32]) -> u32 {
        if row.is_empty() {
            return NONE;
        }
        if let Some(&n) = self.row_numbers.get(row) {
            return n;
        }
        self.rows.push(row.into());
        let n = self.rows.len() as u32 - 1;
        self.row_numbers.insert(row.into(), n);
        n
    }

    pub(crate) fn push(&mut self, rule: u32, hit: Hit) {
        let hits = &mut self.of_rule[rule as usize];
        hits.push(hit);
        if hits.len() >= SETTLE.max(2 * self.settled[rule as usize]) {
            self.settle(rule as usize);
        }
    }

    /// Sorts a rule's hits by event and takes out doubles. Should two copies of one event differ, the lesser in content
    /// stays, so that order doesn't decide.
    pub(crate) fn settle(&mut self, rule: usize) {
        let mut hits = std::mem::take(&mut self.of_rule[rule]);
        hits.sort_by(|a, b| a.id.cmp(&b.id).then(a.time.cmp(&b.time)).then_with(|| self.compare_content(a, b)));
        hits.dedup_by_key(|h| h.id);
        hits.shrink_to_fit();
        self.settled[rule] = hits.len();
        self.of_rule[rule] = hits;
    }

    fn compare_content(&self, a: &Hit, b: &Hit) -> Ordering {
        if (a.fact, a.row) == (b.fact, b.row) {
            return Ordering::Equal;
        }
        let texts = |h: &Hit| {
            let fact = self.facts[h.fact as usize];
            let row = self.rows.get(h.row as usize).map_or(&[][..], |r| r);
            [fact.account, fact.principal, fact.target, fact.session, fact.source_ip, fact.region]
                .into_iter()
                .chain(row.iter().copied())
                .map(|n| self.texts.get(n))
                .collect::<Vec<_>>()
        };
        texts(a).cmp(&texts(b))
    }

    /// Takes over another worker's matches, numbers translated.
    pub(crate) fn merge(&mut self, other: Hits) {
        let texts: Vec<u32> = other.texts.texts.iter().map(|t| self.texts.number(t)).collect();
        let text = |n: u32| texts.get(n as usize).copied().unwrap_or(NONE);
        let facts: Vec<u32> = other
            .facts
            .iter()
            .map(|f| {
                self.fact_number(Fact {
                    account: text(f.account),
                    principal: text(f.principal),
                    target: text(f.target),
                    session: text(f.session),
                    source_ip: text(f.source_ip),
                    region: text(f.region),
                })
            })
            .collect();
        let rows: Vec<u32> =
            other.rows.iter().map(|row| self.row(&row.iter().map(|n| text(*n)).collect::<Vec<_>>())).collect();
        self.ids.other.extend(other.ids.other);
        for (rule, hits) in other.of_rule.into_iter().enumerate() {
            self.of_rule[rule].extend(hits.into_iter().map(|h| Hit {
                fact: facts[h.fact as usize],
                row: rows.get(h.row as usize).copied().unwrap_or(NONE),
                ..h
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_logs::Layout;

    #[test]
    fn ids_keep_their_text() {
        let (mut ids, mut layout) = (Ids::default(), Layout::default());
        for text in ["293ba626-3be5-4a26-ab1b-0f4c54f49959", "293BA626-3be5-4a26-ab1b-0f4c54f49959", "x", "sha256:00"] {
            let escaped = text.replacen('-', "\\u002d", 1);
            for written in [text, &escaped] {
                let raw = format!(r#"{{"eventID":"{written}"}}"#);
                let record = Record::scan(raw.as_bytes(), &mut layout).expect("json");
                let id = ids.keep(&record);
                assert_eq!(ids.text(id), text);
                assert_eq!(Ids::of(&record), id);
            }
        }
        assert!(uuid(b"293ba6263be5-4a26-ab1b-0f4c54f49959-").is_none());
    }
}
