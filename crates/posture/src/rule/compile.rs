//! Turns a rule's text into nodes. Everything that the text alone decides is decided here: variables, property paths
//! (against the type's shape), functions and their arguments, fixed patterns, joins.

use super::{
    kind::{Kind, STATEMENT_FIELDS, THING_FIELDS},
    macros::Shape,
    node::{Arithmetic, Base, Compare, Function, Join, Literal, Node, Quantifier, Root},
};
use crate::{
    access::AccessFact,
    network::PREFIX_LIST,
    schema::{Below, Schemas, closest},
    world::{fact_looks_at, fact_names},
};
use cel::{
    IdedExpr,
    common::ast::{
        CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, MapEntryExpr, MapExpr, SelectExpr, SourceInfo,
        operators,
    },
    parser::Parser,
};
use regex::RegexBuilder;
use std::collections::BTreeSet;

/// What is wrong with a rule, and in which line of its text, counting from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub line: usize,
    pub message: String,
}

/// A rule that is ready to run.
#[derive(Debug)]
pub struct Program {
    pub node: Node,
    /// Whether it reads `observed`, its own or a related resource's, or what no template tells.
    pub reads_observed: bool,
    /// The types of other resources that it looks at.
    pub looks_at: BTreeSet<String>,
    /// Whether it looks at a fact that is derived outside this crate.
    pub derives: bool,
}

/// Compiles a rule for resources of a type.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(source: &str, schemas: &Schemas, kind: &str) -> Result<Program, Vec<Mistake>> {
    let (expr, info) = Parser::new().parse_with_source_info(source).map_err(|errors| {
        let all = errors.errors.into_iter();
        all.map(|e| Mistake { line: usize::try_from(e.pos.0 - 1).unwrap_or(0), message: e.msg }).collect::<Vec<_>>()
    })?;
    let mut compiler = Compiler {
        schemas,
        kind,
        info,
        locals: Vec::new(),
        mistakes: Vec::new(),
        reads_observed: false,
        looks_at: BTreeSet::new(),
        derives: false,
    };
    let (node, _) = compiler.expr(&expr);
    if compiler.mistakes.is_empty() {
        let Compiler { reads_observed, looks_at, derives, .. } = compiler;
        Ok(Program { node, reads_observed, looks_at, derives })
    } else {
        compiler.mistakes.dedup();
        Err(compiler.mistakes)
    }
}

struct Compiler<'s> {
    schemas: &'s Schemas,
    kind: &'s str,
    info: SourceInfo,
    locals: Vec<(String, Kind)>,
    mistakes: Vec<Mistake>,
    reads_observed: bool,
    looks_at: BTreeSet<String>,
    derives: bool,
}

type Compiled = (Node, Kind);

