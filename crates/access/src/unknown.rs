//! Answers for requests of which some keys are not known.
//!
//! The search is exact. A value of a key matters only through the statements that it lets hold, so each key has few
//! values worth trying; more Allows never deny and more Denies never allow, so to find a completion that allows it is
//! enough to try those values that no other value beats on both, and likewise for one that denies.

use crate::candidates;
use crate::condition::Clause;
use crate::context::{Context, Value};
use crate::error::Error;
use crate::evaluate::{Decision, Layers, Outcome};
use crate::glob::Glob;
use crate::policy::{Effect, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// Combinations that are tried before the question is given up.
const MAX_TRIES: usize = 1 << 16;
/// Values of keys that are variables of patterns, in combination.
const MAX_PATTERNS: usize = 2000;

/// What a search found.
pub struct Found {
    /// A completion that allows, with the answer it gets.
    pub allowed: Option<(Context, Decision)>,
    /// A completion that denies.
    pub denied: Option<(Context, Decision)>,
    /// One that denies, but by no explicit deny.
    pub implicit: Option<Decision>,
    /// Keys that turn the answer, with the values that the policies compare them with.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// A question with open keys: the policies that can bear on it, and how a completed request is answered.
pub struct Question<'a> {
    pub layers: &'a Layers,
    pub context: &'a Context,
    pub resource: &'a str,
    pub answer: &'a dyn Fn(&Context) -> Result<Decision, Error>,
}

/// A key's values, each with the statements whose conditions on the key it meets.
struct Key {
    name: String,
    values: Vec<(Option<Value>, Vec<bool>)>,
}

impl Question<'_> {
    /// The keys that the policies ask for and the request leaves open, by lower-case name, in the policy's spelling.
    pub fn open(&self) -> BTreeMap<String, String> {
        let mut open = BTreeMap::new();
        for statement in self.layers.statements() {
            for clause in &statement.clauses {
                open.insert(clause.key.clone(), clause.spelling.clone());
            }
        }
        for key in self.variables() {
            open.entry(key.clone()).or_insert(key);
        }
        open.retain(|key, _| self.context.is_open(key));
        open
    }

    fn variables(&self) -> BTreeSet<String> {
        let all = self.layers.statements().flat_map(Statement::variables).map(str::to_owned);
        all.filter(|key| self.context.is_open(key)).collect()
    }

    fn clauses<'b>(&'b self, key: &'b str) -> impl Iterator<Item = &'b Clause> {
        self.layers.statements().flat_map(|s| &s.clauses).filter(move |c| c.key == key)
    }

    /// Looks for a completion that allows and for one that denies.
    pub fn search(&self) -> Result<Found, Error> {
        let open = self.open();
        let variables = self.variables();
        let mut found = Found { allowed: None, denied: None, implicit: None, keys: BTreeMap::new() };
        let mut turning = BTreeSet::new();
        let mut summaries: Vec<(Vec<Option<Value>>, [bool; 2])> = Vec::new();
        for (context, chosen) in self.patterns(&variables, &open)? {
            let inner = open.iter().filter(|(key, _)| !variables.contains(*key));
            let keys = inner.map(|(key, name)| self.key(key, name, &context)).collect::<Result<Vec<Key>, Error>>()?;
            let within = self.within(&context, &keys)?;
            turning.extend(within.keys.keys().cloned());
            summaries.push((chosen, [within.allowed.is_some(), within.denied.is_some()]));
            found.allowed = found.allowed.or(within.allowed);
            found.denied = found.denied.or(within.denied);
            found.implicit = found.implicit.or(within.implicit);
        }
        for (i, key) in variables.iter().enumerate() {
            let alike = |a: &[Option<Value>], b: &[Option<Value>]| {
                a.iter().zip(b).enumerate().all(|(j, (x, y))| i == j || x == y)
            };
            let turns = |(a, x): &(Vec<_>, [bool; 2])| summaries.iter().any(|(b, y)| x != y && alike(a, b));
            if summaries.iter().take(64).any(turns) {
                turning.insert(open.get(key).unwrap_or(key).clone());
            }
        }
        found.keys =
            turning.into_iter().map(|name| (name.clone(), self.compared(&name.to_ascii_lowercase()))).collect();
        Ok(found)
    }

    /// The texts that the policies compare a key with, or put it into.
    fn compared(&self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        let mut add = |text: &str| {
            if !texts.iter().any(|t| t == text) {
                texts.push(text.to_owned());
            }
        };
        self.clauses(key).flat_map(|c| &c.operands).for_each(|o| add(o.source()));
        for statement in self.layers.statements() {
            let templates = statement.resources.iter().chain(statement.clauses.iter().flat_map(|c| &c.operands));
            templates.filter(|t| t.keys().any(|k| k == key)).for_each(|t| add(t.source()));
        }
        texts
    }

    /// Every combination of values of the keys that are variables.
    #[expect(clippy::type_complexity, reason = "a context and the values it was made with")]
    fn patterns(
        &self,
        variables: &BTreeSet<String>,
        open: &BTreeMap<String, String>,
    ) -> Result<Vec<(Context, Vec<Option<Value>>)>, Error> {
        let mut all = vec![(self.context.clone(), Vec::new())];
        for key in variables {
            let name = open.get(key).unwrap_or(key);
            let clauses: Vec<&Clause> = self.clauses(key).collect();
            let mut next = Vec::new();
            for (context, chosen) in all {
                for value in candidates::values(&clauses, &context, key, &self.fillings(key, &context))? {
                    let mut context = context.clone();
                    let mut chosen = chosen.clone();
                    chosen.push(value.clone());
                    if let Some(value) = value {
                        context.set(name, value);
                    }
                    next.push((context, chosen));
                }
                if next.len() > MAX_PATTERNS {
                    return Err(self.too_many(open.values().map(String::as_str)));
                }
            }
            all = next;
        }
        Ok(all)
    }

    /// What a variable would have to be for its patterns to cover what they are compared with, and one more value.
    fn fillings(&self, key: &str, context: &Context) -> Vec<String> {
        let mut found = BTreeSet::new();
        for statement in self.layers.statements() {
            for template in statement.resources.iter().filter(|t| t.keys().any(|k| k == key)) {
                let fits = |value: &String| {
                    let mut with = context.clone();
                    with.set(key, Value::One(value.clone()));
                    template.pieces(&with).is_none_or(|p| Glob::resource(&p).matches(self.resource))
                };
                let asked = self.resource.contains(['*', '?']);
                let filled = template.solve(key, self.resource).into_iter();
                found.extend(filled.filter(|v| if asked { !v.contains(['*', '?']) } else { fits(v) }));
            }
            for clause in &statement.clauses {
                for template in clause.operands.iter().filter(|t| t.keys().any(|k| k == key)) {
                    for target in self.targets(&clause.key) {
                        found.extend(template.solve(key, &target));
                    }
                }
            }
        }
        let other = (0..).map(|n| if n == 0 { "x".to_owned() } else { format!("x{n}") }).find(|x| !found.contains(x));
        found.into_iter().take(200).chain(other).collect()
    }

    /// What a key is, or is compared with.
    fn targets(&self, key: &str) -> Vec<String> {
        match self.context.get(key) {
            Some(Value::One(value)) => vec![value.clone()],
            Some(Value::Many(values)) => values.clone(),
            None => {
                let operands = self.clauses(key).flat_map(|c| &c.operands).filter(|o| o.keys().next().is_none());
                operands.map(|o| o.source().replace(['*', '?'], "")).filter(|t| !t.is_empty()).collect()
            }
        }
    }

    fn key(&self, key: &str, name: &str, context: &Context) -> Result<Key, Error> {
        let clauses: Vec<&Clause> = self.clauses(key).collect();
        let mut with = context.clone();
        let mut values: Vec<(Option<Value>, Vec<bool>)> = Vec::new();
        for value in candidates::values(&clauses, context, key, &[])? {
            match &value {
                Some(value) => with.set(name, value.clone()),
                None => with.unset(name),
            }
            let met = |s: &Statement| s.clauses.iter().filter(|c| c.key == key).all(|c| c.holds(&with));
            let mask: Vec<bool> = self.layers.statements().map(met).collect();
            if values.iter().all(|(_, m)| *m != mask) {
                values.push((value, mask));
            }
        }
        Ok(Key { name: name.to_owned(), values })
    }

    /// Searches the values of `keys`, all else being known.
    fn within(&self, context: &Context, keys: &[Key]) -> Result<Found, Error> {
        let allow: Vec<bool> = self.layers.statements().map(|s| s.effect == Effect::Allow).collect();
        // How a value serves: Allows that hold and Denies that don't, or the other way round.
        let serves = |mask: &[bool], i: usize, good: bool| (mask[i] == allow[i]) == good;
        let best = |good: bool, only_denies: bool| -> Vec<Vec<usize>> {
            keys.iter().map(|key| unbeaten(key, |m, i| (only_denies && allow[i]) || serves(m, i, good))).collect()
        };
        let mut found = Found { allowed: None, denied: None, implicit: None, keys: BTreeMap::new() };
        let allows = self.first(context, keys, &best(true, false), |d| d.outcome == Outcome::Allowed)?;
        let denies = self.first(context, keys, &best(false, false), |d| d.outcome != Outcome::Allowed)?;
        if let (None, Some(_)) = (&allows, &denies) {
            let spared = self.first(context, keys, &best(true, true), |d| d.outcome == Outcome::ImplicitlyDenied)?;
            found.implicit = spared.map(|(_, decision)| decision);
        }
        if let (Some((yes, _)), Some((no, _))) = (&allows, &denies) {
            let yes = self.simplest(context, keys, yes)?;
            for key in self.turning(context, keys, &yes, no)? {
                found.keys.insert(keys[key].name.clone(), Vec::new());
            }
            let completed = complete(context, keys, &yes);
            let decision = (self.answer)(&completed)?;
            found.allowed = Some((completed, decision));
        } else if let Some((yes, decision)) = allows {
            found.allowed = Some((complete(context, keys, &yes), decision));
        }
        found.denied = denies.map(|(no, decision)| (complete(context, keys, &no), decision));
        Ok(found)
    }

    /// The first combination whose answer is wanted.
    fn first(
        &self,
        context: &Context,
        keys: &[Key],
        choices: &[Vec<usize>],
        wanted: impl Fn(&Decision) -> bool,
    ) -> Result<Option<(Vec<usize>, Decision)>, Error> {
        let total = choices.iter().try_fold(1usize, |n, c| n.checked_mul(c.len()));
        if total.is_none_or(|n| n > MAX_TRIES) {
            return Err(self.too_many(keys.iter().map(|k| k.name.as_str())));
        }
        let mut seen: BTreeSet<Vec<bool>> = BTreeSet::new();
        let mut at = vec![0; keys.len()];
        loop {
            let chosen: Vec<usize> = at.iter().zip(choices).map(|(i, c)| c[*i]).collect();
            if seen.insert(holding(keys, &chosen)) {
                let decision = (self.answer)(&complete(context, keys, &chosen))?;
                if wanted(&decision) {
                    return Ok(Some((chosen, decision)));
                }
            }
            let Some(next) = (0..at.len()).find(|i| at[*i] + 1 < choices[*i].len()) else { return Ok(None) };
            at[..next].fill(0);
            at[next] += 1;
        }
    }

    /// A completion that allows, with each key absent that may be.
    fn simplest(&self, context: &Context, keys: &[Key], yes: &[usize]) -> Result<Vec<usize>, Error> {
        let mut yes = yes.to_vec();
        for i in 0..keys.len() {
            let before = yes[i];
            for value in 0..before {
                yes[i] = value;
                if (self.answer)(&complete(context, keys, &yes))?.outcome == Outcome::Allowed {
                    break;
                }
                yes[i] = before;
            }
        }
        Ok(yes)
    }

    /// The keys of which another value alone turns one answer or the other; at least one, on the way between them.
    fn turning(&self, context: &Context, keys: &[Key], yes: &[usize], no: &[usize]) -> Result<BTreeSet<usize>, Error> {
        let mut turning = BTreeSet::new();
        for (from, allowed) in [(yes, true), (no, false)] {
            for i in 0..keys.len() {
                for value in 0..keys[i].values.len() {
                    let mut other = from.to_vec();
                    other[i] = value;
                    let outcome = (self.answer)(&complete(context, keys, &other))?.outcome;
                    if (outcome == Outcome::Allowed) != allowed {
                        turning.insert(i);
                        break;
                    }
                }
            }
        }
        let mut between = yes.to_vec();
        for i in 0..keys.len() {
            between[i] = no[i];
            if turning.is_empty() && (self.answer)(&complete(context, keys, &between))?.outcome != Outcome::Allowed {
                turning.insert(i);
            }
        }
        Ok(turning)
    }

    fn too_many<'b>(&self, names: impl Iterator<Item = &'b str>) -> Error {
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        Error::Combinations { keys: names.len(), names: names.join(", ") }
    }
}

