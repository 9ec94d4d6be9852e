//! Who an inventory holds and what they hold: principals with their policies, resources with theirs.
//!
//! What could not be read is kept as that, by name: an answer that could hang on it is no answer.

mod allowed;
mod ask;
mod block;
mod changed;
mod identity;
mod instance;
mod object;
mod organization;

pub(crate) use allowed::{Expanded, allowed_everywhere};
pub use ask::{Asked, Permission, Told};
pub(crate) use ask::{Change, Wish};
pub(crate) use block::is_public_list;
pub use changed::Changed;
pub use identity::Trait;
pub(crate) use identity::{Group, Identity, Part, Shed};
pub(crate) use instance::OpenInstance;

use crate::glob::{Glob, pieces};
use crate::policy::{Kind, Policy};
use crate::principal::{Entry, Principals};
use identity::{Managed, by_name, groups};
use instance::OpenInstances;
use organization::Organizations;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_model::{Arn, Gap, Resource, member, unknown_within};

/// All principals and resources of an inventory, by ARN.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) groups: BTreeMap<String, Group>,
    guarded: BTreeMap<String, Guarded>,
    /// Functions' ARNs by the ARN of their role.
    pub(crate) functions: BTreeMap<String, Vec<String>>,
    open_instances: OpenInstances,
    /// Roles' ARNs by account and name, which is all that a session tells of its role.
    roles: BTreeMap<(String, String), String>,
    organizations: Organizations,
    /// Of buckets, by ARN, whom lists of single objects may let in.
    lists: BTreeMap<String, object::Lists>,
    /// The sessions of roles that policies of resources name, by the resources' ARNs.
    sessions: BTreeMap<String, BTreeSet<String>>,
    /// The policies of VPC endpoints by id.
    endpoints: BTreeMap<String, Held>,
    /// The accounts whose users and roles these are.
    peopled: BTreeSet<String>,
    /// The accounts whose resources these are.
    pub(crate) accounts: BTreeSet<String>,
    /// Buckets whose account ignores what access control lists give to everyone.
    pub(crate) lists_ignored: BTreeSet<String>,
}

/// What says who may do what to a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// Of what it speaks; also of what lies in that (a bucket's objects).
    pub arn: String,
    /// Policies of the resource, each with a name that is told where it decides.
    pub policies: Vec<(String, Json)>,
}

/// A resource of which it is known what policies it has.
#[derive(Clone, Debug, PartialEq)]
struct Guarded {
    account: String,
    tags: BTreeMap<String, String>,
    policies: Vec<Held>,
}

/// A document, or the name of one that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    Read(Arc<Policy>),
    Unread(String),
    /// It is not known whether this denies what principals of other accounts ask for.
    Doubt(String),
}

/// What stands in for a policy that could not be read when the most that it could allow is wanted.
fn everything(kind: Kind) -> Option<Policy> {
    let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    if kind != Kind::Identity {
        statement["Principal"] = json!("*");
    }
    Policy::read(&json!({"Statement": statement}), "unread", kind, "unread").ok()
}

impl Held {
    pub(crate) fn of(document: &Json, name: &str, kind: Kind) -> Held {
        match unknown_within(document) {
            Some(reason) => Held::Unread(format!("{name} ({reason})")),
            None => match Policy::read(document, name, kind, name) {
                Ok(policy) => Held::Read(Arc::new(policy)),
                Err(error) => Held::Unread(format!("{name} ({error})")),
            },
        }
    }

    /// Adds what it says of an action: of a document that could not be read the most that it could allow, and its name.
    fn bear(&self, action: &str, kind: Kind, policies: &mut Vec<Policy>, unread: &mut Vec<String>) {
        match self {
            Held::Read(policy) => policies.push(policy.about(action)),
            Held::Doubt(name) => unread.push(name.clone()),
            Held::Unread(name) => {
                unread.push(name.clone());
                policies.extend(everything(kind));
            }
        }
    }
}

impl Estate {
    /// Reads an inventory; `guard_of` tells what says who may do what to a resource, and `None` if for resources of its
    /// type nothing can.
    pub fn of(resources: &[Resource], guard_of: impl Fn(&Resource) -> Option<Guard>) -> Estate {
        let guards: Vec<Option<Guard>> = resources.iter().map(guard_of).collect();
        let all: Vec<_> = resources.iter().zip(guards.iter().map(Option::as_ref)).collect();
        Estate::guarded(&all)
    }

