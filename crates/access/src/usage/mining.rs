//! Role mining: groups or permission sets for principals that do much the same.

use super::cluster::clusters;
use crate::estate::allowed_everywhere;
use crate::policy::{Kind, Policy};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Different sets of actions that are clustered at once: a square of these distances is kept. Of more, which stand in
/// order, each so many are clustered by themselves.
const MAX_SETS: usize = 4_000;

/// How groups are proposed.
#[derive(Clone, Debug)]
pub struct MiningOptions {
    /// How far apart the principals of a group may be on average: 0 for the same actions, 1 for none in common
    /// (Jaccard distance).
    pub threshold: f64,
    /// Members of the smallest group.
    pub members: usize,
    /// A managed policy is preferred to one of the group's own if it allows at most so many times the group's actions
    /// beyond these.
    pub managed_slack: f64,
}

impl Default for MiningOptions {
    fn default() -> MiningOptions {
        MiningOptions { threshold: 0.5, members: 2, managed_slack: 1.0 }
    }
}

/// A principal in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub principal: String,
    /// Actions that it used.
    pub used: usize,
    /// Actions of the group that it never used.
    pub over: usize,
}

/// A managed policy that allows all that a group used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covering {
    pub name: String,
    /// Actions that it allows beyond those that the group used.
    pub over: usize,
    /// Whether that is within the options' slack.
    pub preferred: bool,
}

/// A group that some principals could have instead of policies of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// By ARN.
    pub members: Vec<Member>,
    /// The actions that the group would allow: all that any member used.
    pub actions: BTreeSet<String>,
    /// Actions that members would get and never used, all members together.
    pub over: usize,
    /// The number of actions that two of the members, taken at random, both used.
    pub value: f64,
    /// Of the managed policies that cover the actions, the one that allows the least beyond.
    pub managed: Option<Covering>,
}

impl Proposal {
    /// What the proposals are ordered by.
    fn weight(&self) -> f64 {
        self.members.len() as f64 * self.value
    }
}

/// Groups for the principals that used these actions, the best first: many members that have much in common. `managed`
/// are policies by name; of these only what they allow on every resource and under no condition counts, and one that
/// can't be read is none.
pub fn propose(
    used: &BTreeMap<String, BTreeSet<String>>,
    managed: &[(String, Json)],
    options: &MiningOptions,
) -> Vec<Proposal> {
    let mut sets: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (principal, actions) in used.iter().filter(|(_, actions)| !actions.is_empty()) {
        sets.entry(actions).or_default().push(principal);
    }
    let sets: Vec<(&BTreeSet<String>, Vec<&str>)> = sets.into_iter().collect();
    let managed: Vec<(&str, HashSet<String>)> = managed.iter().filter_map(expanded).collect();
    let mut found = Vec::new();
    for sets in sets.chunks(MAX_SETS) {
        let bits = bits(sets);
        let weights: Vec<usize> = sets.iter().map(|(_, principals)| principals.len()).collect();
        for cluster in clusters(&weights, options.threshold as f32, |a, b| distance(&bits[a], &bits[b])) {
            let chosen: Vec<&(&BTreeSet<String>, Vec<&str>)> = cluster.iter().map(|at| &sets[*at]).collect();
            let members: usize = chosen.iter().map(|(_, principals)| principals.len()).sum();
            if members >= options.members.max(2) {
                found.push(proposal(&chosen, &managed, options));
            }
        }
    }
    let first = |p: &Proposal| p.members.first().map(|member| member.principal.clone());
    found.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then_with(|| first(a).cmp(&first(b))));
    found
}

fn expanded((name, document): &(String, Json)) -> Option<(&str, HashSet<String>)> {
    let policy = Policy::read(document, name, Kind::Identity, name).ok()?;
    Some((
        name,
        allowed_everywhere(&policy).into_iter().map(|(service, action)| format!("{service}:{action}")).collect(),
    ))
}

/// The sets as bits of the actions that are in any.
fn bits(sets: &[(&BTreeSet<String>, Vec<&str>)]) -> Vec<Vec<u64>> {
    let all: BTreeSet<&str> = sets.iter().flat_map(|(actions, _)| actions.iter().map(String::as_str)).collect();
    let places: BTreeMap<&str, usize> = all.iter().enumerate().map(|(at, action)| (*action, at)).collect();
    let of = |actions: &BTreeSet<String>| {
        let mut bits = vec![0u64; all.len().div_ceil(64)];
        for at in actions.iter().filter_map(|action| places.get(action.as_str())) {
            bits[at / 64] |= 1 << (at % 64);
        }
        bits
    };
    sets.iter().map(|(actions, _)| of(actions)).collect()
}

/// 1 less the share of what both have in what either has.
fn distance(a: &[u64], b: &[u64]) -> f32 {
    let (mut both, mut either) = (0, 0);
    for (a, b) in a.iter().zip(b) {
        both += (a & b).count_ones();
        either += (a | b).count_ones();
    }
    if either == 0 { 0.0 } else { 1.0 - both as f32 / either as f32 }
}

fn proposal(
    sets: &[&(&BTreeSet<String>, Vec<&str>)],
    managed: &[(&str, HashSet<String>)],
    options: &MiningOptions,
) -> Proposal {
    let mut users: BTreeMap<&String, usize> = BTreeMap::new();
    for (actions, principals) in sets {
        actions.iter().for_each(|action| *users.entry(action).or_default() += principals.len());
    }
    let mut members: Vec<Member> = Vec::new();
    for (actions, principals) in sets {
        let member = |principal: &&str| Member {
            principal: (*principal).to_owned(),
            used: actions.len(),
            over: users.len() - actions.len(),
        };
        members.extend(principals.iter().map(member));
    }
    members.sort_by(|a, b| a.principal.cmp(&b.principal));
    let count = members.len() as f64;
    let pairs = (count * (count - 1.0)).max(1.0);
    let shared = |users: &usize| *users as f64 * (*users as f64 - 1.0) / pairs;
    let value = users.values().map(shared).sum();
    let actions: BTreeSet<String> = users.into_keys().cloned().collect();
    let within = |over: usize| over as f64 <= options.managed_slack * actions.len() as f64;
    let covers = |(_, allows): &&(&str, HashSet<String>)| actions.iter().all(|action| allows.contains(action));
    let best = managed.iter().filter(covers).min_by_key(|(name, allows)| (allows.len(), *name));
    let managed = best.map(|(name, allows)| {
        let over = allows.len().saturating_sub(actions.len());
        Covering { name: (*name).to_owned(), over, preferred: within(over) }
    });
    Proposal { over: members.iter().map(|member| member.over).sum(), members, actions, value, managed }
}
