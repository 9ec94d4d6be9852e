//! What an organization allows its accounts: service and resource control policies of each level above them
//! (`docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html`).

use super::{Held, texts};
use crate::catalogue::is_bound_by_rcp;
use crate::evaluate::Level;
use crate::policy::Kind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{ACCOUNT_TYPE, Arn, Gap, Resource, member, unknown_in, unknown_reason};

/// The type of the accounts of an organization.
const ORGANIZED: &str = "AWS::Organizations::Account";

/// What binds one account.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Governance {
    /// Nothing does: the management account, or one that is in no organization.
    Free,
    /// The levels from the root to the account.
    Bound(Vec<Rung>),
    /// Why it is not known.
    Unread(String),
}

/// A level of the organization.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rung {
    /// Id of the root, unit or account.
    name: String,
    scp: Vec<Held>,
    rcp: Vec<Held>,
}

/// The organizations of an inventory.
#[derive(Clone, Debug, Default)]
pub(super) struct Organizations {
    accounts: BTreeMap<String, Governance>,
    /// The organizations whose accounts were listed.
    listed: BTreeSet<String>,
    /// The accounts that manage one.
    management: BTreeSet<String>,
    /// Organization ids of accounts; `None`: it is in none.
    ids: BTreeMap<String, Option<String>>,
    /// The services that accounts administer for their organization; an error says why it is not known.
    delegated: BTreeMap<String, Result<BTreeSet<String>, String>>,
    /// From which accounts' evidence it is known that an account is in the organization.
    tellers: BTreeMap<String, BTreeSet<String>>,
}

