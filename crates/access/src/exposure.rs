//! Who outside the zone of trust is let in by the policies of a resource, each with a request that shows it.

use crate::estate::{Asked, Estate, Guard, Held, Told, is_public_list};
use crate::lint::{is_shared, open_to_customers};
use crate::outside::{Zone, outside_of};
use crate::policy::{Effect, Kind, Policy, Statement};
use crate::principal::{Entry, Principals, Requester};
use crate::trust::Trust;
use crate::witness::Witness;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{Arn, is_account_id};

/// Somebody outside who is let in.
#[derive(Clone, Debug, PartialEq)]
pub struct Outsider {
    /// As the policy names them: an account or ARN, a provider, a canonical user; `*`: everyone.
    pub principal: String,
    /// The statements that let them in, `POLICY/SID`.
    pub statements: Vec<String>,
    /// Patterns of the actions that these statements allow; `NotAction …` for those of all but some.
    pub actions: Vec<String>,
    /// A request of theirs that is allowed.
    pub witness: Witness,
    /// Why it is not known whether they are outside.
    pub doubt: Option<String>,
    /// Why nobody is told of it.
    pub archived: Option<String>,
}

/// What the policies of a resource let in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposure {
    /// By principal.
    pub outsiders: Vec<Outsider>,
    /// Policies that could not be read or decided, so that somebody may be missing.
    pub unread: Vec<String>,
}

impl Exposure {
    /// Those of whom somebody has to be told.
    pub fn open(&self) -> impl Iterator<Item = &Outsider> {
        self.outsiders.iter().filter(|outsider| outsider.archived.is_none())
    }
}

/// How many principals of one resource are asked about.
const MOST: usize = 200;

impl Estate {
    /// Who outside is let in by what guards a resource of an account, as of a day such as `2026-11-26`. What denies counts
    /// with it: the resource's other policies, S3's block, the organization's resource control policies.
    pub fn exposure(&self, guard: &Guard, account: &str, trust: &Trust, today: &str) -> Exposure {
        let mut exposure = Exposure::default();
        let (mut allows, mut denies) = (Vec::new(), Vec::new());
        for (name, document) in &guard.policies {
            match Held::of(document, name, Kind::Resource) {
                Held::Read(policy) => {
                    let statements = policy.statements.iter().cloned();
                    let (allow, deny): (Vec<_>, Vec<_>) = statements.partition(|s| s.effect == Effect::Allow);
                    allows.extend(allow);
                    denies.extend(deny);
                }
                Held::Unread(name) | Held::Doubt(name) => exposure.unread.push(name),
            }
        }
        let ignored = self.lists_ignored.contains(&guard.arn);
        allows.retain(|allow| !(ignored && is_public_list(allow)));
        let shared: Vec<Statement> =
            allows.iter().filter(|allow| !shared_providers(allow).is_empty()).cloned().collect();
        // Most policies name nobody of another account, and then no more needs to be known.
        let alone = Zone { owner: account.to_owned(), ..Zone::default() };
        if allows.iter().any(|allow| !strangers(allow, &alone).is_empty()) {
            let (zone, inside) = trust.zone(self, account, &guard.arn);
            denies.extend(inside.into_iter().flat_map(|policy| policy.statements));
            let mut unread = Vec::new();
            for held in self.guards(&guard.arn).iter().chain(self.resource_controls(account, &guard.arn)) {
                match held {
                    Held::Read(policy) => {
                        denies.extend(policy.statements.iter().filter(|s| s.effect == Effect::Deny).cloned());
                    }
                    Held::Unread(name) | Held::Doubt(name) => unread.push(name.clone()),
                }
            }
            let is_open = trust.organization && !self.knows_organization_of(account);
            ask(&mut exposure, &guard.arn, allows, denies, &zone, is_open);
            // What may deny is of no account where nobody is let in.
            if !exposure.outsiders.is_empty() {
                exposure.unread.extend(unread);
            }
        }
        self.customers(guard, &shared, &mut exposure);
        if trust.organization && !self.knows_members_of(account) {
            for outsider in &mut exposure.outsiders {
                outsider.doubt =
                    account_of(&outsider.principal).map(|other| format!("whether {other} is in its organization"));
            }
        }
        exposure.unread.sort_unstable();
        exposure.unread.dedup();
        for outsider in &mut exposure.outsiders {
            outsider.archived = trust.archived(&guard.arn, &outsider.principal, today);
        }
        exposure
    }

