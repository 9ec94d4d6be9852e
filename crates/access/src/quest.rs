//! Looks for a request of which some statements match and others don't: the search behind every question about
//! policies without a request.
//!
//! Without variables the axes are exact, so what is not found does not exist. A variable ties axes together, and what
//! it may hold has no finitely many cases. So first each pattern with a variable is taken for one that may cover a text
//! or not, whatever the others do ([`shadow`](crate::shadow)): what isn't found even so does not exist either. Else
//! values are tried, and if none serves, the question is given up rather than guessed.

use crate::assign::assignments;
use crate::bits::Bits;
use crate::coarse;
use crate::context::{Context, Value};
use crate::error::Error;
use crate::policy::Statement;
use crate::polish::samples;
use crate::principal::Requester;
use crate::scene::{Choice, Draft, Scene};
use crate::search::{Axis, find};
use crate::shadow::Shadow;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Whether a key, in lower case, can have any value.
    pub free: &'v dyn Fn(&str) -> bool,
    /// What the question is about, for errors.
    pub at: &'static str,
}

/// Resources, each with the statements that cover it, of those that must and those that may; `None` if there are too
/// many to tell.
type Resources<'r> = dyn FnMut(&mut Scene<'_>, &Bits, &Bits) -> Result<Option<Vec<(String, Bits)>>, Error> + 'r;

/// Values of variables that are tried on what comes to mind, before anything is searched.
const FIRST: usize = 3;

/// Who asks for what, and the steps that are left to find out.
struct Cast<'c> {
    who: &'c [Requester],
    actions: &'c Axis<Choice>,
    left: &'c mut usize,
}

enum Found {
    Nothing,
    These(Vec<Choice>),
    Unclear,
}

/// Axes that are the same for everybody, if there are no variables.
#[derive(Default)]
struct Cache {
    resources: BTreeMap<(Bits, Bits), Vec<(String, Bits)>>,
    keys: BTreeMap<String, (Axis<Choice>, Option<Error>)>,
}

/// The axes of keys, and of which of them not every case is known: its place, the key, and why.
struct Keys {
    axes: Vec<Axis<Choice>>,
    doubts: Vec<(usize, String, Error)>,
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
            let mut open = BTreeSet::new();
            for key in self.scene.variables().into_iter().filter(|key| known.get(key).is_none()) {
                // A key that is always absent is as good as known.
                if (self.values)(&mut self.scene, &key, &known)? != (vec![None], true) || (self.free)(&key) {
                    open.insert(key);
                }
            }
            let mut cast = Cast { who: &who, actions: &actions, left: &mut left };
            let contexts = match open.is_empty() {
                true => vec![known.clone()],
                false => assignments(&mut self.scene, &open, &known, self.values, self.free)?,
            };
            for context in contexts.iter().take(FIRST) {
                let keys = self.keys(context, &open, &mut cache)?;
                if let Some(draft) = self.sample(context, &keys.axes, &mut cast)? {
                    return Ok(Some(draft));
                }
            }
            if !open.is_empty() && matches!(self.possible(&known, &open, &mut cast), Ok(false)) {
                continue;
            }
            for context in contexts {
                let mut keys = self.keys(&context, &open, &mut cache)?;
                let found = self.concrete(&context, &keys.axes, &mut cast, &mut cache);
                let tangled = match found {
                    Ok(Some(draft)) => return Ok(Some(draft)),
                    Ok(None) => None,
                    Err(error) => Some(error),
                };
                // What couldn't be told apart may not matter.
                let is_tangled = tangled.is_some();
                if let Some(error) = tangled.or(keys.doubts.first().map(|(_, _, error)| error.clone()))
                    && !self.excluded(&context, &mut keys, is_tangled, &mut cast, &mut cache)?
                {
                    doubt = doubt.or(Some(error));
                }
            }
            if !open.is_empty() {
                let names = open.iter().map(|key| format!("`${{{key}}}`")).collect::<Vec<_>>().join(", ");
                doubt = doubt.or(Some(Error::Variables { names }));
            }
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

