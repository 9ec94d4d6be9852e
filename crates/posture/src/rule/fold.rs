//! Comprehensions: `all`, `exists`, `exists_one`, `filter` and `map` over lists, the names of objects, and resources.

use super::{
    eval::{Eval, MAX_STEPS},
    node::{Join, Node, Quantifier},
    trace::Step,
    value::{At, NOWHERE, Read, Val},
};
use crate::known::{Known, Reasons, failed, merge};
use serde_json::{Map, Value};
use std::rc::Rc;

/// Reads of undecided elements that one comprehension keeps, so that there is room for the one that decides.
const MAX_PASSED_OVER: usize = 48;

/// What a comprehension goes over.
enum Range<'a> {
    List(Val<'a>),
    /// Positions of a list that a join picked.
    Picked(Val<'a>, Vec<u32>),
    Empty,
    Unknown(Reasons),
}

impl<'a> Eval<'a, '_> {
    /// What a comprehension goes over, and where it was read.
    fn range(&mut self, node: &'a Node, join: Option<&'a Join>) -> (Range<'a>, At) {
        let Read { val, at } = self.eval(node);
        let range = match val {
            Val::Null => Range::Empty,
            Val::Unknown(reasons) => Range::Unknown(reasons),
            Val::List(list) => match (join, node) {
                (Some(join), Node::Related { here, .. }) => self.picked(list, join, *here),
                _ => Range::List(Val::List(list)),
            },
            Val::Array(_) => Range::List(val),
            Val::Object(map) => Range::List(keys(map)),
            Val::Tags(tags) => Range::List(Val::List(tags.keys().map(|k| Read::computed(Val::Str(k))).collect())),
            other => {
                let (en, ja) = other.kind();
                Range::Unknown(failed(format!("{en} is no list"), format!("{ja}はリストではありません")))
            }
        };
        (range, at)
    }

    fn picked(&mut self, list: Rc<[Read<'a>]>, join: &'a Join, here: bool) -> Range<'a> {
        let key = self.eval(&join.key).val;
        let Some(text) = key.as_str() else { return Range::List(Val::List(list)) };
        let region = self.world.thing(self.thing).resource.region.as_deref().filter(|_| here).unwrap_or("");
        let id = (std::ptr::from_ref(join) as usize, region);
        let positions = self.world.positions(self.thing, id, &list, text, |val| self.walk(val.clone(), &join.path));
        Range::Picked(Val::List(list), positions)
    }

    pub(super) fn quantify(
        &mut self,
        kind: Quantifier,
        range: &'a Node,
        body: &'a Node,
        join: Option<&'a Join>,
    ) -> Known {
        let (range, at) = self.range(range, join);
        let decides = if kind == Quantifier::All { Known::No } else { Known::Yes };
        let (mut unknown, mut found): (Option<Reasons>, u32) = (None, 0);
        let first = self.trace.mark();
        let outcome = self.each(range, at, |eval, element| {
            let mark = eval.trace.mark();
            let truth = match eval.truth(body) {
                // An element that isn't known may not even be there: it can't decide.
                truth if truth == decides => element.val.reasons().cloned().map_or(truth, Known::Unknown),
                truth => truth,
            };
            match truth {
                Known::Unknown(reasons) => {
                    unknown = Some(unknown.as_ref().map_or_else(|| reasons.clone(), |u| merge(u, &reasons)));
                    true
                }
                truth if truth != decides => {
                    eval.pass_over(element, first, mark);
                    true
                }
                _ => {
                    found += 1;
                    if found == 1 && kind != Quantifier::ExistsOne {
                        eval.trace.forget_between(first, mark);
                    }
                    kind == Quantifier::ExistsOne && found < 2
                }
            }
        });
        if let Some(reasons) = outcome {
            return Known::Unknown(reasons);
        }
        match (kind, found, unknown) {
            (Quantifier::ExistsOne, 2.., _) => Known::No,
            (Quantifier::All | Quantifier::Exists, 1.., _) => decides,
            (_, _, Some(reasons)) => Known::Unknown(reasons),
            (Quantifier::ExistsOne, found, None) => Known::of(found == 1),
            (_, _, None) => decides.negate(),
        }
    }

    pub(super) fn collect(
        &mut self,
        range: &'a Node,
        filter: Option<&'a Node>,
        map: Option<&'a Node>,
        join: Option<&'a Join>,
    ) -> Val<'a> {
        let (range, at) = self.range(range, join);
        let mut kept: Vec<Read<'a>> = Vec::new();
        let first = self.trace.mark();
        let outcome = self.each(range, at, |eval, element| {
            let mark = eval.trace.mark();
            let keep = filter.map_or(Known::Yes, |filter| eval.truth(filter));
            match keep {
                Known::No => eval.pass_over(element, first, mark),
                Known::Unknown(reasons) => kept.push(Read::computed(Val::Unknown(reasons))),
                Known::Yes => {
                    let unknown = element.val.reasons().cloned();
                    let local = eval.locals.last().cloned().unwrap_or(Read::computed(Val::Null));
                    let mapped = map.map_or(local, |map| eval.eval(map));
                    kept.push(unknown.map_or(mapped, |reasons| Read::computed(Val::Unknown(reasons))));
                }
            }
            true
        });
        match outcome {
            Some(reasons) => Val::Unknown(reasons),
            None => Val::List(kept.into()),
        }
    }

    /// What was read of an element that decided nothing. An element of the resource is shown by its whole list; for
    /// another resource, or a name that the rule wrote down, what was read is all there is to show.
    fn pass_over(&mut self, element: &Read<'a>, first: usize, mark: usize) {
        if element.at != NOWHERE || mark - first > MAX_PASSED_OVER {
            self.trace.forget(mark);
        }
    }

    /// Runs `body` for each element, bound to the next local, until it says false. Gives the reasons when the range or
    /// its end isn't known.
    fn each(
        &mut self,
        range: Range<'a>,
        at: At,
        mut body: impl FnMut(&mut Self, &Read<'a>) -> bool,
    ) -> Option<Reasons> {
        let (list, picked) = match range {
            Range::Empty => return None,
            Range::Unknown(reasons) => return Some(reasons),
            Range::List(list) => (list, None),
            Range::Picked(list, positions) => (list, Some(positions)),
        };
        let length = picked.as_ref().map_or_else(|| list.items().map_or(0, |i| i.len()), Vec::len);
        for step in 0..length {
            let position = picked.as_ref().map_or(step, |p| p[step] as usize);
            let element = match &list {
                Val::List(items) if items[position].at != NOWHERE => items[position].clone(),
                list => {
                    let val = list.items().map_or(Val::Null, |items| items.get(position));
                    Read { val, at: self.trace.link(at, Step::Index(position)) }
                }
            };
            self.locals.push(element.clone());
            let more = body(self, &element);
            self.locals.pop();
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Some(failed("the rule takes too long", "ルールの評価が長すぎます"));
            }
            if !more {
                break;
            }
        }
        None
    }
}

/// The names that an object has. One whose value isn't known may be there or not.
fn keys<'a>(map: &'a Map<String, Value>) -> Val<'a> {
    let set = map.iter().filter(|(_, value)| !value.is_null());
    Val::List(
        set.map(|(key, value)| match Val::of(value) {
            Val::Unknown(reasons) => Read::computed(Val::Unknown(reasons)),
            _ => Read::computed(Val::Str(key)),
        })
        .collect(),
    )
}
