//! Values worth trying for a key that is not known: one for each way in which the conditions on it can turn out.

use crate::condition::{Clause, Family, Quantifier};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{self, Glob, pieces};
use crate::operand;
use std::collections::{BTreeSet, HashSet};

/// Ways of a list of values to turn out that are looked at before the question is given up.
const MAX_LISTS: usize = 4096;

/// Values of the key on which `clauses` are, `None` for its absence first, such that every other value is like one of
/// them. `more` are values to try besides.
pub fn values(clauses: &[&Clause], context: &Context, key: &str, more: &[String]) -> Result<Vec<Option<Value>>, Error> {
    let mut singles = singles(clauses, context, key, &[], &mut glob::MAX_WORK.clone())?;
    singles.extend(more.iter().cloned());
    let lists = if clauses.iter().any(|c| c.quantifier != Quantifier::Single) { Lists::NotEmpty } else { Lists::None };
    sift(clauses, context, key, singles, more, lists)
}

/// The same, but of all that a key could possibly hold, sensible or not: an empty text or list, a list where one value
/// is expected, a word where a number is. The second says whether this is every case: texts, numbers and times that
/// one key is compared with are not told apart together.
pub fn all(
    clauses: &[&Clause],
    context: &Context,
    key: &str,
    work: &mut usize,
) -> Result<(Vec<Option<Value>>, bool), Error> {
    let has = |wanted: fn(&Family) -> bool| clauses.iter().any(|c| wanted(&c.family));
    let (arn, bool) = (has(|f| *f == Family::Arn), has(|f| *f == Family::Bool));
    let text = has(is_text);
    let only_arns = arn && clauses.iter().all(|c| c.family == Family::Arn || !is_text(&c.family));
    let mut apart = Vec::new();
    if arn && !only_arns {
        // What is an ARN and what is not: an ARN operator and its opposite both fail for the latter.
        apart.extend(["*:*:*:*:*:*", "arn:?*:?*:*:*:?*"].map(|p| Glob::text(&pieces(p))));
    }
    if text && bool {
        apart.extend(["true", "false"].map(Glob::any_case));
    }
    let mut found = singles(clauses, context, key, &apart, work)?;
    found.extend(["x", "x:x:x:x:x:x", ""].map(str::to_owned));
    *work = work.saturating_sub(found.len() * clauses.len());
    if *work == 0 {
        return Err(Error::Search { at: format!("the conditions on `{key}`") });
    }
    let kinds = [text, has(|f| matches!(f, Family::Numeric(_))), has(|f| matches!(f, Family::Date(_)))];
    let address = has(|f| *f == Family::Address);
    // An address is neither a number nor a time.
    let together = kinds.into_iter().filter(|k| *k).count() + usize::from(text && address);
    Ok((sift(clauses, context, key, found, &[], Lists::All)?, together < 2))
}

/// Of values that a key can hold those that make a difference, its absence first.
pub fn among(
    clauses: &[&Clause],
    context: &Context,
    key: &str,
    values: Vec<String>,
) -> Result<Vec<Option<Value>>, Error> {
    sift(clauses, context, key, values, &[], Lists::None)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    None,
    NotEmpty,
    All,
}

/// The first value for each way in which the clauses turn out.
fn sift(
    clauses: &[&Clause],
    context: &Context,
    key: &str,
    singles: Vec<String>,
    keep: &[String],
    lists: Lists,
) -> Result<Vec<Option<Value>>, Error> {
    let mut with = context.clone();
    let mut turns = |value: &Option<Value>| -> Vec<bool> {
        match value {
            Some(value) => with.set(key, value.clone()),
            None => with.unset(key),
        }
        clauses.iter().map(|clause| clause.holds(&with)).collect()
    };
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
        if known.insert(way) || keep.contains(&single) {
            found.push(value);
        }
    }
    if lists != Lists::None {
        // How a set turns out follows from how a part of it and one more value do, so growing by one value finds all.
        let mut grown: Vec<Vec<String>> = alone.iter().map(|single| vec![single.clone()]).collect();
        if lists == Lists::All {
            grown.insert(0, Vec::new());
        }
        let mut sets: HashSet<Vec<bool>> = HashSet::new();
        while let Some(set) = grown.pop() {
            let value = Some(Value::Many(set.clone()));
            let way = turns(&value);
            if !sets.insert(way.clone()) {
                continue;
            }
            if sets.len() > MAX_LISTS {
                return Err(Error::Search { at: format!("the conditions on `{key}`") });
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

fn is_text(family: &Family) -> bool {
    matches!(family, Family::Equals | Family::AnyCase | Family::Like | Family::Binary | Family::Arn)
}

/// Single values, those that a person would think of first; texts also in every way that they fall into `apart`.
fn singles(
    clauses: &[&Clause],
    context: &Context,
    key: &str,
    apart: &[Glob],
    work: &mut usize,
) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let texts: Vec<&&Clause> = clauses.iter().filter(|c| is_text(&c.family)).collect();
    if !texts.is_empty() {
        let mut globs: Vec<Glob> = texts.iter().flat_map(|c| c.globs(context)).collect();
        globs.extend(apart.iter().cloned());
        let only_arns = texts.iter().all(|c| c.family == Family::Arn);
        let arns = if only_arns { Glob::arn(&pieces("arn:?*:?*:*:*:?*")) } else { None };
        let cover = arns.unwrap_or_else(|| Glob::text(&pieces("?*")));
        let at = format!("the conditions on `{key}`");
        found.extend(glob::within(&cover, &globs, work).map_err(|_| Error::Overlap { at })?);
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
    // A number so large that one less is the same has the smallest of all below it.
    let below = if first - 1.0 < first { first - 1.0 } else { f64::MIN };
    let above = if last + 1.0 > last { last + 1.0 } else { f64::MAX };
    let all = bounds.into_iter().chain(between).chain([below, above]);
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
pub fn addresses(blocks: Vec<operand::Block>) -> Vec<String> {
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