    /// Adds the customers of a provider of tokens that many organizations share, where a role doesn't say whose tokens it
    /// means: the provider is the account's own, but those whom it speaks for are strangers.
    fn customers(&self, guard: &Guard, shared: &[Statement], exposure: &mut Exposure) {
        if shared.is_empty() {
            return;
        }
        let (action, context) = ("sts:AssumeRoleWithWebIdentity", Map::new());
        let of_policy = |(name, document): &(String, Json)| {
            let open = open_to_customers(document).into_iter();
            open.map(|statement| format!("{name}/{statement}")).collect::<Vec<_>>()
        };
        let open: BTreeSet<String> = guard.policies.iter().flat_map(of_policy).collect();
        for statement in shared.iter().filter(|statement| open.contains(&statement.label)) {
            for provider in shared_providers(statement) {
                let asked =
                    Asked { principal: provider, action, resource: &guard.arn, context: &context, session: None };
                let answer = match self.permission(&asked).map(|permission| permission.told) {
                    Ok(Told::Answer(answer)) => answer,
                    Ok(Told::Unread(names)) => {
                        exposure.unread.extend(names);
                        continue;
                    }
                    Err(error) => {
                        exposure.unread.push(format!("{} ({error})", statement.label));
                        continue;
                    }
                };
                let known = exposure.outsiders.iter().any(|outsider| outsider.principal == *provider);
                if known || !answer.is_open() {
                    continue;
                }
                let context = answer.witness.unwrap_or_default();
                let (principal, resource) = (Some(provider.clone()), guard.arn.clone());
                exposure.outsiders.push(Outsider {
                    principal: provider.clone(),
                    statements: vec![statement.label.clone()],
                    actions: actions(statement),
                    witness: Witness { principal, action: action.to_owned(), resource, context },
                    doubt: None,
                    archived: None,
                });
            }
        }
        exposure.outsiders.sort_by(|a, b| a.principal.cmp(&b.principal));
    }
}

/// The providers that many organizations share, of those that an Allow names.
fn shared_providers(allow: &Statement) -> Vec<&String> {
    let Principals::These(entries) = &allow.principals else { return Vec::new() };
    let providers = entries.iter().filter_map(|entry| match entry {
        Entry::Federated(provider) if is_shared(provider) => Some(provider),
        _ => None,
    });
    providers.collect()
}

/// Finds who is let in by what is allowed on a resource, but for what is denied. With `is_open` it is not known which
/// organization the zone is of.
fn ask(
    exposure: &mut Exposure,
    arn: &str,
    allows: Vec<Statement>,
    mut denies: Vec<Statement>,
    zone: &Zone,
    is_open: bool,
) {
    // A policy speaks of nothing but what it is attached to, and what lies in that.
    let whole = Arn::parse(arn).map(|_| arn.to_owned());
    let own: Vec<String> = whole.into_iter().chain(["/*", ":*"].map(|inside| format!("{arn}{inside}"))).collect();
    let allows: Vec<Statement> = allows.into_iter().map(|allow| allow.narrowed(&own)).collect();
    for deny in &mut denies {
        if deny.principals == Principals::Attached {
            deny.principals = Principals::These(vec![Entry::Anyone]);
        }
    }
    let asked = allows.iter().flat_map(|allow| strangers(allow, zone).into_iter().map(move |entry| (allow, entry)));
    let mut found: BTreeMap<String, Outsider> = BTreeMap::new();
    for (i, (allow, entry)) in asked.enumerate() {
        if i == MOST {
            exposure.unread.push(format!("{} (more than {MOST} principals)", allow.label));
            break;
        }
        if zone.owner.is_empty() && matches!(entry, Some(Entry::Aws(_) | Entry::Federated(_))) {
            // Of a template it may be open which account it is for.
            exposure.unread.push("AWS::AccountId".to_owned());
            continue;
        }
        let mut one = allow.clone();
        let principal = entry.as_ref().map_or_else(|| "*".to_owned(), name);
        if let Some(entry) = entry {
            one.principals = Principals::These(vec![entry]);
        }
        let policy = Policy { statements: std::iter::once(one).chain(denies.iter().cloned()).collect() };
        match outside_of(&policy, zone) {
            Ok(None) => {}
            Ok(Some(_)) if is_open && let Some(own) = own_organization(&policy, zone) => {
                exposure.unread.push(format!("{} (whether {own} is its organization)", allow.label));
            }
            Ok(Some(open)) => {
                let outsider = found.entry(principal.clone()).or_insert_with(|| Outsider {
                    principal,
                    statements: Vec::new(),
                    actions: Vec::new(),
                    witness: open.witness,
                    doubt: None,
                    archived: None,
                });
                outsider.statements.push(allow.label.clone());
                for action in actions(allow) {
                    if !outsider.actions.contains(&action) {
                        outsider.actions.push(action);
                    }
                }
            }
            Err(error) => exposure.unread.push(format!("{} ({error})", allow.label)),
        }
    }
    exposure.outsiders = found.into_values().collect();
}

