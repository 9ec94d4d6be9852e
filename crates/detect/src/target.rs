//! What an API call acted on, by one rule for each API in the content.
//!
//! A file below `targets/` is for one service: `source = "iam.amazonaws.com"` (or a list), and under `[events]` for each
//! event name the dotted field that names the target, or a list of fields of which the first that is there counts. A
//! name may end in `*`; the exact name goes first, then the longest beginning.

use crate::sigma::Items;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use yagura_content::{Error, Kind, Library};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    source: OneOrMany,
    events: BTreeMap<String, OneOrMany>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn list(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

/// For each service, event names and the numbers of the fields to look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    services: HashMap<String, Service>,
}

#[derive(Clone, Debug, Default)]
struct Service {
    exact: HashMap<String, Vec<u32>>,
    /// Longest first.
    beginnings: Vec<(String, Vec<u32>)>,
}

impl Targets {
    pub(crate) fn compile(library: &Library, items: &mut Items, errors: &mut Vec<Error>) -> Targets {
        let mut targets = Targets::default();
        for document in library.of(Kind::Target) {
            let head: Head = match document.head() {
                Ok(head) => head,
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            };
            for source in head.source.list() {
                let service = targets.services.entry(source.clone()).or_default();
                for (event, fields) in &head.events {
                    let paths = fields.list().iter().map(|field| items.path(field)).collect();
                    match event.strip_suffix('*') {
                        Some(beginning) => service.beginnings.push((beginning.to_owned(), paths)),
                        None => drop(service.exact.insert(event.clone(), paths)),
                    }
                }
                service.beginnings.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
            }
        }
        targets
    }

    /// The fields that name the target of an event, the best first.
    pub(crate) fn fields(&self, source: &str, event: &str) -> &[u32] {
        let Some(service) = self.services.get(source) else { return &[] };
        let beginning = || service.beginnings.iter().find(|(b, _)| event.starts_with(b.as_str())).map(|(_, p)| p);
        service.exact.get(event).or_else(beginning).map_or(&[], Vec::as_slice)
    }
}
