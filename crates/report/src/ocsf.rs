//! OCSF 1.8.0 findings: 2003 Compliance Finding and 2004 Detection Finding, under the `cloud` profile.

use crate::{Context, Record};
use serde_json::{Value, json};
use std::io::{self, Write};
use yagura_model::{Detection, Finding, FindingClass, Judgement, Lang, Severity, Status, Verdict};

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *out, &record.ocsf(context.lang, &context.now))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The class's caption in the schema.
pub fn class_name(class_uid: u32) -> &'static str {
    match class_uid {
        2003 => "Compliance Finding",
        2004 => "Detection Finding",
        3001 => "Account Change",
        3002 => "Authentication",
        6003 => "API Activity",
        _ => "Base Event",
    }
}

/// Milliseconds since 1970 of an RFC 3339 UTC time as Yagura and CloudTrail write it (`2026-01-02T03:04:05Z`); 0 when
/// it is none.
pub fn stamp(time: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| time.get(range).and_then(|t| t.parse::<i64>().ok());
    let (Some(y), Some(m), Some(d), Some(h), Some(min), Some(s)) =
        (number(0..4), number(5..7), number(8..10), number(11..13), number(14..16), number(17..19))
    else {
        return 0;
    };
    // Days from the civil calendar: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let (y, m) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * m + 2) / 5 + d - 1 - 719_468;
    ((days * 24 + h) * 60 + min) * 60_000 + s * 1000
}

struct Base<'a> {
    class: FindingClass,
    severity: Severity,
    uid: String,
    title: &'a str,
    description: &'a str,
    account: Option<&'a str>,
    region: Option<&'a str>,
    time: i64,
    first_seen: i64,
    now: i64,
    resources: Vec<Value>,
}

fn base(b: Base<'_>) -> Value {
    let class_uid = b.class.ocsf_class_uid();
    let mut cloud = json!({"provider": "AWS"});
    if let Some(account) = b.account {
        cloud["account"] = json!({"uid": account, "type": "AWS Account", "type_id": 10});
    }
    if let Some(region) = b.region {
        cloud["region"] = json!(region);
    }
    let mut event = json!({
        "activity_id": 1, "activity_name": "Create",
        "category_uid": 2, "category_name": "Findings",
        "class_uid": class_uid, "class_name": class_name(class_uid),
        "type_uid": class_uid * 100 + 1,
        "type_name": format!("{}: Create", class_name(class_uid)),
        "severity_id": b.severity.ocsf_id(), "severity": title_case(b.severity.as_str()),
        "time": b.time,
        "status_id": 1, "status": "New",
        "cloud": cloud,
        "metadata": {
            "version": "1.8.0",
            "profiles": ["cloud"],
            "logged_time": b.now,
            "product": {"name": "Yagura", "vendor_name": "Yagura", "version": env!("CARGO_PKG_VERSION")},
        },
        "finding_info": {
            "uid": b.uid, "title": b.title, "desc": b.description,
            "created_time": b.first_seen, "first_seen_time": b.first_seen, "last_seen_time": b.time,
        },
    });
    if !b.resources.is_empty() {
        event["resources"] = Value::Array(b.resources);
    }
    event
}

