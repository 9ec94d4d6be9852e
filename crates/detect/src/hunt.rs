//! The hunt: records in, findings out.

use crate::correlate;
use crate::dispatch::Memory;
use crate::hash::FastMap;
use crate::hits::{EventId, Fact, Hit, Hits, Ids, NONE};
use crate::identity::Actor;
use crate::ruleset::{Matching, RuleSet};
use crate::view::{Cache, View};
use std::collections::BTreeMap;
use yagura_logs::{Bad, Found, Record, Sink, format_time};
use yagura_model::{Detection, DetectionKind, Severity};

/// How many event ids a finding lists.
const LISTED: usize = 1_000;
const DAY: i64 = 86_400 * 1_000_000;

/// Which events and detections count.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Microseconds since 1970, included.
    pub since: Option<i64>,
    /// Microseconds since 1970, not included.
    pub until: Option<i64>,
    pub min_severity: Option<Severity>,
    /// Count distinct events; costs eight bytes an event.
    pub count_distinct: bool,
}

/// One worker's part of a hunt: takes records, is merged with the others, and then tells what was found.
#[derive(Clone)]
pub struct Hunt<'s> {
    set: &'s RuleSet,
    filter: Filter,
    memory: Memory,
    cache: Cache,
    hits: Hits,
    actors: Actors,
    matched: Vec<u32>,
    row: Vec<u32>,
    distinct: Distinct,
    records: u64,
}

/// All findings, signals among them, and what was counted.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By time, then detection, account, principal and target.
    pub detections: Vec<Detection>,
    pub records: u64,
    /// 0 unless [`Filter::count_distinct`].
    pub distinct_events: u64,
}

impl Report {
    /// How many findings are of a kind.
    pub fn count(&self, kind: DetectionKind) -> u64 {
        self.detections.iter().filter(|d| d.kind == kind).count() as u64
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, more: Vec<Detection>) {
        self.detections.extend(more);
        self.detections.sort_by(|a, b| {
            let key = |d: &Detection| {
                (d.time.clone(), d.detection.clone(), d.account.clone(), d.principal.clone(), d.target.clone())
            };
            key(a).cmp(&key(b))
        });
    }
}

impl<'s> Hunt<'s> {
    pub fn new(set: &'s RuleSet, filter: Filter) -> Hunt<'s> {
        Hunt {
            set,
            filter,
            memory: Memory::default(),
            cache: Cache::default(),
            hits: Hits::new(set.matching.len()),
            actors: Actors::default(),
            matched: Vec::new(),
            row: Vec::new(),
            distinct: Distinct::default(),
            records: 0,
        }
    }

    /// Judges one record; `time` is its `eventTime` in microseconds since 1970.
    pub fn judge(&mut self, record: &Record<'_>, time: i64) {
        self.records += 1;
        if self.filter.count_distinct {
            self.distinct.add(Ids::of(record));
        }
        if self.filter.since.is_some_and(|t| time < t) || self.filter.until.is_some_and(|t| time >= t) {
            return;
        }
        let pair = self.memory.pair(self.set, record);
        if pair.rules.is_empty() {
            return;
        }
        let set = self.set;
        self.cache.next_record(record, &set.items.paths);
        let mut view = View { items: &set.items, record, cache: &mut self.cache };
        self.matched.clear();
        self.matched.extend(pair.rules.iter().filter(|r| view.holds(&set.matching[**r as usize].expr)));
        if self.matched.is_empty() {
            return;
        }
        let (mut fact, service_made) = self.actors.of(view.actor(), record, &mut self.hits);
        self.matched.retain(|r| !service_made || set.matching[*r as usize].service_made);
        if self.matched.is_empty() {
            return;
        }
        for path in &pair.targets {
            fact.target = view.number(*path, &mut self.hits.texts);
            if fact.target != NONE {
                break;
            }
        }
        let fact = self.hits.fact_number(fact);
        let id = self.hits.ids.keep(record);
        for &rule in &self.matched {
            self.row.clear();
            for path in &set.matching[rule as usize].captures {
                self.row.push(view.number(*path, &mut self.hits.texts));
            }
            let row = self.hits.row(&self.row);
            self.hits.push(rule, Hit { time, id, fact, row });
        }
    }

    /// Takes over what another worker found.
    pub fn merge(&mut self, other: Hunt<'s>) {
        self.hits.merge(other.hits);
        self.distinct.merge(other.distinct);
        self.records += other.records;
    }

    /// When the events were that correlations look at: for each day the first and the last of them, in microseconds
    /// since 1970.
    pub fn spans(&self) -> Vec<(i64, i64)> {
        let mut days: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for (rule, hits) in self.set.matching.iter().zip(&self.hits.of_rule) {
            for hit in hits.iter().filter(|_| rule.correlated) {
                let span = days.entry(hit.time.div_euclid(DAY)).or_insert((hit.time, hit.time));
                *span = (span.0.min(hit.time), span.1.max(hit.time));
            }
        }
        days.into_values().collect()
    }

    /// Groups everything that matched.
    pub fn finish(self) -> Report {
        self.report(true, true)
    }

    /// As [`Hunt::finish`], without what only several events together show.
    pub fn finish_single(self) -> Report {
        self.report(true, false)
    }

    /// As [`Hunt::finish`], with nothing but what only several events together show.
    pub fn finish_correlated(self) -> Report {
        self.report(false, true)
    }

    fn report(mut self, single: bool, correlated: bool) -> Report {
        for rule in 0..self.set.matching.len() {
            self.hits.settle(rule);
        }
        let mut groups = Groups::default();
        let mut plain: BTreeMap<u32, Vec<Hit>> = BTreeMap::new();
        for (rule, Matching { detection, .. }) in self.set.matching.iter().enumerate() {
            if let (true, Some(detection)) = (single, detection) {
                plain.entry(*detection).or_default().extend_from_slice(&self.hits.of_rule[rule]);
            }
        }
        for (detection, hits) in plain {
            for hit in hits {
                let fact = self.hits.facts[hit.fact as usize];
                groups.add((detection, fact.account, fact.principal, fact.target), hit);
            }
        }
        let matches = if correlated { correlate::run(self.set, &self.hits) } else { Vec::new() };
        for (detection, matches) in matches {
            for hits in by_day(matches) {
                let common = |pick: fn(&Fact) -> u32| {
                    let mut values = hits.iter().map(|h| pick(&self.hits.facts[h.fact as usize]));
                    let first = values.next().unwrap_or(NONE);
                    if values.all(|v| v == first) { first } else { NONE }
                };
                let key = (detection, common(|f| f.account), common(|f| f.principal), common(|f| f.target));
                hits.into_iter().for_each(|hit| groups.add(key, hit));
            }
        }
        let detections: Vec<Detection> = groups
            .by_key
            .into_iter()
            .filter(|((detection, ..), _)| {
                self.filter.min_severity.is_none_or(|min| self.set.metas[*detection as usize].severity >= min)
            })
            .map(|((detection, account, principal, target, _), hits)| {
                self.detection(detection, [account, principal, target], hits)
            })
            .collect();
        let mut report =
            Report { detections: Vec::new(), records: self.records, distinct_events: self.distinct.count() };
        report.add(detections);
        report
    }

    fn detection(&self, detection: u32, key: [u32; 3], mut hits: Vec<Hit>) -> Detection {
        let meta = &self.set.metas[detection as usize];
        hits.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| self.hits.ids.compare(a.id, b.id)));
        hits.dedup_by_key(|h| h.id);
        let text = |number: u32| (number != NONE).then(|| self.hits.texts.get(number).to_owned());
        let first = hits.first().map(|h| self.hits.facts[h.fact as usize]);
        let time = |hit: Option<&Hit>| hit.map(|h| format_time(h.time)).unwrap_or_default();
        Detection {
            detection: meta.id.clone(),
            kind: meta.kind,
            title: meta.title.clone(),
            severity: meta.severity,
            time: time(hits.first()),
            last_time: time(hits.last()),
            account: text(key[0]),
            region: first.and_then(|f| text(f.region)),
            principal: text(key[1]),
            session: first.and_then(|f| text(f.session)),
            target: text(key[2]),
            source_ip: first.and_then(|f| text(f.source_ip)),
            count: hits.len() as u64,
            event_ids: hits.iter().take(LISTED).map(|h| self.hits.ids.text(h.id)).collect(),
            truncated: hits.len() > LISTED,
            guardduty: meta.guardduty.clone(),
            attack: meta.attack.clone(),
        }
    }
}

