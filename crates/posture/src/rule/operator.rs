//! Operators on values that are known.

use super::{
    node::{Arithmetic, Compare},
    value::{Read, Val},
};
use crate::known::{Known, Reasons, failed, merge};
use std::cmp::Ordering;

impl Compare {
    fn sign(self) -> &'static str {
        match self {
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Compare::Less => order == Ordering::Less,
            Compare::LessOrEqual => order != Ordering::Greater,
            Compare::Greater => order == Ordering::Greater,
            Compare::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

impl Arithmetic {
    fn sign(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Modulo => "%",
        }
    }
}

/// The reasons when an operand of a strict operator isn't known.
pub fn unknown_of(a: &Val<'_>, b: &Val<'_>) -> Option<Reasons> {
    match (a.reasons(), b.reasons()) {
        (Some(a), Some(b)) => Some(merge(a, b)),
        (Some(reasons), None) | (None, Some(reasons)) => Some(reasons.clone()),
        (None, None) => None,
    }
}

/// What a strict operator says of operands that it isn't defined for.
fn undefined(sign: &str, a: &Val<'_>, b: &Val<'_>) -> Reasons {
    let ((a, a_ja), (b, b_ja)) = (a.kind(), b.kind());
    failed(format!("`{sign}` is not defined for {a} and {b}"), format!("`{sign}` は{a_ja}と{b_ja}には使えません"))
}

pub fn compare<'a>(op: Compare, a: &Val<'a>, b: &Val<'a>) -> Known {
    if let Some(reasons) = unknown_of(a, b) {
        return Known::Unknown(reasons);
    }
    match a.order(b) {
        Some(order) => Known::of(op.holds(order)),
        None => Known::Unknown(undefined(op.sign(), a, b)),
    }
}

pub fn arithmetic<'a>(op: Arithmetic, a: &Val<'a>, b: &Val<'a>) -> Val<'a> {
    if let Some(reasons) = unknown_of(a, b) {
        return Val::Unknown(reasons);
    }
    let result = match (a, b) {
        (Val::Int(a), Val::Int(b)) => integers(op, *a, *b).map(Val::Int),
        (Val::Int(a), Val::Double(b)) => doubles(op, *a as f64, *b).map(Val::Double),
        (Val::Double(a), Val::Int(b)) => doubles(op, *a, *b as f64).map(Val::Double),
        (Val::Double(a), Val::Double(b)) => doubles(op, *a, *b).map(Val::Double),
        _ if op == Arithmetic::Add => added(a, b),
        _ => None,
    };
    result.unwrap_or_else(|| Val::Unknown(undefined(op.sign(), a, b)))
}

fn integers(op: Arithmetic, a: i64, b: i64) -> Option<i64> {
    match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Modulo => a.checked_rem(b),
    }
}

fn doubles(op: Arithmetic, a: f64, b: f64) -> Option<f64> {
    match op {
        Arithmetic::Add => Some(a + b),
        Arithmetic::Subtract => Some(a - b),
        Arithmetic::Multiply => Some(a * b),
        Arithmetic::Divide => Some(a / b),
        Arithmetic::Modulo => None,
    }
}

fn added<'a>(a: &Val<'a>, b: &Val<'a>) -> Option<Val<'a>> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Some(Val::Text(format!("{a}{b}").into()));
    }
    let (a, b) = (a.items()?, b.items()?);
    Some(Val::List(a.iter().chain(b.iter()).map(Read::computed).collect()))
}

/// `item in list`, and `key in object`.
pub fn is_in<'a>(item: &Val<'a>, list: &Val<'a>) -> Known {
    match list {
        Val::Null => Known::No,
        Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
        Val::Array(_) | Val::List(_) => {
            let mut found = Known::No;
            for element in list.items().iter().flat_map(|items| items.iter()) {
                found = found.or(item.equals(&element));
                if found.is_yes() {
                    break;
                }
            }
            found
        }
        Val::Object(_) | Val::Tags(_) | Val::Record(_) => match item {
            Val::Unknown(reasons) => Known::Unknown(reasons.clone()),
            item => match item.as_str().and_then(|name| list.key(name)) {
                Some(Val::Unknown(reasons)) => Known::Unknown(reasons),
                // A property that is set to null is absent, like everywhere.
                Some(val) => Known::of(!matches!(val, Val::Null)),
                None => Known::No,
            },
        },
        other => Known::Unknown(undefined("in", item, other)),
    }
}
