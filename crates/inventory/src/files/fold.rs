//! What a source writes as a thing of its own (a bucket policy, a separate ingress rule) is put into its owner, by the
//! folds that the resource files declare.

use super::Problem;
use crate::mapping::{Catalog, Fold, Place};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use yagura_model::{Resource, Source, unknown};

/// A resource that parts may be put into, and the names by which they may call it.
pub(super) struct Draft {
    pub resource: Resource,
    pub names: Vec<String>,
}

/// Something that may be a part of another resource.
pub(super) struct Part<'a> {
    /// Its type, as its source writes it.
    pub kind: &'a str,
    /// What it is called there, for messages.
    pub id: &'a str,
    pub properties: &'a Value,
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
        let open = (!called.certain && found.len() > 1).then(|| not_known(part.properties));
        for i in found {
            let part = Part { properties: open.as_ref().unwrap_or(part.properties), ..*part };
            put_into(&mut drafts[i].resource, &part, fold, place, problems);
        }
    }
}

/// The part as one of its possible owners sees it: what it says may hold or not.
fn not_known(properties: &Value) -> Value {
    let keys = properties.as_object().into_iter().flat_map(|map| map.keys());
    Value::Object(keys.map(|key| (key.clone(), unknown("known after apply"))).collect())
}

fn put_into(owner: &mut Resource, part: &Part<'_>, fold: &Fold, place: &Place, problems: &mut Vec<Problem>) {
    match fold.apply(&owner.properties, part.properties, place) {
        Ok(properties) => owner.properties = properties,
        Err(e) => {
            // Which of the owner's properties it would have set can't be told.
            owner.properties = unknown(e.to_string());
            let file = owner.origin.as_ref().map(|o| o.file.clone()).unwrap_or_default();
            problems.push(Problem::new(
                file,
                format!("`{}` can't be put into `{}` ({e})", part.id, owner.id),
                "what is said of the latter stays unknown",
            ));
        }
    }
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
