//! Says in one sentence, in both languages, why a verdict is what it is.

use crate::{
    known::{Known, Reason, Reasons},
    rule::Evidence,
};
use serde_json::Value;
use yagura_model::{Gap, Text};

/// Facts that one sentence names.
const MAX_FACTS: usize = 4;
const MAX_VALUE: usize = 60;

/// How the inventory marks what a Config item can't hold: the one such name that is a phrase.
const NOT_RECORDED: &str = "not recorded by AWS Config";

/// What is not known, in a row: `s3:GetBucketPolicyStatus, Parameter Vpc`.
pub fn names(reasons: &Reasons) -> String {
    let names = reasons.iter().map(|reason| match reason {
        Reason::Missing(name) => name.as_str(),
        Reason::Failed { en, .. } => en.as_str(),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Why a rule came out as it did.
pub fn of_rule(truth: &Known, evidence: &Evidence) -> Text {
    match truth {
        Known::Unknown(reasons) => unknown(reasons),
        Known::Yes => facts(evidence, "the rule holds", "ルールを満たしています"),
        Known::No => facts(evidence, "the rule does not hold", "ルールを満たしていません"),
    }
}

/// On a template, for a rule that reads what only a live account can tell.
pub fn needs_live() -> Text {
    Text::new("needs the live account", "実アカウントの情報が必要です")
}

/// For every control of a type whose listing failed.
pub fn of_gaps(gaps: &[&Gap]) -> Text {
    let mut calls: Vec<String> = gaps.iter().map(|gap| format!("`{}` ({})", gap.action, gap.reason)).collect();
    calls.sort();
    calls.dedup();
    let calls = calls.join(", ");
    Text::new(format!("could not be listed: {calls}"), format!("一覧を取得できませんでした: {calls}"))
}

fn unknown(reasons: &Reasons) -> Text {
    let missing: Vec<&str> =
        reasons.iter().filter_map(|r| if let Reason::Missing(n) = r { Some(n.as_str()) } else { None }).collect();
    let (mut en, mut ja) = (Vec::new(), Vec::new());
    if !missing.is_empty() {
        let in_japanese =
            missing.iter().map(|n| if *n == NOT_RECORDED { "AWS Config では記録されません" } else { *n });
        en.push(format!("not known: {}", missing.join(", ")));
        ja.push(format!("不明な値があります: {}", in_japanese.collect::<Vec<_>>().join("、")));
    }
    for reason in reasons.iter() {
        if let Reason::Failed { en: text, ja: text_ja } = reason {
            en.push(text.clone());
            ja.push(text_ja.clone());
        }
    }
    Text::new(en.join("; "), ja.join("、"))
}

fn facts(evidence: &Evidence, otherwise_en: &str, otherwise_ja: &str) -> Text {
    let decisive: Vec<&(String, Value, bool)> = evidence.reads.iter().filter(|(.., decisive)| *decisive).collect();
    if decisive.is_empty() {
        return Text::new(otherwise_en, otherwise_ja);
    }
    let (mut en, mut ja) = (Vec::new(), Vec::new());
    for (path, value, _) in decisive.iter().take(MAX_FACTS) {
        let path = path.strip_prefix("resource.").unwrap_or(path);
        match value {
            Value::Null => {
                en.push(format!("`{path}` is not set"));
                ja.push(format!("`{path}` が未設定"));
            }
            value => {
                let shown = shown(value);
                en.push(format!("`{path}` is {shown}"));
                ja.push(format!("`{path}` が {shown}"));
            }
        }
    }
    if decisive.len() > MAX_FACTS {
        en.push("…".to_owned());
        ja.push("…".to_owned());
    }
    Text::new(en.join(", "), ja.join("、"))
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