impl Compiler<'_> {
    fn mistake(&mut self, at: &IdedExpr, message: impl Into<String>) -> Compiled {
        let offset = self.info.offset_for(at.id).map_or(0, |(start, _)| start as usize);
        let line = self.info.source.chars().take(offset).filter(|c| *c == '\n').count();
        self.mistakes.push(Mistake { line, message: message.into() });
        (Node::Literal(Literal::Null), Kind::Any)
    }

    fn expr(&mut self, expr: &IdedExpr) -> Compiled {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(_) => self.chain(expr, &[]),
            Expr::Select(select) => self.select(expr, select),
            Expr::List(list) => self.list(&list.elements),
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Map(map) => self.object(expr, map),
            Expr::Struct(_) => self.mistake(expr, "a typed object can't be written in a rule"),
            Expr::Unspecified => self.mistake(expr, "the rule is empty"),
        }
    }

    fn node(&mut self, expr: &IdedExpr) -> Box<Node> {
        Box::new(self.expr(expr).0)
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Compiled {
        let (literal, kind) = match literal {
            LiteralValue::Null => (Literal::Null, Kind::Any),
            LiteralValue::Boolean(b) => (Literal::Bool(*b.inner()), Kind::Scalar("a boolean")),
            LiteralValue::Int(i) => (Literal::Int(*i.inner()), Kind::Scalar("a number")),
            LiteralValue::UInt(u) => match i64::try_from(*u.inner()) {
                Ok(i) => (Literal::Int(i), Kind::Scalar("a number")),
                Err(_) => return self.mistake(expr, "the number is too large"),
            },
            LiteralValue::Double(d) => (Literal::Double(*d.inner()), Kind::Scalar("a number")),
            LiteralValue::String(s) => (Literal::Text(s.inner().into()), Kind::OneOf(vec![s.inner().to_owned()])),
            LiteralValue::Bytes(_) => return self.mistake(expr, "bytes can't be used in a rule"),
        };
        (Node::Literal(literal), kind)
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Compiled {
        let mut names = Some(Vec::new());
        let nodes = elements.iter().map(|element| {
            let (node, kind) = self.expr(element);
            match (&mut names, kind) {
                (Some(names), Kind::OneOf(more)) => names.extend(more),
                _ => names = None,
            }
            node
        });
        let nodes: Vec<Node> = nodes.collect();
        (Node::List(nodes), Kind::List(Box::new(names.map_or(Kind::Any, Kind::OneOf))))
    }

    fn object(&mut self, expr: &IdedExpr, map: &MapExpr) -> Compiled {
        let mut fields = Vec::new();
        for entry in &map.entries {
            let EntryExpr::MapEntry(MapEntryExpr { key, value, .. }) = &entry.expr else { continue };
            let Expr::Literal(LiteralValue::String(name)) = &key.expr else {
                return self.mistake(expr, "the keys of an object are written as strings");
            };
            fields.push((name.inner().into(), self.expr(value).0));
        }
        (Node::Object(fields), Kind::Any)
    }

    /// `a.b.c` becomes one node; `has(a.b.c)` asks whether that is set.
    fn select(&mut self, expr: &IdedExpr, select: &SelectExpr) -> Compiled {
        if select.test {
            let mut names = vec![select.field.as_str()];
            let base = unroll(&select.operand, &mut names);
            let (node, _) = self.chain(base, &names);
            return (Node::Has(Box::new(node)), Kind::Scalar("a boolean"));
        }
        let mut names = Vec::new();
        let base = unroll(expr, &mut names);
        self.chain(base, &names)
    }

    /// `names` below `base`, innermost last.
    fn chain(&mut self, base: &IdedExpr, names: &[&str]) -> Compiled {
        let boxed: Box<[Box<str>]> = names.iter().map(|n| Box::from(*n)).collect();
        let (node, mut kind) = match &base.expr {
            Expr::Ident(name) => match self.variable(base, name) {
                Some((base, kind)) => (Node::Path { base, names: boxed }, kind),
                None => return (Node::Literal(Literal::Null), Kind::Any),
            },
            _ => {
                let (of, kind) = self.expr(base);
                (Node::Select { of: Box::new(of), names: boxed }, kind)
            }
        };
        if matches!((&kind, names), (Kind::Derived(_), [] | [_, _, ..])) {
            return self.mistake(base, "`derived` is read as `derived.NAME`");
        }
        for name in names {
            kind = self.below(base, kind, name);
        }
        (node, kind)
    }

    fn variable(&mut self, at: &IdedExpr, name: &str) -> Option<(Base, Kind)> {
        if let Some(depth) = self.locals.iter().rposition(|(local, _)| local == name) {
            return Some((Base::Local(depth), self.locals[depth].1.clone()));
        }
        let Some(root) = Root::of(name) else {
            let names: Vec<String> = Root::ALL.iter().map(|r| r.name().to_owned()).collect();
            let hint = closest(name, &names)
                .map_or_else(|| format!("; there are {}", names.join(", ")), |c| format!("; did you mean `{c}`?"));
            self.mistake(at, format!("no variable `{name}`{hint}"));
            return None;
        };
        self.reads_observed |= root == Root::Observed;
        let kind = match root {
            Root::Resource => self.schemas.properties(self.kind).map_or(Kind::Any, Kind::Place),
            Root::Observed => self.schemas.observed(self.kind).map_or(Kind::Any, Kind::Place),
            Root::Derived => Kind::Derived(self.kind.to_owned()),
            Root::Tags => Kind::Any,
            Root::Id | Root::Arn | Root::Account | Root::Region => Kind::Scalar("a string"),
        };
        Some((Base::Root(root), kind))
    }

    /// What is known of the property `name` of something of `kind`.
    fn below(&mut self, at: &IdedExpr, kind: Kind, name: &str) -> Kind {
        let known = |names: &[&str]| names.contains(&name);
        match kind {
            Kind::Any => Kind::Any,
            Kind::Place(place) => match place.child(name) {
                Ok(below) => kind_of(below),
                Err(message) => self.mistake(at, message).1,
            },
            Kind::Thing(_) if !known(&THING_FIELDS) => self.no_field(at, "a related resource", name, &THING_FIELDS),
            Kind::Thing(kind) => match name {
                "resource" => self.schemas.properties(&kind).map_or(Kind::Any, Kind::Place),
                "observed" => {
                    self.reads_observed = true;
                    self.schemas.observed(&kind).map_or(Kind::Any, Kind::Place)
                }
                "derived" => Kind::Derived(kind),
                "tags" => Kind::Any,
                _ => Kind::Scalar("a string"),
            },
            Kind::Derived(kind) if known(&fact_names(&kind)) => {
                let fact = AccessFact::of(name);
                self.derives |= fact.is_some();
                self.reads_observed |= fact.is_some_and(AccessFact::is_live);
                self.looks_at.extend(fact_looks_at(name).iter().map(|kind| (*kind).to_owned()));
                Kind::Scalar("a boolean")
            }
            Kind::Derived(kind) => self.no_field(at, &format!("derived of {kind}"), name, &fact_names(&kind)),
            Kind::Statement if !known(&STATEMENT_FIELDS) => {
                self.no_field(at, "a policy statement", name, &STATEMENT_FIELDS)
            }
            Kind::Statement => match name {
                "Condition" => Kind::Any,
                "Sid" | "Effect" => Kind::Scalar("a string"),
                _ => Kind::List(Box::new(Kind::Scalar("a string"))),
            },
            Kind::Scalar(what) => self.mistake(at, format!("no property `{name}`: this is {what}")).1,
            Kind::OneOf(_) => self.mistake(at, format!("no property `{name}`: this is a string")).1,
            Kind::List(_) => self.mistake(at, format!("no property `{name}`: this is a list")).1,
        }
    }

    fn no_field(&mut self, at: &IdedExpr, of: &str, name: &str, names: &[&str]) -> Kind {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let hint = closest(name, &names)
            .map_or_else(|| format!("; it has {}", names.join(", ")), |c| format!("; did you mean `{c}`?"));
        self.mistake(at, format!("no property `{name}` on {of}{hint}")).1
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Compiled {
        let boolean = Kind::Scalar("a boolean");
        let args = &call.args;
        let node = match (call.func_name.as_str(), args.as_slice()) {
            (operators::LOGICAL_NOT, [of]) => Node::Not(self.node(of)),
            (operators::LOGICAL_AND, [a, b]) => Node::And(self.node(a), self.node(b)),
            (operators::LOGICAL_OR, [a, b]) => Node::Or(self.node(a), self.node(b)),
            (operators::EQUALS, [a, b]) => Node::Equal { left: self.node(a), right: self.node(b), negated: false },
            (operators::NOT_EQUALS, [a, b]) => Node::Equal { left: self.node(a), right: self.node(b), negated: true },
            (operators::LESS, [a, b]) => self.compare(Compare::Less, a, b),
            (operators::LESS_EQUALS, [a, b]) => self.compare(Compare::LessOrEqual, a, b),
            (operators::GREATER, [a, b]) => self.compare(Compare::Greater, a, b),
            (operators::GREATER_EQUALS, [a, b]) => self.compare(Compare::GreaterOrEqual, a, b),
            (operators::IN, [item, list]) => Node::In { item: self.node(item), list: self.node(list) },
            (operators::NEGATE, [of]) => return (Node::Negate(self.node(of)), Kind::Scalar("a number")),
            (operators::ADD, [a, b]) => return self.arithmetic(Arithmetic::Add, a, b),
            (operators::SUBSTRACT, [a, b]) => return self.arithmetic(Arithmetic::Subtract, a, b),
            (operators::MULTIPLY, [a, b]) => return self.arithmetic(Arithmetic::Multiply, a, b),
            (operators::DIVIDE, [a, b]) => return self.arithmetic(Arithmetic::Divide, a, b),
            (operators::MODULO, [a, b]) => return self.arithmetic(Arithmetic::Modulo, a, b),
            (operators::INDEX, [of, index]) => return self.index(of, index),
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                let condition = self.node(condition);
                let (then, kind) = self.expr(then);
                let otherwise = self.node(otherwise);
                return (Node::If { condition, then: Box::new(then), otherwise }, kind_or_any(kind));
            }
            _ => return self.function(expr, call),
        };
        (node, boolean)
    }

    fn compare(&mut self, op: Compare, left: &IdedExpr, right: &IdedExpr) -> Node {
        Node::Compare { op, left: self.node(left), right: self.node(right) }
    }

    fn arithmetic(&mut self, op: Arithmetic, left: &IdedExpr, right: &IdedExpr) -> Compiled {
        (Node::Arithmetic { op, left: self.node(left), right: self.node(right) }, Kind::Any)
    }

    fn index(&mut self, of: &IdedExpr, index: &IdedExpr) -> Compiled {
        let (of_node, kind) = self.expr(of);
        let (index_node, index_kind) = self.expr(index);
        let kind = match (kind, index_kind) {
            (kind @ (Kind::Place(_) | Kind::Thing(_) | Kind::Statement), Kind::OneOf(names)) => {
                let mut kinds = names.iter().map(|name| self.below(index, kind.clone(), name)).collect::<Vec<_>>();
                if kinds.len() == 1 { kinds.remove(0) } else { Kind::Any }
            }
            (Kind::Place(place), _) => kind_of(place.element()),
            (Kind::List(element), _) => *element,
            _ => Kind::Any,
        };
        (Node::Index { of: Box::new(of_node), index: Box::new(index_node) }, kind)
    }

    fn function(&mut self, expr: &IdedExpr, call: &CallExpr) -> Compiled {
        let name = call.func_name.as_str();
        if matches!(name, "related" | "related_here") && call.target.is_none() {
            return self.related(expr, name == "related_here", &call.args);
        }
        let Some(function) = Function::of(name, call.target.is_some()) else {
            let names: Vec<String> = Function::NAMES.iter().map(|n| (*n).to_owned()).collect();
            let hint = match closest(name, &names) {
                Some(closest) if closest != name => format!("; did you mean `{closest}`?"),
                Some(_) if call.target.is_some() => format!("; write `{name}(…)`"),
                Some(_) => format!("; write `text.{name}(…)`"),
                None => format!("; there are {}", names.join(", ")),
            };
            return self.mistake(expr, format!("no function `{name}`{hint}"));
        };
        let all: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if all.len() != function.arity() {
            let (needs, has) = (function.arity(), all.len());
            return self.mistake(expr, format!("`{name}` takes {needs} value(s), not {has}"));
        }
        if matches!(function, Function::WorldOpen | Function::WorldOpenV4 | Function::WorldOpenV6) {
            self.looks_at.insert(PREFIX_LIST.to_owned());
        }
        if let (Function::Matches, Expr::Literal(LiteralValue::String(pattern))) = (function, &all[all.len() - 1].expr)
        {
            let text = self.node(all[0]);
            return match RegexBuilder::new(pattern.inner()).size_limit(1 << 20).build() {
                Ok(regex) => (Node::Matches { text, pattern: Box::new(regex) }, Kind::Scalar("a boolean")),
                Err(e) => self.mistake(expr, format!("`{}` is no regular expression: {e}", pattern.inner())),
            };
        }
        let args: Vec<Node> = all.into_iter().map(|arg| self.expr(arg).0).collect();
        let kind = match function {
            Function::Statements => Kind::List(Box::new(Kind::Statement)),
            Function::Size | Function::DaysSince | Function::Int | Function::Double => Kind::Scalar("a number"),
            Function::Lower | Function::String => Kind::Scalar("a string"),
            Function::Unknown => Kind::Any,
            _ => Kind::Scalar("a boolean"),
        };
        (Node::Call { function, args }, kind)
    }

    fn related(&mut self, expr: &IdedExpr, here: bool, args: &[IdedExpr]) -> Compiled {
        let [IdedExpr { expr: Expr::Literal(LiteralValue::String(kind)), .. }] = args else {
            return self.mistake(expr, "`related` takes one resource type as a string: related(\"AWS::EC2::VPC\")");
        };
        let kind = kind.inner();
        if !self.schemas.knows(kind) {
            return self.mistake(expr, format!("no resource type `{kind}`"));
        }
        self.looks_at.insert(kind.to_owned());
        let node = Node::Related { kind: kind.into(), here };
        (node, Kind::List(Box::new(Kind::Thing(kind.to_owned()))))
    }

    /// The macros `all`, `exists`, `exists_one`, `filter` and `map`, as the parser writes them out (CEL specification,
    /// "Macros"): a fold whose step holds the body.
    fn comprehension(&mut self, expr: &IdedExpr, fold: &ComprehensionExpr) -> Compiled {
        let Some((shape, parts)) = Shape::of(fold) else {
            return self
                .mistake(expr, "this comprehension is not supported: use all, exists, exists_one, filter or map");
        };
        let (range, range_kind) = self.expr(&fold.iter_range);
        let element = match range_kind {
            Kind::List(kind) => *kind,
            Kind::Place(place) => kind_of(place.element()),
            Kind::Scalar(what) => return self.mistake(&fold.iter_range, format!("this is {what}, not a list")),
            _ => Kind::Any,
        };
        let join = match (&range, parts.test) {
            (Node::Related { .. }, Some(test)) if shape != Shape::All => self.join(&fold.iter_var, test),
            _ => None,
        };
        self.locals.push((fold.iter_var.clone(), element.clone()));
        let test = parts.test.map(|test| self.node(test));
        let map = parts.map.filter(|m| !is_ident(m, &fold.iter_var)).map(|map| self.expr(map));
        self.locals.pop();
        let range = Box::new(range);
        let quantifier = match shape {
            Shape::All => Quantifier::All,
            Shape::Exists => Quantifier::Exists,
            Shape::ExistsOne => Quantifier::ExistsOne,
            Shape::Collect => {
                let (map, kind) = map.map_or((None, element), |(node, kind)| (Some(Box::new(node)), kind));
                return (Node::Collect { range, filter: test, map, join }, Kind::List(Box::new(kind)));
            }
        };
        let body = test.unwrap_or_else(|| Box::new(Node::Literal(Literal::Null)));
        (Node::Quantify { kind: quantifier, range, body, join }, Kind::Scalar("a boolean"))
    }

    /// Finds `var.PATH == KEY` among the conditions that must all hold, where KEY doesn't hang on `var`.
    fn join(&mut self, var: &str, test: &IdedExpr) -> Option<Join> {
        let Expr::Call(call) = &test.expr else { return None };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [a, b]) => self.join(var, a).or_else(|| self.join(var, b)),
            (operators::EQUALS, [a, b]) => self.join_on(var, a, b).or_else(|| self.join_on(var, b, a)),
            _ => None,
        }
    }

    fn join_on(&mut self, var: &str, side: &IdedExpr, key: &IdedExpr) -> Option<Join> {
        let mut names = Vec::new();
        let base = unroll(side, &mut names);
        if !is_ident(base, var) || names.is_empty() || !is_simple(key, var) {
            return None;
        }
        let path = names.iter().map(|n| Box::from(*n)).collect();
        Some(Join { path, key: self.node(key) })
    }
}

