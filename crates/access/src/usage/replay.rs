//! Whether policies would have allowed what was done, by the evaluator.

use super::call::Call;
use crate::case::{self, Answer, Case};
use crate::error::Error;
use crate::evaluate::{Layers, Outcome};
use crate::policy::{Kind, Policy};
use crate::principal::Requester;
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};

/// What came of asking.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Different questions that were asked.
    pub asked: u64,
    /// What isn't allowed for certain, each with the one resource that was asked about, or none for all.
    pub denied: Vec<(Call, Answer)>,
}

/// Asks of every call that wasn't denied whether it is allowed when its principal has just these identity policies:
/// by these, so that what else would have to allow it (the resource's policy of another account, a key's) is taken to.
/// Of a call that doesn't tell its resource, all are asked for.
///
/// # Errors
/// A policy or principal that can't be read, or a question that can't be decided within the bounds.
pub fn replay(policies: &[(String, Json)], calls: &[Call]) -> Result<Replay, Error> {
    let read = |(name, document): &(String, Json)| Policy::read(document, name, Kind::Identity, name);
    let identity: Vec<Policy> = policies.iter().map(read).collect::<Result<_, _>>()?;
    let texts: Vec<String> = policies.iter().map(|(_, document)| document.to_string().to_ascii_lowercase()).collect();
    // Keys that no policy names can't change an answer.
    let mut named: HashMap<&str, bool> = HashMap::new();
    let mut layers: HashMap<(&str, String), Layers> = HashMap::new();
    let mut seen = HashSet::new();
    let mut replay = Replay::default();
    for call in calls.iter().filter(|call| !call.denied) {
        let mut context = Map::new();
        for (key, value) in &call.context {
            let is_named = named.entry(key).or_insert_with(|| {
                let key = key.to_ascii_lowercase();
                texts.iter().any(|text| text.contains(&key))
            });
            if *is_named {
                context.insert(key.clone(), value.clone());
            }
        }
        let context = Json::Object(context);
        let all = ["*".to_owned()];
        let resources = if call.resources.is_empty() { &all[..] } else { &call.resources };
        let (principal, action) = (call.principal.as_str(), call.action.as_str());
        let given = context.to_string();
        for resource in resources {
            if !seen.insert((principal, action, resource.clone(), given.clone())) {
                continue;
            }
            replay.asked += 1;
            let who = Requester::read(principal)?;
            let owner = who.account.clone();
            let key = (action, owner.clone());
            if !layers.contains_key(&key) {
                layers.insert(key.clone(), bearing(&identity, action, &owner)?);
            }
            let Some(layers) = layers.get(&key) else { continue };
            let (action, resource) = (action.to_owned(), resource.clone());
            let case = Case::of(who, action, resource.clone(), owner, case::context(&context)?, layers.clone());
            let answer = case.open().judge()?;
            if answer.outcome != Outcome::Allowed {
                let resources = call.resources.iter().filter(|r| **r == resource).cloned().collect();
                replay.denied.push((Call { resources, ..call.clone() }, answer));
            }
        }
    }
    Ok(replay)
}

/// The statements that speak of an action, beside a resource's policy that leaves all to those of the account.
fn bearing(identity: &[Policy], action: &str, account: &str) -> Result<Layers, Error> {
    let delegates =
        json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}});
    let resource = vec![Policy::read(&delegates, "resource", Kind::Resource, "resource")?];
    Ok(Layers { identity: identity.iter().map(|policy| policy.about(action)).collect(), resource, ..Layers::default() })
}
