//! Looks for a request of which some statements match and others don't: the search behind every question about
//! policies without a request.
//!
//! Without variables the axes are exact, so what is not found does not exist. A variable ties axes together, and what
//! it may hold has no finitely many cases. So first each pattern with a variable is taken for one that may cover a text
//! or not, whatever the others do ([`shadow`](crate::shadow)): what isn't found even so does not exist either. Else
//! values are tried, and if none serves, the question is given up rather than guessed.

use crate::assign::assignments;
use crate::bits::Bits;
use crate::context::{Context, Value};
use crate::error::Error;
use crate::principal::Requester;
use crate::scene::{Choice, Draft, Scene};
use crate::search::{Axis, find};
use crate::shadow::Shadow;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::Arn;

/// Steps of the search for statements that match together.
const MAX_STEPS: usize = 20_000_000;

/// Statements that have to match, and statements that must not.
pub type Goal = (Bits, Bits);

/// Somebody who could ask, with the keys that go with them; nobody for policies that are attached to who asks.
#[derive(Clone, Debug)]
pub struct Person {
    pub who: Option<Requester>,
    pub known: Context,
}

/// What a key can hold: values with one for each case, and whether these are all cases.
pub type Values<'v> = dyn Fn(&mut Scene<'_>, &str, &Context) -> Result<(Vec<Option<Value>>, bool), Error> + 'v;

/// A question.
pub struct Quest<'a, 'v> {
    pub scene: Scene<'a>,
    pub goals: Vec<Goal>,
    pub persons: Vec<Person>,
    /// The partitions that persons are in.
    pub partitions: Vec<String>,
    pub values: &'v Values<'v>,
    /// What the question is about, for errors.
    pub at: &'static str,
}

/// Axes that are the same for everybody, if there are no variables.
#[derive(Default)]
struct Cache {
    resources: Option<Vec<(String, Bits)>>,
    keys: BTreeMap<String, (Axis<Choice>, bool)>,
}

impl Quest<'_, '_> {
    /// A request that serves one of the goals.
    ///
    /// # Errors
    /// If none was found, and yet there might be one.
    pub fn answer(&mut self) -> Result<Option<Draft>, Error> {
        if self.goals.is_empty() {
            return Ok(None);
        }
        let actions = self.scene.actions()?;
        let mut cache = Cache::default();
        let mut left = MAX_STEPS;
        let mut doubt = None;
        for (known, who) in self.groups() {
            let all = self.scene.variables();
            let open: BTreeSet<String> = all.into_iter().filter(|key| known.get(key).is_none()).collect();
            if open.is_empty() {
                let found = self.concrete(&known, &open, &who, &actions, &mut cache, &mut left)?;
                match found {
                    (Some(draft), _) => return Ok(Some(draft)),
                    (None, unsure) => doubt = doubt.or(unsure),
                }
                continue;
            }
            if !self.possible(&known, &open, &who, &actions, &mut left)? {
                continue;
            }
            for context in assignments(&mut self.scene, &open, &known)? {
                let found = self.concrete(&context, &open, &who, &actions, &mut Cache::default(), &mut left)?;
                if let (Some(draft), _) = found {
                    return Ok(Some(draft));
                }
            }
            let names = open.iter().map(|key| format!("`${{{key}}}`")).collect::<Vec<_>>().join(", ");
            doubt = doubt.or(Some(Error::Variables { names }));
        }
        doubt.map_or(Ok(None), Err)
    }

    /// Persons with the same keys, of those that statements ask for.
    fn groups(&self) -> Vec<(Context, Vec<Requester>)> {
        let asked: BTreeSet<String> = self.scene.keys().into_keys().chain(self.scene.variables()).collect();
        let mut groups: Vec<(Context, Vec<Requester>)> = Vec::new();
        for person in &self.persons {
            let mut known = person.known.clone();
            known.retain(|key| asked.contains(key));
            match groups.iter_mut().find(|(context, _)| *context == known) {
                Some((_, who)) => who.extend(person.who.clone()),
                None => groups.push((known, person.who.iter().cloned().collect())),
            }
        }
        groups
    }

