//! Correlations over event time.

use crate::{compile, event, found, rules};
use serde_json::{Value, json};
use yagura_model::Detection;

const BASE: &str = "title: base\nname: base\nlogsource: {product: aws, service: cloudtrail}\n\
                    detection: {s: {eventName: Fail}, condition: s}\n";
const OTHER: &str = "title: other\nname: other\nlogsource: {product: aws, service: cloudtrail}\n\
                     detection: {s: {eventName: Ok}, condition: s}\n";

fn correlation(rest: &str) -> String {
    format!("title: c\nid: c\nlevel: high\ncorrelation:\n  group-by: [sourceIPAddress]\n  timespan: 10m\n{rest}")
}

fn at(n: usize, minute: u32, name: &str, target: &str) -> Value {
    event(&format!("e{n:03}"), &format!("2024-01-01T10:{minute:02}:00Z"), name, target)
}

fn run(rest: &str, events: &[Value]) -> Vec<Detection> {
    let text = correlation(rest);
    let set = rules(&[BASE, OTHER, &text]);
    let found = found(&set, events);
    let mut reversed = events.to_vec();
    reversed.reverse();
    assert_eq!(found, crate::found(&set, &reversed), "order must not matter");
    found.into_iter().filter(|d| d.detection == "c").collect()
}

#[test]
fn event_count_in_a_sliding_window() {
    let rest = "  type: event_count\n  rules: [base]\n  condition: {gte: 3}\n";
    // Three within ten minutes, over a full hour's or ten minutes' boundary.
    let close: Vec<Value> = [8, 12, 18].iter().enumerate().map(|(i, m)| at(i, *m, "Fail", "x")).collect();
    let d = run(rest, &close).remove(0);
    assert_eq!((d.count, d.event_ids.len(), d.severity.as_str()), (3, 3, "high"));
    assert_eq!((d.time.as_str(), d.last_time.as_str()), ("2024-01-01T10:08:00Z", "2024-01-01T10:18:00Z"));
    let far: Vec<Value> = [8, 12, 19].iter().enumerate().map(|(i, m)| at(i, *m, "Fail", "x")).collect();
    assert!(run(rest, &far).is_empty());
    // The same event three times is one event, and groups don't add up.
    assert!(run(rest, &[at(1, 1, "Fail", "x"), at(1, 1, "Fail", "x"), at(1, 1, "Fail", "x")]).is_empty());
    let mut elsewhere = close;
    elsewhere[1]["sourceIPAddress"] = json!("203.0.113.9");
    assert!(run(rest, &elsewhere).is_empty());
}

#[test]
fn base_rules_speak_only_when_asked() {
    let close: Vec<Value> = (0..3).map(|i| at(i, 1, "Fail", "x")).collect();
    let text = correlation("  type: event_count\n  rules: [base]\n  condition: {gt: 2}\n");
    let ids = |rules_: &[&str]| found(&rules(rules_), &close).into_iter().map(|d| d.detection).collect::<Vec<_>>();
    assert_eq!(ids(&[BASE, &text]), ["c"]);
    assert_eq!(ids(&[BASE, &text.replace("group-by", "generate: true\n  group-by")]), ["c", "r0"]);
}

#[test]
fn value_count_counts_distinct_values() {
    let rest = "  type: value_count\n  rules: [base]\n  condition: {gte: 3, field: requestParameters.userName}\n";
    let same: Vec<Value> = (0..5).map(|i| at(i, 1, "Fail", "x")).collect();
    assert!(run(rest, &same).is_empty());
    let distinct: Vec<Value> = (0..5).map(|i| at(i, i as u32, "Fail", &format!("u{}", i % 3))).collect();
    let d = run(rest, &distinct).remove(0);
    assert_eq!((d.count, d.target), (5, None));
    assert!(d.principal.is_some());
}

