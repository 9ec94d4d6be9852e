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
/// Of what is told as text.
const MAX_TOLD: usize = 300;

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
    let told: Vec<&str> = decisive.iter().filter_map(|(path, value, _)| told(path, value)).collect();
    if !told.is_empty() {
        let more = if told.len() > MAX_FACTS { ", …" } else { "" };
        let text = told.iter().take(MAX_FACTS).map(|text| cut(text, MAX_TOLD)).collect::<Vec<_>>().join(", ");
        return Text::new(format!("{text}{more}"), format!("{text}{more}"));
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

/// What a fact that is derived outside this crate tells as text: it is written for a person as it is, and says all that the
/// fact's name and the other values beside it do.
fn told<'a>(path: &str, value: &'a Value) -> Option<&'a str> {
    value.as_str().filter(|_| path.starts_with("derived.") && path.ends_with(']'))
}

fn shown(value: &Value) -> String {
    cut(&value.to_string(), MAX_VALUE)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_derived_fact_tells_is_said_as_it_is() {
        let read = |path: &str, value: Value| (path.to_owned(), value, true);
        let reads = vec![
            read("derived.outside_access", json!(true)),
            read("derived.outside_access[0]", json!("* → s3:GetObject (policy/Campaign)")),
            read("derived.outside_request[0]", json!({"action": "s3:GetObject"})),
        ];
        let text = of_rule(&Known::No, &Evidence { reads });
        assert_eq!(
            (text.en.as_str(), text.ja.as_str()),
            ("* → s3:GetObject (policy/Campaign)", "* → s3:GetObject (policy/Campaign)")
        );
        let plain = vec![read("derived.public_read", json!(true)), read("resource.Tags[0]", json!("x"))];
        let text = of_rule(&Known::No, &Evidence { reads: plain });
        assert_eq!(text.en, "`derived.public_read` is true, `Tags[0]` is \"x\"");
    }
}
