use crate::{ACCOUNT, BUCKET, REGION, arn, hub, judged, run};
use yagura_hub::{Error, Filter, Hub, Page, Scope};
use yagura_model::{
    Detection, DetectionKind, Finding, Gap, Inventory, Severity, Status, Text,
    Verdict::{Fail, Pass, Unknown},
};

/// A day each.
const T: [&str; 6] = [
    "2026-11-01T00:00:00Z",
    "2026-11-02T00:00:00Z",
    "2026-11-03T00:00:00Z",
    "2026-11-04T00:00:00Z",
    "2026-11-05T00:00:00Z",
    "2026-11-06T00:00:00Z",
];

async fn only(hub: &Hub) -> Finding {
    let mut all = hub.findings(&Filter::default(), Page { limit: 9, offset: 0 }).await.expect("findings");
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn history(hub: &Hub, id: &str) -> Vec<String> {
    hub.history(id).await.expect("a history").into_iter().map(|h| h.what).collect()
}

#[tokio::test]
async fn a_finding_keeps_its_id_and_first_time_over_runs() {
    let (_folder, hub) = hub().await;
    let outcome = run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    assert_eq!((outcome.opened, outcome.open), (1, 1));
    let first = only(&hub).await;
    assert_eq!((first.status, first.owner.as_deref()), (Status::New, Some("suzuki")));
    let outcome = run(&hub, T[1], &[judged("C.0", "a", Fail)]).await;
    assert_eq!((outcome.opened, outcome.open), (0, 1));
    let again = only(&hub).await;
    assert_eq!(again.id, first.id);
    assert_eq!((again.first_seen.as_str(), again.last_seen.as_str()), (T[0], T[1]));
    assert_eq!(history(&hub, &first.id).await, ["opened"]);
}

#[tokio::test]
async fn a_pass_resolves_and_the_next_failure_opens_again() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    let id = only(&hub).await.id;
    assert_eq!(run(&hub, T[1], &[judged("C.0", "a", Pass)]).await.resolved, 1);
    assert_eq!(only(&hub).await.status, Status::Resolved);
    assert_eq!(run(&hub, T[2], &[judged("C.0", "a", Fail)]).await.reopened, 1);
    let again = only(&hub).await;
    assert_eq!((again.status, again.id.as_str(), again.first_seen.as_str()), (Status::New, id.as_str(), T[0]));
    assert_eq!(history(&hub, &id).await, ["opened", "resolved", "reopened"]);
}

#[tokio::test]
async fn notified_lasts_while_it_fails_and_is_new_after_a_pass() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    sqlx::query("UPDATE findings SET status = 'notified'").execute(hub.state().pool()).await.expect("notified");
    run(&hub, T[1], &[judged("C.0", "a", Fail)]).await;
    assert_eq!(only(&hub).await.status, Status::Notified);
    run(&hub, T[2], &[judged("C.0", "a", Pass)]).await;
    run(&hub, T[3], &[judged("C.0", "a", Fail)]).await;
    assert_eq!(only(&hub).await.status, Status::New);
}

#[tokio::test]
async fn what_cannot_be_told_neither_resolves_nor_opens() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    run(&hub, T[1], &[judged("C.0", "a", Unknown)]).await;
    assert_eq!(only(&hub).await.status, Status::New);
    let outcome = run(&hub, T[2], &[judged("C.0", "a", Pass)]).await;
    assert_eq!((outcome.resolved, outcome.open), (1, 0));
    run(&hub, T[3], &[judged("C.0", "a", Unknown)]).await;
    assert_eq!(only(&hub).await.status, Status::Resolved);
}

#[tokio::test]
async fn what_is_gone_resolves_and_what_was_not_read_stays() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail), judged("C.0", "b", Fail)]).await;
    let outcome = run(&hub, T[1], &[judged("C.0", "b", Fail)]).await;
    assert_eq!((outcome.resolved, outcome.open), (1, 1));
    let gone = hub.resource(&arn("a")).await.expect("read").expect("kept");
    assert_eq!(gone.gone_at.as_deref(), Some(T[1]));
    let mut elsewhere = judged("C.0", "c", Fail);
    elsewhere.region = Some("us-east-1".to_owned());
    let scope = yagura_hub::Scope::default();
    let outcome = hub.record("scan", &scope, &yagura_model::Inventory::default(), &[elsewhere], T[2]).await;
    assert_eq!(outcome.expect("recorded").resolved, 0);
}

