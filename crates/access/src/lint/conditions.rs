//! Conditions that compare what no request holds, or that can't hold at all.
//!
//! `docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html` for operators and the
//! form of their values, `…/reference_policies_condition-single-vs-multi-valued-context-keys.html` for keys with several
//! values and `ForAllValues`, `…/reference_policies_variables.html` for variables and versions.

use super::keys::{self, Known};
use super::read::{Condition, View};
use super::{PolicyType, Remark};
use crate::candidates;
use crate::catalogue::KeyType;
use crate::condition::{Clause, Family, Quantifier};
use crate::context::Context;
use crate::glob::{Glob, pieces};
use crate::operand;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use yagura_model::{Severity, Text};

/// Operands of one key, wildcards in them, and characters of a document's operands, that are searched for a
/// contradiction. Each wildcard can double the search.
const MAX_OPERANDS: usize = 60;
const MAX_WILDCARDS: usize = 4;
const MAX_CHARACTERS: usize = 10_000;

pub fn check(views: &[View], kind: PolicyType, document: &Json, remarks: &mut Vec<Remark>) {
    let mut budget = MAX_CHARACTERS;
    let versioned = document.get("Version").is_some_and(|v| v == "2012-10-17");
    for view in views {
        if !versioned {
            variables(view, remarks);
        }
        for condition in &view.conditions {
            one(view, condition, kind, remarks);
            if remarks.len() > super::MAX_REMARKS {
                return;
            }
        }
        never(view, &mut budget, remarks);
    }
}

/// Only the version of 2012 replaces variables; the older one takes them for text.
fn variables(view: &View, remarks: &mut Vec<Remark>) {
    let of_conditions = view.conditions.iter().filter(|c| takes_variables(c.clause.family)).flat_map(|c| {
        c.clause.operands.iter().enumerate().map(move |(i, operand)| (c.at_operand(i), operand.source()))
    });
    let of_resources = view.resources.iter().map(|part| (part.at.clone(), part.text.as_str()));
    let Some((at, _)) = of_resources.chain(of_conditions).find(|(_, text)| text.contains("${")) else { return };
    let text = Text::new(
        "Without `\"Version\": \"2012-10-17\"` a variable is plain text and matches nothing: add it to the document",
        "`\"Version\": \"2012-10-17\"` がないと変数は展開されず、ただの文字列として扱われます。ドキュメントに追加してください",
    );
    remarks.push(view.remark("variables-need-version", Severity::Medium, &at, text));
}

fn takes_variables(family: Family) -> bool {
    matches!(family, Family::Equals | Family::AnyCase | Family::Like | Family::Arn)
}

fn one(view: &View, condition: &Condition, kind: PolicyType, remarks: &mut Vec<Remark>) {
    let clause = &condition.clause;
    let (key, at) = (&clause.spelling, condition.at.as_str());
    let known = keys::known(&clause.key, view);
    let shown: String = key.chars().take(120).collect();
    let mut says = |code, severity, text| remarks.push(view.remark(code, severity, at, text));
    let (kind_of_key, many) = match known {
        Known::Unknown(near) => {
            let (en, ja) = match near {
                Some(near) => (format!(": did you mean `{near}`?"), format!("。`{near}` の誤りではありませんか")),
                None => (": check its spelling".to_owned(), "。綴りを確認してください".to_owned()),
            };
            let text = Text::new(
                format!("No request is known to hold the condition key `{shown}`{en}"),
                format!("条件キー `{shown}` は AWS のカタログにありません{ja}"),
            );
            says("unknown-condition-key", severity(view), text);
            (None, false)
        }
        Known::NeverSet(kind, many) => {
            let text = Text::new(
                format!(
                    "None of the statement's actions is known to set `{shown}`: use a key that they set, or remove it"
                ),
                format!(
                    "このステートメントのアクションは `{shown}` を設定しません。対応する条件キーを使うか、削除してください"
                ),
            );
            // A role's session can hold what its token says.
            if view.covered().iter().all(|action| action.service != "sts") {
                says("key-never-set", severity(view), text);
            }
            (Some(kind), many)
        }
        Known::Global(kind, many) | Known::Set(kind, many) => (Some(kind), many),
        Known::Claim => (None, false),
    };
    // EventBridge's lists are of rules' patterns, and single operators match those of one value
    // (`docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html`).
    let is_list = many && !clause.key.starts_with("events:");
    if is_list && clause.quantifier == Quantifier::Single && clause.family != Family::Null {
        let operator = &condition.operator;
        let text = Text::new(
            format!(
                "`{shown}` holds a list, which `{operator}` never matches: write `ForAnyValue:{operator}` or `ForAllValues:{operator}`"
            ),
            format!(
                "`{shown}` は複数の値を持つため `{operator}` とは一致しません。`ForAnyValue:{operator}` または `ForAllValues:{operator}` を使ってください"
            ),
        );
        says("single-operator-on-many", severity(view), text);
    }
    for_all(view, condition, kind, remarks);
    operands(view, condition, kind_of_key, remarks);
}

