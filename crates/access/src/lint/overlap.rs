//! Statements and elements that say nothing that others don't say already.

use super::pattern::{covers, meet, tokens};
use super::read::{Part, View};
use super::{PolicyType, Remark};
use crate::glob::pieces;
use crate::principal::{Entry, Principals};
use yagura_model::{Severity, Text};

/// Steps of patterns that are compared in one document, in characters.
const MAX_STEPS: usize = 30_000_000;

/// A document has more than is compared.
struct TooMuch;

struct Steps(usize);

impl Steps {
    fn take(&mut self, a: &str, b: &str) -> Result<(), TooMuch> {
        let steps = a.len() + b.len() + 16;
        self.0 = self.0.checked_sub(steps).ok_or(TooMuch)?;
        // Stars make it a product.
        if a.contains('*') {
            self.0 = self.0.checked_sub(a.len().saturating_mul(b.len()) / 8).ok_or(TooMuch)?;
        }
        Ok(())
    }
}

pub fn check(views: &[View], kind: PolicyType, remarks: &mut Vec<Remark>) {
    let mut steps = Steps(MAX_STEPS);
    let found = within(views, remarks, &mut steps).and_then(|()| between(views, kind, remarks, &mut steps));
    if found.is_err() {
        let text = Text::new(
            "The document is too large to compare all its statements with each other: some that say nothing new may not be told",
            "ドキュメントが大きすぎるため、ステートメントどうしの比較を途中で打ち切りました。重複が残っている可能性があります",
        );
        let (code, severity) = ("not-compared", Severity::Informational);
        remarks.push(Remark { code, severity, at: String::new(), place: None, statement: None, text });
    }
}

