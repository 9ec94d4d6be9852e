//! Privilege escalation: by which steps a principal comes to be an administrator.
//!
//! A method is an edge from who has its needs to what it gives. From the administrators backwards, every principal that
//! has an edge to one already reached is reached, one step further away: so each path is a shortest one, and every need
//! on it is an answer of the evaluator.

mod edge;
mod method;

pub use method::{Category, From, Gives, Method, Need, Target, methods};

use crate::estate::{Change, Estate};
use edge::Edges;
use std::collections::BTreeMap;
use yagura_model::Text;

/// A step of a path.
#[derive(Clone, Debug)]
pub struct Step {
    pub method: String,
    pub title: Text,
    /// Who takes it.
    pub from: String,
    /// Whose permissions it gives; `None`: any that it wants.
    pub to: Option<String>,
    /// What each need rests on.
    pub grounds: Vec<Ground>,
    /// What must hold beside, and no policy tells.
    pub assumes: Option<Text>,
}

/// A need that is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    pub action: String,
    pub resource: String,
    /// The statement that allows it.
    pub statement: Option<String>,
    /// Keys that it hangs on; empty: on none.
    pub conditions: Vec<String>,
}

/// How a principal becomes an administrator.
#[derive(Clone, Debug)]
pub struct Path {
    pub principal: String,
    /// Empty: it is one.
    pub steps: Vec<Step>,
}

/// What was found, and of whom nothing could be said.
#[derive(Clone, Debug, Default)]
pub struct Escalation {
    /// By the number of steps, then by principal. Administrators are among them, without steps.
    pub paths: Vec<Path>,
    /// Principals of whom a policy could not be read, so that a path may be hidden.
    pub unread: Vec<String>,
}

impl Estate {
    /// The shortest path to an administrator of everybody who has one.
    pub fn escalate(&self, methods: &[Method]) -> Escalation {
        let mut edges = Edges::new(self, methods);
        let mut step: BTreeMap<String, Option<Step>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for principal in self.principals() {
            if edges.is_admin(principal, Change::Nothing) {
                step.insert(principal.to_owned(), None);
                order.push(principal.to_owned());
            }
        }
        let mut frontier = order.clone();
        let mut first = true;
        while first || !frontier.is_empty() {
            let mut reached = Vec::new();
            for principal in self.principals().filter(|p| !step.contains_key(*p)) {
                let alone = if first { edges.alone(principal) } else { None };
                if let Some(found) = alone.or_else(|| edges.over(principal, &frontier)) {
                    reached.push((principal.to_owned(), found));
                }
            }
            first = false;
            frontier = reached.iter().map(|(principal, _)| principal.clone()).collect();
            order.extend(frontier.iter().cloned());
            step.extend(reached.into_iter().map(|(principal, found)| (principal, Some(found))));
        }
        let path = |principal: String| {
            let mut steps = Vec::new();
            let mut at = Some(principal.clone());
            while let Some(Some(taken)) = at.take().and_then(|name| step.get(&name)) {
                at.clone_from(&taken.to);
                steps.push(taken.clone());
            }
            Path { principal, steps }
        };
        Escalation { paths: order.into_iter().map(path).collect(), unread: edges.unread.into_iter().collect() }
    }
}
