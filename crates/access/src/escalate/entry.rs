//! Ways to an administrator that begin outside, and what leads to data rather than to an identity.

use super::edge::Edges;
use super::{Closure, From, Gives, Ground, Method, Path, Step};
use crate::estate::Estate;
use crate::exposure::Exposure;

/// The methods by which somebody outside enters a role: an account that it trusts as a whole, and a trust that is open to
/// anybody.
const WHOLE_ACCOUNT: &str = "sts-002";
const ANYBODY: &str = "sts-003";

impl Closure {
    /// Ways from outside over a role from which an administrator is reached. `doors` are roles, each with whom its trust
    /// policy lets in from outside. A principal that the policy names alone was let in on purpose, and is no way.
    pub fn entries(&self, doors: &[(&str, &Exposure)], methods: &[Method]) -> Vec<Path> {
        let mut found = Vec::new();
        for (role, exposure) in doors {
            let Some(rest) = self.path(role) else { continue };
            for outsider in exposure.open() {
                let id = match outsider.principal.as_str() {
                    "*" => ANYBODY,
                    provider if provider.contains("-provider/") || provider.contains('.') => ANYBODY,
                    account if account.ends_with(":root") || account.len() == 12 => WHOLE_ACCOUNT,
                    _ => continue,
                };
                let Some(method) = methods.iter().find(|m| m.id == id && m.from == From::Outside) else { continue };
                let step = Step {
                    method: method.id.clone(),
                    title: method.title.clone(),
                    from: outsider.principal.clone(),
                    to: Some((*role).to_owned()),
                    grounds: vec![Ground {
                        action: outsider.witness.action.clone(),
                        resource: (*role).to_owned(),
                        statement: outsider.statements.first().cloned(),
                        conditions: Vec::new(),
                    }],
                    assumes: method.assumes.clone(),
                };
                let steps = std::iter::once(step).chain(rest.steps.iter().cloned()).collect();
                found.push(Path { principal: outsider.principal.clone(), steps });
            }
        }
        found.sort_by(|a, b| (a.steps.len(), &a.principal).cmp(&(b.steps.len(), &b.principal)));
        found
    }

    /// What each principal that is no administrator can do by the methods that lead to data: credentials kept in secrets,
    /// copies of disks, policies of resources.
    pub fn powers(&self, estate: &Estate, methods: &[Method]) -> Vec<Step> {
        let methods: Vec<Method> = methods.iter().filter(|m| m.gives == Gives::Data).cloned().collect();
        let mut edges = Edges::new(estate, &methods);
        let others = estate.principals().filter(|principal| self.rank(principal) != Some(0));
        others.flat_map(|principal| edges.powers(principal)).collect()
    }
}