impl Found for Hunt<'_> {
    fn record(&mut self, record: &Record<'_>, time: i64) {
        self.judge(record, time);
    }

    fn bad(&mut self, _: &[u8], _: Bad) {}
}

impl Sink for Hunt<'_> {}

/// Who acted, by the bytes that say so: a session makes thousands of calls.
#[derive(Clone, Default)]
struct Actors {
    known: FastMap<Box<[u8]>, (Fact, bool)>,
    key: Vec<u8>,
}

/// Actors that are remembered.
const REMEMBERED: usize = 4_096;

impl Actors {
    /// The actor's part of a fact, and whether a service acts for itself; `said` is what the record says of that.
    fn of<'a>(&mut self, said: impl Iterator<Item = &'a [u8]>, record: &Record<'_>, hits: &mut Hits) -> (Fact, bool) {
        self.key.clear();
        for member in said {
            self.key.extend_from_slice(member);
        }
        if let Some(known) = self.known.get(self.key.as_slice()) {
            return *known;
        }
        let (actor, service_made) = Actor::of(record);
        let actor = (hits.actor(&actor), service_made);
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        if self.key.len() <= 2048 {
            self.known.insert(self.key.as_slice().into(), actor);
        }
        actor
    }
}

type Key = (u32, u32, u32, u32);

#[derive(Default)]
struct Groups {
    by_key: BTreeMap<(u32, u32, u32, u32, i64), Vec<Hit>>,
}

impl Groups {
    fn add(&mut self, (detection, account, principal, target): Key, hit: Hit) {
        let day = hit.time.div_euclid(DAY);
        self.by_key.entry((detection, account, principal, target, day)).or_default().push(hit);
    }
}

fn by_day(hits: Vec<Hit>) -> impl Iterator<Item = Vec<Hit>> {
    let mut days: BTreeMap<i64, Vec<Hit>> = BTreeMap::new();
    for hit in hits {
        days.entry(hit.time.div_euclid(DAY)).or_default().push(hit);
    }
    days.into_values()
}

/// Counts distinct events exactly but for collisions of 64 bits (one in ten million events: 3·10⁻⁶).
#[derive(Clone, Debug, Default)]
struct Distinct {
    ids: Vec<u64>,
    settled: usize,
}

impl Distinct {
    fn add(&mut self, id: EventId) {
        self.ids.push(id.short());
        if self.ids.len() >= (1 << 18).max(2 * self.settled) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.settled = self.ids.len();
    }

    fn merge(&mut self, other: Distinct) {
        self.ids.extend(other.ids);
        self.settle();
    }

    fn count(&mut self) -> u64 {
        self.settle();
        self.ids.len() as u64
    }
}