/// What a Deny fails to match stays allowed.
fn severity(view: &View) -> Severity {
    if view.allows() { Severity::Medium } else { Severity::High }
}

/// `ForAllValues` holds for a request without the key, so an Allow with it needs something that asks for the key.
fn for_all(view: &View, condition: &Condition, kind: PolicyType, remarks: &mut Vec<Remark>) {
    let clause = &condition.clause;
    if clause.quantifier != Quantifier::All || !view.allows() || !kind.grants() {
        return;
    }
    let asks = |other: &Clause| match other.family {
        Family::Null => other.key == clause.key && other.operands.iter().all(|o| o.source() == "false"),
        // A request that tags holds the keys of its tags.
        _ => {
            let same =
                other.key == clause.key || clause.key == "aws:tagkeys" && other.key.starts_with("aws:requesttag/");
            same && other.quantifier != Quantifier::All && !other.negated && !other.if_exists
        }
    };
    if view.conditions.iter().any(|c| asks(&c.clause)) {
        return;
    }
    let key = &clause.spelling;
    let text = Text::new(
        format!(
            "`ForAllValues` also holds for a request without `{key}`, which this therefore allows: add `\"Null\": {{\"{key}\": \"false\"}}`, or use `ForAnyValue`"
        ),
        format!(
            "`ForAllValues` は `{key}` のないリクエストでも成立するため、それも許可されます。`\"Null\": {{\"{key}\": \"false\"}}` を追加するか `ForAnyValue` を使ってください"
        ),
    );
    // Tags that nobody sets are seldom what is guarded against.
    let severity = if clause.key == "aws:tagkeys" { Severity::Informational } else { Severity::Medium };
    remarks.push(view.remark("for-all-values-allows-absent", severity, &condition.at, text));
}

fn operands(view: &View, condition: &Condition, kind: Option<KeyType>, remarks: &mut Vec<Remark>) {
    let clause = &condition.clause;
    let (operator, key) = (&condition.operator, &clause.spelling);
    if let Some(kind) = kind
        && let Some(wanted) = better(clause, kind)
    {
        let text = Text::new(
            format!("`{operator}` can't compare `{key}`: use {}", wanted.0),
            format!("`{key}` は `{operator}` では比較できません。{}を使ってください", wanted.1),
        );
        remarks.push(view.remark("operator-type", severity(view), &condition.at, text));
        return;
    }
    for (i, operand) in clause.operands.iter().enumerate() {
        let source = operand.source();
        let shown: String = source.chars().take(80).collect();
        let at = condition.at_operand(i);
        if let Some((en, ja)) = wrong(clause.family, source) {
            let text = Text::new(
                format!("`{shown}` is not what `{operator}` compares with: write {en}"),
                format!("`{shown}` は `{operator}` の値として正しくありません。{ja}を書いてください"),
            );
            remarks.push(view.remark("invalid-condition-value", severity(view), &at, text));
            continue;
        }
        if matches!(clause.family, Family::Equals | Family::AnyCase) && source.contains('*') && !source.contains("${*}")
        {
            let like = if clause.negated { "StringNotLike" } else { "StringLike" };
            let text = Text::new(
                format!("`{operator}` takes the `*` of `{shown}` for a plain star: use `{like}`"),
                format!("`{operator}` は `{shown}` の `*` をワイルドカードとして扱いません。`{like}` を使ってください"),
            );
            remarks.push(view.remark("wildcard-without-like", severity(view), &at, text));
        }
        if clause.key == "aws:sourceip" && clause.family == Family::Address && is_private(source) {
            let text = Text::new(
                format!("`aws:SourceIp` never holds a private address such as `{shown}`: use `aws:VpcSourceIp`"),
                format!(
                    "`aws:SourceIp` に `{shown}` のようなプライベートアドレスが入ることはありません。`aws:VpcSourceIp` を使ってください"
                ),
            );
            remarks.push(view.remark("private-source-ip", severity(view), &at, text));
        }
    }
}

