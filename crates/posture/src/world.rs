//! An inventory as rules see it: every resource under its account and type, so that a rule that asks for all resources
//! of a type gets a list that is already there, and what could not be listed as an element that is not known.

use crate::{
    access::{Access, AccessFact, Deriver, Evidence},
    bucket,
    known::{Known, missing},
    policy,
    rule::{Items, NOWHERE, Read, Val},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};
use yagura_model::{ACCOUNT_TYPE, Gap, Resource};

/// What a fact of a resource rests on: evidence path and value.
pub type Because = Vec<(String, Value)>;

/// A fact that Rust derives from a resource, and why it holds.
#[derive(Clone, Debug)]
pub struct Fact {
    pub truth: Known,
    pub because: Because,
}

#[derive(Default)]
struct Facts {
    policy_public: OnceCell<Fact>,
    public_read: OnceCell<Fact>,
    public_write: OnceCell<Fact>,
}

/// Resources that are joined belong to one account; of a template, to one file, since a template is deployed on its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Scope<'a> {
    account: Option<&'a str>,
    file: Option<&'a str>,
}

pub struct Thing<'a> {
    pub resource: &'a Resource,
    scope: u32,
    facts: Facts,
}

/// All resources of one type in one scope.
#[derive(Default)]
struct Group<'a> {
    all: OnceCell<Rc<[Read<'a>]>>,
    here: RefCell<HashMap<&'a str, Rc<[Read<'a>]>>>,
    things: Vec<u32>,
    gaps: Vec<&'a Gap>,
}

/// Positions in a group's list by the string at one path; see [`crate::rule`]'s joins.
pub struct JoinIndex {
    by_text: HashMap<String, Vec<u32>>,
    /// Elements whose value at the path isn't known: they may equal anything.
    loose: Vec<u32>,
}

/// A join in one scope: the rule's place, and the Region of a list that is limited to one.
type JoinKey<'a> = (u32, usize, &'a str);