    /// The search with every variable known.
    fn concrete(
        &mut self,
        context: &Context,
        assigned: &BTreeSet<String>,
        who: &[Requester],
        actions: &Axis<Choice>,
        cache: &mut Cache,
        left: &mut usize,
    ) -> Result<(Option<Draft>, Option<Error>), Error> {
        let resources = match &cache.resources {
            Some(resources) => resources.clone(),
            None => self.scene.resources(context, &self.partitions)?,
        };
        let mut keys = Vec::new();
        let mut unsure = None;
        for (key, name) in self.scene.keys() {
            let (axis, all) = match cache.keys.get(&key) {
                _ if context.get(&key).is_some() || assigned.contains(&key) => {
                    (self.scene.key(&key, &name, vec![context.get(&key).cloned()], context), true)
                }
                Some(known) => known.clone(),
                None => {
                    let (values, all) = (self.values)(&mut self.scene, &key, context)?;
                    (self.scene.key(&key, &name, values, context), all)
                }
            };
            if !all {
                unsure = unsure.or_else(|| Some(Error::Mixed { key: name.clone() }));
            }
            keys.push((key, axis, all));
        }
        if self.scene.variables().is_empty() {
            cache.resources.get_or_insert_with(|| resources.clone());
            for (key, axis, all) in keys.iter().filter(|(key, ..)| context.get(key).is_none()) {
                cache.keys.insert(key.clone(), (axis.clone(), *all));
            }
        }
        let keys: Vec<Axis<Choice>> = keys.into_iter().map(|(_, axis, _)| axis).collect();
        let found = self.try_partitions(who, &resources, actions, &keys, left)?;
        Ok((found.map(|choices| Draft::of(choices.iter(), context)), unsure))
    }

    /// The search for each partition: principals and resources of two have nothing to do with each other.
    fn try_partitions(
        &self,
        who: &[Requester],
        resources: &[(String, Bits)],
        actions: &Axis<Choice>,
        keys: &[Axis<Choice>],
        left: &mut usize,
    ) -> Result<Option<Vec<Choice>>, Error> {
        let partitions: Vec<Option<&str>> = match who {
            [] => vec![None],
            _ => self.partitions.iter().map(|p| Some(p.as_str())).collect(),
        };
        for partition in partitions {
            let mut axes = vec![actions.clone(), Axis::new()];
            for (resource, holds) in resources.iter().filter(|(r, _)| is_within(r, partition)) {
                axes[1].add(Choice::Resource(resource.clone()), holds.clone());
            }
            if let Some(partition) = partition {
                let mut persons = Axis::new();
                for who in who.iter().filter(|who| who.partition.is_empty() || who.partition == partition) {
                    persons.add(Choice::Who(who.clone()), self.scene.naming(who));
                }
                axes.push(persons);
            }
            axes.extend(keys.iter().cloned());
            if let Some(chosen) = self.first(&axes, left)? {
                let choices = axes.into_iter().zip(chosen).map(|(mut axis, i)| axis.points.swap_remove(i).0);
                return Ok(Some(choices.collect()));
            }
        }
        Ok(None)
    }

    fn first(&self, axes: &[Axis<Choice>], left: &mut usize) -> Result<Option<Vec<usize>>, Error> {
        for (must, must_not) in &self.goals {
            let found = find(axes, must, must_not, left).map_err(|_| Error::Search { at: self.at.to_owned() })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether anything could be found if patterns with variables covered whatever suits.
    fn possible(
        &mut self,
        known: &Context,
        open: &BTreeSet<String>,
        who: &[Requester],
        actions: &Axis<Choice>,
        left: &mut usize,
    ) -> Result<bool, Error> {
        let shadow = Shadow { context: known, open };
        let Some(resources) = shadow.resources(&mut self.scene, &self.partitions)? else { return Ok(true) };
        let mut keys = Vec::new();
        for (key, name) in self.scene.keys() {
            let values = match known.get(&key) {
                Some(value) => Some(vec![Some(value.clone())]),
                None => shadow.values(&mut self.scene, &key, self.values)?,
            };
            match values.and_then(|values| shadow.key(&self.scene, &key, &name, values)) {
                Some(axis) => keys.push(axis),
                None => return Ok(true),
            }
        }
        Ok(self.try_partitions(who, &resources, actions, &keys, left)?.is_some())
    }
}

/// Whether a resource can be reached from a partition; what is no ARN is in none.
fn is_within(resource: &str, partition: Option<&str>) -> bool {
    match (Arn::parse(resource), partition) {
        (Some(arn), Some(partition)) => arn.partition == partition,
        _ => true,
    }
}
