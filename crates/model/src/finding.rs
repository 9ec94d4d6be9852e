use crate::{Detection, Judgement, Severity, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The OCSF class a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingClass {
    /// 2003 Compliance Finding: a control's FAIL.
    Compliance,
    /// 2004 Detection Finding: a detection's alert.
    Detection,
}

impl FindingClass {
    pub fn as_str(self) -> &'static str {
        match self {
            FindingClass::Compliance => "compliance",
            FindingClass::Detection => "detection",
        }
    }

    pub fn ocsf_class_uid(self) -> u32 {
        match self {
            FindingClass::Compliance => 2003,
            FindingClass::Detection => 2004,
        }
    }
}

/// Where a finding stands with the people who care for it; Security Hub's workflow states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    New,
    Notified,
    Suppressed,
    Resolved,
}

impl Status {
    pub const ALL: [Status; 4] = [Status::New, Status::Notified, Status::Suppressed, Status::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Notified => "notified",
            Status::Suppressed => "suppressed",
            Status::Resolved => "resolved",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Status::ALL
            .into_iter()
            .find(|v| v.as_str() == s)
            .ok_or_else(|| format!("`{s}` is no status: use one of new, notified, suppressed, resolved"))
    }
}

/// What the hub keeps and carries to its owner, its fix and its proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable over runs, `F-` and 16 hex digits; see [`Finding::stable_id`].
    pub id: String,
    pub class: FindingClass,
    /// Control or detection id.
    pub rule: String,
    pub severity: Severity,
    pub status: Status,
    pub title: Text,
    pub reason: Text,
    /// ARN or id of what is affected (a detection: its target, else its principal).
    pub resource: String,
    pub resource_type: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    /// The person or team that answers for it: the resource's `Owner` (or `owner`, `Team`, `team`) tag.
    pub owner: Option<String>,
    pub evidence: Value,
    /// RFC 3339 UTC.
    pub first_seen: String,
    pub last_seen: String,
    pub suppressed_reason: Option<String>,
    pub suppressed_until: Option<String>,
}

impl Finding {
    /// The id that two runs give to the same problem: a digest over class, rule, account, Region and the thing named.
    /// `key` is what tells two findings of one rule apart (the resource; for detections principal, target and day).
    pub fn stable_id(
        class: FindingClass,
        rule: &str,
        account: Option<&str>,
        region: Option<&str>,
        key: &str,
    ) -> String {
        let mut hash = Sha256::new();
        for part in [class.as_str(), rule, account.unwrap_or(""), region.unwrap_or(""), key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        format!("F-{}", hex::encode(&hash.finalize()[..8]))
    }

    /// The finding that a control's verdict stands for, new as of `now` (RFC 3339 UTC).
    pub fn from_judgement(j: &Judgement, now: &str) -> Finding {
        Finding {
            id: Finding::stable_id(
                FindingClass::Compliance,
                &j.control,
                j.account.as_deref(),
                j.region.as_deref(),
                &j.resource,
            ),
            class: FindingClass::Compliance,
            rule: j.control.clone(),
            severity: j.severity,
            status: Status::New,
            title: j.title.clone(),
            reason: j.reason.clone(),
            resource: j.resource.clone(),
            resource_type: Some(j.kind.clone()),
            account: j.account.clone(),
            region: j.region.clone(),
            owner: None,
            evidence: j.evidence.clone(),
            first_seen: now.to_owned(),
            last_seen: now.to_owned(),
            suppressed_reason: None,
            suppressed_until: None,
        }
    }

    /// How many events by whom, in a sentence.
    pub fn alert_reason(count: u64, principal: Option<&str>) -> Text {
        Text::new(
            format!(
                "{count} event{} by {}",
                if count == 1 { "" } else { "s" },
                principal.unwrap_or("an unknown principal")
            ),
            format!("{} による {count} 件のイベント", principal.unwrap_or("不明なプリンシパル")),
        )
    }

    /// The finding that an alert stands for; first and last seen are the events' own times.
    pub fn from_detection(d: &Detection) -> Finding {
        let day = d.time.get(..10).unwrap_or(&d.time);
        let key = [d.principal.as_deref().unwrap_or(""), d.target.as_deref().unwrap_or(""), day].join("\n");
        let resource = d.target.clone().or_else(|| d.principal.clone()).unwrap_or_else(|| "unknown".to_owned());
        Finding {
            id: Finding::stable_id(FindingClass::Detection, &d.detection, d.account.as_deref(), None, &key),
            class: FindingClass::Detection,
            rule: d.detection.clone(),
            severity: d.severity,
            status: Status::New,
            title: d.title.clone(),
            reason: Finding::alert_reason(d.count, d.principal.as_deref()),
            resource,
            resource_type: None,
            account: d.account.clone(),
            region: d.region.clone(),
            owner: None,
            evidence: json!({
                "principal": d.principal, "session": d.session, "target": d.target, "source_ip": d.source_ip,
                "count": d.count, "event_ids": d.event_ids, "truncated": d.truncated,
                "guardduty": d.guardduty, "attack": d.attack,
            }),
            first_seen: d.time.clone(),
            last_seen: d.last_time.clone(),
            suppressed_reason: None,
            suppressed_until: None,
        }
    }
}
