//! Who outside the zone of trust is let in by the policies of a resource, each with a request that shows it.

use crate::error::Error;
use crate::estate::{Estate, Guard, Held, is_public_list};
use crate::glob::{Glob, pieces};
use crate::outside::{OpenTo, Zone, open_to};
use crate::policy::{Effect, Kind, Policy, Statement};
use crate::principal::{Entry, Principals, Requester};
use crate::witness::Witness;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use yagura_model::Arn;

/// Who is trusted beside a resource's own account, as a person configures it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Whether the organization of the account is trusted, and with it all accounts of the inventory; else the account alone
    /// is.
    pub organization: bool,
    /// Units of the organization that are trusted, `ou-…`, for where the organization as a whole is not.
    pub units: Vec<String>,
    /// Other accounts that are trusted with every resource: 12 digits each.
    pub accounts: Vec<String>,
    /// Those expected to reach some resources.
    pub partner: Vec<Partner>,
    /// What is known and accepted.
    pub archive: Vec<Archive>,
}

impl Default for Trust {
    fn default() -> Trust {
        let (units, accounts) = (Vec::new(), Vec::new());
        Trust { organization: true, units, accounts, partner: Vec::new(), archive: Vec::new() }
    }
}

/// An account that is expected to reach some resources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub account: String,
    /// ARNs, with `*` for any text; none: all resources.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// Access that is known and accepted, so that nobody needs to be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// ARN of the resource, with `*` for any text.
    pub resource: String,
    /// The principal as the policy names it, with `*` for any text; `*` alone is everyone, too.
    pub principal: String,
    pub reason: String,
    /// The last day on which it holds, `2027-03-31`; none: it holds for ever.
    #[serde(default)]
    pub until: Option<String>,
}

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

impl Trust {
    /// Whether what is configured can be used.
    ///
    /// # Errors
    /// An account that has not 12 digits, a unit that is none, a day that is none.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |at: &str, value: &str, wanted| {
            Err(Error::Value { at: at.to_owned(), value: value.chars().take(60).collect(), wanted })
        };
        let accounts = self.accounts.iter().chain(self.partner.iter().map(|p| &p.account));
        for account in accounts {
            if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
                return wrong("trust", account, "write 12 digits");
            }
        }
        if let Some(unit) = self.units.iter().find(|unit| !unit.starts_with("ou-")) {
            return wrong("trust.units", unit, "write ou- and what follows it");
        }
        let days = self.archive.iter().filter_map(|archive| archive.until.as_ref());
        match days.into_iter().find(|day| chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").is_err()) {
            Some(day) => wrong("trust.archive.until", day, "write a day such as 2027-03-31"),
            None => Ok(()),
        }
    }

    /// Who is trusted with a resource, and what keeps those out of the question who are trusted by their unit.
    fn zone(&self, estate: &Estate, account: &str, arn: &str) -> (Zone, Option<Policy>) {
        let organization = estate.organization_of(account).filter(|_| self.organization).map(str::to_owned);
        let mut accounts = self.accounts.clone();
        let matches = |pattern: &String| Glob::text(&pieces(pattern)).matches(arn);
        let expects = |p: &&Partner| p.resources.is_empty() || p.resources.iter().any(matches);
        accounts.extend(self.partner.iter().filter(expects).map(|p| p.account.clone()));
        accounts.extend(estate.members(organization.as_deref(), &self.units));
        if self.organization {
            // Whoever scans several accounts together owns them, though the evidence may not tell of their organization.
            accounts.extend(estate.accounts.iter().cloned());
        }
        accounts.sort_unstable();
        accounts.dedup();
        let paths: Vec<String> = self.units.iter().map(|unit| format!("*/{unit}/*")).collect();
        let inside = (!paths.is_empty()).then(|| {
            json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}}}})
        });
        let inside = inside.and_then(|document| Policy::read(&document, "units", Kind::Resource, "units").ok());
        (Zone { owner: account.to_owned(), organization, accounts }, inside)
    }

    /// Why access is accepted as of a day, `2026-11-26`.
    fn archived(&self, arn: &str, principal: &str, today: &str) -> Option<String> {
        let is = |pattern: &str, text: &str| Glob::text(&pieces(pattern)).matches(text);
        let holds = |a: &&Archive| {
            is(&a.resource, arn) && is(&a.principal, principal) && a.until.as_deref().is_none_or(|day| today <= day)
        };
        self.archive.iter().find(holds).map(|archive| archive.reason.clone())
    }
}

