//! Which actions a principal's policies allow at all: on some resource, under some condition.

use super::{Estate, Held};
use crate::catalogue;
use crate::context::Context;
use crate::glob::Glob;
use crate::policy::{Effect, Policy, Statement};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// An action's service and name.
pub(crate) type Name = (&'static str, &'static str);

/// What a principal's policies allow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) actions: BTreeSet<Name>,
    /// The policies that could not be read, and could allow more or, as a boundary, less.
    pub(crate) unread: Vec<String>,
}

/// What documents allow and deny, so that a policy of many principals is expanded once.
#[derive(Debug, Default)]
pub(crate) struct Expanded(HashMap<*const Policy, Arc<Effects>>);

/// The actions that a policy allows somehow, and those that it denies whatever the request.
#[derive(Debug)]
struct Effects {
    allows: BTreeSet<Name>,
    denies: BTreeSet<Name>,
}

impl Expanded {
    fn of(&mut self, policy: &Arc<Policy>) -> Arc<Effects> {
        let read =
            || Arc::new(Effects { allows: actions(policy, Effect::Allow), denies: actions(policy, Effect::Deny) });
        Arc::clone(self.0.entry(Arc::as_ptr(policy)).or_insert_with(read))
    }
}

/// The actions that a policy allows somehow, or denies everywhere.
fn actions(policy: &Policy, effect: Effect) -> BTreeSet<Name> {
    let statements = policy.statements.iter().filter(|s| s.effect == effect);
    statements.filter(|s| effect == Effect::Allow || is_everywhere(s)).flat_map(covered).collect()
}

/// Whether a statement holds for every resource and every request.
fn is_everywhere(statement: &Statement) -> bool {
    let any = || statement.resource_globs(&Context::default()).iter().any(Glob::is_any);
    statement.clauses.is_empty() && !statement.not_resource && any()
}

/// The actions that a policy allows on every resource and in every request, and denies nowhere.
pub(crate) fn allowed_everywhere(policy: &Policy) -> BTreeSet<Name> {
    let of = |effect| policy.statements.iter().filter(move |s| s.effect == effect);
    let denied: BTreeSet<Name> = of(Effect::Deny).flat_map(covered).collect();
    let allowed = of(Effect::Allow).filter(|s| is_everywhere(s)).flat_map(covered);
    allowed.filter(|name| !denied.contains(name)).collect()
}

/// The actions that a statement is about.
fn covered(statement: &Statement) -> BTreeSet<Name> {
    let named = statement.spelled.iter().flat_map(|pattern| catalogue::expand(pattern));
    let named: BTreeSet<Name> = named.map(|action| (action.service, action.name)).collect();
    if !statement.not_action {
        return named;
    }
    let all = catalogue::expand("*").into_iter().map(|action| (action.service, action.name));
    all.filter(|name| !named.contains(name)).collect()
}

impl Estate {
    /// What the policies of a user or role allow; `None` if there is none of this ARN.
    pub(crate) fn allowed(&self, principal: &str, expanded: &mut Expanded) -> Option<Allowed> {
        let identity = self.identities.get(principal)?;
        let mut allowed = Allowed::default();
        let mut denied: BTreeSet<Name> = BTreeSet::new();
        for held in &identity.policies {
            match held {
                Held::Read(policy) => {
                    let of = expanded.of(policy);
                    allowed.actions.extend(&of.allows);
                    denied.extend(&of.denies);
                }
                Held::Unread(name) | Held::Doubt(name) => allowed.unread.push(name.clone()),
            }
        }
        match &identity.boundary {
            Some(Held::Read(policy)) => {
                let of = expanded.of(policy);
                allowed.actions.retain(|name| of.allows.contains(name));
                denied.extend(&of.denies);
            }
            Some(Held::Unread(name) | Held::Doubt(name)) => allowed.unread.push(name.clone()),
            None => {}
        }
        allowed.actions.retain(|name| !denied.contains(name));
        Some(allowed)
    }
}