/// The values of a key that no other value serves better than; of equals the first.
fn unbeaten(key: &Key, serves: impl Fn(&[bool], usize) -> bool) -> Vec<usize> {
    let score: Vec<Vec<bool>> =
        key.values.iter().map(|(_, mask)| (0..mask.len()).map(|i| serves(mask, i)).collect()).collect();
    let covers = |a: &[bool], b: &[bool]| a.iter().zip(b).all(|(x, y)| *x || !*y);
    (0..score.len())
        .filter(|i| {
            !(0..score.len())
                .any(|j| j != *i && covers(&score[j], &score[*i]) && (j < *i || !covers(&score[*i], &score[j])))
        })
        .collect()
}

fn holding(keys: &[Key], chosen: &[usize]) -> Vec<bool> {
    let mut masks = keys.iter().zip(chosen).map(|(key, i)| &key.values[*i].1);
    let Some(first) = masks.next() else { return Vec::new() };
    masks.fold(first.clone(), |all, mask| all.iter().zip(mask).map(|(a, b)| *a && *b).collect())
}

fn complete(context: &Context, keys: &[Key], chosen: &[usize]) -> Context {
    let mut context = context.clone();
    for (key, i) in keys.iter().zip(chosen) {
        if let Some(value) = &key.values[*i].0 {
            context.set(&key.name, value.clone());
        }
    }
    context
}
