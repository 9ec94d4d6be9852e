//! The axes of a question about policies: every action, resource, principal and value of a key that makes a difference
//! to some of their statements.

use crate::bits::Bits;
use crate::candidates;
use crate::condition::Clause;
use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{self, Bound, Glob, MAX_TEXT, Set, pieces};
use crate::policy::{Effect, Statement};
use crate::principal::Requester;
use crate::search::Axis;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::Arn;

/// Patterns in both policies together. AWS's longest policy, of 20,480 bytes, has room for fewer.
const MAX_PATTERNS: usize = 10_000;
/// Steps of patterns' automata for a question. Ordinary policies take a hundredth.
const MAX_WALK: usize = 3_000_000;
/// Characters of a pattern. [`MAX_TEXT`] bounds what it can match.
const MAX_LENGTH: usize = 2 * MAX_TEXT;

/// A part of a request.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Whoever the policies are attached to.
    Attached,
    Who(Requester),
    Action(String),
    Resource(String),
    Key(String, Option<Value>),
}

/// A request, put together.
#[derive(Clone, Debug)]
pub struct Draft {
    pub who: Option<Requester>,
    pub action: String,
    pub resource: String,
    pub context: Context,
}

impl Draft {
    /// A request of the parts chosen; keys that no part tells of are those of `context`.
    pub fn of<'a>(choices: impl Iterator<Item = &'a Choice>, context: &Context) -> Draft {
        let mut draft = Draft { who: None, action: String::new(), resource: String::new(), context: context.clone() };
        for choice in choices {
            match choice {
                Choice::Attached => {}
                Choice::Who(who) => draft.who = Some(who.clone()),
                Choice::Action(action) => draft.action.clone_from(action),
                Choice::Resource(resource) => draft.resource.clone_from(resource),
                Choice::Key(key, Some(value)) => draft.context.set(key, value.clone()),
                Choice::Key(key, None) => draft.context.unset(key),
            }
        }
        draft
    }
}

/// The statements in question, and the steps that are left to answer it.
pub struct Scene<'a> {
    pub statements: Vec<&'a Statement>,
    /// Steps of patterns' automata.
    pub walk: usize,
}

impl<'a> Scene<'a> {
    /// # Errors
    /// If there is more than any policy of AWS can hold.
    pub fn new(statements: Vec<&'a Statement>, at: &str) -> Result<Scene<'a>, Error> {
        let count = statements.iter().map(|s| s.size()).sum();
        if count > MAX_PATTERNS {
            return Err(Error::Large { at: at.to_owned(), count, limit: MAX_PATTERNS });
        }
        for statement in &statements {
            let operands = statement.clauses.iter().flat_map(|c| &c.operands);
            let texts = statement.resources.iter().chain(operands).map(|t| t.source());
            if let Some(text) = texts.chain(statement.spelled.iter().map(String::as_str)).find(|t| t.len() > MAX_LENGTH)
            {
                return Err(Error::Long { at: statement.label.clone(), length: text.len(), limit: MAX_LENGTH });
            }
        }
        Ok(Scene { statements, walk: MAX_WALK })
    }

    /// The statements for which something holds.
    pub fn holding(&self, holds: impl Fn(&Statement) -> bool) -> Bits {
        let mut bits = Bits::new(self.statements.len());
        self.statements.iter().enumerate().filter(|(_, s)| holds(s)).for_each(|(i, _)| bits.set(i));
        bits
    }

    /// Of the statements of two sets those for which something holds.
    pub fn holding_of(&self, one: &Bits, other: &Bits, holds: impl Fn(&Statement) -> bool) -> Bits {
        let mut bits = Bits::new(self.statements.len());
        one.ones().chain(other.ones()).filter(|i| holds(self.statements[*i])).for_each(|i| bits.set(i));
        bits
    }

    /// Keys that are variables of patterns, in lower case.
    pub fn variables(&self) -> BTreeSet<String> {
        self.statements.iter().flat_map(|s| s.variables()).map(str::to_owned).collect()
    }

    /// Keys that conditions name: in lower case, and as a policy spells them.
    pub fn keys(&self) -> BTreeMap<String, String> {
        let clauses = self.statements.iter().flat_map(|s| &s.clauses);
        clauses.map(|c| (c.key.clone(), c.spelling.clone())).collect()
    }

    /// The conditions on a key, each once.
    pub fn clauses(&self, key: &str) -> Vec<&'a Clause> {
        let mut found: Vec<&Clause> = Vec::new();
        for clause in self.statements.iter().flat_map(|s| &s.clauses).filter(|c| c.key == key) {
            if !found.contains(&clause) {
                found.push(clause);
            }
        }
        found
    }