    /// The axes of keys with every variable known, and what is in doubt about them.
    fn keys(&mut self, context: &Context, assigned: &BTreeSet<String>, cache: &mut Cache) -> Result<Keys, Error> {
        let mut keys = Keys { axes: Vec::new(), doubts: Vec::new() };
        let fixed = self.scene.variables().is_empty();
        for (key, name) in self.scene.keys() {
            let is_known = context.get(&key).is_some() || assigned.contains(&key);
            let (axis, doubt) = match cache.keys.get(&key) {
                _ if is_known => (self.scene.key(&key, &name, vec![context.get(&key).cloned()], context), None),
                Some(known) => known.clone(),
                None => {
                    let (values, doubt) = match (self.values)(&mut self.scene, &key, context) {
                        Ok((values, true)) => (values, None),
                        Ok((values, false)) => (values, Some(Error::Mixed { key: name.clone() })),
                        Err(error) => (vec![None], Some(error)),
                    };
                    (self.scene.key(&key, &name, values, context), doubt)
                }
            };
            if fixed && !is_known {
                cache.keys.insert(key.clone(), (axis.clone(), doubt.clone()));
            }
            keys.doubts.extend(doubt.map(|error| (keys.axes.len(), key, error)));
            keys.axes.push(axis);
        }
        Ok(keys)
    }

    /// Whether nothing could be found even if what is in doubt turned out as suits.
    fn excluded(
        &mut self,
        context: &Context,
        keys: &mut Keys,
        tangled: bool,
        cast: &mut Cast<'_>,
        cache: &mut Cache,
    ) -> Result<bool, Error> {
        for (at, key, _) in &keys.doubts {
            match coarse::key(&self.scene, key) {
                Some(axis) => keys.axes[*at] = axis,
                None => return Ok(false),
            }
        }
        if !tangled {
            return Ok(matches!(self.concrete(context, &keys.axes, cast, cache), Ok(None)));
        }
        let mut resources =
            |scene: &mut Scene<'_>, must: &Bits, among: &Bits| Ok(coarse::resources(scene, must, among));
        let found = self.try_goals(&keys.axes, &mut resources, cast)?;
        Ok(matches!(found, Found::Nothing))
    }