fn title_case(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn resource(uid: &str, kind: Option<&str>, region: Option<&str>) -> Value {
    let mut value = json!({"uid": uid});
    if let Some(kind) = kind {
        value["type"] = json!(kind);
    }
    if let Some(region) = region {
        value["region"] = json!(region);
    }
    value
}

pub(crate) fn judgement(j: &Judgement, lang: Lang, now: &str) -> Value {
    let time = stamp(now);
    let mut event = base(Base {
        class: FindingClass::Compliance,
        // Security Hub: what did not fail is informational.
        severity: if j.verdict == Verdict::Fail { j.severity } else { Severity::Informational },
        uid: j.fingerprint(),
        title: j.title.get(lang),
        description: j.reason.get(lang),
        account: j.account.as_deref(),
        region: j.region.as_deref(),
        time,
        first_seen: time,
        now: time,
        resources: vec![resource(&j.resource, Some(&j.kind), j.region.as_deref())],
    });
    event["compliance"] = compliance(&j.control, j.verdict, j.reason.get(lang));
    event
}

fn compliance(control: &str, verdict: Verdict, reason: &str) -> Value {
    let (id, name) = match verdict {
        Verdict::Pass => (1, "Pass"),
        Verdict::Fail => (3, "Fail"),
        Verdict::Unknown => (0, "Unknown"),
        Verdict::NotApplicable => (99, "Not Applicable"),
    };
    json!({"control": control, "standards": ["Yagura"], "status_id": id, "status": name, "status_details": [reason]})
}

pub(crate) fn detection(d: &Detection, lang: Lang, now: &str) -> Value {
    let reason = Finding::from_detection(d).reason;
    let mut event = base(Base {
        class: FindingClass::Detection,
        severity: d.severity,
        uid: d.fingerprint(),
        title: d.title.get(lang),
        description: reason.get(lang),
        account: d.account.as_deref(),
        region: d.region.as_deref(),
        time: stamp(&d.last_time),
        first_seen: stamp(&d.time),
        now: stamp(now),
        resources: d.target.as_deref().map(|t| resource(t, None, d.region.as_deref())).into_iter().collect(),
    });
    event["count"] = json!(d.count);
    event["is_alert"] = json!(d.kind == yagura_model::DetectionKind::Alert);
    event["finding_info"]["analytic"] =
        json!({"uid": d.detection, "name": d.title.get(lang), "type": "Rule", "type_id": 1});
    event["finding_info"]["related_events_count"] = json!(d.count);
    if !d.attack.is_empty() {
        let attacks: Vec<Value> =
            d.attack.iter().map(|t| json!({"technique": {"uid": t}, "version": "17.1"})).collect();
        event["finding_info"]["attacks"] = Value::Array(attacks);
    }
    let mut evidence = json!({});
    if let Some(principal) = &d.principal {
        evidence["actor"] = json!({"user": {"uid": principal, "name": principal}});
    }
    if let Some(ip) = &d.source_ip {
        evidence["src_endpoint"] = json!({"ip": ip});
    }
    if evidence.as_object().is_some_and(|e| !e.is_empty()) {
        event["evidences"] = json!([evidence]);
    }
    event
}

pub(crate) fn finding(f: &Finding, lang: Lang, now: &str) -> Value {
    let mut event = base(Base {
        class: f.class,
        severity: f.severity,
        uid: f.id.clone(),
        title: f.title.get(lang),
        description: f.reason.get(lang),
        account: f.account.as_deref(),
        region: f.region.as_deref(),
        time: stamp(&f.last_seen),
        first_seen: stamp(&f.first_seen),
        now: stamp(now),
        resources: vec![resource(&f.resource, f.resource_type.as_deref(), f.region.as_deref())],
    });
    let (id, name) = match f.status {
        Status::New => (1, "New"),
        Status::Notified => (2, "In Progress"),
        Status::Suppressed => (3, "Suppressed"),
        Status::Resolved => (4, "Resolved"),
    };
    event["status_id"] = json!(id);
    event["status"] = json!(name);
    if f.class == FindingClass::Compliance {
        let verdict = if f.status == Status::Resolved { Verdict::Pass } else { Verdict::Fail };
        event["compliance"] = compliance(&f.rule, verdict, f.reason.get(lang));
    } else {
        event["finding_info"]["analytic"] =
            json!({"uid": f.rule, "name": f.title.get(lang), "type": "Rule", "type_id": 1});
    }
    event
}

#[cfg(test)]
mod tests {
    use super::stamp;

    #[test]
    fn stamps_are_epoch_milliseconds() {
        assert_eq!(stamp("1970-01-01T00:00:00Z"), 0);
        assert_eq!(stamp("2024-02-29T12:34:56Z"), 1_709_210_096_000);
        assert_eq!(stamp("nonsense"), 0);
    }
}
