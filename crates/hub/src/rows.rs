//! Findings to and from SQL rows.

use crate::Error;
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};
use yagura_model::{Finding, FindingClass, Severity, Status, Text, Verdict};

pub(crate) const FINDING_COLUMNS: &str = "id, class, rule, severity, status, title_en, title_ja, reason_en, reason_ja, \
     resource, resource_type, account, region, owner, evidence, first_seen, last_seen, suppressed_reason, \
     suppressed_until";

pub(crate) fn severity(level: i64) -> Severity {
    usize::try_from(level).ok().and_then(|i| Severity::ALL.get(i).copied()).unwrap_or(Severity::Informational)
}

pub(crate) fn verdict_number(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Fail => 1,
        Verdict::NotApplicable => 2,
        Verdict::Unknown => 3,
    }
}

pub(crate) fn verdict(number: i64) -> Verdict {
    match number {
        0 => Verdict::Pass,
        1 => Verdict::Fail,
        2 => Verdict::NotApplicable,
        _ => Verdict::Unknown,
    }
}

pub(crate) fn finding(row: &SqliteRow) -> Result<Finding, Error> {
    let stored = |message: String| Error::Stored { what: "finding", message };
    let status: String = row.try_get("status")?;
    let class: String = row.try_get("class")?;
    let evidence: String = row.try_get("evidence")?;
    Ok(Finding {
        id: row.try_get("id")?,
        class: if class == "detection" { FindingClass::Detection } else { FindingClass::Compliance },
        rule: row.try_get("rule")?,
        severity: severity(row.try_get("severity")?),
        status: status.parse::<Status>().map_err(stored)?,
        title: Text { en: row.try_get("title_en")?, ja: row.try_get("title_ja")? },
        reason: Text { en: row.try_get("reason_en")?, ja: row.try_get("reason_ja")? },
        resource: row.try_get("resource")?,
        resource_type: row.try_get("resource_type")?,
        account: row.try_get("account")?,
        region: row.try_get("region")?,
        owner: row.try_get("owner")?,
        evidence: serde_json::from_str(&evidence).map_err(|e| stored(e.to_string()))?,
        first_seen: row.try_get("first_seen")?,
        last_seen: row.try_get("last_seen")?,
        suppressed_reason: row.try_get("suppressed_reason")?,
        suppressed_until: row.try_get("suppressed_until")?,
    })
}

/// Writes a finding whole, over an older row of its id.
pub(crate) async fn put_finding(tx: &mut Transaction<'_, Sqlite>, f: &Finding) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO findings (id, class, rule, severity, status, title_en, title_ja, reason_en, reason_ja, resource, \
         resource_type, account, region, owner, evidence, first_seen, last_seen, suppressed_reason, suppressed_until) \
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, \
         status = excluded.status, title_en = excluded.title_en, title_ja = excluded.title_ja, \
         reason_en = excluded.reason_en, reason_ja = excluded.reason_ja, owner = excluded.owner, \
         evidence = excluded.evidence, first_seen = excluded.first_seen, last_seen = excluded.last_seen, \
         suppressed_reason = excluded.suppressed_reason, suppressed_until = excluded.suppressed_until, \
         resolved_at = NULL",
    )
    .bind(&f.id)
    .bind(f.class.as_str())
    .bind(&f.rule)
    .bind(f.severity as i64)
    .bind(f.status.as_str())
    .bind(&f.title.en)
    .bind(&f.title.ja)
    .bind(&f.reason.en)
    .bind(&f.reason.ja)
    .bind(&f.resource)
    .bind(&f.resource_type)
    .bind(&f.account)
    .bind(&f.region)
    .bind(&f.owner)
    .bind(f.evidence.to_string())
    .bind(&f.first_seen)
    .bind(&f.last_seen)
    .bind(&f.suppressed_reason)
    .bind(&f.suppressed_until)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn note(
    tx: &mut Transaction<'_, Sqlite>,
    finding: &str,
    at: &str,
    what: &str,
    note: Option<&str>,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO finding_history (finding, at, what, note) VALUES (?,?,?,?)")
        .bind(finding)
        .bind(at)
        .bind(what)
        .bind(note)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