    /// [`Estate::of`] where of each resource it is known already what says who may do what to it.
    pub fn guarded(all: &[(&Resource, Option<&Guard>)]) -> Estate {
        let resources = || all.iter().map(|(resource, _)| *resource);
        let managed = Managed::of(resources());
        let groups = groups(resources(), &managed);
        let names = by_name(&groups);
        let mut estate = Estate { organizations: Organizations::of(resources()), ..Estate::default() };
        estate.accounts = resources().filter_map(|resource| resource.account.clone()).collect();
        for (resource, guard) in all {
            if let Some(guard) = guard {
                let policies = guard.policies.iter().map(|(name, policy)| Held::of(policy, name, Kind::Resource));
                let (account, tags) = (resource.account.clone().unwrap_or_default(), resource.tags.clone());
                let guarded = Guarded { account, tags, policies: Vec::new() };
                estate.guarded.entry(guard.arn.clone()).or_insert(guarded).policies.extend(policies);
            }
            let (Some(arn), Some(account)) = (&resource.arn, &resource.account) else { continue };
            if let Some(identity) = Identity::of(resource, &managed, &groups, &names) {
                if resource.kind == "AWS::IAM::Role" {
                    estate.roles.insert((account.clone(), last(arn).to_owned()), arn.clone());
                }
                estate.peopled.insert(account.clone());
                estate.identities.insert(arn.clone(), identity);
            }
            let policy = member(&resource.properties, "PolicyDocument");
            if resource.kind == "AWS::EC2::VPCEndpoint" && !policy.is_null() {
                estate.endpoints.insert(resource.id.clone(), Held::of(policy, &resource.id, Kind::Resource));
            }
            if let ("AWS::Lambda::Function", Some(role)) =
                (&*resource.kind, member(&resource.properties, "Role").as_str())
            {
                estate.functions.entry(role.to_owned()).or_default().push(arn.clone());
            }
        }
        estate.groups = groups;
        estate.open_instances = OpenInstances::of(resources());
        for (arn, guarded) in &estate.guarded {
            let named = guarded.policies.iter().flat_map(named).filter(|text| text.contains(":assumed-role/"));
            let named: BTreeSet<String> = named.cloned().collect();
            if !named.is_empty() {
                estate.sessions.insert(arn.clone(), named);
            }
        }
        block::restrict(&mut estate, all);
        estate
    }

