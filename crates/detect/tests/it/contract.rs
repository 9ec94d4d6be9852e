//! What a finding line says, and that order and layout of the input change nothing.

use crate::{event, found, hunt, rule, rules};
use proptest::prelude::*;
use serde_json::{Value, json};
use yagura_content::{Kind, Library};
use yagura_detect::{Filter, Foreign, Hunt, RuleSet};
use yagura_logs::parse_time;
use yagura_model::{Detection, DetectionKind, Severity};

const MAKE: &str = "  s: {eventName: CreateUser}\n  condition: s";

/// A library with one detection of ours and one target file.
fn library(head: &str) -> Library {
    let mut library = Library::default();
    let detection = format!(
        "+++\n{head}\n+++\n## en: A user was made\n## ja: ユーザー作成\n```sigma\n{}```\n```hit\n{{\"eventName\":\"CreateUser\"}}\n```\n",
        rule(MAKE)
    );
    let target = "source = \"iam.amazonaws.com\"\n[events]\n\"Create*\" = [\"responseElements.user.arn\", \"requestParameters.userName\"]\n";
    let errors = library.add([("detections/iam/made.md", detection.as_str()), ("targets/iam.toml", target)], false);
    assert_eq!(errors, vec![]);
    library
}

fn ours(head: &str) -> RuleSet {
    let (set, loaded) = RuleSet::compile(&library(head), &[], false);
    assert_eq!(loaded.errors, vec![]);
    set
}

const HEAD: &str = "severity = \"high\"\nkind = \"alert\"\nguardduty = [\"X:IAMUser/Y\"]\nattack = [\"T1136.003\"]";

