//! What an inventory shows to the engine of access.

use crate::note;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use yagura_access::{Critical, DataAccess, Estate, Exposure, Guard, Inside, Trust};
use yagura_inventory::mapping::Catalog;
use yagura_model::{Gap, Inventory, Lang, Resource};
use yagura_posture::PRINCIPALS;

/// Calls of one type that are told as what left it incomplete.
const MOST_TOLD: usize = 5;

/// What says who may do what to a resource; `None` if for its type nothing can.
pub fn guard(catalog: &Catalog, resource: &Resource) -> Option<Guard> {
    let kind = catalog.get(&resource.kind).filter(|kind| kind.has_policies())?;
    let arn = kind.guarded_arn(resource).unwrap_or_else(|| resource.id.clone());
    Some(Guard { arn, policies: kind.policies(resource) })
}

/// Resources with all that is known of who may reach them.
pub struct Sight<'a> {
    resources: &'a [Resource],
    /// Of each resource, by its place.
    guards: Vec<Option<Guard>>,
    pub estate: Estate,
}

impl<'a> Sight<'a> {
    /// `beside` is what is known of other accounts, which tells of the organization and of the principals there.
    pub fn new(catalog: &Catalog, inventory: &'a Inventory, beside: &Inventory) -> Sight<'a> {
        let (resources, beside, gaps) =
            (&inventory.resources, &beside.resources, inventory.gaps.iter().chain(&beside.gaps));
        let guards: Vec<Option<Guard>> = resources.iter().map(|resource| guard(catalog, resource)).collect();
        let far: Vec<Option<Guard>> = beside.iter().map(|resource| guard(catalog, resource)).collect();
        let estate = {
            let near = resources.iter().zip(&guards).map(|(r, g)| (r, g.as_ref().filter(|_| !r.source.is_template())));
            let all: Vec<_> = near.chain(beside.iter().zip(far.iter().map(Option::as_ref))).collect();
            Estate::guarded(&all).unlisted(gaps)
        };
        Sight { resources, guards, estate }
    }

    /// Whether what guards a resource might let in principals of an account.
    pub fn lets_in(&self, resource: &Resource, account: &str) -> bool {
        let place = self.resources.iter().position(|known| std::ptr::eq(known, resource));
        let guard = place.and_then(|place| self.guards[place].as_ref());
        guard.is_some_and(|guard| self.estate.might_let_in(&guard.arn, account))
    }

    /// Of each resource that can have policies, by its place, who outside is let in.
    pub fn exposures(&self, trust: &Trust, now: DateTime<Utc>) -> Vec<(usize, Exposure)> {
        self.exposures_of(trust, now, |_| true)
    }

    /// [`Sight::exposures`] of some resources.
    pub fn exposures_of(
        &self,
        trust: &Trust,
        now: DateTime<Utc>,
        wanted: impl Fn(&Resource) -> bool,
    ) -> Vec<(usize, Exposure)> {
        let today = day(now);
        let exposure = |(index, guard): (usize, &Option<Guard>)| {
            let (guard, resource) = (guard.as_ref()?, &self.resources[index]);
            if !wanted(resource) {
                return None;
            }
            let account = resource.account.as_deref().unwrap_or_default();
            // Things of two templates may have the same name: each is asked alone.
            let alone = resource.source.is_template().then(|| Estate::guarded(&[(resource, Some(guard))]));
            Some((index, alone.as_ref().unwrap_or(&self.estate).exposure(guard, account, trust, &today)))
        };
        self.guards.iter().enumerate().filter_map(exposure).collect()
    }

    /// Who inside reaches the data of a resource; `None` if it is not known what gets at the data of its type.
    pub fn inside(&self, catalog: &Catalog, resource: &Resource, trust: &Trust, now: DateTime<Utc>) -> Option<Inside> {
        let data = catalog.get(&resource.kind)?.data(resource).into_iter();
        let data: Vec<DataAccess> = data.map(|(resource, actions)| DataAccess { resource, actions }).collect();
        let arn = resource.arn.as_deref().filter(|_| !data.is_empty())?;
        Some(self.estate.inside(arn, &data, trust, &day(now)))
    }
}

/// The critical resources of none of which it could be said who reaches it: each pattern with the types of the resources that
/// it does name; none: it names nothing.
pub fn unanswered<'a>(
    catalog: &Catalog,
    resources: &'a [Resource],
    critical: &'a [Critical],
) -> Vec<(&'a str, BTreeSet<&'a str>)> {
    let mut found = Vec::new();
    for critical in critical {
        let named = resources.iter().filter(|r| r.arn.as_deref().is_some_and(|arn| critical.names(arn)));
        let named: Vec<&Resource> = named.collect();
        let is_known = |r: &&Resource| catalog.get(&r.kind).is_some_and(|kind| kind.data_actions().next().is_some());
        if !named.iter().any(is_known) {
            found.push((critical.resource.as_str(), named.iter().map(|resource| resource.kind.as_str()).collect()));
        }
    }
    found
}

