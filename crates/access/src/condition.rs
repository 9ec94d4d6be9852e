//! Conditions: operators over keys of the request, as the IAM user guide's "condition operators" defines them.
//!
//! Rules that commonly get lost: an absent key satisfies negated operators and `ForAllValues`; a list satisfies no
//! single-valued operator, not even a negated one; a value of the wrong type satisfies neither an operator nor its
//! opposite; a variable without a value can't be equal to anything, and a comparison for difference with one makes the
//! statement match nothing, unless the compared key is absent.

use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{Glob, pieces};
use crate::operand;
use crate::policy::{object, shape};
use crate::template::Template;
use serde_json::Value as Json;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantifier {
    Single,
    All,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Equals,
    AnyCase,
    Like,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Order {
    fn holds<T: PartialOrd>(self, value: &T, bound: &T) -> bool {
        match self {
            Order::Equal => value == bound,
            Order::Less => value < bound,
            Order::AtMost => value <= bound,
            Order::Greater => value > bound,
            Order::AtLeast => value >= bound,
        }
    }
}

/// Every operator with its family and whether it is the family's negation.
const OPERATORS: [(&str, Family, bool); 27] = [
    ("stringequals", Family::Equals, false),
    ("stringnotequals", Family::Equals, true),
    ("stringequalsignorecase", Family::AnyCase, false),
    ("stringnotequalsignorecase", Family::AnyCase, true),
    ("stringlike", Family::Like, false),
    ("stringnotlike", Family::Like, true),
    ("numericequals", Family::Numeric(Order::Equal), false),
    ("numericnotequals", Family::Numeric(Order::Equal), true),
    ("numericlessthan", Family::Numeric(Order::Less), false),
    ("numericlessthanequals", Family::Numeric(Order::AtMost), false),
    ("numericgreaterthan", Family::Numeric(Order::Greater), false),
    ("numericgreaterthanequals", Family::Numeric(Order::AtLeast), false),
    ("dateequals", Family::Date(Order::Equal), false),
    ("datenotequals", Family::Date(Order::Equal), true),
    ("datelessthan", Family::Date(Order::Less), false),
    ("datelessthanequals", Family::Date(Order::AtMost), false),
    ("dategreaterthan", Family::Date(Order::Greater), false),
    ("dategreaterthanequals", Family::Date(Order::AtLeast), false),
    ("bool", Family::Bool, false),
    ("binaryequals", Family::Binary, false),
    ("ipaddress", Family::Address, false),
    ("notipaddress", Family::Address, true),
    ("arnequals", Family::Arn, false),
    ("arnlike", Family::Arn, false),
    ("arnnotequals", Family::Arn, true),
    ("arnnotlike", Family::Arn, true),
    ("null", Family::Null, false),
];

/// One operator on one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub quantifier: Quantifier,
    pub family: Family,
    pub negated: bool,
    pub if_exists: bool,
    /// In lower case.
    pub key: String,
    /// As the policy has it.
    pub spelling: String,
    pub operands: Vec<Template>,
    /// The operands, ready to be compared, if none holds a variable.
    fixed: Option<Vec<Test>>,
}

impl Clause {
    /// Reads a `Condition` block.
    pub fn read(block: &Json, variables: bool, at: &str) -> Result<Vec<Clause>, Error> {
        let mut clauses = Vec::new();
        for (operator, keys) in object(block, at)? {
            let (quantifier, family, negated, if_exists) = parse(operator).ok_or_else(|| Error::Value {
                at: at.to_owned(),
                value: operator.chars().take(80).collect(),
                wanted: "write a condition operator",
            })?;
            let variables =
                variables && matches!(family, Family::Equals | Family::AnyCase | Family::Like | Family::Arn);
            for (key, values) in object(keys, &format!("{at}.{operator}"))? {
                let values = scalars(values, &format!("{at}.{operator}.{key}"))?;
                let template = |text: &String| if variables { Template::parse(text) } else { Template::plain(text) };
                let operands: Vec<Template> = values.iter().map(template).collect();
                let fixed = Clause::fixed(family, &operands);
                let (spelling, key) = (key.clone(), key.to_ascii_lowercase());
                clauses.push(Clause { quantifier, family, negated, if_exists, key, spelling, operands, fixed });
            }
        }
        Ok(clauses)
    }

    fn fixed(family: Family, operands: &[Template]) -> Option<Vec<Test>> {
        let none = Context::default();
        let is_fixed = operands.iter().all(|o| o.keys().next().is_none());
        is_fixed.then(|| operands.iter().map(|o| Test::of(family, o, &none)).collect())
    }

    /// The condition with just these operands.
    pub fn only(&self, operands: Vec<Template>) -> Clause {
        let fixed = Clause::fixed(self.family, &operands);
        Clause { operands, fixed, key: self.key.clone(), spelling: self.spelling.clone(), ..*self }
    }

    /// A plain `StringLike` on the same key.
    pub fn like(&self, patterns: &[String]) -> Clause {
        let operands: Vec<Template> = patterns.iter().map(|p| Template::plain(p)).collect();
        let (key, spelling, family) = (self.key.clone(), self.spelling.clone(), Family::Like);
        let fixed = Clause::fixed(family, &operands);
        let quantifier = Quantifier::Single;
        Clause { quantifier, family, negated: false, if_exists: false, key, spelling, operands, fixed }
    }

