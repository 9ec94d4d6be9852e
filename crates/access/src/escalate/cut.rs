//! Which permission to take away, so that fewest can become an administrator.

use super::{Closure, Method};
use crate::estate::{Changed, Estate};
use std::collections::BTreeMap;

/// A permission on which paths rest, and who has no path without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who has the permission.
    pub principal: String,
    pub action: String,
    /// What it is used on: an ARN, or a pattern of which one is enough.
    pub resource: String,
    /// The statement that allows it.
    pub statement: Option<String>,
    /// Who can no longer become an administrator once it is denied.
    pub freed: Vec<String>,
}

/// How many permissions are tried: those on which most paths rest.
const TRIED: usize = 40;

impl Closure {
    /// The permissions on which paths rest, each tried by denying it: the one that frees most comes first. With `only`,
    /// those on the path of one principal. What frees nobody, since another way is open, is left out.
    pub fn cuts(&self, estate: &Estate, methods: &[Method], only: Option<&str>) -> Vec<Cut> {
        let mut edges: BTreeMap<(&str, &str, &str), (usize, Option<&str>)> = BTreeMap::new();
        let escalation = self.escalation();
        let wanted = |principal: &str| only.is_none_or(|only| only == principal);
        for path in escalation.paths.iter().filter(|path| wanted(&path.principal)) {
            for step in &path.steps {
                for ground in &step.grounds {
                    let edge = (step.from.as_str(), ground.action.as_str(), ground.resource.as_str());
                    edges.entry(edge).or_insert((0, ground.statement.as_deref())).0 += 1;
                }
            }
        }
        let mut edges: Vec<_> = edges.into_iter().collect();
        edges.sort_by_key(|(_, (paths, _))| std::cmp::Reverse(*paths));
        let mut cuts = Vec::new();
        for ((principal, action, resource), (_, statement)) in edges.into_iter().take(TRIED) {
            let Some(without) = estate.denying(principal, action, resource) else { continue };
            let changed = Changed { identities: [principal.to_owned()].into(), ..Changed::default() };
            let after = self.after(&without, methods, &changed);
            let freed: Vec<String> = escalation
                .paths
                .iter()
                .filter(|path| !path.steps.is_empty() && after.rank(&path.principal).is_none())
                .map(|path| path.principal.clone())
                .collect();
            if freed.iter().any(|principal| wanted(principal)) {
                cuts.push(Cut {
                    principal: principal.to_owned(),
                    action: action.to_owned(),
                    resource: resource.to_owned(),
                    statement: statement.map(str::to_owned),
                    freed,
                });
            }
        }
        cuts.sort_by_key(|cut| std::cmp::Reverse(cut.freed.len()));
        cuts
    }
}
