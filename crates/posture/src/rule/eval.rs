//! Runs a compiled rule on one resource. An operand that isn't known, and an error, make the result unknown unless the
//! other operand of `&&` or `||`, or another element of a list, decides it: CEL's semantics of unknown values.

use super::{
    compile::Program,
    node::{Base, Literal, Node, Root},
    operator,
    trace::{Evidence, Step, Trace},
    value::{At, NOWHERE, Read, Val},
};
use crate::{
    known::{Known, Reasons, failed},
    world::World,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{collections::HashMap, rc::Rc};

/// Nodes that one run of one rule may take.
pub(super) const MAX_STEPS: u32 = 2_000_000;

/// Runs rules on the resources of one world.
pub struct Eval<'a, 'w> {
    pub(super) world: &'w World<'a>,
    pub(super) thing: u32,
    pub(super) locals: Vec<Read<'a>>,
    pub(super) steps: u32,
    pub(super) trace: Trace<'a>,
    /// Normalised statements of the policies of this resource, by the policy's address.
    pub(super) statements: HashMap<usize, Rc<[Read<'a>]>>,
}

impl<'a, 'w> Eval<'a, 'w> {
    pub fn new(world: &'w World<'a>) -> Eval<'a, 'w> {
        Eval { world, thing: 0, locals: Vec::new(), steps: 0, trace: Trace::default(), statements: HashMap::new() }
    }

    /// What the last rule read.
    pub fn evidence(&self) -> Evidence {
        self.trace.evidence()
    }

    /// Runs `program` on a resource; [`Eval::evidence`] then tells what it read.
    pub fn truth_of(&mut self, program: &'a Program, thing: u32) -> Known {
        if self.thing != thing {
            self.statements.clear();
            self.thing = thing;
        }
        self.trace.clear();
        self.locals.clear();
        self.steps = 0;
        self.truth(&program.node)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.world.now
    }

    pub(super) fn truth(&mut self, node: &'a Node) -> Known {
        match node {
            Node::Not(inner) => self.truth(inner).negate(),
            Node::And(left, right) => self.both(left, right, false),
            Node::Or(left, right) => self.both(left, right, true),
            _ => as_truth(self.eval(node).val),
        }
    }

    /// `&&`, which false decides, and `||`, which true decides. What didn't decide is no reason.
    fn both(&mut self, left: &'a Node, right: &'a Node, decides: bool) -> Known {
        let decides = Known::of(decides);
        let start = self.trace.mark();
        let first = self.truth(left);
        if first == decides {
            return first;
        }
        let middle = self.trace.mark();
        let second = self.truth(right);
        let end = self.trace.mark();
        match (&first, &second) {
            (Known::Unknown(_), second) if *second == decides => self.trace.forget_between(start, middle),
            (Known::Unknown(_), Known::Unknown(_)) => {}
            (Known::Unknown(_), _) => self.trace.demote(middle, end),
            (_, Known::Unknown(_)) => self.trace.demote(start, middle),
            (_, second) if *second == decides => self.trace.demote(start, middle),
            _ => {}
        }
        if decides == Known::No { first.and(second) } else { first.or(second) }
    }

    pub(super) fn eval(&mut self, node: &'a Node) -> Read<'a> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Read::computed(Val::Unknown(failed("the rule takes too long", "ルールの評価が長すぎます")));
        }
        match node {
            Node::Path { base, names } => return self.path(*base, names),
            Node::Select { of, names } => {
                let of = self.eval(of);
                return self.select(of, names);
            }
            Node::Index { of, index } => return self.index(of, index),
            Node::Related { kind, here } => {
                let list = self.world.related(self.thing, kind, *here);
                let none = list.is_empty();
                let val = Val::List(list);
                if none {
                    // That there is no such resource is what the rule learnt.
                    let at = self.trace.link(NOWHERE, Step::Root(kind));
                    self.trace.read(at, &val);
                }
                return Read::computed(val);
            }
            Node::Call { function, args } => return self.call(*function, args),
            Node::If { condition, then, otherwise } => {
                return match self.truth(condition) {
                    Known::Yes => self.eval(then),
                    Known::No => self.eval(otherwise),
                    Known::Unknown(reasons) => Read::computed(Val::Unknown(reasons)),
                };
            }
            _ => {}
        }
        Read::computed(self.computed(node))
    }

    /// Nodes whose value comes from no single place.
    fn computed(&mut self, node: &'a Node) -> Val<'a> {
        match node {
            Node::Literal(literal) => literal_value(literal),
            Node::List(nodes) => Val::List(nodes.iter().map(|node| self.eval(node)).collect()),
            Node::Object(fields) => {
                Val::Record(fields.iter().map(|(name, node)| (name.as_ref(), self.eval(node).val)).collect())
            }
            Node::Has(of) => match self.eval(of).val {
                Val::Unknown(reasons) => Val::Unknown(reasons),
                val => Val::Bool(!matches!(val, Val::Null)),
            },
            Node::Negate(of) => match self.eval(of).val {
                Val::Double(d) => Val::Double(-d),
                val => operator::arithmetic(super::node::Arithmetic::Subtract, &Val::Int(0), &val),
            },
            Node::Equal { left, right, negated } => {
                let (left, right) = (self.eval(left).val, self.eval(right).val);
                let equal = left.equals(&right);
                Val::known(if *negated { equal.negate() } else { equal })
            }
            Node::Compare { op, left, right } => {
                let (left, right) = (self.eval(left).val, self.eval(right).val);
                Val::known(operator::compare(*op, &left, &right))
            }
            Node::Arithmetic { op, left, right } => {
                let (left, right) = (self.eval(left).val, self.eval(right).val);
                operator::arithmetic(*op, &left, &right)
            }
            Node::In { item, list } => self.is_in(item, list),
            Node::Matches { text, pattern } => match self.eval(text).val {
                Val::Unknown(reasons) => Val::Unknown(reasons),
                Val::Null => Val::Bool(false),
                val => match val.as_str() {
                    Some(text) => Val::Bool(pattern.is_match(text)),
                    None => Val::Unknown(failed("`matches` needs a string", "`matches` には文字列が必要です")),
                },
            },
            Node::Quantify { kind, range, body, join } => Val::known(self.quantify(*kind, range, body, join.as_ref())),
            Node::Collect { range, filter, map, join } => {
                self.collect(range, filter.as_deref(), map.as_deref(), join.as_ref())
            }
            Node::Not(_) | Node::And(..) | Node::Or(..) => Val::known(self.truth(node)),
            // The rest is handled by `eval`.
            _ => Val::Null,
        }
    }

    /// A list that is written out is compared element by element, without building it.
    fn is_in(&mut self, item: &'a Node, list: &'a Node) -> Val<'a> {
        let item = self.eval(item).val;
        let Node::List(nodes) = list else {
            let list = self.eval(list).val;
            return Val::known(operator::is_in(&item, &list));
        };
        let mut found = Known::No;
        for node in nodes {
            let element = self.eval(node).val;
            found = found.or(item.equals(&element));
            if found.is_yes() {
                break;
            }
        }
        Val::known(found)
    }

    fn path(&mut self, base: Base, names: &'a [Box<str>]) -> Read<'a> {
        let resource = self.world.thing(self.thing).resource;
        let text = |value: &'a Option<String>| value.as_deref().map_or(Val::Null, Val::Str);
        let root = match base {
            Base::Local(depth) => {
                let local = self.locals.get(depth).cloned().unwrap_or(Read::computed(Val::Null));
                return self.select(local, names);
            }
            Base::Root(root) => root,
        };
        let at = self.trace.link(NOWHERE, Step::Root(root.name()));
        let val = match root {
            Root::Resource => return self.json(&resource.properties, at, names),
            Root::Observed => return self.json(&resource.observed, at, names),
            Root::Derived => {
                let at = self.trace.link(at, Step::Names(names));
                let val = names.first().map_or(Val::Null, |name| self.fact(name));
                self.trace.read(at, &val);
                return Read { val, at };
            }
            Root::Tags => Val::Tags(&resource.tags),
            Root::Id => Val::Str(&resource.id),
            Root::Arn => text(&resource.arn),
            Root::Account => text(&resource.account),
            Root::Region => text(&resource.region),
        };
        self.select(Read { val, at }, names)
    }

    fn fact(&mut self, name: &str) -> Val<'a> {
        match self.world.fact(self.thing, name) {
            Some(fact) => {
                for (path, value) in &fact.because {
                    self.trace.fact(path, value.clone());
                }
                Val::known(fact.truth.clone())
            }
            None => Val::Null,
        }
    }

    fn json(&mut self, value: &'a Value, at: At, names: &'a [Box<str>]) -> Read<'a> {
        let at = if names.is_empty() { at } else { self.trace.link(at, Step::Names(names)) };
        let mut value = value;
        let mut val = None;
        for name in names {
            match value {
                Value::Object(map) => {
                    if let Val::Unknown(reasons) = Val::of(value) {
                        val = Some(Val::Unknown(reasons));
                        break;
                    }
                    value = map.get(name.as_ref()).unwrap_or(&Value::Null);
                }
                Value::Null => break,
                other => {
                    val = Some(Val::Unknown(no_property(&Val::of(other), name)));
                    break;
                }
            }
        }
        let val = val.unwrap_or_else(|| Val::of(value));
        self.trace.read(at, &val);
        Read { val, at }
    }

    fn select(&mut self, of: Read<'a>, names: &'a [Box<str>]) -> Read<'a> {
        let at = if names.is_empty() {
            of.at
        } else if let Val::Thing(thing) = of.val {
            let resource = self.world.thing(thing).resource;
            let at = self.trace.link(NOWHERE, Step::Thing(&resource.kind, resource.name()));
            self.trace.link(at, Step::Names(names))
        } else {
            self.trace.link(of.at, Step::Names(names))
        };
        let val = self.walk(of.val, names);
        self.trace.read(at, &val);
        Read { val, at }
    }

    pub(super) fn walk(&self, mut val: Val<'a>, names: &[Box<str>]) -> Val<'a> {
        let mut names = names.iter();
        while let Some(name) = names.next() {
            val = match val {
                Val::Unknown(_) | Val::Null => return val,
                Val::Thing(thing) => {
                    let resource = self.world.thing(thing).resource;
                    match name.as_ref() {
                        "resource" => Val::of(&resource.properties),
                        "observed" => Val::of(&resource.observed),
                        "tags" => Val::Tags(&resource.tags),
                        "id" => Val::Str(&resource.id),
                        "arn" => resource.arn.as_deref().map_or(Val::Null, Val::Str),
                        "region" => resource.region.as_deref().map_or(Val::Null, Val::Str),
                        "derived" => {
                            let fact = names.next().and_then(|name| self.world.fact(thing, name));
                            fact.map_or(Val::Null, |fact| Val::known(fact.truth.clone()))
                        }
                        _ => Val::Null,
                    }
                }
                val => match val.key(name) {
                    Some(below) => below,
                    None => return Val::Unknown(no_property(&val, name)),
                },
            };
        }
        val
    }

    fn index(&mut self, of: &'a Node, index: &'a Node) -> Read<'a> {
        let (of, index) = (self.eval(of), self.eval(index).val);
        if let Some(reasons) = operator::unknown_of(&of.val, &index) {
            return Read::computed(Val::Unknown(reasons));
        }
        let (val, step) = match (&of.val, &index) {
            (_, Val::Str(_) | Val::Text(_)) => {
                let name = index.as_str().unwrap_or("");
                let val = of.val.key(name).unwrap_or_else(|| Val::Unknown(no_property(&of.val, name)));
                (val, Step::Key(name.to_owned()))
            }
            (Val::Null, _) => return Read::computed(Val::Null),
            (list, Val::Int(index)) if list.items().is_some() => {
                let position = usize::try_from(*index).unwrap_or(usize::MAX);
                let items = list.items().into_iter();
                // What stands where is not known once an element isn't.
                let val = items.map(|i| i.first_unknown().map_or_else(|| i.get(position), Val::Unknown)).next();
                (val.unwrap_or(Val::Null), Step::Index(position))
            }
            (of, _) => {
                let (en, ja) = of.kind();
                let en = format!("{en} can't be indexed like this");
                (Val::Unknown(failed(en, format!("{ja}はこの形では参照できません"))), Step::Name("?"))
            }
        };
        let at = self.trace.link(of.at, step);
        self.trace.read(at, &val);
        Read { val, at }
    }
}

fn as_truth(val: Val<'_>) -> Known {
    match val {
        Val::Bool(truth) => Known::of(truth),
        Val::Unknown(reasons) => Known::Unknown(reasons),
        other => {
            let (en, ja) = other.kind();
            Known::Unknown(failed(
                format!("the rule needs true or false and found {en}"),
                format!("真偽値が必要な箇所に{ja}がありました"),
            ))
        }
    }
}

fn no_property(val: &Val<'_>, name: &str) -> Reasons {
    let (en, ja) = val.kind();
    failed(format!("{en} has no property `{name}`"), format!("{ja}にプロパティ `{name}` はありません"))
}

fn literal_value(literal: &Literal) -> Val<'_> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(b) => Val::Bool(*b),
        Literal::Int(i) => Val::Int(*i),
        Literal::Double(d) => Val::Double(*d),
        Literal::Text(text) => Val::Str(text),
    }
}