#[tokio::test]
async fn a_suppression_needs_a_reason_and_an_end_and_ends_by_itself() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    let id = only(&hub).await.id;
    assert!(matches!(hub.suppress(&id, "  ", T[3], T[1]).await, Err(Error::NoReason)));
    assert!(matches!(hub.suppress(&id, "accepted", T[0], T[1]).await, Err(Error::NoEnd(_))));
    assert!(matches!(hub.suppress("F-0", "accepted", T[3], T[1]).await, Err(Error::NoFinding(_))));
    hub.suppress(&id, "accepted", T[3], T[1]).await.expect("suppressed");
    run(&hub, T[2], &[judged("C.0", "a", Fail)]).await;
    assert_eq!(only(&hub).await.status, Status::Suppressed, "it lasts over a run");
    assert_eq!(hub.count(&Filter::open()).await.expect("a count"), 0);
    hub.expire_suppressions(T[2]).await.expect("looked at");
    assert_eq!(only(&hub).await.status, Status::Suppressed);
    hub.expire_suppressions(T[3]).await.expect("looked at");
    assert_eq!(only(&hub).await.status, Status::New);
    assert_eq!(history(&hub, &id).await, ["opened", "suppressed", "unsuppressed"]);
}

#[tokio::test]
async fn a_suppression_outlives_a_fix_that_did_not_last() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    let id = only(&hub).await.id;
    hub.suppress(&id, "accepted", T[4], T[1]).await.expect("suppressed");
    run(&hub, T[2], &[judged("C.0", "a", Pass)]).await;
    assert_eq!(only(&hub).await.status, Status::Resolved);
    let outcome = run(&hub, T[3], &[judged("C.0", "a", Fail)]).await;
    assert_eq!((only(&hub).await.status, outcome.reopened), (Status::Suppressed, 0));
    run(&hub, T[4], &[judged("C.0", "a", Pass)]).await;
    run(&hub, T[5], &[judged("C.0", "a", Fail)]).await;
    assert_eq!(only(&hub).await.status, Status::New, "the suppression had ended");
}

#[tokio::test]
async fn a_suppression_is_taken_back() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    let id = only(&hub).await.id;
    hub.suppress(&id, "accepted", T[3], T[1]).await.expect("suppressed");
    hub.unsuppress(&id, T[2]).await.expect("taken back");
    let finding = only(&hub).await;
    assert_eq!((finding.status, finding.suppressed_reason), (Status::New, None));
}

/// An event of the first day, taken in at `now`.
async fn alert(hub: &Hub, event: &str, now: &str) {
    let time = "2026-11-01T01:00:00Z";
    let detection = Detection {
        detection: "root-login".to_owned(),
        kind: DetectionKind::Alert,
        title: Text::new("Root logged in", "ルートのログイン"),
        severity: Severity::High,
        time: time.to_owned(),
        last_time: time.to_owned(),
        account: Some("111122223333".to_owned()),
        region: None,
        principal: Some("arn:aws:iam::111122223333:root".to_owned()),
        session: None,
        target: None,
        source_ip: None,
        count: 1,
        event_ids: vec![event.to_owned()],
        truncated: false,
        guardduty: Vec::new(),
        attack: Vec::new(),
    };
    let mut tx = hub.state().write().await.expect("a transaction");
    hub.record_detections(&mut tx, &[detection], now).await.expect("recorded");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn an_alert_gathers_its_events_and_is_closed_by_a_person() {
    let (_folder, hub) = hub().await;
    alert(&hub, "e1", T[1]).await;
    alert(&hub, "e2", T[1]).await;
    let finding = only(&hub).await;
    assert_eq!(finding.evidence["count"], 2);
    assert_eq!(finding.evidence["event_ids"], serde_json::json!(["e1", "e2"]));
    assert!(matches!(hub.close(&finding.id, " ", T[1]).await, Err(Error::NoOutcome)));
    hub.close(&finding.id, "it was the yearly test", T[2]).await.expect("closed");
    assert_eq!(only(&hub).await.status, Status::Resolved);
    hub.reopen(&finding.id, T[3]).await.expect("open");
    assert_eq!(only(&hub).await.status, Status::New);
    hub.close(&finding.id, "it was the yearly test", T[3]).await.expect("closed");
    alert(&hub, "e3", T[4]).await;
    assert_eq!(only(&hub).await.status, Status::New, "it goes on");
    assert_eq!(history(&hub, &finding.id).await, ["opened", "resolved", "reopened", "resolved", "reopened"]);
}

#[tokio::test]
async fn what_a_control_found_is_not_closed_by_hand() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    let id = only(&hub).await.id;
    assert!(matches!(hub.close(&id, "done", T[1]).await, Err(Error::ClosesItself(_))));
    assert!(matches!(hub.reopen(&id, T[1]).await, Err(Error::ClosesItself(_))));
}