    /// Whether the condition holds for a request.
    pub fn holds(&self, context: &Context) -> bool {
        let value = context.get(&self.key);
        if self.family == Family::Null {
            let says = |operand: &Template| operand.source().eq_ignore_ascii_case(&value.is_none().to_string());
            return self.operands.iter().any(says);
        }
        let Some(value) = value else { return self.holds_without() };
        let Some(tests) = self.tests(context) else { return false };
        match (self.quantifier, value) {
            (Quantifier::Single, Value::One(value)) => self.test(&tests, value),
            (Quantifier::Single, Value::Many(_)) => false,
            (Quantifier::All | Quantifier::Any, Value::One(value)) => self.test(&tests, value),
            (Quantifier::All, Value::Many(values)) => values.iter().all(|value| self.test(&tests, value)),
            (Quantifier::Any, Value::Many(values)) => values.iter().any(|value| self.test(&tests, value)),
        }
    }

    fn holds_without(&self) -> bool {
        match self.quantifier {
            Quantifier::All => true,
            Quantifier::Any => false,
            Quantifier::Single => self.if_exists || self.negated,
        }
    }

    /// The operands that have a value; `None` if one has none and the operator is a negation.
    fn tests(&self, context: &Context) -> Option<Cow<'_, [Test]>> {
        if let Some(fixed) = &self.fixed {
            return Some(Cow::Borrowed(fixed));
        }
        let mut tests = Vec::new();
        for operand in &self.operands {
            match (operand.pieces(context).is_some(), self.negated) {
                (true, _) => tests.push(Test::of(self.family, operand, context)),
                (false, true) => return None,
                (false, false) => {}
            }
        }
        Some(Cow::Owned(tests))
    }

    fn test(&self, tests: &[Test], value: &str) -> bool {
        if self.negated {
            tests.iter().all(|test| test.meets(value) == Some(false))
        } else {
            tests.iter().any(|test| test.meets(value) == Some(true))
        }
    }

    /// The patterns that the operands are, for operators on text.
    pub fn globs(&self, context: &Context) -> Vec<Glob> {
        let glob = |operand: &Template| match Test::of(self.family, operand, context) {
            Test::Text(glob) | Test::Arn(glob) => Some(glob),
            _ => None,
        };
        self.operands.iter().filter_map(glob).collect()
    }
}

/// An operand, ready to be compared.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Text(Glob),
    Arn(Glob),
    Number(Order, f64),
    Time(Order, i64),
    Bool(bool),
    Address(operand::Block),
    /// Not of the operator's type.
    Never,
}

impl Test {
    fn of(family: Family, operand: &Template, context: &Context) -> Test {
        let Some(text) = operand.text(context) else { return Test::Never };
        let literal =
            |text: &str| Test::Text(Glob::text(&text.chars().map(crate::glob::Piece::Char).collect::<Vec<_>>()));
        let test = match family {
            Family::Equals | Family::Binary => Some(literal(&text)),
            Family::AnyCase => Some(Test::Text(Glob::any_case(&text))),
            Family::Like => operand.pieces(context).map(|p| Test::Text(Glob::text(&p))),
            Family::Arn => operand.pieces(context).and_then(|p| Glob::arn(&p)).map(Test::Arn),
            Family::Numeric(order) => operand::number(&text).map(|n| Test::Number(order, n)),
            Family::Date(order) => operand::time(&text).map(|t| Test::Time(order, t)),
            Family::Bool => boolean(&text).map(Test::Bool),
            Family::Address => operand::block(&text).map(Test::Address),
            Family::Null => None,
        };
        test.unwrap_or(Test::Never)
    }

    /// Whether a value meets the operand; `None` if either is not of the operator's type.
    fn meets(&self, value: &str) -> Option<bool> {
        match self {
            Test::Text(glob) => Some(glob.matches(value)),
            Test::Arn(glob) => Glob::arn(&pieces(value)).map(|_| glob.matches(value)),
            Test::Number(order, bound) => operand::number(value).map(|n| order.holds(&n, bound)),
            Test::Time(order, bound) => operand::time(value).map(|t| order.holds(&t, bound)),
            Test::Bool(wanted) => boolean(value).map(|b| b == *wanted),
            Test::Address(block) => {
                operand::address_value(value).map(|(v6, n)| v6 == block.v6 && block.first <= n && n <= block.last)
            }
            Test::Never => None,
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn parse(operator: &str) -> Option<(Quantifier, Family, bool, bool)> {
    let operator = operator.to_ascii_lowercase();
    let (quantifier, rest) = match operator.split_once(':') {
        Some(("forallvalues", rest)) => (Quantifier::All, rest),
        Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
        Some(_) => return None,
        None => (Quantifier::Single, operator.as_str()),
    };
    let (name, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |name| (name, true));
    let (_, family, negated) = OPERATORS.into_iter().find(|(n, ..)| *n == name)?;
    let odd = family == Family::Null && (if_exists || quantifier != Quantifier::Single);
    (!odd).then_some((quantifier, family, negated, if_exists))
}

/// A text, number or truth value as text, or a list of them.
pub fn scalars(value: &Json, at: &str) -> Result<Vec<String>, Error> {
    match value {
        Json::Array(values) => values.iter().map(|v| scalar(v, at)).collect(),
        one => Ok(vec![scalar(one, at)?]),
    }
}

pub fn scalar(value: &Json, at: &str) -> Result<String, Error> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(n) => Ok(n.to_string()),
        Json::Bool(b) => Ok(b.to_string()),
        other => Err(shape(at, other, "a text or a list of texts")),
    }
}