    /// The estate where some of what tells of organizations could not be listed.
    pub fn unlisted<'g>(mut self, gaps: impl Iterator<Item = &'g Gap>) -> Estate {
        self.organizations.unlisted(gaps);
        self
    }

    /// The users and roles.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.identities.keys().map(String::as_str)
    }

    /// The principals that the policies of some roles name.
    pub(crate) fn named_by(&self, roles: &[&str]) -> BTreeSet<&str> {
        let guards = roles.iter().flat_map(|role| self.guards(role));
        let named = guards.flat_map(named).map(String::as_str);
        named.map(|text| self.role_of(text).unwrap_or(text)).collect()
    }

    /// The names of a principal's own policies that could not be read.
    pub fn unread_of(&self, principal: &str) -> Vec<&str> {
        let identity = self.identities.get(principal);
        let held = identity.into_iter().flat_map(|identity| identity.policies.iter().chain(&identity.boundary));
        held.filter_map(|held| if let Held::Unread(name) = held { Some(name.as_str()) } else { None }).collect()
    }

    /// The estate in which principals have a policy more that nobody could read, each by its reasons.
    pub fn doubting(&self, doubts: &BTreeMap<&str, BTreeSet<String>>) -> Estate {
        let mut estate = self.clone();
        for (principal, reasons) in doubts {
            if let Some(identity) = estate.identities.get_mut(*principal) {
                identity.policies.extend(reasons.iter().cloned().map(Held::Unread));
            }
        }
        estate
    }

    /// The estate in which a principal is denied an action on a resource; `None` if there is no such principal.
    pub(crate) fn denying(&self, principal: &str, action: &str, resource: &str) -> Option<Estate> {
        let mut estate = self.clone();
        let deny = json!({"Statement": {"Effect": "Deny", "Action": action, "Resource": resource}});
        estate.identities.get_mut(principal)?.policies.push(Held::of(&deny, "cut", Kind::Identity));
        Some(estate)
    }

    /// Why it is not known what an account's organization allows; `None` if it is known.
    pub fn ungoverned(&self, account: &str) -> Option<&str> {
        self.organizations.unread(account)
    }

    /// The accounts of which it is not known what their organization allows, each with the reason.
    pub fn ungoverned_accounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.organizations.unread_accounts()
    }

    /// The organization that an account is in, as far as it is known.
    pub(crate) fn organization_of(&self, account: &str) -> Option<&str> {
        self.organizations.id(account).flatten()
    }

    /// Whether of every other account it is known if it is in the organization of this one.
    pub(crate) fn knows_members_of(&self, account: &str) -> bool {
        self.organizations.knows_members(account)
    }

    /// The account of a resource that has policies.
    pub(crate) fn owner_of(&self, arn: &str) -> Option<&str> {
        self.guard(arn).map(|(_, guarded)| guarded.account.as_str())
    }

    /// Whether the users and roles of an account are known: each account has some.
    pub(crate) fn knows_principals_of(&self, account: &str) -> bool {
        self.peopled.contains(account)
    }

    /// The sessions of a role that the policies of a resource name.
    pub(crate) fn sessions_named(&self, role: &str, resource: &str) -> Vec<String> {
        if self.sessions.is_empty() {
            return Vec::new();
        }
        let of_it = self.guard(resource).and_then(|(name, _)| self.sessions.get(name));
        let named = of_it.into_iter().flatten().filter(|session| self.role_of(session) == Some(role));
        named.cloned().collect()
    }

    /// All sessions that the policies of a resource name.
    pub(crate) fn all_sessions_named(&self, resource: &str) -> BTreeSet<String> {
        let of_it = self.guard(resource).and_then(|(name, _)| self.sessions.get(name));
        of_it.into_iter().flatten().filter(|session| self.role_of(session).is_some()).cloned().collect()
    }

    /// The role that a session is of, both by their ARNs.
    pub(crate) fn role_of(&self, session: &str) -> Option<&str> {
        let arn = Arn::parse(session).filter(|arn| arn.service == "sts")?;
        let name = arn.resource.strip_prefix("assumed-role/")?.split('/').next()?;
        self.roles.get(&(arn.account.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// The KMS keys that a pattern covers: each is guarded by its own policy, without which nobody may anything.
    pub(crate) fn keys_like(&self, pattern: &str) -> Vec<String> {
        let glob = Glob::text(&pieces(pattern));
        let keys = self.guarded.keys().filter(|arn| Arn::parse(arn).is_some_and(|arn| arn.service == "kms"));
        keys.filter(|arn| glob.matches(arn)).cloned().collect()
    }

    /// The instances that give away a role's credentials.
    pub(crate) fn open_instances(&self, role: &str) -> &[OpenInstance] {
        self.open_instances.of_role(role)
    }

    /// The instances that may give away credentials, of which it is not known whose; each with the reason.
    pub fn untold_instances(&self) -> &BTreeSet<String> {
        self.open_instances.untold()
    }

    /// Whether an account manages an organization, or administers a service for it. An error says what would have told.
    pub(crate) fn administers(&self, account: &str, service: &str) -> Result<bool, &str> {
        self.organizations.administers(account, service)
    }

    /// The identity providers that may hand a role to those whom they know, each with the context keys that it hangs on;
    /// `kind` is `saml-provider` or `oidc-provider`. And whether there may be others.
    pub(crate) fn providers_of(&self, role: &str, kind: &str) -> (Vec<(String, Vec<String>)>, bool) {
        let action = if kind == "saml-provider" { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRoleWithWebIdentity" };
        let context = serde_json::Map::new();
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        let mut unread = false;
        for guard in self.guards(role) {
            let Held::Read(policy) = guard else {
                unread = true;
                continue;
            };
            let entries = policy.statements.iter().flat_map(|statement| match &statement.principals {
                Principals::These(entries) => entries.as_slice(),
                Principals::NotThese(_) | Principals::Attached | Principals::Nobody => &[],
            });
            for entry in entries {
                let Entry::Federated(provider) = entry else { continue };
                if !provider.contains(&format!(":{kind}/")) || found.iter().any(|(known, _)| known == provider) {
                    continue;
                }
                let asked = Asked { principal: provider, action, resource: role, context: &context, session: None };
                let Ok(Permission { told: Told::Answer(answer), .. }) = self.permission(&asked) else {
                    unread = true;
                    continue;
                };
                if answer.is_open() {
                    found.push((provider.clone(), answer.keys()));
                }
            }
        }
        (found, unread)
    }

    /// Whether it is known which organization an account is in, if any.
    pub(crate) fn knows_organization_of(&self, account: &str) -> bool {
        self.organizations.id(account).is_some()
    }

    /// The accounts that are known to be in an organization, or below one of some units.
    pub(crate) fn members(&self, organization: Option<&str>, units: &[String]) -> Vec<String> {
        self.organizations.members(organization, units)
    }

    /// The policies that speak of a resource of this very ARN.
    pub(crate) fn guards(&self, arn: &str) -> &[Held] {
        self.guarded.get(arn).map_or(&[], |guarded| &guarded.policies)
    }

    /// The resource control policies that bind a resource of an account.
    pub(crate) fn resource_controls(&self, account: &str, arn: &str) -> Vec<&Held> {
        self.organizations.resource_controls(account, arn)
    }

    /// The resource whose policy speaks of an ARN: itself, or what it lies in (a bucket's object).
    fn guard(&self, arn: &str) -> Option<(&str, &Guarded)> {
        let mut name = arn;
        loop {
            if let Some((name, guarded)) = self.guarded.get_key_value(name) {
                return Some((name, guarded));
            }
            // Roles lie in paths, not in one another.
            if Arn::parse(arn).is_none_or(|arn| arn.service == "iam") {
                return None;
            }
            name = &name[..name.rfind(['/', ':'])?];
        }
    }
}

pub(crate) fn texts(list: &Json) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str)
}

/// The name in an ARN, without its path.
pub(crate) fn last(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

/// The principals of accounts that a policy names.
fn named(held: &Held) -> Vec<&String> {
    let Held::Read(policy) = held else { return Vec::new() };
    let entries = policy.statements.iter().flat_map(|statement| match &statement.principals {
        Principals::These(entries) | Principals::NotThese(entries) => entries.as_slice(),
        Principals::Attached | Principals::Nobody => &[],
    });
    entries.filter_map(|entry| if let Entry::Aws(text) = entry { Some(text) } else { None }).collect()
}
