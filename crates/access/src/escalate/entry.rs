//! Ways to an administrator that begin outside, and what leads to data rather than to an identity.

use super::edge::{Edges, View, edge};
use super::{Closure, From, Gives, Ground, Method, Path, Step};
use crate::estate::{Estate, OpenInstance};
use crate::exposure::Exposure;
use std::collections::BTreeSet;
use yagura_model::{Arn, is_account_id};

/// The methods by which somebody outside enters a role: an account that it trusts as a whole, and a trust that is open to
/// anybody.
const WHOLE_ACCOUNT: &str = "sts-002";
const ANYBODY: &str = "sts-003";
/// And by which somebody takes the credentials of a role from an instance.
const FROM_INSTANCE: &str = "x-imds-ssrf";
/// How one asks an instance for them.
const METADATA: &str = "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/";

/// Instances of one role that are told.
const MOST_INSTANCES: usize = 10;

/// A way that begins outside.
#[derive(Clone, Debug)]
pub struct Entry {
    pub path: Path,
    /// Why it is not known whether it begins outside.
    pub doubt: Option<String>,
}

impl Closure {
    /// Ways from outside over a role from which an administrator is reached. `doors` are roles, each with whom its trust
    /// policy lets in from outside. A principal that the policy names alone was let in on purpose, and is no way.
    /// An instance that the Internet reaches lets in anybody.
    pub fn entries(&self, estate: &Estate, doors: &[(&str, &Exposure)], methods: &[Method]) -> Vec<Entry> {
        let mut found = self.over_instances(estate, methods);
        for (role, exposure) in doors.iter().filter(|(role, _)| self.rank(role).is_some()) {
            for outsider in exposure.open() {
                let Some(id) = method_of(&outsider.principal) else { continue };
                let Some(method) = methods.iter().find(|m| m.id == id && m.from == From::Outside) else { continue };
                let ground = Ground {
                    action: outsider.witness.action.clone(),
                    resource: (*role).to_owned(),
                    statement: outsider.statements.first().cloned(),
                    conditions: Vec::new(),
                    unread: Vec::new(),
                };
                let step = edge(method, &outsider.principal, Some(role), vec![ground]).step;
                found.extend(self.entry(step, outsider.doubt.clone()));
            }
        }
        found.sort_by(|a, b| (a.path.steps.len(), &a.path.principal).cmp(&(b.path.steps.len(), &b.path.principal)));
        found
    }

    fn over_instances(&self, estate: &Estate, methods: &[Method]) -> Vec<Entry> {
        let Some(method) = methods.iter().find(|m| m.id == FROM_INSTANCE) else { return Vec::new() };
        let mut edges = Edges::new(estate, methods, View::Plain);
        let mut found = Vec::new();
        for role in estate.principals() {
            let instances = estate.open_instances(role);
            // EC2 must be able to take the role on to hand it to the instance.
            if instances.is_empty() || self.rank(role).is_none() || !edges.trusts(method, role) {
                continue;
            }
            // Those of which it is known come first, and where there are some the others tell nothing.
            let doubt = instances.first().and_then(|instance| instance.doubt.clone());
            let alike = instances.iter().filter(|instance| instance.doubt.is_some() == doubt.is_some());
            let ground = |instance: &OpenInstance| Ground {
                action: METADATA.to_owned(),
                resource: instance.arn.clone(),
                statement: Some(instance.opened_by.clone()),
                conditions: Vec::new(),
                unread: instance.doubt.iter().cloned().collect(),
            };
            let grounds = alike.take(MOST_INSTANCES).map(ground).collect();
            found.extend(self.entry(edge(method, "*", Some(role), grounds).step, doubt));
        }
        found
    }

    /// The way that begins with a step and goes on as whom it gives.
    fn entry(&self, step: Step, doubt: Option<String>) -> Option<Entry> {
        let rest = self.path(step.to.as_deref()?)?;
        let principal = step.from.clone();
        let steps = std::iter::once(step).chain(rest.steps).collect();
        Some(Entry { path: Path { principal, steps }, doubt })
    }

    /// What each principal that is no administrator can do by the methods that lead to data: credentials kept in secrets,
    /// copies of disks, policies of resources. And those of whom that is not known.
    pub fn powers(&self, estate: &Estate, methods: &[Method]) -> (Vec<Step>, BTreeSet<String>) {
        let methods: Vec<Method> = methods.iter().filter(|m| m.gives == Gives::Data).cloned().collect();
        let mut edges = Edges::new(estate, &methods, View::Plain);
        let others = estate.principals().filter(|principal| self.rank(principal) != Some(0));
        let steps = others.flat_map(|principal| edges.powers(principal)).collect();
        (steps, edges.unread.into_iter().map(|(principal, _)| principal).collect())
    }
}

/// How somebody whom a trust policy names comes in, if it names more than one.
fn method_of(principal: &str) -> Option<&'static str> {
    match Arn::parse(principal) {
        _ if principal == "*" => Some(ANYBODY),
        Some(arn) if arn.resource.starts_with("saml-provider/") || arn.resource.starts_with("oidc-provider/") => {
            Some(ANYBODY)
        }
        Some(arn) => (arn.resource == "root").then_some(WHOLE_ACCOUNT),
        None if is_account_id(principal) => Some(WHOLE_ACCOUNT),
        // A provider of tokens that IAM knows by its host, such as `accounts.google.com`.
        None => principal.contains('.').then_some(ANYBODY),
    }
}
