//! Which rules can match an event, from its service and name alone.
//!
//! A log has a few hundred pairs of `eventSource` and `eventName`, and all but a handful of rules name theirs. The first
//! event of a pair works out which rules are left; every other is one look-up.

use crate::hash::FastMap;
use crate::ruleset::RuleSet;
use crate::sigma::{Expr, Items, Test};
use crate::view::decided;
use std::collections::{BTreeSet, HashMap};
use yagura_logs::{Record, json};

/// Pairs that are remembered; past that the memory starts over, so that made-up names can't fill it.
const REMEMBERED: usize = 8_192;

/// The rules by the event names that they are bound to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dispatch {
    by_name: HashMap<String, Vec<u32>>,
    /// Bound to no name.
    open: Vec<u32>,
    source: Option<u32>,
    name: Option<u32>,
}

impl Dispatch {
    pub(crate) fn new(set: &RuleSet) -> Dispatch {
        let number = |name: &str| set.items.paths.iter().position(|p| p == name).map(|i| i as u32);
        let mut dispatch = Dispatch { source: number("eventSource"), name: number("eventName"), ..Default::default() };
        for (i, rule) in set.matching.iter().enumerate() {
            match dispatch.name.and_then(|path| names(&rule.expr, &set.items, path)) {
                Some(names) => {
                    names.into_iter().for_each(|n| dispatch.by_name.entry(n).or_default().push(i as u32));
                }
                None => dispatch.open.push(i as u32),
            }
        }
        dispatch
    }

    fn candidates(&self, set: &RuleSet, record: &Record<'_>) -> Vec<u32> {
        let (source, name) = (record.event_source(), record.event_name());
        let known = |path: u32| {
            if Some(path) == self.source {
                Some(source.map(<[u8]>::to_vec))
            } else if Some(path) == self.name {
                Some(name.map(<[u8]>::to_vec))
            } else {
                None
            }
        };
        let mut rules: Vec<u32> = match name.map(json::scalar) {
            // A list or an object instead of a name: nothing CloudTrail writes, but no way past the rules either.
            Some(None) => (0..set.matching.len() as u32).collect(),
            name => {
                let folded = name.flatten().unwrap_or_default().to_lowercase();
                self.by_name.get(&folded).into_iter().flatten().chain(&self.open).copied().collect()
            }
        };
        rules.retain(|r| decided(&set.matching[*r as usize].expr, &set.items, &known) != Some(false));
        rules.sort_unstable();
        rules
    }
}

/// The folded event names of which one must be there for `expr` to hold; `None` when it can hold with any.
fn names(expr: &Expr, items: &Items, path: u32) -> Option<BTreeSet<String>> {
    match expr {
        Expr::All(parts) => parts.iter().filter_map(|p| names(p, items, path)).min_by_key(BTreeSet::len),
        Expr::Any(parts) => {
            let mut union = BTreeSet::new();
            for part in parts {
                union.extend(names(part, items, path)?);
            }
            Some(union)
        }
        Expr::Not(_) => None,
        Expr::Item(number) => {
            let item = &items.items[*number as usize];
            if item.path != Some(path) || item.negated {
                return None;
            }
            let exact = |test: &Test| match test {
                Test::Text(matcher) => matcher.exact().map(str::to_lowercase),
                _ => None,
            };
            item.tests.iter().map(exact).collect()
        }
    }
}

/// What is known of a pair of service and event name.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The rules that can match, in their order.
    pub(crate) rules: Box<[u32]>,
    /// The fields that name the target, the best first.
    pub(crate) targets: Box<[u32]>,
}

/// The pairs seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    numbers: FastMap<Box<[u8]>, u32>,
    pairs: Vec<Pair>,
    key: Vec<u8>,
}

impl Memory {
    pub(crate) fn pair(&mut self, set: &RuleSet, record: &Record<'_>) -> &Pair {
        self.key.clear();
        self.key.extend_from_slice(record.event_source().unwrap_or_default());
        self.key.push(0);
        self.key.extend_from_slice(record.event_name().unwrap_or_default());
        // The entry API would copy the key for every event.
        if let Some(&number) = self.numbers.get(self.key.as_slice()) {
            return &self.pairs[number as usize];
        }
        if self.pairs.len() >= REMEMBERED || self.key.len() > 1024 {
            self.numbers.clear();
            self.pairs.clear();
        }
        let source = record.event_source().and_then(json::text).unwrap_or_default();
        let name = record.event_name().and_then(json::text).unwrap_or_default();
        self.numbers.insert(self.key.as_slice().into(), self.pairs.len() as u32);
        self.pairs.push(Pair {
            rules: set.dispatch.candidates(set, record).into(),
            targets: set.targets.fields(&source, &name).into(),
        });
        let last = self.pairs.len() - 1;
        &self.pairs[last]
    }
}