    /// One action for each set of statements that speak of it. Not `sts:GetCallerIdentity`: nothing can deny or grant it.
    pub fn actions(&mut self) -> Result<Axis<Choice>, Error> {
        let name = [Bound::AtLeast(1, Set::Service), Bound::Text(":"), Bound::AtLeast(1, Set::Action)];
        let free = Glob::text(&pieces("sts:getcalleridentity"));
        let mut globs: Vec<Glob> = self.statements.iter().flat_map(|s| s.actions.iter().cloned()).collect();
        globs.push(free.clone());
        let found = glob::within(&Glob::of_parts(&name), &globs, &mut self.walk);
        let found = found.map_err(|_| Error::Search { at: "Action".to_owned() })?;
        let mut axis = Axis::new();
        for action in found.into_iter().filter(|a| !free.matches(a)) {
            let holds = self.holding(|s| s.covers_action(&action));
            axis.add(Choice::Action(action), holds);
        }
        Ok(axis)
    }

    /// Resources that the statements of `must` cover, one for each way in which those of `among` do, and for each
    /// partition of `partitions` or none; ARNs first.
    pub fn resources(
        &mut self,
        context: &Context,
        partitions: &[String],
        must: &Bits,
        among: &Bits,
    ) -> Result<Vec<(String, Bits)>, Error> {
        let globs = |s: &Statement| s.resource_globs(context);
        let found = self.walk_resources(&globs, partitions, must, among)?;
        let holds = |resource: String| {
            let holds = self.holding_of(must, among, |s| s.covers_resource(&resource, context));
            (resource, holds)
        };
        Ok(found.into_iter().map(holds).collect())
    }

    /// One resource of those that `must` covers for each set of patterns.
    pub fn walk_resources(
        &mut self,
        globs: &dyn Fn(&Statement) -> Vec<Glob>,
        partitions: &[String],
        must: &Bits,
        among: &Bits,
    ) -> Result<Vec<String>, Error> {
        let mut tell: Vec<Glob> = Vec::new();
        let mut covers = vec![Glob::text(&pieces("?*"))];
        for i in must.ones() {
            let own = globs(self.statements[i]);
            // Nothing is beside a pattern that covers all.
            if own.iter().any(Glob::is_any) {
                continue;
            }
            if !self.statements[i].not_resource && covers.len() == 1 {
                covers.clone_from(&own);
            }
            tell.extend(own);
        }
        for i in among.ones() {
            let own = globs(self.statements[i]);
            // Nor beside one that covers what is looked at.
            if !own.iter().any(Glob::is_any) && !covers.iter().all(|cover| own.contains(cover)) {
                tell.extend(own);
            }
        }
        tell.extend(Glob::arn(&pieces("arn:?*:?*:*:*:?*")));
        tell.extend(partitions.iter().filter_map(|p| Glob::arn(&pieces(&format!("arn:{p}:?*:*:*:?*")))));
        let mut found = BTreeSet::new();
        for cover in covers {
            let some = glob::within(&cover, &tell, &mut self.walk);
            found.extend(some.map_err(|_| Error::Search { at: "Resource".to_owned() })?);
        }
        // What nobody would ask for comes last.
        let odd = |text: &str| (Arn::parse(text).is_none(), text.starts_with("arn:"), text.contains(['*', '?']));
        let mut found: Vec<String> = found.into_iter().filter(|text| !text.is_empty()).collect();
        found.sort_by(|a, b| {
            let (x, y) = (odd(a), odd(b));
            let (x, y) = ((x.2, x.0, x.0 && x.1, a.len()), (y.2, y.0, y.0 && y.1, b.len()));
            x.cmp(&y)
        });
        Ok(found)
    }

    /// The values of a key that make a difference when it can have any, and whether these are all.
    pub fn values(&mut self, key: &str, context: &Context) -> Result<(Vec<Option<Value>>, bool), Error> {
        candidates::all(&self.clauses(key), context, key, &mut self.walk)
    }

    /// The values of a key, each with the statements whose conditions on the key it meets.
    pub fn key(&self, key: &str, name: &str, values: Vec<Option<Value>>, context: &Context) -> Axis<Choice> {
        let mut with = context.clone();
        let mut axis = Axis::new();
        for value in values {
            match &value {
                Some(value) => with.set(name, value.clone()),
                None => with.unset(name),
            }
            let holds = self.holding(|s| s.clauses.iter().filter(|c| c.key == key).all(|c| c.holds(&with)));
            axis.add(Choice::Key(name.to_owned(), value), holds);
        }
        axis
    }

    /// The statements that name who asks.
    pub fn naming(&self, who: &Requester) -> Bits {
        self.holding(|s| names(s, who))
    }
}

/// Whether a statement is about who asks, who has no permissions boundary.
pub fn names(statement: &Statement, who: &Requester) -> bool {
    match statement.effect {
        Effect::Allow => statement.principals.admit(who).is_some(),
        Effect::Deny => statement.principals.strike(who, false),
    }
}
