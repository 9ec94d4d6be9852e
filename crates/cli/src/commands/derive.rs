//! What the engine of access says of resources, for the controls that look at it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};
use yagura_access::{Estate, Exposure, Guard, Trust};
use yagura_content::Library;
use yagura_inventory::mapping::Catalog;
use yagura_model::{Inventory, Resource};
use yagura_posture::{Derived, Deriver};

/// Derives who outside has access, under what is configured of trust. `beside` are resources of other accounts, which tell
/// of the organization.
pub fn deriver(library: &Library, trust: Trust, beside: Vec<Resource>) -> Arc<Deriver> {
    let (catalog, _) = Catalog::read(library);
    Arc::new(move |inventory: &Inventory, now: DateTime<Utc>| {
        let found = exposures(&catalog, &inventory.resources, &beside, &trust, now);
        found.of.into_iter().map(|(index, exposure)| (index, derived(&exposure))).collect::<HashMap<_, _>>()
    })
}

/// What is exposed of an inventory.
pub struct Exposures {
    /// Of resources that can have policies, by their place in the list.
    pub of: Vec<(usize, Exposure)>,
    /// The accounts of which it is not known what their organization denies, each with the reason.
    pub ungoverned: Vec<(String, String)>,
}

/// Asks of each resource who outside is let in.
pub fn exposures(
    catalog: &Catalog,
    resources: &[Resource],
    beside: &[Resource],
    trust: &Trust,
    now: DateTime<Utc>,
) -> Exposures {
    let guards: Vec<Option<Guard>> = resources.iter().map(|resource| guard(catalog, resource)).collect();
    let live: Vec<Option<Guard>> =
        resources.iter().zip(&guards).map(|(r, guard)| guard.clone().filter(|_| !r.source.is_template())).collect();
    let estate = Estate::guarded(resources, &live, beside);
    let today = now.format("%Y-%m-%d").to_string();
    let exposure = |(index, guard): (usize, &Option<Guard>)| {
        let (guard, resource) = (guard.as_ref()?, &resources[index]);
        let account = resource.account.as_deref().unwrap_or_default();
        // Things of two templates may have the same name: each is asked alone.
        let one = index..=index;
        let alone = || Estate::guarded(&resources[one.clone()], &guards[one.clone()], &[]);
        let alone = resource.source.is_template().then(alone);
        Some((index, alone.as_ref().unwrap_or(&estate).exposure(guard, account, trust, &today)))
    };
    let of = guards.iter().enumerate().filter_map(exposure).collect();
    let ungoverned = estate.ungoverned_accounts().map(|(account, reason)| (account.to_owned(), reason.to_owned()));
    Exposures { of, ungoverned: ungoverned.collect() }
}

/// What says who may do what to a resource; `None` if for its type nothing can.
pub fn guard(catalog: &Catalog, resource: &Resource) -> Option<Guard> {
    let kind = catalog.get(&resource.kind).filter(|kind| kind.has_policies())?;
    let arn = kind.guarded_arn(resource).unwrap_or_else(|| resource.id.clone());
    Some(Guard { arn, policies: kind.policies(resource) })
}

fn derived(exposure: &Exposure) -> Derived {
    // Who and what first, as a person reads it; then a request of each.
    let who = exposure.open().enumerate().map(|(i, outsider)| {
        let (actions, statements) = (outsider.actions.join(" "), outsider.statements.join(" "));
        let text = format!("{} → {actions} ({statements})", outsider.principal);
        (format!("derived.outside_access[{i}]"), Value::from(text))
    });
    let requests = exposure
        .open()
        .enumerate()
        .map(|(i, outsider)| (format!("derived.outside_request[{i}]"), outsider.witness.json()));
    let because: Vec<(String, Value)> = who.chain(requests).collect();
    let truth = match (because.is_empty(), exposure.unread.is_empty()) {
        (_, true) => Some(!because.is_empty()),
        // What is not known may deny what is open, or open what is closed.
        (_, false) => None,
    };
    Derived { truth, missing: exposure.unread.clone(), because }
}