/// Says of which critical resources nobody can say who reaches them.
pub fn tell_unanswered(lang: Lang, unanswered: &[(&str, BTreeSet<&str>)]) {
    for (pattern, kinds) in unanswered {
        let kinds = kinds.iter().copied().collect::<Vec<_>>().join(", ");
        match (lang, kinds.is_empty()) {
            (Lang::En, true) => note!("critical resource `{pattern}`: nothing that is known has this ARN"),
            (Lang::En, false) => {
                note!("critical resource `{pattern}`: what reads the data of {kinds} is not known yet")
            }
            (Lang::Ja, true) => note!("重要リソース `{pattern}`: 該当する ARN のリソースが見つかりません"),
            (Lang::Ja, false) => note!("重要リソース `{pattern}`: {kinds} のデータを読み取るアクションには未対応です"),
        }
    }
}

/// Whether users, roles or their policies may be missing by a gap.
pub fn is_of_principals(gap: &Gap) -> bool {
    PRINCIPALS.contains(&gap.kind.as_str())
}

/// Whether what may be missing by a gap bears on who can do what to what.
pub fn bears(catalog: &Catalog, gap: &Gap) -> bool {
    is_of_principals(gap) || has_policies(catalog, gap)
}

/// A gap as what is missing.
pub fn gap_text(gap: &Gap) -> String {
    match &gap.account {
        Some(account) => format!("{} ({account})", gap.action),
        None => gap.action.clone(),
    }
}

/// Whether things that have policies of their own may be missing by a gap.
pub fn has_policies(catalog: &Catalog, gap: &Gap) -> bool {
    catalog.get(&gap.kind).is_some_and(|kind| kind.has_policies())
}

/// Says what could not be listed of what bears on an answer, so that it doesn't show in it. Whether there is any.
pub fn tell_gaps<'g>(lang: Lang, gaps: impl Iterator<Item = &'g Gap>) -> bool {
    let mut unlisted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for gap in gaps {
        unlisted.entry(&gap.kind).or_default().insert(gap_text(gap));
    }
    for (kind, actions) in &unlisted {
        let listed = actions.iter().take(MOST_TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = actions.len().saturating_sub(MOST_TOLD);
        match (lang, more) {
            (Lang::En, 0) => note!("not listed completely, so some may be missing here: {kind}, by {listed}"),
            (Lang::En, _) => {
                note!("not listed completely, so some may be missing here: {kind}, by {listed} and {more} more")
            }
            (Lang::Ja, 0) => note!("一覧を取得しきれず、ここに出ていない可能性があるもの: {kind}（{listed}）"),
            (Lang::Ja, _) => {
                note!("一覧を取得しきれず、ここに出ていない可能性があるもの: {kind}（{listed}、ほか {more} 件）")
            }
        }
    }
    !unlisted.is_empty()
}

fn day(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%d").to_string()
}