pub struct World<'a> {
    pub now: DateTime<Utc>,
    things: Vec<Thing<'a>>,
    groups: HashMap<(u32, &'a str), Group<'a>>,
    joins: RefCell<HashMap<JoinKey<'a>, Rc<JoinIndex>>>,
    empty: Rc<[Read<'a>]>,
    access: Access<'a>,
}

impl<'a> World<'a> {
    pub fn new(evidence: Evidence<'a>, deriver: Option<&'a Deriver>) -> World<'a> {
        let Evidence { inventory, now, .. } = evidence;
        let mut scopes: HashMap<Scope<'a>, u32> = HashMap::new();
        let mut groups: HashMap<(u32, &'a str), Group<'a>> = HashMap::new();
        let mut things = Vec::with_capacity(inventory.resources.len());
        for (index, resource) in inventory.resources.iter().enumerate() {
            let file = resource.origin.as_ref().filter(|_| resource.source.is_template()).map(|o| o.file.as_str());
            let next = scopes.len() as u32;
            let scope = *scopes.entry(Scope { account: resource.account.as_deref(), file }).or_insert(next);
            groups.entry((scope, &resource.kind)).or_default().things.push(index as u32);
            things.push(Thing { resource, scope, facts: Facts::default() });
        }
        for gap in &inventory.gaps {
            for (scope, number) in &scopes {
                if scope.file.is_none() && gap.bears_on(scope.account) {
                    groups.entry((*number, &gap.kind)).or_default().gaps.push(gap);
                }
            }
        }
        World {
            now,
            things,
            groups,
            joins: RefCell::default(),
            empty: Rc::new([]),
            access: Access::new(evidence, deriver),
        }
    }

    pub fn thing(&self, thing: u32) -> &Thing<'a> {
        &self.things[thing as usize]
    }

    /// All resources of a type in the account of `thing`; with `here`, of its Region only. A listing that failed is an
    /// element that is not known.
    pub fn related(&self, thing: u32, kind: &'a str, here: bool) -> Rc<[Read<'a>]> {
        let thing = self.thing(thing);
        let Some(group) = self.groups.get(&(thing.scope, kind)) else { return Rc::clone(&self.empty) };
        if !here {
            return Rc::clone(group.all.get_or_init(|| self.list(group, None)));
        }
        let region = thing.resource.region.as_deref().unwrap_or("");
        let mut lists = group.here.borrow_mut();
        Rc::clone(lists.entry(region).or_insert_with(|| self.list(group, Some(region))))
    }

    fn list(&self, group: &Group<'a>, region: Option<&str>) -> Rc<[Read<'a>]> {
        let in_region = |r: Option<&str>| region.is_none_or(|region| r.unwrap_or("") == region);
        let things = group.things.iter().filter(|t| in_region(self.thing(**t).resource.region.as_deref()));
        let gaps = group.gaps.iter().filter(|gap| gap.region.is_none() || in_region(gap.region.as_deref()));
        let known = things.map(|t| Val::Thing(*t));
        let unknown = gaps.map(|gap| Val::Unknown(missing(&gap.action)));
        known.chain(unknown).map(|val| Read { val, at: NOWHERE }).collect()
    }

    /// Where in `list`, which `related` gave for `thing`, the value that `read` takes of an element is `text` or isn't
    /// known. `join` tells the rule's place and the list's Region.
    pub fn positions(
        &self,
        thing: u32,
        join: (usize, &'a str),
        list: &[Read<'a>],
        text: &str,
        mut read: impl FnMut(&Val<'a>) -> Val<'a>,
    ) -> Vec<u32> {
        let key = (self.thing(thing).scope, join.0, join.1);
        let known = self.joins.borrow().get(&key).cloned();
        let index = known.unwrap_or_else(|| {
            let mut index = JoinIndex { by_text: HashMap::new(), loose: Vec::new() };
            for (position, element) in list.iter().enumerate() {
                match read(&element.val) {
                    Val::Unknown(_) => index.loose.push(position as u32),
                    val => {
                        if let Some(text) = val.as_str() {
                            index.by_text.entry(text.to_owned()).or_default().push(position as u32);
                        }
                    }
                }
            }
            let index = Rc::new(index);
            self.joins.borrow_mut().insert(key, Rc::clone(&index));
            index
        });
        let mut positions = index.by_text.get(text).cloned().unwrap_or_default();
        positions.extend_from_slice(&index.loose);
        positions.sort_unstable();
        positions
    }

    /// A derived fact by name; `None` for a name that the type doesn't have (load checks forbid it).
    pub fn fact(&self, thing: u32, name: &str) -> Option<&Fact> {
        let Thing { resource, facts, .. } = self.thing(thing);
        match name {
            "policy_public" => Some(facts.policy_public.get_or_init(|| policy_public(resource))),
            "public_read" => {
                Some(facts.public_read.get_or_init(|| bucket::public(self, thing, resource, &bucket::READ)))
            }
            "public_write" => {
                Some(facts.public_write.get_or_init(|| bucket::public(self, thing, resource, &bucket::WRITE)))
            }
            _ => Some(self.access.fact(AccessFact::of(name)?, thing as usize)),
        }
    }
}

/// Names of the derived facts that a type has.
pub fn fact_names(kind: &str) -> Vec<&'static str> {
    let own: &[&str] =
        if kind == bucket::KIND { &["policy_public", "public_read", "public_write"] } else { &["policy_public"] };
    own.iter().copied().chain(AccessFact::ALL.iter().filter(|fact| fact.is_of(kind)).map(|fact| fact.name())).collect()
}

/// The types of other resources that a derived fact looks at.
pub fn fact_looks_at(name: &str) -> Vec<&'static str> {
    match name {
        "public_read" | "public_write" => vec![ACCOUNT_TYPE],
        _ => AccessFact::of(name).map_or_else(Vec::new, AccessFact::looks_at),
    }
}

fn policy_public(resource: &Resource) -> Fact {
    let document =
        ["PolicyDocument", "KeyPolicy"].into_iter().find_map(|name| Some((name, resource.properties.get(name)?)));
    let Some((name, document)) = document else {
        return match Val::of(&resource.properties) {
            Val::Unknown(reasons) => Fact { truth: Known::Unknown(reasons), because: Vec::new() },
            _ => Fact { truth: Known::No, because: Vec::new() },
        };
    };
    let truth = policy::is_public(&Val::of(document));
    let because = if truth.is_yes() { public_statements(name, document) } else { Vec::new() };
    Fact { truth, because }
}

/// The statements that make a policy public, as evidence.
pub fn public_statements(name: &str, document: &Value) -> Because {
    let Value::Object(map) = document else { return Vec::new() };
    let statements = policy::raw_statements(map).into_iter().enumerate();
    let public = statements.filter(|(_, s)| policy::grants_public(s).and(policy::limited(s).negate()).is_yes());
    public.map(|(i, s)| (format!("resource.{name}.Statement[{i}]"), s.clone())).collect()
}

/// The elements of a list that is JSON; empty for anything else.
pub fn elements<'a>(val: &Val<'a>) -> Vec<Val<'a>> {
    match val.items() {
        Some(items @ Items::Json(_)) => items.iter().collect(),
        _ => Vec::new(),
    }
}