/// The operators that a key needs, where those of the clause can never hold for it.
fn better(clause: &Clause, kind: KeyType) -> Option<(&'static str, &'static str)> {
    let family = clause.family;
    let is_text = matches!(family, Family::Equals | Family::AnyCase | Family::Like);
    // A tag can hold anything.
    let is_global = clause.key.starts_with("aws:") && !clause.key.contains('/');
    let fits = match kind {
        _ if family == Family::Null => true,
        KeyType::Bool => is_text || family == Family::Bool,
        KeyType::Numeric => is_text || matches!(family, Family::Numeric(_)),
        KeyType::Date => is_text || matches!(family, Family::Date(_) | Family::Numeric(_)),
        KeyType::Arn => is_text || family == Family::Arn,
        KeyType::Address => {
            family == Family::Address || is_text && !clause.operands.iter().any(|o| o.source().contains('/'))
        }
        // Services call many of their ARNs and numbers strings; the global keys are what they are said to be.
        KeyType::String => !is_global || !matches!(family, Family::Arn | Family::Address | Family::Date(_)),
    };
    let wanted = match kind {
        KeyType::Bool => ("`Bool`", "`Bool`"),
        KeyType::Numeric => ("a `Numeric…` operator", "`Numeric…` 演算子"),
        KeyType::Date => ("a `Date…` operator", "`Date…` 演算子"),
        KeyType::Arn => ("`ArnLike` or `ArnNotLike`", "`ArnLike` または `ArnNotLike`"),
        KeyType::Address => ("`IpAddress` or `NotIpAddress`", "`IpAddress` または `NotIpAddress`"),
        KeyType::String => ("a `String…` operator", "`String…` 演算子"),
    };
    (!fits).then_some(wanted)
}

/// What an operator needs instead of a value that it can't read.
fn wrong(family: Family, source: &str) -> Option<(&'static str, &'static str)> {
    let is_bool = source.eq_ignore_ascii_case("true") || source.eq_ignore_ascii_case("false");
    let (right, en, ja) = match family {
        Family::Bool | Family::Null => (is_bool, "true or false", "true または false "),
        Family::Numeric(_) => (operand::number(source).is_some(), "a number", "数値"),
        Family::Date(_) => (
            operand::time(source).is_some(),
            "a date such as 2026-01-31T00:00:00Z",
            "2026-01-31T00:00:00Z のような日時",
        ),
        Family::Address => (
            operand::block(source).is_some(),
            "an address or a CIDR block such as 203.0.113.0/24",
            "203.0.113.0/24 のような IP アドレスまたは CIDR ",
        ),
        Family::Arn => {
            let right = source == "*" || source.contains("${") || Glob::arn(&pieces(source)).is_some();
            (right, "an ARN with all its six fields", "6 つのフィールドがそろった ARN ")
        }
        Family::Binary => (is_base64(source), "Base64", "Base64 "),
        Family::Equals | Family::AnyCase | Family::Like => (true, "", ""),
    };
    (!right).then_some((en, ja))
}

