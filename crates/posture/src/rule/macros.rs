//! The macros `all`, `exists`, `exists_one`, `filter` and `map`, told from the folds that the parser makes of them.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators},
};

/// Which macro a fold was, and the parts that its author wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    All,
    Exists,
    ExistsOne,
    /// `filter` and both forms of `map`.
    Collect,
}

pub struct Parts<'e> {
    pub test: Option<&'e IdedExpr>,
    pub map: Option<&'e IdedExpr>,
}

impl Shape {
    pub fn of(fold: &ComprehensionExpr) -> Option<(Shape, Parts<'_>)> {
        let Expr::Call(step) = &fold.loop_step.expr else { return None };
        let appended = |expr: &'_ IdedExpr| match &expr.expr {
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::ADD => match args.as_slice() {
                [_, IdedExpr { expr: Expr::List(list), .. }] => Some(list.elements.len() == 1),
                _ => None,
            },
            _ => None,
        };
        match (&fold.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
            (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_AND, [_, body]) => {
                Some((Shape::All, Parts { test: Some(body), map: None }))
            }
            (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_OR, [_, body]) => {
                Some((Shape::Exists, Parts { test: Some(body), map: None }))
            }
            (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [body, ..]) => {
                Some((Shape::ExistsOne, Parts { test: Some(body), map: None }))
            }
            (Expr::List(_), operators::CONDITIONAL, [test, add, _]) if appended(add) == Some(true) => {
                Some((Shape::Collect, Parts { test: Some(test), map: last_element(add) }))
            }
            (Expr::List(_), operators::ADD, _) if appended(&fold.loop_step) == Some(true) => {
                Some((Shape::Collect, Parts { test: None, map: last_element(&fold.loop_step) }))
            }
            _ => None,
        }
    }
}

fn last_element(add: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(call) = &add.expr else { return None };
    let Expr::List(list) = &call.args.get(1)?.expr else { return None };
    list.elements.first()
}