impl Organizations {
    pub fn of<'a>(resources: impl Iterator<Item = &'a Resource> + Clone) -> Organizations {
        let mut organizations = Organizations::default();
        let attached = Attached::of(resources.clone());
        let parents = parents(resources.clone());
        for resource in resources.clone().filter(|r| r.kind == ORGANIZED) {
            let account = &resource.id;
            let organization = resource.arn.as_deref().and_then(organization).map(str::to_owned);
            organizations.listed.extend(organization.clone());
            if let Some(management) = member(&resource.observed, "ManagementAccountId").as_str() {
                organizations.management.insert(management.to_owned());
            }
            let governance = match path(resource, &parents) {
                _ if member(&resource.observed, "ManagementAccountId") == account.as_str() => Governance::Free,
                Ok(mut path) => {
                    path.push(account.clone());
                    Governance::Bound(path.into_iter().map(|name| attached.rung(name)).collect())
                }
                Err(reason) => Governance::Unread(reason),
            };
            organizations.accounts.insert(account.clone(), governance);
            organizations.ids.insert(account.clone(), organization);
            organizations.delegated.insert(account.clone(), delegated(resource));
            organizations.tellers.entry(account.clone()).or_default().extend(resource.account.clone());
        }
        for resource in resources.clone().filter(|r| r.kind == ACCOUNT_TYPE) {
            let Some(account) = &resource.account else { continue };
            let told = member(&resource.observed, "Organization");
            let (governance, id) = match (unknown_reason(told), told) {
                (Some(reason), _) => (Governance::Unread(reason.to_owned()), None),
                // A template or a snapshot of AWS Config doesn't tell.
                (None, Json::Null) if resource.observed.is_null() => continue,
                (None, Json::Null) => (Governance::Free, Some(None)),
                (None, told) => {
                    // The management account is of the organization, too, though nothing else may tell of it.
                    if let (Some(management), Some(id)) = (told["MasterAccountId"].as_str(), told["Id"].as_str()) {
                        let id = Some(id.to_owned());
                        organizations.management.insert(management.to_owned());
                        organizations.ids.entry(management.to_owned()).or_insert(id);
                        organizations.accounts.entry(management.to_owned()).or_insert(Governance::Free);
                    }
                    let governance = match told["MasterAccountId"] == account.as_str() {
                        true => Governance::Free,
                        false => Governance::Unread("organizations:ListPolicies".to_owned()),
                    };
                    (governance, told["Id"].as_str().map(|id| Some(id.to_owned())))
                }
            };
            organizations.accounts.entry(account.clone()).or_insert(governance);
            if let Some(id) = id {
                organizations.ids.entry(account.clone()).or_insert(id);
            }
        }
        for account in resources.filter_map(|r| r.account.as_ref()) {
            if !organizations.accounts.contains_key(account) {
                let reason = Governance::Unread("organizations:DescribeOrganization".to_owned());
                organizations.accounts.insert(account.clone(), reason);
            }
        }
        organizations
    }

    /// Takes back what is known of accounts from listings of organizations that were not complete.
    pub fn unlisted<'g>(&mut self, gaps: impl Iterator<Item = &'g Gap>) {
        let gaps: Vec<&Gap> = gaps.filter(|gap| gap.kind.starts_with("AWS::Organizations::")).collect();
        let gap_of = |teller: &String| gaps.iter().find(|gap| gap.bears_on(Some(teller)));
        for (account, tellers) in &self.tellers {
            // Another account may have seen the organization as a whole.
            let Some(gap) =
                tellers.iter().map(gap_of).collect::<Option<Vec<_>>>().and_then(|gaps| gaps.first().copied())
            else {
                continue;
            };
            if let Some(governance @ Governance::Bound(_)) = self.accounts.get_mut(account) {
                *governance = Governance::Unread(gap.action.clone());
            }
            if gap.kind == ORGANIZED
                && let Some(Some(id)) = self.ids.get(account)
            {
                self.listed.remove(id);
            }
        }
    }

    /// The organization that an account is in; `Some(None)`: in none, `None`: not known.
    pub fn id(&self, account: &str) -> Option<Option<&str>> {
        self.ids.get(account).map(Option::as_deref)
    }

    /// Whether of every other account it is known if it is in the organization of this one.
    pub fn knows_members(&self, account: &str) -> bool {
        match self.ids.get(account) {
            Some(None) => true,
            Some(Some(id)) => self.listed.contains(id),
            None => false,
        }
    }

    /// Whether an account manages an organization, or administers a service for it
    /// (`docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html`). An error says what would have
    /// told.
    pub fn administers(&self, account: &str, service: &str) -> Result<bool, &str> {
        match self.ids.get(account) {
            None => Err("organizations:DescribeOrganization"),
            Some(None) => Ok(false),
            Some(_) if self.management.contains(account) => Ok(true),
            Some(_) => match self.delegated.get(account) {
                // Only the organization's list of accounts tells.
                None => Err("organizations:ListDelegatedAdministrators"),
                Some(delegated) => delegated.as_ref().map(|of| of.contains(service)).map_err(String::as_str),
            },
        }
    }

    /// The service control policies that bind an account's principals, and names of what could not be read.
    pub fn scp(&self, account: &str, action: &str) -> (Vec<Level>, Vec<String>) {
        self.levels(account, |rung| &rung.scp, action)
    }

    /// The resource control policies that bind an account's resources for an action.
    pub fn rcp(&self, account: &str, action: &str) -> (Vec<Level>, Vec<String>) {
        let service = action.split(':').next().unwrap_or_default();
        // They have no say over this one (same page, "resources and entities not restricted by RCPs").
        let is_exempt = action.eq_ignore_ascii_case("kms:RetireGrant");
        match is_bound_by_rcp(service) && !is_exempt {
            true => self.levels(account, |rung| &rung.rcp, action),
            false => (Vec::new(), Vec::new()),
        }
    }

    /// The resource control policies of all levels above a resource. Roles are guarded by what STS honours.
    pub fn resource_controls(&self, account: &str, arn: &str) -> Vec<&Held> {
        let service = match Arn::parse(arn).map_or("", |arn| arn.service) {
            "iam" => "sts",
            service => service,
        };
        match self.accounts.get(account) {
            Some(Governance::Bound(rungs)) if is_bound_by_rcp(service) => {
                rungs.iter().flat_map(|rung| &rung.rcp).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The accounts that are known to be in an organization, or below one of some units.
    pub fn members(&self, organization: Option<&str>, units: &[String]) -> Vec<String> {
        let in_organization = |account: &String| organization.is_some_and(|id| self.id(account) == Some(Some(id)));
        let below = |governance: &Governance| match governance {
            Governance::Bound(rungs) => rungs.iter().any(|rung| units.contains(&rung.name)),
            Governance::Free | Governance::Unread(_) => false,
        };
        let is_member = |(account, governance): &(&String, &Governance)| in_organization(account) || below(governance);
        self.accounts.iter().filter(is_member).map(|(account, _)| account.clone()).collect()
    }

    /// Why it is not known what binds an account; `None` if it is known, or if the account is somebody else's.
    pub fn unread(&self, account: &str) -> Option<&str> {
        match self.accounts.get(account) {
            Some(Governance::Unread(reason)) => Some(reason),
            Some(Governance::Free | Governance::Bound(_)) | None => None,
        }
    }

    /// The accounts of which it is not known what binds them.
    pub fn unread_accounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.accounts.iter().filter_map(|(account, governance)| match governance {
            Governance::Unread(reason) => Some((account.as_str(), reason.as_str())),
            Governance::Free | Governance::Bound(_) => None,
        })
    }

    /// The accounts whose binding is not as in `other`.
    pub fn changed<'a>(&'a self, other: &'a Organizations) -> BTreeSet<&'a str> {
        let known = self.accounts.keys().chain(other.accounts.keys());
        let differs = |account: &&String| {
            self.accounts.get(*account) != other.accounts.get(*account)
                || self.ids.get(*account) != other.ids.get(*account)
                || self.management.contains(*account) != other.management.contains(*account)
                || self.delegated.get(*account) != other.delegated.get(*account)
        };
        known.filter(differs).map(String::as_str).collect()
    }

    fn levels(&self, account: &str, of: impl Fn(&Rung) -> &Vec<Held>, action: &str) -> (Vec<Level>, Vec<String>) {
        let Some(Governance::Bound(rungs)) = self.accounts.get(account) else { return (Vec::new(), Vec::new()) };
        let mut unread = Vec::new();
        let mut level = |rung: &Rung| {
            let mut policies = Vec::new();
            of(rung).iter().for_each(|held| held.bear(action, Kind::Identity, &mut policies, &mut unread));
            Level { name: rung.name.clone(), policies }
        };
        (rungs.iter().map(&mut level).collect(), unread)
    }
}

/// The policies of each root, unit and account.
#[derive(Default)]
struct Attached {
    scp: BTreeMap<String, Vec<Held>>,
    rcp: BTreeMap<String, Vec<Held>>,
}

impl Attached {
    fn of<'a>(resources: impl Iterator<Item = &'a Resource>) -> Attached {
        let mut attached = Attached::default();
        for resource in resources.filter(|r| r.kind == "AWS::Organizations::Policy") {
            let properties = &resource.properties;
            let (kind, into) = match member(properties, "Type").as_str() {
                Some("SERVICE_CONTROL_POLICY") => (Kind::Identity, &mut attached.scp),
                Some("RESOURCE_CONTROL_POLICY") => (Kind::ResourceControl, &mut attached.rcp),
                _ => {
                    // It may be of either kind, and bind anybody.
                    if let Some(reason) = unknown_reason(member(properties, "Type")) {
                        let held = Held::Unread(format!("type of {} ({reason})", resource.id));
                        for of_kind in [&mut attached.scp, &mut attached.rcp] {
                            of_kind.entry(String::new()).or_default().push(held.clone());
                        }
                    }
                    continue;
                }
            };
            let name = member(properties, "Name").as_str().unwrap_or(&resource.id);
            let held = Held::of(member(properties, "Content"), name, kind);
            for target in texts(member(properties, "TargetIds")) {
                into.entry(target.to_owned()).or_default().push(held.clone());
            }
            if let Some(reason) = unknown_in(member(properties, "TargetIds")) {
                // It may bind anybody.
                into.entry(String::new()).or_default().push(Held::Unread(format!("targets of {name} ({reason})")));
            }
        }
        attached
    }

    fn rung(&self, name: String) -> Rung {
        let of = |map: &BTreeMap<String, Vec<Held>>| {
            let found = [name.as_str(), ""].into_iter().filter_map(|key| map.get(key));
            found.flatten().cloned().collect()
        };
        Rung { scp: of(&self.scp), rcp: of(&self.rcp), name }
    }
}

