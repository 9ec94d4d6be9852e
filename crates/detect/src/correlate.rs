//! Correlations over event time: for each group, windows that end at an event and reach back the timespan.
//!
//! A window takes in every event of its last instant, and all events of a window that satisfies the condition belong to
//! the finding. It is what an endless stream would have said, whatever order the files came in.

use crate::hits::{EventId, Hit, Hits, NONE};
use crate::ruleset::{Columns, Correlating, Input, RuleSet};
use crate::sigma::{Aggregate, Order};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A match on its way through correlations.
#[derive(Clone, Copy)]
struct Event {
    hit: Hit,
    /// The rule over single events that matched.
    rule: u32,
    /// Which of the correlation's rules it stands for.
    input: u32,
}

/// What a correlation comes to in one group.
#[derive(Default)]
struct Outcome {
    /// Every event of every window that satisfies the condition.
    involved: Vec<Event>,
    /// The events at which it is satisfied; correlations of this one see these.
    completing: Vec<Event>,
}

/// For each match of an emitting correlation in one of its groups: the detection and the events.
pub(crate) fn run(set: &RuleSet, hits: &Hits) -> Vec<(u32, Vec<Hit>)> {
    let mut findings = Vec::new();
    let mut completed: Vec<Vec<Event>> = Vec::new();
    for correlation in &set.correlating {
        let mut groups: BTreeMap<Vec<u32>, Vec<Event>> = BTreeMap::new();
        for (number, input) in correlation.inputs.iter().enumerate() {
            let mut put = |event: Event| {
                if let Some(group) = group_of(correlation, hits, &event) {
                    groups.entry(group).or_default().push(Event { input: number as u32, ..event });
                }
            };
            match *input {
                Input::Matching(rule) => {
                    hits.of_rule[rule as usize].iter().for_each(|hit| put(Event { hit: *hit, rule, input: 0 }))
                }
                Input::Correlating(inner) => completed[inner as usize].iter().copied().for_each(put),
            }
        }
        let mut done = Vec::new();
        for mut events in groups.into_values() {
            events.sort_by_key(|e| (e.hit.time, e.input, e.hit.id));
            let outcome = judge(correlation, hits, &events);
            done.extend(outcome.completing);
            if let (Some(detection), false) = (correlation.detection, outcome.involved.is_empty()) {
                findings.push((detection, outcome.involved.iter().map(|e| e.hit).collect()));
            }
        }
        completed.push(done);
    }
    findings
}

/// The values that the correlation groups by; `None` when the event lacks one.
fn group_of(correlation: &Correlating, hits: &Hits, event: &Event) -> Option<Vec<u32>> {
    let columns = correlation.columns.get(&event.rule)?;
    values(hits, event, &columns.group)
}

fn values(hits: &Hits, event: &Event, columns: &[usize]) -> Option<Vec<u32>> {
    let row = hits.rows.get(event.hit.row as usize).map_or(&[][..], |r| r);
    columns.iter().map(|c| row.get(*c).copied().filter(|v| *v != NONE)).collect()
}

fn judge(correlation: &Correlating, hits: &Hits, events: &[Event]) -> Outcome {
    if let Aggregate::Ordered(None) = correlation.source.aggregate {
        return in_order(correlation, events);
    }
    let mut window = Window::new(correlation, hits);
    let mut marks = vec![0i32; events.len() + 1];
    let mut outcome = Outcome::default();
    let (mut from, mut to) = (0, 0);
    while to < events.len() {
        let (now, start) = (events[to].hit.time, to);
        while to < events.len() && events[to].hit.time == now {
            window.enter(&events[to]);
            to += 1;
        }
        while events[from].hit.time < now.saturating_sub(correlation.source.timespan) {
            window.leave(&events[from]);
            from += 1;
        }
        if window.satisfied(&events[from..to]) {
            marks[from] += 1;
            marks[to] -= 1;
            outcome.completing.extend_from_slice(&events[start..to]);
        }
    }
    let mut open = 0;
    for (event, mark) in events.iter().zip(marks) {
        open += mark;
        if open > 0 {
            outcome.involved.push(*event);
        }
    }
    outcome
}

/// The aggregate over the events at hand.
struct Window<'a> {
    correlation: &'a Correlating,
    hits: &'a Hits,
    ids: HashMap<EventId, u32>,
    values: HashMap<Vec<u32>, u32>,
    /// How many events each of the correlation's rules has here.
    rules: Vec<u32>,
}

