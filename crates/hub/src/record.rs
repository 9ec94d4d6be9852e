//! Takes in what a scan or check judged.

use crate::{Error, Hub, inventory, rows};
use serde_json::json;
use sqlx::{Row, Sqlite, Transaction};
use std::collections::{HashMap, HashSet};
use yagura_model::{Finding, Gap, Inventory, Judgement, Severity, Status, Text, Verdict};

/// Which part of the world a run has read. What lies inside and was not seen again is gone; what lies outside stays.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// (account, Region, type) triples that were listed completely.
    read: HashSet<(Option<String>, Option<String>, String)>,
    /// (account, type) pairs that were looked for.
    asked: HashSet<(Option<String>, String)>,
    /// Whether in all Regions.
    everywhere: bool,
    /// Whether it is no more than what some evidence holds: what that leaves out may still be there.
    is_part: bool,
}

impl Scope {
    pub fn add(&mut self, account: Option<&str>, region: Option<&str>, kind: &str) {
        self.read.insert((account.map(str::to_owned), region.map(str::to_owned), kind.to_owned()));
        self.asked.insert((account.map(str::to_owned), kind.to_owned()));
    }

    /// The scope of a run that asked in all Regions there are.
    pub fn everywhere(mut self) -> Scope {
        self.everywhere = true;
        self
    }

    /// The scope of evidence that names nothing but what it holds: each (account, Region, type) of its resources,
    /// without those whose listing has a gap.
    pub fn of(inventory: &Inventory) -> Scope {
        let mut scope = Scope::default();
        for r in &inventory.resources {
            scope.add(r.account.as_deref(), r.region.as_deref(), &r.kind);
        }
        scope.is_part = true;
        scope.asked.extend(inventory.gaps.iter().map(|gap| (gap.account.clone(), gap.kind.clone())));
        scope.without(&inventory.gaps)
    }

    /// The scope less what could not be listed.
    pub fn without(mut self, gaps: &[Gap]) -> Scope {
        for gap in gaps {
            self.read.retain(|(account, region, kind)| {
                !(kind == &gap.kind && account == &gap.account && (gap.region.is_none() || region == &gap.region))
            });
        }
        self
    }

    /// Whether what a gap left out was looked for.
    pub(crate) fn asks(&self, gap: &Gap) -> bool {
        self.asked.contains(&(gap.account.clone(), gap.kind.clone()))
    }

    /// Whether all of what an earlier gap left out was looked for again.
    pub(crate) fn closes(&self, gap: &Gap) -> bool {
        let (account, region) = (gap.account.clone(), gap.region.clone());
        let here = region.is_some() && self.read.contains(&(account, region, gap.kind.clone()));
        !self.is_part && (here || (self.everywhere && self.asks(gap)))
    }

    pub(crate) fn covers(&self, account: &Option<String>, region: &Option<String>, kind: &str) -> bool {
        self.read.contains(&(account.clone(), region.clone(), kind.to_owned()))
    }
}

/// What a run changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub opened: usize,
    pub reopened: usize,
    pub resolved: usize,
    pub open: usize,
}

impl Hub {
    /// Stores a run's resources and verdicts, opens and resolves findings, and queues notices, all or nothing.
    ///
    /// # Errors
    /// The database's; nothing is changed then.
    pub async fn record(
        &self,
        kind: &str,
        scope: &Scope,
        inventory: &Inventory,
        judgements: &[Judgement],
        now: &str,
    ) -> Result<Outcome, Error> {
        let mut tx = self.state.write().await?;
        let run = start_run(&mut tx, kind, judgements, now).await?;
        inventory::store(&mut tx, scope, inventory, now).await?;
        let owners = inventory::owners(inventory);
        let old = self.open_findings(&mut tx).await?;
        let mut outcome = Outcome::default();
        for judgement in judgements {
            let mut finding = Finding::from_judgement(judgement, now);
            finding.owner = owners.get(judgement.resource.as_str()).cloned();
            put_verdict(&mut tx, &finding.id, judgement, run, now).await?;
            let known = old.get(&finding.id);
            match judgement.verdict {
                Verdict::Fail => self.fail(&mut tx, finding, known, now, &mut outcome).await?,
                Verdict::Pass | Verdict::NotApplicable => {
                    if known.is_some_and(|k| k.status != Status::Resolved) {
                        resolve(&mut tx, &finding.id, now, "passes now").await?;
                        outcome.resolved += 1;
                    }
                }
                Verdict::Unknown => {}
            }
        }
        outcome.resolved += retire(&mut tx, scope, run, now).await?;
        let open: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM findings WHERE status IN ('new', 'notified')")
            .fetch_one(&mut *tx)
            .await?;
        outcome.open = usize::try_from(open).unwrap_or(0);
        tx.commit().await?;
        Ok(outcome)
    }

    async fn fail(
        &self,
        tx: &mut Transaction<'_, Sqlite>,
        mut finding: Finding,
        known: Option<&Known>,
        now: &str,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let event = match known {
            None => {
                outcome.opened += 1;
                Some("opened")
            }
            Some(known) => {
                finding.first_seen.clone_from(&known.first_seen);
                finding.suppressed_reason.clone_from(&known.suppressed_reason);
                finding.suppressed_until.clone_from(&known.suppressed_until);
                if known.is_suppressed(now) {
                    // A suppression outlives a fix that did not last.
                    finding.status = Status::Suppressed;
                    (known.status == Status::Resolved).then_some("suppressed")
                } else if known.status == Status::Resolved {
                    outcome.reopened += 1;
                    Some("reopened")
                } else {
                    finding.status = known.status;
                    None
                }
            }
        };
        rows::put_finding(tx, &finding).await?;
        if let Some(event) = event {
            let why = finding.suppressed_reason.as_deref().filter(|_| finding.status == Status::Suppressed);
            rows::note(tx, &finding.id, now, event, why).await?;
            if finding.status == Status::New {
                self.queue(tx, &finding.id, finding.severity, now).await?;
            }
        }
        Ok(())
    }

