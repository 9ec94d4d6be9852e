//! What a source writes as a thing of its own (a bucket policy, a separate ingress rule) is put into its owner, by the
//! folds that the resource files declare.

use super::Problem;
use crate::mapping::{Catalog, Fold, Place};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use yagura_model::{Resource, Source, UNKNOWN_KEY, unknown};

/// A resource that parts may be put into, and the names by which they may call it.
pub(super) struct Draft {
    pub resource: Resource,
    pub names: Vec<String>,
    /// The condition on which it hangs.
    pub condition: Option<String>,
    /// Parts so far of which nobody knows whether they belong to it.
    pub open_parts: usize,
}

/// From so many open parts on, nothing is known of their owner: each would have to be tried.
const MAX_OPEN_PARTS: usize = 50;

/// Something that may be a part of another resource.
pub(super) struct Part<'a> {
    /// Its type, as its source writes it.
    pub kind: &'a str,
    /// What it is called there, for messages.
    pub id: &'a str,
    pub properties: &'a Value,
    /// The condition on which it hangs and why that isn't known: nobody can tell whether it will be there.
    pub maybe: Option<(&'a str, &'a str)>,
}

/// What a part calls its owners.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub names: Vec<String>,
    /// All of them own it. Otherwise one of them does, and nobody knows which.
    pub certain: bool,
}

/// Puts every part into its owners, in the order of the resource files' folds, then of the parts.
///
/// `owners` gives what a part's property (the fold's `owner`) calls its owners.
pub(super) fn fold(
    source: Source,
    drafts: &mut [Draft],
    parts: &[Part<'_>],
    owners: &mut dyn FnMut(usize, &str) -> Owners,
    catalog: &Catalog,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    let index = index(drafts);
    for (kind, fold, part_index) in in_order(source, parts, catalog) {
        let Some(by_name) = index.get(kind) else { continue };
        let called = owners(part_index, &fold.owner);
        let found: BTreeSet<usize> =
            called.names.iter().filter_map(|name| by_name.get(name)).flatten().copied().collect();
        let part = &parts[part_index];
        let one_of_many = (!called.certain && found.len() > 1).then_some("known after apply");
        for i in found {
            let Draft { resource, condition, open_parts, .. } = &mut drafts[i];
            // Where the owner is, so is a part that hangs on the same condition.
            let hangs = part.maybe.filter(|(name, _)| condition.as_deref() != Some(*name)).map(|(_, reason)| reason);
            let maybe = hangs.or(one_of_many);
            *open_parts += usize::from(maybe.is_some());
            if *open_parts > MAX_OPEN_PARTS {
                resource.properties = unknown(maybe.unwrap_or("too many parts that may belong to it"));
            } else {
                put_into(resource, part, maybe, fold, place, problems);
            }
        }
    }
}

/// Puts a part in; with `maybe`, nobody knows whether it belongs there, and why.
fn put_into(
    owner: &mut Resource,
    part: &Part<'_>,
    maybe: Option<&str>,
    fold: &Fold,
    place: &Place,
    problems: &mut Vec<Problem>,
) {
    match fold.apply(&owner.properties, part.properties, place) {
        Ok(properties) => {
            let without = std::mem::take(&mut owner.properties);
            owner.properties = match maybe {
                None => properties,
                Some(reason) => either(Some(without), Some(properties), reason, true).unwrap_or_default(),
            };
        }
        Err(e) => {
            // Which of the owner's properties it would have set can't be told.
            owner.properties = unknown(e.to_string());
            let file = owner.origin.as_ref().map(|o| o.file.clone()).unwrap_or_default();
            problems.push(Problem::new(
                file,
                (
                    format!("`{}` can't be put into `{}` ({e})", part.id, owner.id),
                    format!("`{}` を `{}` に組み込めません（{e}）", part.id, owner.id),
                ),
                ("what is said of the latter stays unknown", "後者の判定は UNKNOWN になります"),
            ));
        }
    }
}

/// One of two values, nobody knows which: what they have in common is known. With `grown`, the second is the first and
/// maybe more, so that a list keeps the elements that it has in any case.
pub(super) fn either(first: Option<Value>, second: Option<Value>, reason: &str, grown: bool) -> Option<Value> {
    match (first, second) {
        (first, second) if first == second => first,
        (Some(Value::Object(first)), Some(Value::Object(mut second))) if !is_marker(&first) && !is_marker(&second) => {
            let mut merged = Map::new();
            for (key, value) in first {
                let other = second.remove(&key);
                merged.extend(either(Some(value), other, reason, grown).map(|value| (key, value)));
            }
            merged.extend(second.into_iter().map(|(key, value)| {
                let value = either(None, Some(value), reason, grown).unwrap_or_else(|| unknown(reason));
                (key, value)
            }));
            Some(Value::Object(merged))
        }
        (Some(Value::Array(mut first)), Some(Value::Array(second))) if grown && second.starts_with(&first) => {
            first.push(unknown(reason));
            Some(Value::Array(first))
        }
        (None, Some(Value::Null)) | (Some(Value::Null), None) => Some(Value::Null),
        _ => Some(unknown(reason)),
    }
}

fn is_marker(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.contains_key(UNKNOWN_KEY)
}

/// Drafts by type and name.
fn index(drafts: &[Draft]) -> HashMap<String, HashMap<String, Vec<usize>>> {
    let mut index: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        let by_name = index.entry(draft.resource.kind.clone()).or_default();
        for name in &draft.names {
            by_name.entry(name.clone()).or_default().push(i);
        }
    }
    index
}

fn in_order<'c>(source: Source, parts: &[Part<'_>], catalog: &'c Catalog) -> Vec<(&'c str, &'c Fold, usize)> {
    let mut found = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        for (owner, fold) in catalog.folds(source, part.kind) {
            let position = owner.folds.iter().position(|f| std::ptr::eq(f, fold)).unwrap_or_default();
            found.push((owner.kind.as_str(), position, i, fold));
        }
    }
    found.sort_by_key(|(kind, position, i, _)| (*kind, *position, *i));
    found.into_iter().map(|(kind, _, i, fold)| (kind, fold, i)).collect()
}
