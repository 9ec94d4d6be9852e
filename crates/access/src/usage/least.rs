//! The least policy that allows what was done.

use super::call::Call;
use super::form::{form_of, forms_of};
use super::pack::{Grant, pack};
use super::widen::{Widened, beyond, widen};
use crate::catalogue::{self, Action};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Resources of one action that are kept apart before they become patterns.
const MAX_KEPT: usize = 10_000;

/// How policies are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The policy's name; several get a number behind it.
    pub name: String,
    /// Different resources of an action, above which patterns stand for them.
    pub resources: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { name: "least-privilege".to_owned(), resources: 20 }
    }
}

/// Policies that allow what was done, and what they were made of.
#[derive(Clone, Debug, Default)]
pub struct Least {
    /// Identity policies by name, each no longer than a managed policy may be.
    pub policies: Vec<(String, Json)>,
    /// How often each action was used.
    pub actions: BTreeMap<String, u64>,
    /// Calls whose action AWS's catalogue lacks, by service and name. Who reads records adds those that are
    /// [`Skipped::Unknown`](super::Skipped::Unknown), so that a person sees what the policies can't allow.
    pub skipped: BTreeMap<(String, String), u64>,
    /// Where the policies allow more resources than were used.
    pub widened: Vec<Widened>,
    /// The times of the first and the last call.
    pub first: Option<String>,
    pub last: Option<String>,
}

/// What was done with one action.
#[derive(Debug)]
struct Want {
    action: &'static Action,
    resources: BTreeSet<String>,
    /// Whether every call told its resources.
    known: bool,
    /// What became patterns already, since it was too much to keep.
    early: Vec<Widened>,
}

impl Want {
    fn add(&mut self, call: &Call, limit: usize) {
        self.known &= !call.resources.is_empty();
        if self.known {
            self.resources.extend(call.resources.iter().cloned());
        }
        if self.resources.len() > MAX_KEPT.max(limit) {
            let (patterns, notes) = widen(self.action, &self.resources, true, limit);
            self.resources = patterns.into_iter().collect();
            self.early.extend(notes);
        }
    }

    /// The resources for the policy, and what is wider among them.
    fn widen(&self, limit: usize) -> (Vec<String>, Vec<Widened>) {
        let (resources, mut notes) = widen(self.action, &self.resources, self.known, limit);
        for early in self.early.iter().filter(|early| resources.contains(&early.to)) {
            match notes.iter_mut().find(|note| note.to == early.to) {
                Some(note) => note.from += early.from,
                None => notes.push(early.clone()),
            }
        }
        (resources, notes)
    }
}

/// The least policies that would have allowed these calls, those left out that were denied.
pub fn least(calls: &[Call], options: &Options) -> Least {
    let mut least = Least::default();
    let mut wants: BTreeMap<(String, Option<&str>), Want> = BTreeMap::new();
    for call in calls.iter().filter(|call| !call.denied) {
        let Some(action) = catalogue::action(&call.action) else {
            let (service, name) = call.action.split_once(':').unwrap_or(("", &call.action));
            *least.skipped.entry((service.to_owned(), name.to_owned())).or_default() += 1;
            continue;
        };
        let full = action.full();
        *least.actions.entry(full.clone()).or_default() += 1;
        if !call.time.is_empty() {
            let (first, last) = (least.first.get_or_insert_with(|| call.time.clone()), &call.time);
            if last < first {
                first.clone_from(last);
            }
            if least.last.as_ref().is_none_or(|known| known < last) {
                least.last = Some(last.clone());
            }
        }
        let passed = call.context.get("iam:PassedToService").and_then(Json::as_str).filter(|_| full == "iam:PassRole");
        let want = wants.entry((full, passed)).or_insert_with(|| Want {
            action,
            resources: BTreeSet::new(),
            known: true,
            early: Vec::new(),
        });
        want.add(call, options.resources);
    }
    let grants = grants(&wants, options.resources, &mut least.widened);
    least.policies = pack(grants, &options.name);
    least.widened.sort_unstable();
    least
}

/// Statements: what was wanted, with the actions of a service together that were used on the same.
fn grants(wants: &BTreeMap<(String, Option<&str>), Want>, limit: usize, widened: &mut Vec<Widened>) -> Vec<Grant> {
    let mut found: BTreeMap<(&str, Vec<String>), Vec<&'static Action>> = BTreeMap::new();
    let mut passes: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    // Roles that may be passed to any service: none sorts first.
    let mut anywhere: Vec<String> = Vec::new();
    for ((_, passed), want) in wants {
        let (mut resources, wider) = want.widen(limit);
        if let Some(service) = passed {
            resources = beyond(resources, &anywhere);
            if !resources.is_empty() {
                widened.extend(wider);
                passes.entry(resources).or_default().push((*service).to_owned());
            }
            continue;
        }
        if want.action.service == "iam" && want.action.name == "PassRole" {
            anywhere.clone_from(&resources);
        }
        widened.extend(wider);
        found.entry((want.action.service, resources)).or_default().push(want.action);
    }
    let mut grants: Vec<Grant> = Vec::new();
    for ((service, resources), actions) in found {
        let title = title(service, &actions, &resources);
        let actions = actions.iter().map(|action| action.full()).collect();
        grants.push(Grant { title, actions, resources, passed_to: Vec::new() });
    }
    for (resources, passed_to) in passes {
        let title = match &passed_to[..] {
            [one] => format!("IamPassRoleTo{}", camel(one.split('.').next().unwrap_or_default())),
            _ => "IamPassRole".to_owned(),
        };
        grants.push(Grant { title, actions: vec!["iam:PassRole".to_owned()], resources, passed_to });
    }
    grants
}

/// The service with the type of the first resource.
fn title(service: &str, actions: &[&'static Action], resources: &[String]) -> String {
    let first = resources.first().map_or("*", String::as_str);
    let form = actions.first().and_then(|action| form_of(&forms_of(action), first));
    format!("{}{}", camel(service), form.map_or("Any".to_owned(), |form| camel(&form.name)))
}

fn camel(words: &str) -> String {
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])).collect()
}
