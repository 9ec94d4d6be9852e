//! What `hunt` promises: Sigma's semantics, grouping, and that neither order nor layout of the input matters.

mod contract;
mod correlation;
mod oracle;
mod sigma;

use serde_json::{Value, json};
use yagura_content::Library;
use yagura_detect::{Filter, Foreign, Hunt, Loaded, RuleSet};
use yagura_logs::{Layout, Record, parse_time};
use yagura_model::Detection;

/// Compiles foreign rules only.
pub fn compile(rules: &[&str]) -> (RuleSet, Loaded) {
    let foreign: Vec<Foreign> = rules
        .iter()
        .enumerate()
        .map(|(i, text)| Foreign { file: format!("rules/r{i}.yml"), text: (*text).to_owned() })
        .collect();
    RuleSet::compile(&Library::default(), &foreign, true)
}

/// Compiles rules that must be right.
pub fn rules(texts: &[&str]) -> RuleSet {
    let (set, loaded) = compile(texts);
    assert_eq!((loaded.errors, loaded.skipped), (vec![], vec![]));
    set
}

/// A rule with this detection (YAML, indented by two) and otherwise the usual.
pub fn rule(detection: &str) -> String {
    format!("title: t\nid: r\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n{detection}\n")
}

/// Judges `events` as they are, with a time where they have none.
pub fn hunt<'s>(set: &'s RuleSet, events: &[Value], filter: &Filter) -> Hunt<'s> {
    let mut hunt = Hunt::new(set, filter.clone());
    let mut layout = Layout::default();
    for event in events {
        let time = event["eventTime"].as_str().and_then(parse_time).unwrap_or(0);
        let raw = event.to_string();
        hunt.judge(&Record::scan(raw.as_bytes(), &mut layout).expect("json"), time);
    }
    hunt
}

pub fn found(set: &RuleSet, events: &[Value]) -> Vec<Detection> {
    hunt(set, events, &Filter::default()).finish().detections
}

/// Whether a rule with this detection finds the event.
pub fn finds(detection: &str, event: &Value) -> bool {
    !found(&rules(&[&rule(detection)]), std::slice::from_ref(event)).is_empty()
}

/// An event of alice's.
pub fn event(id: &str, time: &str, name: &str, target: &str) -> Value {
    json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": time, "eventSource": "iam.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333"},
        "requestParameters": {"userName": target},
    })
}

#[test]
fn every_built_in_detection_passes_its_own_examples() {
    let library = Library::builtin().expect("content reads");
    let (set, loaded) = RuleSet::compile(&library, &[], false);
    let mut errors = loaded.errors;
    errors.extend(set.test(&library));
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(errors.is_empty(), "{text}");
    assert!(set.len() >= 70);
}