    /// Tries resources that come to mind: most of what is new shows on these.
    fn sample(
        &mut self,
        context: &Context,
        keys: &[Axis<Choice>],
        cast: &mut Cast<'_>,
    ) -> Result<Option<Draft>, Error> {
        let mut resources = |scene: &mut Scene<'_>, must: &Bits, among: &Bits| {
            let of = must.ones().chain(among.ones()).map(|i| scene.statements[i]);
            let found = samples(of, context).into_iter().map(|resource| {
                let holds = scene.holding_of(must, among, |s| s.covers_resource(&resource, context));
                (resource, holds)
            });
            Ok(Some(found.collect()))
        };
        let found = self.try_goals(keys, &mut resources, cast)?;
        Ok(match found {
            Found::These(choices) => Some(Draft::of(choices.iter(), context)),
            Found::Nothing | Found::Unclear => None,
        })
    }

    /// The search among all resources, with every variable known.
    fn concrete(
        &mut self,
        context: &Context,
        keys: &[Axis<Choice>],
        cast: &mut Cast<'_>,
        cache: &mut Cache,
    ) -> Result<Option<Draft>, Error> {
        let partitions = self.partitions.clone();
        let mut other = BTreeMap::new();
        let known = if self.scene.variables().is_empty() { &mut cache.resources } else { &mut other };
        let mut resources = |scene: &mut Scene<'_>, must: &Bits, among: &Bits| {
            if let Some(known) = known.get(&(must.clone(), among.clone())) {
                return Ok(Some(known.clone()));
            }
            let found = scene.resources(context, &partitions, must, among)?;
            known.insert((must.clone(), among.clone()), found.clone());
            Ok(Some(found))
        };
        match self.try_goals(keys, &mut resources, cast)? {
            Found::Nothing => Ok(None),
            Found::These(choices) => Ok(Some(Draft::of(choices.iter(), context))),
            Found::Unclear => Err(Error::Search { at: self.at.to_owned() }),
        }
    }

    /// The search for each goal, and for each partition: principals and resources of two have nothing to do with each
    /// other.
    fn try_goals(
        &mut self,
        keys: &[Axis<Choice>],
        resources: &mut Resources<'_>,
        cast: &mut Cast<'_>,
    ) -> Result<Found, Error> {
        let actions = cast.actions;
        let persons: Vec<(Option<&str>, Axis<Choice>)> = match cast.who {
            [] => vec![(None, self.nobody())],
            who => self.partitions.iter().map(|p| (Some(p.as_str()), self.persons(who, p))).collect(),
        };
        for (must, must_not) in &self.goals {
            let everybody = Axis { points: persons.iter().flat_map(|(_, axis)| axis.points.clone()).collect() };
            let outer: Vec<&Axis<Choice>> = [actions, &everybody].into_iter().chain(keys).collect();
            let Some(must_not) = self.in_question(must, must_not, &outer) else { continue };
            let Some(resources) = resources(&mut self.scene, must, &must_not)? else { return Ok(Found::Unclear) };
            for (partition, persons) in &persons {
                let mut within = Axis::new();
                for (resource, holds) in resources.iter().filter(|(r, _)| is_within(r, *partition)) {
                    within.add(Choice::Resource(resource.clone()), holds.clone());
                }
                let axes: Vec<&Axis<Choice>> = [actions, &within, persons].into_iter().chain(keys).collect();
                let chosen = find(&axes, must, &must_not, cast.left);
                if let Some(chosen) = chosen.map_err(|_| Error::Search { at: self.at.to_owned() })? {
                    let choices = axes.iter().zip(chosen).map(|(axis, i)| axis.points[i].0.clone());
                    return Ok(Found::These(choices.collect()));
                }
            }
        }
        Ok(Found::Nothing)
    }

    /// Of the statements that must not match those that could match along with those that must; `None` if one of them
    /// matches whenever they do, or if these can't match together.
    fn in_question(&self, must: &Bits, must_not: &Bits, outer: &[&Axis<Choice>]) -> Option<Bits> {
        let wanted: Vec<&Statement> = must.ones().map(|i| self.scene.statements[i]).collect();
        let mut left = must_not.clone();
        for axis in outer {
            let mut possible = Bits::new(self.scene.statements.len());
            let mut any = false;
            for (_, holds) in axis.points.iter().filter(|(_, holds)| holds.holds(must)) {
                possible.add(holds);
                any = true;
            }
            if !any {
                return None;
            }
            left.keep(&possible);
        }
        let same = left.ones().any(|i| wanted.iter().any(|s| s.matches_as(self.scene.statements[i])));
        (!same).then_some(left)
    }

    fn persons(&self, who: &[Requester], partition: &str) -> Axis<Choice> {
        let mut persons = Axis::new();
        for who in who.iter().filter(|who| who.partition.is_empty() || who.partition == partition) {
            persons.add(Choice::Who(who.clone()), self.scene.naming(who));
        }
        persons
    }

    /// Whom every policy is attached to.
    fn nobody(&self) -> Axis<Choice> {
        Axis { points: vec![(Choice::Attached, self.scene.holding(|_| true))] }
    }

    /// Whether anything could be found if patterns with variables covered whatever suits.
    fn possible(&mut self, known: &Context, open: &BTreeSet<String>, cast: &mut Cast<'_>) -> Result<bool, Error> {
        let shadow = Shadow { context: known, open };
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
        let partitions = self.partitions.clone();
        let mut resources =
            |scene: &mut Scene<'_>, must: &Bits, among: &Bits| shadow.resources(scene, &partitions, must, among);
        let found = self.try_goals(&keys, &mut resources, cast)?;
        Ok(!matches!(found, Found::Nothing))
    }
}

/// Whether a resource can be reached from a partition; what is no ARN is in none.
fn is_within(resource: &str, partition: Option<&str>) -> bool {
    match (resource.strip_prefix("arn:"), partition) {
        (Some(rest), Some(partition)) => rest.split(':').next() == Some(partition),
        _ => true,
    }
}
