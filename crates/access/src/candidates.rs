//! Values worth trying for a key that is not known: one for each way in which the conditions on it can turn out.

use crate::condition::{Clause, Family, Quantifier};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{self, Glob, pieces};
use crate::operand;
use std::collections::{BTreeSet, HashSet};

/// Values of the key on which `clauses` are, `None` for its absence first, such that every other value is like one of
/// them. `more` are values to try besides.
pub fn values(clauses: &[&Clause], context: &Context, key: &str, more: &[String]) -> Result<Vec<Option<Value>>, Error> {
    let mut with = context.clone();
    let mut turns = |value: &Option<Value>| -> Vec<bool> {
        match value {
            Some(value) => with.set(key, value.clone()),
            None => with.unset(key),
        }
        clauses.iter().map(|clause| clause.holds(&with)).collect()
    };
    let mut singles = singles(clauses, context, key)?;
    singles.extend(more.iter().cloned());
    let mut known = HashSet::new();
    let mut found: Vec<Option<Value>> = Vec::new();
    let mut alone: Vec<String> = Vec::new();
    known.insert(turns(&None));
    found.push(None);
    let mut ways = HashSet::new();
    for single in singles {
        let value = Some(Value::One(single.clone()));
        let way = turns(&value);
        if ways.insert(way.clone()) {
            alone.push(single.clone());
        }
        if known.insert(way) || more.contains(&single) {
            found.push(value);
        }
    }
    if clauses.iter().any(|c| c.quantifier != Quantifier::Single) {
        // How a set turns out follows from how a part of it and one more value do, so growing by one value finds all.
        let mut grown: Vec<Vec<String>> = alone.iter().map(|single| vec![single.clone()]).collect();
        let mut sets: HashSet<Vec<bool>> = HashSet::new();
        while let Some(set) = grown.pop() {
            let value = Some(Value::Many(set.clone()));
            let way = turns(&value);
            if !sets.insert(way.clone()) {
                continue;
            }
            if known.insert(way) {
                found.push(value);
            }
            let more = alone.iter().filter(|single| !set.contains(single));
            grown.extend(more.map(|single| [&set[..], std::slice::from_ref(single)].concat()));
        }
    }
    Ok(found)
}

/// Single values, those that a person would think of first.
fn singles(clauses: &[&Clause], context: &Context, key: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let is_text = |c: &&&Clause| {
        matches!(c.family, Family::Equals | Family::AnyCase | Family::Like | Family::Binary | Family::Arn)
    };
    let texts: Vec<&&Clause> = clauses.iter().filter(is_text).collect();
    if !texts.is_empty() {
        let globs: Vec<Glob> = texts.iter().flat_map(|c| c.globs(context)).collect();
        let only_arns = texts.iter().all(|c| c.family == Family::Arn);
        let arns = if only_arns { Glob::arn(&pieces("arn:?*:?*:*:*:?*")) } else { None };
        let cover = arns.unwrap_or_else(|| Glob::text(&pieces("?*")));
        let at = format!("the conditions on `{key}`");
        found.extend(glob::representatives(&cover, &globs).map_err(|_| Error::Overlap { at })?);
    }
    let operands = |wanted: fn(&Family) -> bool| {
        let of = clauses.iter().filter(move |c| wanted(&c.family));
        of.flat_map(|c| &c.operands).map(|o| o.source())
    };
    found.extend(numbers(operands(|f| matches!(f, Family::Numeric(_))).filter_map(operand::number).collect()));
    found.extend(times(operands(|f| matches!(f, Family::Date(_))).filter_map(operand::time).collect()));
    found.extend(addresses(operands(|f| *f == Family::Address).filter_map(operand::block).collect()));
    if clauses.iter().any(|c| c.family == Family::Bool) {
        found.extend(["true", "false"].map(str::to_owned));
    }
    if found.is_empty() {
        found.push("x".to_owned());
    }
    Ok(found)
}

/// Every bound, and a number on each side of it.
fn numbers(mut bounds: Vec<f64>) -> Vec<String> {
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let (Some(first), Some(last)) = (bounds.first().copied(), bounds.last().copied()) else { return Vec::new() };
    let between = bounds.windows(2).map(|pair| {
        let middle = (pair[0] + pair[1]) / 2.0;
        let whole = middle.floor();
        if whole > pair[0] { whole } else { middle }
    });
    let between: Vec<f64> = between.collect();
    let all = bounds.into_iter().chain(between).chain([first - 1.0, last + 1.0]);
    all.map(|n| n.to_string()).collect()
}

/// Every bound, and a time on each side of it.
fn times(mut bounds: Vec<i64>) -> Vec<String> {
    const SECOND: i64 = 1_000_000;
    bounds.sort_unstable();
    bounds.dedup();
    let (Some(first), Some(last)) = (bounds.first().copied(), bounds.last().copied()) else { return Vec::new() };
    let between: Vec<i64> = bounds.windows(2).map(|pair| pair[0] + (pair[1] - pair[0]) / 2).collect();
    let outside = [first.saturating_sub(SECOND), last.saturating_add(SECOND)];
    bounds.into_iter().chain(between).chain(outside).filter_map(operand::time_text).collect()
}

/// The first address of every stretch that lies in the same blocks, from both families.
fn addresses(blocks: Vec<operand::Block>) -> Vec<String> {
    if blocks.is_empty() {
        return Vec::new();
    }
    let mut starts: BTreeSet<(bool, u128)> = BTreeSet::from([(false, 0), (true, 0)]);
    for block in blocks {
        starts.insert((block.v6, block.first));
        let end = if block.v6 { u128::MAX } else { u128::from(u32::MAX) };
        if block.last < end {
            starts.insert((block.v6, block.last + 1));
        }
    }
    let text = |(v6, first): (bool, u128)| operand::address_text(v6, first);
    starts.into_iter().map(text).collect()
}
