//! Patterns with variables, taken for more than they can be: proves that no value of a variable matters.
//!
//! Each distinct pattern with an open variable is a switch of its own: it covers a text or not, or has no value, just as
//! suits the question, as long as the text is one that it could cover. The same pattern in two policies is one switch.
//! Real requests are among these, so if none of these serves, no real one does.

use crate::bits::Bits;
use crate::candidates;
use crate::condition::{Clause, Family, Quantifier};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{Glob, Piece};
use crate::policy::Statement;
use crate::quest::Values;
use crate::scene::{Choice, Scene};
use crate::search::Axis;
use crate::template::Template;
use std::collections::BTreeSet;

/// Switches that one text can be subject to: each has three positions.
const MAX_SWITCHES: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    Covers,
    Misses,
    /// A variable has no value.
    Unset,
}

/// What of a request is known, and which variables are not.
pub struct Shadow<'a> {
    pub context: &'a Context,
    pub open: &'a BTreeSet<String>,
}

impl Shadow<'_> {
    fn is_open(&self, template: &Template) -> bool {
        template.keys().any(|key| self.open.contains(key))
    }

    /// All texts that a pattern could cover, whatever its variables hold.
    fn widest(&self, template: &Template) -> Glob {
        let mut all = template.widest(self.context);
        if all.starts_with(&['a', 'r', 'n', ':'].map(Piece::Char)) {
            // Fields that are missing are any.
            let colons = all.iter().filter(|p| **p == Piece::Char(':')).count();
            all.extend((colons < 5).then_some(Piece::Many));
        }
        Glob::text(&all)
    }

    /// Resources with every position of the switches, as [`Scene::resources`]; `None` if there are too many.
    pub fn resources(
        &self,
        scene: &mut Scene<'_>,
        partitions: &[String],
        must: &Bits,
        among: &Bits,
    ) -> Result<Option<Vec<(String, Bits)>>, Error> {
        let glob = |template: &Template| match template.pieces(self.context) {
            Some(pieces) if !self.is_open(template) => Glob::resource(&pieces),
            _ => self.widest(template),
        };
        let globs = |s: &Statement| s.resources.iter().map(glob).collect();
        let found = scene.walk_resources(&globs, partitions, must, among)?;
        let mut switches: Vec<(&Template, Glob)> = Vec::new();
        for statement in must.ones().chain(among.ones()).map(|i| scene.statements[i]) {
            for template in statement.resources.iter().filter(|t| self.is_open(t)) {
                if switches.iter().all(|(t, _)| *t != template) {
                    switches.push((template, self.widest(template)));
                }
            }
        }
        let mut all = Vec::new();
        for resource in found {
            let may: Vec<&Template> = switches.iter().filter(|(_, g)| g.matches(&resource)).map(|(t, _)| *t).collect();
            let Some(positions) = positions(&may) else { return Ok(None) };
            for position in positions {
                let at = |t: &Template| may.iter().position(|m| *m == t).map_or(Switch::Misses, |i| position[i]);
                let holds = scene.holding_of(must, among, |s| self.covers(s, &resource, &at));
                all.push((resource.clone(), holds));
            }
        }
        Ok(Some(all))
    }

    fn covers(&self, statement: &Statement, resource: &str, at: &dyn Fn(&Template) -> Switch) -> bool {
        let switch = |template: &Template| match template.pieces(self.context) {
            _ if self.is_open(template) => at(template),
            Some(pieces) if Glob::resource(&pieces).matches(resource) => Switch::Covers,
            Some(_) => Switch::Misses,
            None if Glob::resource(&template.widest(self.context)).matches(resource) => Switch::Unset,
            None => Switch::Misses,
        };
        let mut switches = statement.resources.iter().map(switch);
        if statement.not_resource {
            switches.all(|s| s == Switch::Misses)
        } else {
            switches.any(|s| s == Switch::Covers)
        }
    }

    /// Values of a key that tell conditions apart, those with open variables by what they could cover.
    pub fn values(
        &self,
        scene: &mut Scene<'_>,
        key: &str,
        values: &Values<'_>,
    ) -> Result<Option<Vec<Option<Value>>>, Error> {
        let clauses = scene.clauses(key);
        let (mut found, mut all) = values(scene, key, self.context)?;
        if clauses.iter().any(|c| c.operands.iter().any(|o| self.is_open(o))) {
            let wide: Vec<Clause> = clauses.iter().filter_map(|c| self.widened(c)).collect();
            let clauses: Vec<&Clause> = clauses.into_iter().chain(&wide).collect();
            let (more, exact) = candidates::all(&clauses, self.context, key, &mut scene.walk)?;
            found.extend(more);
            all &= exact;
        }
        Ok(all.then_some(found))
    }

    /// A condition for each text that the open operands could cover.
    fn widened(&self, clause: &Clause) -> Option<Clause> {
        let open: Vec<Template> = clause.operands.iter().filter(|o| self.is_open(o)).cloned().collect();
        let known: Vec<String> = open
            .iter()
            .map(|o| {
                let text = |p: &Piece| match p {
                    Piece::Char(c) => *c,
                    Piece::One => '?',
                    Piece::Many => '*',
                };
                o.widest(self.context).iter().map(text).collect()
            })
            .collect();
        (!open.is_empty() && clause.family != Family::AnyCase).then(|| clause.like(&known))
    }

    /// A key's values with every position of the switches; `None` if there are too many.
    pub fn key(&self, scene: &Scene<'_>, key: &str, name: &str, values: Vec<Option<Value>>) -> Option<Axis<Choice>> {
        let clauses = scene.clauses(key);
        let open = |clause: &Clause| clause.operands.iter().any(|o| self.is_open(o));
        let mut with = self.context.clone();
        let mut axis = Axis::new();
        for value in values {
            match &value {
                Some(value) => with.set(name, value.clone()),
                None => with.unset(name),
            }
            // Which of the open conditions and operands could go either way.
            let single = |c: &Clause| c.quantifier == Quantifier::Single && matches!(value, Some(Value::One(_)));
            let mut operands: Vec<(Family, &Template)> = Vec::new();
            let mut whole: Vec<&Clause> = Vec::new();
            for clause in clauses.iter().filter(|c| open(c) && value.is_some()) {
                if !single(clause) {
                    whole.push(clause);
                    continue;
                }
                for operand in clause.operands.iter().filter(|o| self.is_open(o)) {
                    let switch = (clause.family, operand);
                    let could = self.could(clause.family, clause.negated, operand, value.as_ref());
                    if could && !operands.contains(&switch) {
                        operands.push(switch);
                    }
                }
            }
            let templates: Vec<&Template> = operands.iter().map(|(_, t)| *t).collect();
            let positions = positions(&templates)?;
            if whole.len() > MAX_SWITCHES as usize {
                return None;
            }
            for position in positions {
                for truths in 0..1u32 << whole.len() {
                    let turns = |clause: &Clause| {
                        if !open(clause) || value.is_none() {
                            return clause.holds(&with);
                        }
                        if let Some(i) = whole.iter().position(|c| *c == clause) {
                            return truths & (1 << i) != 0;
                        }
                        let at = |o: &Template| {
                            let place = operands.iter().position(|(f, t)| *f == clause.family && *t == o);
                            place.map_or(Switch::Misses, |i| position[i])
                        };
                        self.turns(clause, &with, &at)
                    };
                    let holds = scene.holding(|s| s.clauses.iter().filter(|c| c.key == key).all(turns));
                    axis.add(Choice::Key(name.to_owned(), value.clone()), holds);
                }
            }
        }
        Some(axis)
    }

    /// Whether the switch of an operand with open variables makes a difference to a value. What is no ARN fails the
    /// opposites of ARN operators, too.
    fn could(&self, family: Family, negated: bool, operand: &Template, value: Option<&Value>) -> bool {
        let any = family == Family::AnyCase || (family == Family::Arn && negated);
        match value {
            Some(Value::One(text)) if !any => Glob::text(&operand.widest(self.context)).matches(text),
            _ => true,
        }
    }

    /// How a single-valued condition turns out.
    fn turns(&self, clause: &Clause, with: &Context, at: &dyn Fn(&Template) -> Switch) -> bool {
        let known: Vec<Template> = clause.operands.iter().filter(|o| !self.is_open(o)).cloned().collect();
        let fixed = clause.only(known).holds(with);
        let mut open = clause.operands.iter().filter(|o| self.is_open(o));
        if clause.negated {
            fixed && open.all(|o| at(o) == Switch::Misses)
        } else {
            let value = with.get(&clause.key);
            fixed || open.any(|o| at(o) == Switch::Covers && self.could(clause.family, false, o, value))
        }
    }
}

/// Every position of some switches; `None` if there are too many.
fn positions(templates: &[&Template]) -> Option<Vec<Vec<Switch>>> {
    let count = u32::try_from(templates.len()).ok().filter(|n| *n <= MAX_SWITCHES)?;
    let all = [Switch::Misses, Switch::Covers, Switch::Unset];
    let position = |mut n: usize| {
        let mut next = || {
            let digit = n % 3;
            n /= 3;
            all[digit]
        };
        templates.iter().map(|_| next()).collect()
    };
    Some((0..3usize.pow(count)).map(position).collect())
}