/// The root or unit that each unit lies in.
fn parents<'a>(resources: impl Iterator<Item = &'a Resource>) -> BTreeMap<&'a str, &'a str> {
    let units = resources.filter(|r| r.kind == "AWS::Organizations::OrganizationalUnit");
    units.filter_map(|r| Some((r.id.as_str(), member(&r.properties, "ParentId").as_str()?))).collect()
}

/// AWS lets units nest five deep.
const DEEP: usize = 10;

/// Root and units above an account, from the root down.
fn path(account: &Resource, parents: &BTreeMap<&str, &str>) -> Result<Vec<String>, String> {
    let told = member(&account.observed, "Path");
    if let Some(path) = told.as_str() {
        let levels = path.split('/').filter(|part| part.starts_with("r-") || part.starts_with("ou-"));
        return Ok(levels.map(str::to_owned).collect());
    }
    let first = member(&account.properties, "ParentIds");
    if let Some(reason) = unknown_reason(told).or_else(|| unknown_reason(first)) {
        return Err(reason.to_owned());
    }
    let mut at = texts(first).next().unwrap_or_default();
    let mut path = Vec::new();
    while path.len() < DEEP {
        path.push(at.to_owned());
        if at.starts_with("r-") {
            path.reverse();
            return Ok(path);
        }
        at = match parents.get(at) {
            Some(parent) => parent,
            None => return Err(format!("what `{at}` lies in")),
        };
    }
    Err("units that lie in one another".to_owned())
}

/// The services that an account administers for its organization.
fn delegated(account: &Resource) -> Result<BTreeSet<String>, String> {
    let told = member(&account.observed, "DelegatedServices");
    match (told, unknown_in(told)) {
        (_, Some(reason)) => Err(reason.to_owned()),
        (Json::Array(_), None) => Ok(texts(told).map(str::to_owned).collect()),
        _ => Err("organizations:ListDelegatedAdministrators".to_owned()),
    }
}

/// The organization in the ARN of an account: `arn:aws:organizations::MANAGEMENT:account/o-…/ACCOUNT`.
fn organization(arn: &str) -> Option<&str> {
    Arn::parse(arn)?.resource.split('/').find(|part| part.starts_with("o-"))
}
