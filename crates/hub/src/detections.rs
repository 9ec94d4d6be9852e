//! Takes in what a pass over the log found.

use crate::{Error, Hub, rows};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use std::collections::BTreeSet;
use yagura_model::{Detection, DetectionKind, Finding, Status};

/// Event ids kept with a finding.
const EVENT_IDS: usize = 1000;

impl Hub {
    /// Stores alerts inside the transaction that stores their events, so that both are there or neither. The counts are
    /// added to those of an earlier pass: the caller gives each event once.
    ///
    /// # Errors
    /// The database's; the caller's transaction must be dropped then.
    pub async fn record_detections(
        &self,
        tx: &mut Transaction<'_, Sqlite>,
        detections: &[Detection],
        now: &str,
    ) -> Result<usize, Error> {
        let mut opened = 0;
        for detection in detections.iter().filter(|d| d.kind == DetectionKind::Alert) {
            let mut finding = Finding::from_detection(detection);
            let sql = format!("SELECT {} FROM findings WHERE id = ?", rows::FINDING_COLUMNS);
            let row = sqlx::query(AssertSqlSafe(sql)).bind(&finding.id).fetch_optional(&mut **tx).await?;
            let event = match row.as_ref().map(rows::finding).transpose()? {
                None => Some("opened"),
                Some(old) => merge(&mut finding, &old),
            };
            rows::put_finding(tx, &finding).await?;
            if let Some(event) = event {
                opened += 1;
                rows::note(tx, &finding.id, now, event, None).await?;
                self.queue(tx, &finding.id, finding.severity, now).await?;
            }
        }
        Ok(opened)
    }
}

/// Adds what was known to what is new; the answer is the history's word when that opens the finding again.
fn merge(finding: &mut Finding, old: &Finding) -> Option<&'static str> {
    if old.first_seen < finding.first_seen {
        finding.first_seen.clone_from(&old.first_seen);
    }
    if old.last_seen > finding.last_seen {
        finding.last_seen.clone_from(&old.last_seen);
    }
    let number = |v: &Value| v.get("count").and_then(Value::as_u64).unwrap_or(0);
    let listed =
        [&finding.evidence, &old.evidence].into_iter().filter_map(|e| e.get("event_ids")?.as_array()).flatten();
    let listed: Vec<String> = listed.filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let ids: BTreeSet<String> = listed.iter().cloned().collect();
    // A correlation is told again with the events that it has been told with before.
    let again = (listed.len() - ids.len()) as u64;
    let count = (number(&finding.evidence) + number(&old.evidence)).saturating_sub(again);
    let truncated = count > EVENT_IDS as u64;
    finding.evidence["count"] = json!(count);
    finding.evidence["truncated"] = json!(truncated);
    finding.evidence["event_ids"] = json!(ids.into_iter().take(EVENT_IDS).collect::<Vec<_>>());
    finding.reason = Finding::alert_reason(count, finding.evidence.get("principal").and_then(Value::as_str));
    finding.owner.clone_from(&old.owner);
    finding.suppressed_reason.clone_from(&old.suppressed_reason);
    finding.suppressed_until.clone_from(&old.suppressed_until);
    if old.status == Status::Resolved {
        Some("reopened")
    } else {
        finding.status = old.status;
        None
    }
}