fn is_base64(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    let plain = letters.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    plain && text.len().is_multiple_of(4) && text.len() - letters.len() <= 2
}

/// Whether all addresses of a block are private.
fn is_private(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "128"));
    let length: u32 = length.parse().unwrap_or(0);
    match address.parse() {
        Ok(IpAddr::V4(v4)) => {
            let [a, b, ..] = v4.octets();
            (a == 10 && length >= 8)
                || (a == 172 && b & 0xf0 == 16 && length >= 12)
                || (a == 192 && b == 168 && length >= 16)
        }
        Ok(IpAddr::V6(v6)) => v6.segments()[0] & 0xfe00 == 0xfc00 && length >= 7,
        Err(_) => false,
    }
}

/// Conditions that exclude each other.
fn never(view: &View, budget: &mut usize, remarks: &mut Vec<Remark>) {
    let mut by_key: BTreeMap<&str, Vec<&Condition>> = BTreeMap::new();
    for condition in &view.conditions {
        by_key.entry(&condition.clause.key).or_default().push(condition);
    }
    for (key, conditions) in &by_key {
        let clauses: Vec<&Clause> = conditions.iter().map(|c| &c.clause).collect();
        let operands = || clauses.iter().flat_map(|c| &c.operands);
        let size: usize = operands().map(|o| o.source().len()).sum();
        let wildcards = operands().map(|o| o.source().matches(['*', '?']).count()).sum::<usize>();
        let is_small = operands().count() <= MAX_OPERANDS && wildcards <= MAX_WILDCARDS && size <= *budget;
        if clauses.len() < 2 || !is_small || operands().any(|o| o.keys().next().is_some() || o.source().is_empty()) {
            continue;
        }
        *budget -= size;
        let context = Context::default();
        let Ok(values) = candidates::values(&clauses, &context, key, &[]) else { continue };
        let holds = |value: &Option<crate::context::Value>| {
            let mut context = Context::default();
            if let Some(value) = value {
                context.set(key, value.clone());
            }
            clauses.iter().all(|clause| clause.holds(&context))
        };
        if values.iter().any(holds) {
            continue;
        }
        let operators: Vec<String> = conditions.iter().map(|c| format!("`{}`", c.operator)).collect();
        let spelling = &clauses[0].spelling;
        let text = Text::new(
            format!(
                "No value of `{spelling}` meets {} at once, so this never matches: correct them",
                operators.join(" and ")
            ),
            format!(
                "{} を同時に満たす `{spelling}` の値がないため、このステートメントは一致しません。条件を見直してください",
                operators.join(" と ")
            ),
        );
        let last = conditions.last().map(|c| c.at.as_str()).unwrap_or_default();
        remarks.push(view.remark("condition-never-matches", severity(view), last, text));
    }
    endpoint(view, remarks);
}

/// A request through a VPC endpoint has no `aws:SourceIp`, and any other has no VPC.
///
/// `docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip`
fn endpoint(view: &View, remarks: &mut Vec<Remark>) {
    let positive = |keys: &[&str]| {
        let is = |c: &&Condition| c.is_positive() && keys.contains(&c.clause.key.as_str());
        view.conditions.iter().find(is)
    };
    let vpc =
        ["aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpcsourceip", "aws:vpceaccount", "aws:vpceorgid"];
    if let (Some(ip), Some(vpc)) = (positive(&["aws:sourceip"]), positive(&vpc)) {
        let name = &vpc.clause.spelling;
        let text = Text::new(
            format!("No request holds both `aws:SourceIp` and `{name}`, so this never matches: use two statements"),
            format!(
                "`aws:SourceIp` と `{name}` の両方を持つリクエストはないため一致しません。ステートメントを分けてください"
            ),
        );
        remarks.push(view.remark("condition-never-matches", severity(view), &ip.at, text));
    }
}