impl<'a> Window<'a> {
    fn new(correlation: &'a Correlating, hits: &'a Hits) -> Window<'a> {
        let rules = vec![0; correlation.inputs.len()];
        Window { correlation, hits, ids: HashMap::new(), values: HashMap::new(), rules }
    }

    fn columns(&self, event: &Event) -> Option<&'a Columns> {
        self.correlation.columns.get(&event.rule)
    }

    fn enter(&mut self, event: &Event) {
        self.rules[event.input as usize] += 1;
        *self.ids.entry(event.hit.id).or_default() += 1;
        if self.correlation.source.aggregate == Aggregate::ValueCount
            && let Some(values) = self.columns(event).and_then(|c| values(self.hits, event, &c.values))
        {
            *self.values.entry(values).or_default() += 1;
        }
    }

    fn leave(&mut self, event: &Event) {
        self.rules[event.input as usize] -= 1;
        forget(&mut self.ids, &event.hit.id);
        if self.correlation.source.aggregate == Aggregate::ValueCount
            && let Some(values) = self.columns(event).and_then(|c| values(self.hits, event, &c.values))
        {
            forget(&mut self.values, &values);
        }
    }

    fn satisfied(&self, events: &[Event]) -> bool {
        let source = &self.correlation.source;
        let present = || self.rules.iter().map(|n| *n > 0).collect::<Vec<bool>>();
        let value = match &source.aggregate {
            Aggregate::EventCount => self.ids.len() as f64,
            Aggregate::ValueCount => self.values.len() as f64,
            Aggregate::Temporal(Some(presence)) | Aggregate::Ordered(Some(presence)) => {
                return presence.holds(&present());
            }
            Aggregate::Temporal(None) | Aggregate::Ordered(None) => {
                let n = present().into_iter().filter(|p| *p).count() as f64;
                if source.criteria.is_empty() {
                    return n >= self.rules.len() as f64;
                }
                n
            }
            Aggregate::Sum | Aggregate::Average | Aggregate::Percentile(_) => match self.metric(events) {
                Some(value) => value,
                None => return false,
            },
        };
        source.criteria.iter().all(|(order, wanted): &(Order, f64)| order.holds(value, *wanted))
    }

    /// Sum, average or percentile of a numeric field; an event counts once whichever rules it matched.
    fn metric(&self, events: &[Event]) -> Option<f64> {
        let mut seen = BTreeSet::new();
        let mut numbers: Vec<f64> = events
            .iter()
            .filter(|e| seen.insert(e.hit.id))
            .filter_map(|e| {
                let value = *values(self.hits, e, &self.columns(e)?.values)?.first()?;
                self.hits.texts.get(value).trim().parse::<f64>().ok().filter(|n| n.is_finite())
            })
            .collect();
        if numbers.is_empty() {
            return None;
        }
        let sum: f64 = numbers.iter().sum();
        match self.correlation.source.aggregate {
            Aggregate::Sum => Some(sum),
            Aggregate::Average => Some(sum / numbers.len() as f64),
            Aggregate::Percentile(p) => {
                numbers.sort_by(f64::total_cmp);
                // Linear interpolation between the closest ranks, as spreadsheets' PERCENTILE.INC does.
                let rank = p / 100.0 * (numbers.len() - 1) as f64;
                let (low, high) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
                Some(low + (high - low) * rank.fract())
            }
            _ => None,
        }
    }
}

fn forget<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(n) = counts.get_mut(key) {
        *n -= 1;
        if *n == 0 {
            counts.remove(key);
        }
    }
}

/// Chains of events, one for each rule in the order of the list, within the timespan; events of the same instant may
/// stand in any order. For every end of a chain the latest start is remembered, so one pass is enough.
fn in_order(correlation: &Correlating, events: &[Event]) -> Outcome {
    let last = correlation.inputs.len() - 1;
    // For each rule: the latest start (an index) of a chain that ends with it.
    let mut start: Vec<Option<usize>> = vec![None; last + 1];
    let mut marks = vec![0i32; events.len() + 1];
    let mut outcome = Outcome::default();
    let mut at = 0;
    while at < events.len() {
        let now = events[at].hit.time;
        let end = events[at..].iter().take_while(|e| e.hit.time == now).count() + at;
        // Sorted by rule within the instant, so a chain can grow through several rules at once.
        for (i, event) in events.iter().enumerate().take(end).skip(at) {
            let rule = event.input as usize;
            let from = if rule == 0 { Some(i) } else { start[rule - 1] };
            start[rule] = from.max(start[rule]);
            let begun = from.filter(|from| now - events[*from].hit.time <= correlation.source.timespan);
            if let (true, Some(from)) = (rule == last, begun) {
                marks[from] += 1;
                marks[i + 1] -= 1;
                outcome.completing.push(*event);
            }
        }
        at = end;
    }
    let mut open = 0;
    for (event, mark) in events.iter().zip(marks) {
        open += mark;
        if open > 0 {
            outcome.involved.push(*event);
        }
    }
    outcome
}