#[test]
fn a_line_says_what_the_contract_promises() {
    let set = ours(HEAD);
    let events = [
        event("b", "2024-01-01T10:00:00Z", "CreateUser", "mallory"),
        event("a", "2024-01-01T10:00:00Z", "CreateUser", "mallory"),
        event("a", "2024-01-01T10:00:00Z", "CreateUser", "mallory"),
        event("c", "2024-01-01T09:00:00Z", "createuser", "mallory"),
        event("d", "2024-01-02T00:00:00Z", "CreateUser", "mallory"),
        event("e", "2024-01-01T10:00:00Z", "CreateUser", "other"),
        event("f", "2024-01-01T10:00:00Z", "DeleteUser", "mallory"),
    ];
    let lines = found(&set, &events);
    assert_eq!(lines.len(), 4, "{lines:#?}"); // `createuser` is matched, but its target is not known
    let d = lines.iter().find(|d| d.target.as_deref() == Some("mallory") && d.count == 2).expect("a line");
    assert_eq!((d.detection.as_str(), d.kind, d.severity), ("made", DetectionKind::Alert, Severity::High));
    assert_eq!((d.title.en.as_str(), d.title.ja.as_str()), ("A user was made", "ユーザー作成"));
    assert_eq!((d.time.as_str(), d.last_time.as_str()), ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"));
    assert_eq!(d.event_ids, ["a", "b"]);
    assert_eq!(d.account.as_deref(), Some("111122223333"));
    assert_eq!(d.principal.as_deref(), Some("arn:aws:iam::111122223333:user/alice"));
    assert_eq!((d.region.as_deref(), d.source_ip.as_deref()), (Some("us-east-1"), Some("198.51.100.7")));
    assert_eq!((d.session.as_deref(), d.truncated), (None, false));
    assert_eq!(
        (d.guardduty.as_slice(), d.attack.as_slice()),
        (&["X:IAMUser/Y".to_owned()][..], &["T1136.003".to_owned()][..])
    );
}

#[test]
fn what_is_not_known_is_null() {
    let set = ours(HEAD);
    let event = json!({"eventName": "CreateUser", "eventSource": "iam.amazonaws.com", "sourceIPAddress": "cloudformation.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "arn": ""}, "recipientAccountId": "", "awsRegion": "", "requestParameters": null});
    let d = found(&set, &[event]).remove(0);
    assert_eq!(
        (d.account, d.principal, d.region, d.target, d.source_ip, d.session),
        (None, None, None, None, None, None)
    );
}

#[test]
fn many_events_are_counted_and_a_thousand_listed() {
    let set = ours(HEAD);
    let events: Vec<Value> =
        (0..1_500).map(|i| event(&format!("{i:05}"), "2024-01-01T10:00:00Z", "CreateUser", "x")).rev().collect();
    let d = found(&set, &events).remove(0);
    assert_eq!((d.count, d.event_ids.len(), d.truncated), (1_500, 1_000, true));
    assert_eq!((d.event_ids[0].as_str(), d.event_ids[999].as_str()), ("00000", "00999"));
}

#[test]
fn an_event_without_id_goes_by_its_digest() {
    let set = ours(HEAD);
    let mut event = event("", "2024-01-01T10:00:00Z", "CreateUser", "x");
    let d = found(&set, &[event.clone(), event.clone()]).remove(0);
    assert_eq!(d.count, 1);
    assert!(d.event_ids[0].starts_with("sha256:") && d.event_ids[0].len() == 71, "{:?}", d.event_ids);
    event["x"] = json!(1);
    assert_ne!(found(&set, &[event]).remove(0).event_ids, d.event_ids);
}

#[test]
fn what_a_service_does_for_itself_does_not_alert() {
    let asks = ours(&format!("{HEAD}\nservice_made = true"));
    let set = ours(HEAD);
    let made = |patch: Value| {
        let mut e = event("a", "2024-01-01T10:00:00Z", "CreateUser", "x");
        for (key, value) in patch.as_object().expect("object") {
            e[key] = value.clone();
        }
        e
    };
    for patch in [
        json!({"userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}}),
        json!({"userIdentity": {"type": "IAMUser", "invokedBy": "AWS Internal"}}),
        json!({"eventType": "AwsServiceEvent"}),
    ] {
        assert_eq!(found(&set, &[made(patch.clone())]), vec![], "{patch}");
        assert_eq!(found(&asks, &[made(patch)]).len(), 1);
    }
    let through = json!({"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/R/s",
        "invokedBy": "cloudformation.amazonaws.com"}});
    let d = found(&set, &[made(through)]).remove(0);
    assert_eq!((d.principal.as_deref(), d.session.as_deref()), (Some("arn:aws:iam::1:role/R"), Some("s")));
}

#[test]
fn since_until_and_severity_limit_what_is_found() {
    let set = ours(HEAD);
    let events: Vec<Value> =
        (1..=5).map(|d| event(&format!("{d}"), &format!("2024-01-0{d}T00:00:00Z"), "CreateUser", "x")).collect();
    let filter = Filter {
        since: parse_time("2024-01-02T00:00:00Z"),
        until: parse_time("2024-01-04T00:00:00Z"),
        min_severity: Some(Severity::High),
        count_distinct: true,
    };
    let report = hunt(&set, &events, &filter).finish();
    assert_eq!(report.detections.iter().map(|d| d.event_ids[0].as_str()).collect::<Vec<_>>(), ["2", "3"]);
    assert_eq!((report.records, report.distinct_events), (5, 5));
    let filter = Filter { min_severity: Some(Severity::Critical), ..Filter::default() };
    assert_eq!(hunt(&set, &events, &filter).finish().detections, vec![]);
}

#[test]
fn only_foreign_rules_when_asked() {
    let library = library(HEAD);
    let foreign = [Foreign { file: "x.yml".to_owned(), text: rule(MAKE) }];
    assert_eq!(RuleSet::compile(&library, &foreign, false).0.len(), 2);
    assert_eq!(RuleSet::compile(&library, &foreign, true).0.len(), 1);
    assert!(library.of(Kind::Detection).count() == 1);
}

#[test]
fn examples_are_run_and_must_be_there() {
    let mut library = Library::default();
    let file = |blocks: &str| {
        format!(
            "+++\nseverity = \"low\"\nkind = \"signal\"\n+++\n## en: t\n## ja: 題\n```sigma\n{}```\n{blocks}",
            rule(MAKE)
        )
    };
    let texts = [
        file("```hit\n{\"eventName\":\"CreateUser\"}\n```\n```miss\n{\"eventName\":\"X\"}\n```\n"),
        file("```hit\n{\"eventName\":\"X\"}\n```\n"),
        file("```hit\n{\"eventName\":\"CreateUser\"}\n```\n```miss\n{\"eventName\":\"CreateUser\"}\n```\n"),
        file(""),
        file("```hit\n{\n```\n"),
    ];
    let paths = ["detections/a.md", "detections/b.md", "detections/c.md", "detections/d.md", "detections/e.md"];
    assert_eq!(library.add(paths.iter().copied().zip(texts.iter().map(String::as_str)), false), vec![]);
    let (set, loaded) = RuleSet::compile(&library, &[], false);
    assert_eq!(loaded.errors, vec![]);
    let files: Vec<String> = set.test(&library).into_iter().map(|e| e.file).collect();
    assert_eq!(files, ["detections/b.md", "detections/c.md", "detections/d.md", "detections/e.md"]);
}

/// Deliveries of a few events: the id decides the rest, since a delivery is a copy.
fn events() -> impl Strategy<Value = Vec<Value>> {
    let one = (0..12u8).prop_map(|id| {
        event(
            &format!("id-{id}"),
            &format!("2024-01-0{}T{id:02}:00:00Z", 1 + id % 3),
            if id % 4 == 0 { "DeleteUser" } else { "CreateUser" },
            &format!("user-{}", id % 2),
        )
    });
    prop::collection::vec(one, 1..60)
}

proptest! {
    #[test]
    fn order_layout_and_repetition_change_nothing(events in events(), seed in any::<u64>(), cut in 0..60usize) {
        let set = ours(HEAD);
        let plain: Vec<Detection> = found(&set, &events);
        let mut shuffled = events.clone();
        shuffled.extend(events.iter().take(5).cloned());
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let mut a: Hunt<'_> = hunt(&set, left, &Filter::default());
        a.merge(hunt(&set, right, &Filter::default()));
        prop_assert_eq!(a.finish().detections, plain);
    }
}

#[test]
fn two_versions_of_one_event_count_once_whatever_comes_first() {
    let set = rules(&[&rule(MAKE)]);
    let one = event("a", "2024-01-01T10:00:00Z", "CreateUser", "x");
    let mut two = one.clone();
    two["recipientAccountId"] = json!("999900001111");
    let first = found(&set, &[one.clone(), two.clone()]);
    assert_eq!(first, found(&set, &[two, one]));
    assert_eq!(first.iter().map(|d| d.count).sum::<u64>(), 1);
}