/// The organization that a policy names and that lets in nobody outside if it is the owner's own.
fn own_organization(policy: &Policy, zone: &Zone) -> Option<String> {
    let clauses = policy.statements.iter().flat_map(|statement| &statement.clauses);
    let named = clauses.filter(|clause| clause.key.contains("org")).flat_map(|clause| &clause.operands);
    let ids = named.map(|operand| operand.source().split('/').next().unwrap_or_default());
    let ids: BTreeSet<&str> = ids.filter(|id| id.starts_with("o-") && !id.contains(['*', '?'])).collect();
    let closed = |id: &&str| {
        let own = Zone { organization: Some((*id).to_owned()), ..zone.clone() };
        matches!(outside_of(policy, &own), Ok(None))
    };
    ids.into_iter().find(closed).map(str::to_owned)
}

/// The account that a principal is of, as a policy names it; `None` for everyone, and for providers.
pub(crate) fn account_of(principal: &str) -> Option<&str> {
    // An ARN tells it; an account can also stand there as it is.
    let account = Arn::parse(principal).map_or(principal, |arn| arn.account);
    let is_provider = principal.contains("-provider/");
    (!is_provider && is_account_id(account)).then_some(account)
}

/// Whom an Allow names who could be outside; `None` is everyone but some.
fn strangers(allow: &Statement, zone: &Zone) -> Vec<Option<Entry>> {
    match &allow.principals {
        Principals::These(entries) => entries.iter().filter(|e| may_be_outside(e, zone)).cloned().map(Some).collect(),
        Principals::NotThese(_) => vec![None],
        Principals::Attached | Principals::Nobody => Vec::new(),
    }
}

fn may_be_outside(entry: &Entry, zone: &Zone) -> bool {
    let trusted = |account: &str| account == zone.owner || zone.accounts.iter().any(|a| a == account);
    match entry {
        Entry::Anyone | Entry::Canonical(_) => true,
        Entry::Service(_) => false,
        Entry::Federated(provider) => Arn::parse(provider).is_none_or(|arn| !trusted(arn.account)),
        // What is left of an identity that was deleted lets in nobody.
        Entry::Aws(text) => {
            Requester::read(text).map_or(text.len() == 12 && !trusted(text), |who| !trusted(&who.account))
        }
    }
}

fn name(entry: &Entry) -> String {
    match entry {
        Entry::Anyone => "*".to_owned(),
        Entry::Aws(text) | Entry::Service(text) | Entry::Federated(text) | Entry::Canonical(text) => text.clone(),
    }
}

fn actions(allow: &Statement) -> Vec<String> {
    match allow.not_action {
        true => vec![format!("NotAction {}", allow.spelled.join(" "))],
        false => allow.spelled.clone(),
    }
}