#[test]
fn sums_averages_and_percentiles() {
    let with = |n: usize, bytes: i64| {
        let mut e = at(n, 1, "Fail", "x");
        e["bytes"] = json!(bytes);
        e
    };
    let events: Vec<Value> = [1, 2, 3, 4, 100].iter().enumerate().map(|(i, b)| with(i, *b)).collect();
    for (kind, condition, expected) in [
        ("value_sum", "{gte: 110, field: bytes}", true),
        ("value_sum", "{gt: 110, field: bytes}", false),
        ("value_avg", "{eq: 22, field: bytes}", true),
        ("value_median", "{eq: 3, field: bytes}", true),
        ("value_percentile", "{gte: 60, field: bytes, percentile: 95}", true),
        ("value_percentile", "{gt: 3, field: bytes, percentile: 50}", false),
    ] {
        let rest = format!("  type: {kind}\n  rules: [base]\n  condition: {condition}\n");
        assert_eq!(!run(&rest, &events).is_empty(), expected, "{kind} {condition}");
    }
}

#[test]
fn temporal_in_any_order_and_in_order() {
    let any = "  type: temporal\n  rules: [base, other]\n";
    let ordered = "  type: temporal_ordered\n  rules: [base, other]\n";
    let up = [at(1, 1, "Fail", "x"), at(2, 5, "Ok", "x")];
    let down = [at(1, 1, "Ok", "x"), at(2, 5, "Fail", "x")];
    let far = [at(1, 1, "Fail", "x"), at(2, 12, "Ok", "x")];
    let same = [at(2, 5, "Ok", "x"), at(1, 5, "Fail", "x")];
    for (rest, events, expected) in [
        (any, &up, true),
        (any, &down, true),
        (any, &far, false),
        (any, &same, true),
        (ordered, &up, true),
        (ordered, &down, false),
        (ordered, &far, false),
        (ordered, &same, true),
    ] {
        assert_eq!(!run(rest, events).is_empty(), expected, "{rest} {events:?}");
    }
    let only = "  type: temporal\n  condition: base and not other\n";
    assert!(run(only, &[at(1, 1, "Fail", "x")]).len() == 1);
    assert!(
        run("  type: temporal\n  rules: [base, other]\n  condition: {gte: 1}\n", &[at(1, 1, "Ok", "x")]).len() == 1
    );
}

#[test]
fn aliases_and_chains() {
    let many = "title: many\nname: many\ncorrelation:\n  type: event_count\n  rules: [base]\n  \
                group-by: [sourceIPAddress]\n  timespan: 10m\n  condition: {gte: 3}\n";
    let then = "title: c\nid: c\ncorrelation:\n  type: temporal_ordered\n  rules: [many, other]\n  group-by: [who]\n  \
                timespan: 1h\n  aliases:\n    who: {base: requestParameters.userName, other: userIdentity.userName}\n";
    let set = rules(&[then, BASE, OTHER, many]);
    let mut events: Vec<Value> = (0..3).map(|i| at(i, i as u32, "Fail", "bob")).collect();
    let mut ok = at(9, 30, "Ok", "-");
    ok["userIdentity"] = json!({"type": "IAMUser", "userName": "bob", "accountId": "1"});
    events.push(ok.clone());
    let lines = found(&set, &events);
    assert_eq!(lines.iter().map(|d| d.detection.as_str()).collect::<Vec<_>>(), ["c"]);
    events[3]["userIdentity"]["userName"] = json!("eve");
    assert!(found(&set, &events).is_empty());
}

#[test]
fn an_unknown_rule_is_named() {
    let (set, loaded) = compile(&[&correlation("  type: event_count\n  rules: [nope]\n  condition: {gte: 3}\n")]);
    assert!(set.is_empty() && loaded.errors[0].message.contains("`nope`"), "{:?}", loaded.errors);
    for rest in [
        "  type: event_count\n  rules: [base]\n",
        "  type: nonsense\n  rules: [base]\n  condition: {gte: 3}\n",
        "  type: value_count\n  rules: [base]\n  condition: {gte: 3}\n",
        "  type: event_count\n  rules: [base]\n  condition: {about: 3}\n",
    ] {
        let (set, loaded) = compile(&[BASE, &correlation(rest)]);
        assert!(loaded.errors.len() == 1 && set.len() <= 1, "{rest}: {:?}", loaded.errors);
    }
}
