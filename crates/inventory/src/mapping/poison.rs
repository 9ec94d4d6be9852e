//! Rewrites a block's jq so that what is not known can't be mistaken for something known.
//!
//! jq answers null when a key is absent, so `.calls.status.IsPublic` would be null when the call was denied: a false
//! "not public". Therefore every *use* of a value (a path below it, a comparison, a condition, a calculation, the input
//! or an argument of a built-in) first passes `known`, which fails with the marker; each entry of an object
//! construction catches that failure and becomes the marker. Copying a marker is not using it.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    path::{Part, Path},
};
use std::collections::HashSet;

type Jq<'s> = Term<&'s str>;

/// Built-ins whose arguments may give markers on: they only pass on what the arguments give.
const PASSING: &[&str] = &[
    "map",
    "map_values",
    "with_entries",
    "first",
    "last",
    "limit",
    "recurse",
    "repeat",
    "path",
    "del",
    "pick",
    "add",
    "walk",
    "paths",
    "skip",
    "to_entries",
];
/// Built-ins that are used with any input on purpose.
const ANY_INPUT: &[&str] = &["error", "empty", "null", "true", "false", "range"];

/// Rewrites the blocks of one file; `own` are the names that the prelude or the file defines: what they do with a
/// marker is said in their bodies.
pub struct Rewrite<'s> {
    own: HashSet<&'s str>,
}

impl<'s> Rewrite<'s> {
    pub fn new(own: impl IntoIterator<Item = &'s str>) -> Rewrite<'s> {
        Rewrite { own: own.into_iter().collect() }
    }

    pub fn term(&mut self, term: Jq<'s>) -> Jq<'s> {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) => term,
            Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(|p| self.part(p)).collect()),
            Term::Arr(inner) => Term::Arr(inner.map(|t| self.boxed(*t))),
            Term::Obj(entries) => Term::Obj(entries.into_iter().map(|(k, v)| self.entry(k, v)).collect()),
            Term::Neg(inner) => Term::Neg(Box::new(self.used(*inner))),
            Term::BinOp(l, op, r) => self.operation(*l, op, *r),
            Term::Label(name, inner) => Term::Label(name, self.boxed(*inner)),
            Term::Fold(name, over, pattern, args) => {
                let over = if matches!(pattern, Pattern::Var(_)) { self.term(*over) } else { self.used(*over) };
                Term::Fold(name, Box::new(over), pattern, args.into_iter().map(|a| self.term(a)).collect())
            }
            Term::TryCatch(body, handler) => {
                let handler = handler.map_or_else(|| call("empty"), |h| self.term(*h));
                Term::TryCatch(self.boxed(*body), Some(Box::new(pipe(call("known"), handler))))
            }
            Term::IfThenElse(arms, otherwise) => Term::IfThenElse(
                arms.into_iter().map(|(c, t)| (self.used(c), self.term(t))).collect(),
                otherwise.map(|t| self.boxed(*t)),
            ),
            Term::Def(defs, rest) => {
                let defs = defs.into_iter().map(|d| self.def(d)).collect();
                Term::Def(defs, self.boxed(*rest))
            }
            Term::Call(name, args) => self.call(name, args),
            Term::Path(head, path) => self.path(*head, path),
        }
    }

    /// A definition; its name and parameters are the file's own from here on.
    pub fn def(&mut self, def: Def<&'s str>) -> Def<&'s str> {
        self.own.insert(def.name);
        self.own.extend(def.args.iter().copied());
        Def { name: def.name, args: def.args, body: self.term(def.body) }
    }

    fn boxed(&mut self, term: Jq<'s>) -> Box<Jq<'s>> {
        Box::new(self.term(term))
    }

    /// The term where its value is used, not only passed on.
    fn used(&mut self, term: Jq<'s>) -> Jq<'s> {
        let literal = matches!(&term, Term::Num(_) | Term::Arr(_) | Term::Obj(_));
        let term = self.term(term);
        if literal { term } else { pipe(term, call("known")) }
    }

    fn part(&mut self, part: StrPart<&'s str, Jq<'s>>) -> StrPart<&'s str, Jq<'s>> {
        match part {
            StrPart::Term(t) => StrPart::Term(self.used(t)),
            other => other,
        }
    }

    fn entry(&mut self, key: Jq<'s>, value: Option<Jq<'s>>) -> (Jq<'s>, Option<Jq<'s>>) {
        let value = match (value, &key) {
            (Some(value), _) => self.term(value),
            (None, Term::Str(..)) => {
                let path = Path(vec![(Part::Index(key.clone()), jaq_core::path::Opt::Essential)]);
                self.path(Term::Id, path)
            }
            (None, _) => return (key, None),
        };
        (self.used(key), Some(Term::TryCatch(Box::new(value), Some(Box::new(call("yagura_caught"))))))
    }

    fn operation(&mut self, l: Jq<'s>, op: BinaryOp<&'s str>, r: Jq<'s>) -> Jq<'s> {
        let (l, r) = match &op {
            BinaryOp::Pipe(None) | BinaryOp::Pipe(Some(Pattern::Var(_))) | BinaryOp::Comma => {
                (self.term(l), self.term(r))
            }
            BinaryOp::Pipe(Some(_)) => (self.used(l), self.term(r)),
            // `//` skips errors; the one that says "not known" must come through.
            BinaryOp::Alt => {
                let kept = Term::TryCatch(self.boxed(l), Some(Box::new(call("yagura_kept"))));
                (kept, self.term(r))
            }
            BinaryOp::Or | BinaryOp::And | BinaryOp::Math(_) | BinaryOp::Cmp(_) => (self.used(l), self.used(r)),
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                (self.term(l), self.term(r))
            }
        };
        Term::BinOp(Box::new(l), op, Box::new(r))
    }

    fn call(&mut self, name: &'s str, args: Vec<Jq<'s>>) -> Jq<'s> {
        if self.own.contains(name) {
            return Term::Call(name, args.into_iter().map(|a| self.term(a)).collect());
        }
        if args.is_empty() && (name == "any" || name == "all") {
            return pipe(call("known"), Term::Call(name, vec![call("known")]));
        }
        let passing = PASSING.contains(&name);
        let args = args.into_iter().map(|a| if passing { self.term(a) } else { self.used(a) }).collect();
        let called = Term::Call(name, args);
        if ANY_INPUT.contains(&name) { called } else { pipe(call("known"), called) }
    }

    /// One step at a time, each from something known; what indexes still sees the path's own input.
    fn path(&mut self, head: Jq<'s>, path: Path<Jq<'s>>) -> Jq<'s> {
        let mut term = self.term(head);
        for (part, optional) in path.0 {
            let part = match part {
                Part::Index(t) => Part::Index(self.used(t)),
                Part::Range(from, to) => Part::Range(from.map(|t| self.used(t)), to.map(|t| self.used(t))),
            };
            term = Term::Path(Box::new(pipe(term, call("known"))), Path(vec![(part, optional)]));
        }
        term
    }
}

fn call<'s>(name: &'s str) -> Jq<'s> {
    Term::Call(name, Vec::new())
}

fn pipe<'s>(l: Jq<'s>, r: Jq<'s>) -> Jq<'s> {
    Term::BinOp(Box::new(l), BinaryOp::Pipe(None), Box::new(r))
}