    /// Owes each route that the severity reaches a notice.
    pub(crate) async fn queue(
        &self,
        tx: &mut Transaction<'_, Sqlite>,
        finding: &str,
        severity: Severity,
        now: &str,
    ) -> Result<(), Error> {
        for route in self.routes.iter().filter(|r| severity >= r.min_severity) {
            sqlx::query("INSERT INTO outbox (finding, notifier, queued_at, next_attempt_at) VALUES (?,?,?,?)")
                .bind(finding)
                .bind(&route.notifier)
                .bind(now)
                .bind(now)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    async fn open_findings(&self, tx: &mut Transaction<'_, Sqlite>) -> Result<HashMap<String, Known>, Error> {
        let rows = sqlx::query(
            "SELECT id, status, first_seen, suppressed_reason, suppressed_until FROM findings WHERE class = 'compliance'",
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let status: String = row.try_get("status")?;
            known.insert(
                row.try_get("id")?,
                Known {
                    status: status.parse().map_err(|message| Error::Stored { what: "finding", message })?,
                    first_seen: row.try_get("first_seen")?,
                    suppressed_reason: row.try_get("suppressed_reason")?,
                    suppressed_until: row.try_get("suppressed_until")?,
                },
            );
        }
        Ok(known)
    }
}

struct Known {
    status: Status,
    first_seen: String,
    suppressed_reason: Option<String>,
    suppressed_until: Option<String>,
}

impl Known {
    fn is_suppressed(&self, now: &str) -> bool {
        self.suppressed_until.as_deref().is_some_and(|until| until > now)
    }
}

async fn start_run(
    tx: &mut Transaction<'_, Sqlite>,
    kind: &str,
    judgements: &[Judgement],
    now: &str,
) -> Result<i64, Error> {
    let count = |verdict| judgements.iter().filter(|j| j.verdict == verdict).count();
    let summary = json!({
        "pass": count(Verdict::Pass), "fail": count(Verdict::Fail),
        "not_applicable": count(Verdict::NotApplicable), "unknown": count(Verdict::Unknown),
    });
    let done = sqlx::query("INSERT INTO runs (kind, started_at, finished_at, summary) VALUES (?,?,?,?)")
        .bind(kind)
        .bind(now)
        .bind(now)
        .bind(summary.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.last_insert_rowid())
}

async fn put_verdict(
    tx: &mut Transaction<'_, Sqlite>,
    id: &str,
    j: &Judgement,
    run: i64,
    now: &str,
) -> Result<(), Error> {
    // A passing verdict's reason is never read, and there are many of them.
    let none = Text::default();
    let reason = if j.verdict == Verdict::Pass { &none } else { &j.reason };
    sqlx::query(
        "INSERT INTO verdicts (id, control, verdict, account, region, type, resource, reason_en, reason_ja, run, seen_at) \
         VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET verdict = excluded.verdict, \
         reason_en = excluded.reason_en, reason_ja = excluded.reason_ja, run = excluded.run, seen_at = excluded.seen_at",
    )
    .bind(id)
    .bind(&j.control)
    .bind(rows::verdict_number(j.verdict))
    .bind(&j.account)
    .bind(&j.region)
    .bind(&j.kind)
    .bind(&j.resource)
    .bind(&reason.en)
    .bind(&reason.ja)
    .bind(run)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn resolve(tx: &mut Transaction<'_, Sqlite>, id: &str, now: &str, why: &str) -> Result<(), Error> {
    sqlx::query("UPDATE findings SET status = 'resolved', resolved_at = ?, last_seen = ? WHERE id = ?")
        .bind(now)
        .bind(now)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    rows::note(tx, id, now, "resolved", Some(why)).await
}

/// Drops verdicts of what the run covered and did not see again, and resolves their findings.
async fn retire(tx: &mut Transaction<'_, Sqlite>, scope: &Scope, run: i64, now: &str) -> Result<usize, Error> {
    let mut resolved = 0;
    let accounts: HashSet<&Option<String>> = scope.read.iter().map(|(account, _, _)| account).collect();
    for account in accounts {
        let stale = sqlx::query("SELECT id, region, type FROM verdicts WHERE account IS ? AND run < ?")
            .bind(account)
            .bind(run)
            .fetch_all(&mut **tx)
            .await?;
        for row in stale {
            let (id, region, kind): (String, Option<String>, String) =
                (row.try_get("id")?, row.try_get("region")?, row.try_get("type")?);
            if !scope.covers(account, &region, &kind) {
                continue;
            }
            sqlx::query("DELETE FROM verdicts WHERE id = ?").bind(&id).execute(&mut **tx).await?;
            let open: Option<String> = sqlx::query_scalar("SELECT status FROM findings WHERE id = ?")
                .bind(&id)
                .fetch_optional(&mut **tx)
                .await?;
            if open.is_some_and(|status| status != "resolved") {
                resolve(tx, &id, now, "the resource is gone").await?;
                resolved += 1;
            }
        }
    }
    Ok(resolved)
}