/// Elements of one list that another of the list covers.
fn within(views: &[View], remarks: &mut Vec<Remark>, steps: &mut Steps) -> Result<(), TooMuch> {
    for view in views {
        let actions: Vec<String> = view.actions.iter().map(|p| action(&p.text)).collect();
        let resources: Vec<String> = view.resources.iter().map(|p| p.text.clone()).collect();
        for (code, parts, texts) in
            [("redundant-action", &view.actions, &actions), ("redundant-resource", &view.resources, &resources)]
        {
            if let Some(all) = texts.iter().position(|t| t == "*") {
                // One remark says it for all the others.
                if let Some((i, _)) = texts.iter().enumerate().find(|(i, _)| *i != all) {
                    remarks.push(repeats(view, code, &parts[i], &parts[all]));
                }
                continue;
            }
            for (i, narrow) in texts.iter().enumerate() {
                for (j, wide) in texts.iter().enumerate() {
                    if i == j || wide == narrow && i < j {
                        continue;
                    }
                    steps.take(wide, narrow)?;
                    if covers(wide, narrow) {
                        remarks.push(repeats(view, code, &parts[i], &parts[j]));
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

fn repeats(view: &View, code: &'static str, narrow: &Part, wide: &Part) -> Remark {
    let short = |text: &str| text.chars().take(120).collect::<String>();
    let (narrow_text, wide) = (short(&narrow.text), short(&wide.text));
    let text = Text::new(
        format!("`{wide}` of the same list covers `{narrow_text}`: remove the one that isn't meant"),
        format!("`{narrow_text}` は同じ配列の `{wide}` に含まれています。意図しない方を削除してください"),
    );
    view.remark(code, Severity::Informational, &narrow.at, text)
}

fn action(text: &str) -> String {
    if text == "*:*" { "*".to_owned() } else { text.to_ascii_lowercase() }
}

/// Statements that another covers: with the same effect it makes them redundant, with Deny an Allow unreachable.
fn between(views: &[View], kind: PolicyType, remarks: &mut Vec<Remark>, steps: &mut Steps) -> Result<(), TooMuch> {
    let mut redundant = vec![false; views.len()];
    for (i, narrow) in views.iter().enumerate() {
        for (j, wide) in views.iter().enumerate() {
            steps.take("", "")?;
            if i == j || redundant[j] || wide.effect != narrow.effect {
                continue;
            }
            let no_narrower = wide.conditions.iter().all(|c| narrow.conditions.iter().any(|n| n.clause == c.clause));
            if no_narrower && wide.principals == narrow.principals && spans(wide, narrow, steps)? {
                redundant[i] = true;
                let text = Text::new(
                    format!("Statement `{}` says all that this one says: remove it", wide.label),
                    format!(
                        "このステートメントの内容はステートメント `{}` にすべて含まれています。削除できます",
                        wide.label
                    ),
                );
                remarks.push(narrow.remark("redundant-statement", Severity::Low, &narrow.at, text));
                break;
            }
        }
    }
    let denies: Vec<&View> = views.iter().filter(|v| !v.allows() && v.conditions.is_empty()).collect();
    if kind == PolicyType::ResourceControl {
        return Ok(());
    }
    for allow in views.iter().filter(|v| v.allows()) {
        for deny in &denies {
            steps.take("", "")?;
            if strikes(&deny.principals, &allow.principals) && spans(deny, allow, steps)? {
                let text = Text::new(
                    format!("Statement `{}` denies all that this one allows: remove one of them", deny.label),
                    format!(
                        "このステートメントの許可はすべてステートメント `{}` で拒否されます。どちらかを削除してください",
                        deny.label
                    ),
                );
                remarks.push(allow.remark("unreachable-allow", Severity::Medium, &allow.at, text));
                break;
            }
        }
    }
    Ok(())
}

/// Whether a Deny strikes everyone whom an Allow lets in.
fn strikes(deny: &Principals, allow: &Principals) -> bool {
    match deny {
        Principals::Attached => true,
        Principals::These(entries) => entries.contains(&Entry::Anyone) || deny == allow,
        Principals::Nobody | Principals::NotThese(_) => false,
    }
}

/// Whether a statement speaks of all actions and resources that another speaks of.
fn spans(wide: &View, narrow: &View, steps: &mut Steps) -> Result<bool, TooMuch> {
    if narrow.actions.is_empty() || narrow.names_resources && narrow.resources.is_empty() {
        return Ok(false);
    }
    let actions = |view: &View| view.actions.iter().map(|p| action(&p.text)).collect::<Vec<_>>();
    // A policy that names no resource speaks of the one that it is attached to.
    let all = ["*".to_owned()];
    let resources = |view: &View| {
        let named: Vec<String> = view.resources.iter().map(|p| p.text.clone()).collect();
        if view.names_resources { named } else { all.to_vec() }
    };
    Ok(set(&actions(wide), wide.not_action, &actions(narrow), narrow.not_action, steps)?
        && set(&resources(wide), wide.not_resource, &resources(narrow), narrow.not_resource, steps)?)
}

/// Whether a list of patterns, or all but a list, covers another.
fn set(
    wide: &[String],
    wide_not: bool,
    narrow: &[String],
    narrow_not: bool,
    steps: &mut Steps,
) -> Result<bool, TooMuch> {
    let mut some = |list: &[String], of: &String, test: &dyn Fn(&str, &str) -> bool| {
        for one in list {
            steps.take(one, of)?;
            if test(one, of) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match (wide_not, narrow_not) {
        (false, false) => {
            for pattern in narrow {
                if !some(wide, pattern, &covers)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (true, false) => {
            let share = |a: &str, b: &str| meet(&tokens(&pieces(a)), &tokens(&pieces(b)));
            for pattern in narrow {
                if pattern.contains("${") || some(wide, pattern, &share)? {
                    return Ok(false);
                }
            }
            Ok(!wide.iter().any(|pattern| pattern.contains("${")))
        }
        (false, true) => Ok(wide.iter().any(|pattern| pattern == "*")),
        (true, true) => {
            for pattern in wide {
                if !some(narrow, pattern, &covers)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}