impl Estate {
    /// Who outside is let in by what guards a resource of an account, as of a day such as `2026-11-26`. What denies counts
    /// with it: the resource's other policies, S3's block, the organization's resource control policies.
    pub fn exposure(&self, guard: &Guard, account: &str, trust: &Trust, today: &str) -> Exposure {
        let (zone, inside) = trust.zone(self, account, &guard.arn);
        let mut denies: Vec<Statement> = inside.into_iter().flat_map(|policy| policy.statements).collect();
        let mut unread = Vec::new();
        let bound = self.resource_controls(account, &guard.arn);
        for held in self.guards(&guard.arn).iter().chain(bound) {
            match held {
                Held::Read(policy) => {
                    denies.extend(policy.statements.iter().filter(|s| s.effect == Effect::Deny).cloned())
                }
                Held::Unread(name) | Held::Doubt(name) => unread.push(name.clone()),
            }
        }
        let ignored = |allow: &Statement| self.lists_ignored.contains(&guard.arn) && is_public_list(allow);
        let mut exposure = exposure(guard, denies, &zone, &ignored);
        // What may deny is of no account where nobody is let in.
        if !exposure.outsiders.is_empty() {
            exposure.unread.extend(unread);
        }
        exposure.unread.sort_unstable();
        exposure.unread.dedup();
        for outsider in &mut exposure.outsiders {
            outsider.archived = trust.archived(&guard.arn, &outsider.principal, today);
        }
        exposure
    }
}

/// Who is let in by what guards a resource, but for what `denies` keeps out and what is `ignored`.
fn exposure(guard: &Guard, mut denies: Vec<Statement>, zone: &Zone, ignored: &dyn Fn(&Statement) -> bool) -> Exposure {
    let mut exposure = Exposure::default();
    let mut allows = Vec::new();
    for (name, document) in &guard.policies {
        match Held::of(document, name, Kind::Resource) {
            Held::Read(policy) => {
                let statements = policy.statements.iter().cloned();
                let (allow, deny): (Vec<_>, Vec<_>) = statements.partition(|s| s.effect == Effect::Allow);
                allows.extend(allow.into_iter().filter(|allow| !ignored(allow)));
                denies.extend(deny);
            }
            Held::Unread(name) | Held::Doubt(name) => exposure.unread.push(name),
        }
    }
    // A policy speaks of nothing but what it is attached to, and what lies in that.
    let whole = Arn::parse(&guard.arn).map(|_| guard.arn.clone());
    let within = ["/*", ":*"].map(|inside| format!("{}{inside}", guard.arn));
    let own: Vec<String> = whole.into_iter().chain(within).collect();
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
        match let_in(&policy, zone) {
            Ok(None) => {}
            Ok(Some(open)) => {
                let outsider = found.entry(principal.clone()).or_insert_with(|| Outsider {
                    principal,
                    statements: Vec::new(),
                    actions: Vec::new(),
                    witness: open.witness,
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
    exposure
}

/// Everyone if everyone is let in, else somebody.
fn let_in(policy: &Policy, zone: &Zone) -> Result<Option<OpenTo>, Error> {
    match open_to(policy, zone, true)? {
        Some(anyone) => Ok(Some(anyone)),
        None => open_to(policy, zone, false),
    }
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