#[tokio::test]
async fn a_resource_keeps_what_it_looked_like() {
    let (_folder, hub) = hub().await;
    run(&hub, T[0], &[judged("C.0", "a", Fail)]).await;
    run(&hub, T[1], &[judged("C.0", "a", Fail)]).await;
    run(&hub, T[2], &[judged("C.0", "a", Pass)]).await;
    let versions = hub.resource_history(&arn("a")).await.expect("a history");
    let seen: Vec<(&str, bool)> =
        versions.iter().map(|v| (v.at.as_str(), v.resource.properties["Public"] == true)).collect();
    assert_eq!(seen, [(T[2], false), (T[0], true)], "only what differs, newest first");
}

#[tokio::test]
async fn a_gap_stays_until_what_it_left_out_is_listed() {
    let (_folder, hub) = hub().await;
    let gap = |kind: &str, region: Option<&str>| Gap {
        kind: kind.to_owned(),
        account: Some(ACCOUNT.to_owned()),
        region: region.map(str::to_owned),
        action: "x:List".to_owned(),
        reason: "AccessDenied".to_owned(),
    };
    let role = gap("AWS::IAM::Role", None);
    let (here, there) = (gap(BUCKET, Some(REGION)), gap(BUCKET, Some("eu-west-3")));
    let record = async |gaps: &[&Gap], listed: &[(&str, &str)], now: &str| {
        let inventory = Inventory { gaps: gaps.iter().map(|gap| (*gap).clone()).collect(), ..Inventory::default() };
        let mut scope = Scope::default();
        listed.iter().for_each(|(region, kind)| scope.add(Some(ACCOUNT), Some(region), kind));
        hub.record("scan", &scope.without(&inventory.gaps), &inventory, &[], now).await.expect("recorded");
        hub.gaps().await.expect("gaps")
    };
    assert_eq!(
        record(&[&role, &here, &there], &[(REGION, BUCKET), ("us-east-1", "AWS::IAM::Role")], T[0]).await,
        [role.clone(), here.clone(), there.clone()]
    );
    // A run that looked at one Region of one type says nothing of the rest.
    assert_eq!(record(&[], &[(REGION, BUCKET)], T[1]).await, [role.clone(), there.clone()]);
    assert_eq!(record(&[&role], &[("us-east-1", "AWS::IAM::Role")], T[2]).await, [role.clone(), there.clone()]);
    assert_eq!(record(&[], &[("us-east-1", "AWS::IAM::Role")], T[3]).await, [role.clone(), there.clone()]);
    // Nor does one that only met with it: it looked for something else.
    assert_eq!(record(&[&here], &[("us-east-1", "AWS::IAM::Role")], T[4]).await, [role.clone(), there]);
    let mut scope = Scope::default();
    scope.add(Some(ACCOUNT), Some("us-east-1"), BUCKET);
    hub.record("scan", &scope.everywhere(), &Inventory::default(), &[], T[5]).await.expect("recorded");
    assert_eq!(hub.gaps().await.expect("gaps"), [role]);
}