/// Walks `a.b.c` down to `a`, collecting the names outermost last.
fn unroll<'e>(expr: &'e IdedExpr, names: &mut Vec<&'e str>) -> &'e IdedExpr {
    match &expr.expr {
        Expr::Select(select) if !select.test => {
            let base = unroll_rev(&select.operand, &select.field, names);
            names.reverse();
            base
        }
        _ => {
            names.reverse();
            expr
        }
    }
}

fn unroll_rev<'e>(mut expr: &'e IdedExpr, field: &'e str, names: &mut Vec<&'e str>) -> &'e IdedExpr {
    names.push(field);
    while let Expr::Select(select) = &expr.expr {
        if select.test {
            break;
        }
        names.push(&select.field);
        expr = &select.operand;
    }
    expr
}

fn is_ident(expr: &IdedExpr, name: &str) -> bool {
    matches!(&expr.expr, Expr::Ident(ident) if ident == name)
}

/// A key of a join: a property path that doesn't begin at `var`.
fn is_simple(expr: &IdedExpr, var: &str) -> bool {
    let mut names = Vec::new();
    match &unroll(expr, &mut names).expr {
        Expr::Ident(name) => name != var,
        _ => false,
    }
}

fn kind_of(below: Below) -> Kind {
    match below {
        Below::Place(place) => Kind::Place(place),
        Below::Any => Kind::Any,
    }
}

/// The two sides of a ternary may differ, so only plain values are taken for granted.
fn kind_or_any(kind: Kind) -> Kind {
    if matches!(kind, Kind::Scalar(_)) { kind } else { Kind::Any }
}
