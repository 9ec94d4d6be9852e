//! Statements and elements that say nothing that others don't say already.

use super::pattern::{covers, meet, tokens};
use super::read::{Part, View};
use super::{PolicyType, Remark};
use crate::glob::pieces;
use crate::principal::{Entry, Principals};
use std::collections::HashMap;
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

/// Patterns of a list, found by the service that they speak of.
struct List {
    texts: Vec<String>,
    /// The first place of each text.
    exact: HashMap<String, usize>,
    /// Places of those with wildcards.
    wild: HashMap<String, Vec<usize>>,
    everything: Option<usize>,
}

impl List {
    fn of(texts: Vec<String>) -> List {
        let mut list = List {
            everything: texts.iter().position(|t| t == "*"),
            exact: HashMap::new(),
            wild: HashMap::new(),
            texts,
        };
        for (i, text) in list.texts.iter().enumerate() {
            list.exact.entry(text.clone()).or_insert(i);
            if text.contains(['*', '?']) {
                list.wild.entry(service(text).unwrap_or_default().to_owned()).or_default().push(i);
            }
        }
        list
    }

    fn actions(view: &View) -> List {
        List::of(view.actions.iter().map(|p| action(&p.text)).collect())
    }

    /// A policy that names no resource speaks of the one that it is attached to.
    fn resources(view: &View) -> List {
        let named = view.resources.iter().map(|p| p.text.clone()).collect();
        List::of(if view.names_resources { named } else { vec!["*".to_owned()] })
    }

    /// The place of a pattern that covers the text, but for the one at `but`.
    fn cover(&self, text: &str, but: Option<usize>, steps: &mut Steps) -> Result<Option<usize>, TooMuch> {
        steps.take("", text)?;
        let same = self.exact.get(text).copied().filter(|at| Some(*at) != but);
        if let Some(at) = self.everything.filter(|at| Some(*at) != but).or(same) {
            return Ok(Some(at));
        }
        for key in [service(text), None] {
            for at in self.wild.get(key.unwrap_or_default()).into_iter().flatten().filter(|at| Some(**at) != but) {
                let wide = &self.texts[*at];
                steps.take(wide, text)?;
                // Of two that are alike the first stays.
                if covers(wide, text) && (wide != text || but.is_none_or(|but| *at < but)) {
                    return Ok(Some(*at));
                }
            }
        }
        Ok(None)
    }
}

/// The service that an action or an ARN names; `None` if a wildcard does.
fn service(text: &str) -> Option<&str> {
    let word = if text.starts_with("arn:") { text.split(':').nth(2)? } else { text.split(':').next()? };
    (!word.contains(['*', '?', '$'])).then_some(word)
}

/// Elements of one list that another of the list covers.
fn within(views: &[View], remarks: &mut Vec<Remark>, steps: &mut Steps) -> Result<(), TooMuch> {
    for view in views {
        for (code, parts, list) in [
            ("redundant-action", &view.actions, List::actions(view)),
            ("redundant-resource", &view.resources, List::of(view.resources.iter().map(|p| p.text.clone()).collect())),
        ] {
            for (i, text) in list.texts.iter().enumerate() {
                if let Some(wide) = list.cover(text, Some(i), steps)? {
                    remarks.push(repeats(view, code, &parts[i], &parts[wide]));
                    if list.everything.is_some() || remarks.len() > super::MAX_REMARKS {
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

/// A statement with its lists.
struct Listed<'a> {
    view: &'a View,
    actions: List,
    resources: List,
}

/// Statements that another covers: with the same effect it makes them redundant, with Deny an Allow unreachable.
fn between(views: &[View], kind: PolicyType, remarks: &mut Vec<Remark>, steps: &mut Steps) -> Result<(), TooMuch> {
    let listed = |view| Listed { view, actions: List::actions(view), resources: List::resources(view) };
    let all: Vec<Listed<'_>> = views.iter().map(listed).collect();
    let mut redundant = vec![false; all.len()];
    for (i, narrow) in all.iter().enumerate() {
        for (j, wide) in all.iter().enumerate() {
            steps.take("", "")?;
            let (a, b) = (wide.view, narrow.view);
            if i == j || redundant[j] || a.effect != b.effect || a.conditions.len() > b.conditions.len() {
                continue;
            }
            let no_narrower = a.conditions.iter().all(|c| b.conditions.iter().any(|n| n.clause == c.clause));
            if no_narrower && a.principals == b.principals && spans(wide, narrow, steps)? {
                redundant[i] = true;
                let text = Text::new(
                    format!("Statement `{}` says all that this one says: remove it", a.label),
                    format!(
                        "このステートメントの内容はステートメント `{}` にすべて含まれています。削除できます",
                        a.label
                    ),
                );
                remarks.push(b.remark("redundant-statement", Severity::Low, &b.at, text));
                break;
            }
        }
    }
    if kind == PolicyType::ResourceControl {
        return Ok(());
    }
    let denies: Vec<&Listed<'_>> =
        all.iter().filter(|one| !one.view.allows() && one.view.conditions.is_empty()).collect();
    for allow in all.iter().filter(|one| one.view.allows()) {
        for deny in &denies {
            steps.take("", "")?;
            let view = allow.view;
            if strikes(&deny.view.principals, &view.principals) && spans(deny, allow, steps)? {
                let label = &deny.view.label;
                let text = Text::new(
                    format!("Statement `{label}` denies all that this one allows: remove one of them"),
                    format!(
                        "このステートメントの許可はすべてステートメント `{label}` で拒否されます。どちらかを削除してください"
                    ),
                );
                remarks.push(view.remark("unreachable-allow", Severity::Medium, &view.at, text));
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
fn spans(wide: &Listed<'_>, narrow: &Listed<'_>, steps: &mut Steps) -> Result<bool, TooMuch> {
    let (w, n) = (wide.view, narrow.view);
    if narrow.actions.texts.is_empty() || narrow.resources.texts.is_empty() {
        return Ok(false);
    }
    Ok(set(&wide.actions, w.not_action, &narrow.actions, n.not_action, steps)?
        && set(&wide.resources, w.not_resource, &narrow.resources, n.not_resource, steps)?)
}

/// Whether a list of patterns, or all but a list, covers another.
fn set(wide: &List, wide_not: bool, narrow: &List, narrow_not: bool, steps: &mut Steps) -> Result<bool, TooMuch> {
    match (wide_not, narrow_not) {
        (false, true) => Ok(wide.everything.is_some()),
        (false, false) => all_covered(&narrow.texts, wide, steps),
        (true, true) => all_covered(&wide.texts, narrow, steps),
        (true, false) => {
            for pattern in &narrow.texts {
                for other in &wide.texts {
                    steps.take(other, pattern)?;
                    let odd = pattern.contains("${") || other.contains("${");
                    if odd || meet(&tokens(&pieces(other)), &tokens(&pieces(pattern))) {
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        }
    }
}

fn all_covered(texts: &[String], by: &List, steps: &mut Steps) -> Result<bool, TooMuch> {
    for text in texts {
        if by.cover(text, None, steps)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
