//! What was planned, intended and done, durable before it happens (the database syncs each commit).

use crate::{Error, Plan, PlannedCall};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{Row, sqlite::SqliteRow};
use std::fs::{File, TryLockError};
use yagura_state::State;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Planned,
    Applying,
    Applied,
    Undoing,
    Undone,
    /// Interrupted, and somebody else has changed the thing since.
    GivenUp,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Planned => "planned",
            Status::Applying => "applying",
            Status::Applied => "applied",
            Status::Undoing => "undoing",
            Status::Undone => "undone",
            Status::GivenUp => "given up",
        }
    }

    fn of(word: &str) -> Status {
        [Status::Applying, Status::Applied, Status::Undoing, Status::Undone, Status::GivenUp]
            .into_iter()
            .find(|s| s.as_str() == word)
            .unwrap_or(Status::Planned)
    }
}

/// A plan with its fate.
#[derive(Clone, Debug)]
pub struct Run {
    /// `R-` and 12 hex digits.
    pub id: String,
    pub status: Status,
    pub plan: Plan,
    /// The states after the last call, once they were read.
    pub after: Option<Vec<Value>>,
    pub created_at: String,
}

/// The journal's tables.
pub(crate) struct Journal<'a> {
    state: &'a State,
}

impl<'a> Journal<'a> {
    pub fn new(state: &'a State) -> Journal<'a> {
        Journal { state }
    }

    pub fn state(&self) -> &'a State {
        self.state
    }

    /// Keeps every other fix and undo of this data directory out until the answer is dropped, or the process ends.
    pub fn alone(&self) -> Result<File, Error> {
        let path = self.state.path().with_file_name("fix.lock");
        let fail = |source| Error::Lock { path: path.display().to_string(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// Keeps a plan as it was shown.
    pub async fn plan(&self, plan: &Plan, now: &str) -> Result<Run, Error> {
        let text = serde_json::to_string(plan)?;
        let mut tx = self.state.write().await?;
        let number: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM fix_runs").fetch_one(&mut *tx).await?;
        let digest = Sha256::digest(format!("{number}\n{now}\n{text}"));
        let id = format!("R-{}", hex::encode(&digest[..6]));
        sqlx::query(
            "INSERT INTO fix_runs (id, finding, playbook, status, plan, created_at, updated_at) \
             VALUES (?,?,?,'planned',?,?,?)",
        )
        .bind(&id)
        .bind(&plan.finding)
        .bind(&plan.playbook)
        .bind(&text)
        .bind(now)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Run { id, status: Status::Planned, plan: plan.clone(), after: None, created_at: now.to_owned() })
    }

    pub async fn run(&self, id: &str) -> Result<Run, Error> {
        let row = sqlx::query("SELECT * FROM fix_runs WHERE id = ?").bind(id).fetch_optional(self.state.pool()).await?;
        row.as_ref().map(run).transpose()?.ok_or_else(|| Error::NoRun(id.to_owned()))
    }

    /// The last run of a finding.
    pub async fn last(&self, finding: &str) -> Result<Option<Run>, Error> {
        let sql = "SELECT * FROM fix_runs WHERE finding = ? ORDER BY created_at DESC, rowid DESC LIMIT 1";
        let row = sqlx::query(sql).bind(finding).fetch_optional(self.state.pool()).await?;
        row.as_ref().map(run).transpose()
    }

    pub async fn set(&self, id: &str, status: Status, after: Option<&[Value]>, now: &str) -> Result<(), Error> {
        let after = after.map(serde_json::to_string).transpose()?;
        sqlx::query("UPDATE fix_runs SET status = ?, after = COALESCE(?, after), updated_at = ? WHERE id = ?")
            .bind(status.as_str())
            .bind(after)
            .bind(now)
            .bind(id)
            .execute(self.state.pool())
            .await?;
        Ok(())
    }

    /// Writes what is about to be called; durable when it returns.
    pub async fn intend(&self, run: &str, phase: &str, seq: usize, call: &PlannedCall, now: &str) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO fix_journal (run, phase, seq, call, status, at) VALUES (?,?,?,?,'intended',?) \
             ON CONFLICT (run, phase, seq) DO UPDATE SET status = 'intended', at = excluded.at",
        )
        .bind(run)
        .bind(phase)
        .bind(i64::try_from(seq).unwrap_or(i64::MAX))
        .bind(serde_json::to_string(call)?)
        .bind(now)
        .execute(self.state.pool())
        .await?;
        Ok(())
    }

    /// Writes how a call ended.
    pub async fn close(&self, run: &str, phase: &str, seq: usize, error: Option<&str>, now: &str) -> Result<(), Error> {
        sqlx::query("UPDATE fix_journal SET status = ?, note = ?, at = ? WHERE run = ? AND phase = ? AND seq = ?")
            .bind(if error.is_some() { "failed" } else { "done" })
            .bind(error)
            .bind(now)
            .bind(run)
            .bind(phase)
            .bind(i64::try_from(seq).unwrap_or(i64::MAX))
            .execute(self.state.pool())
            .await?;
        Ok(())
    }

    /// The sequence numbers of a phase whose calls were begun, and of those that ended well.
    pub async fn begun(&self, run: &str, phase: &str) -> Result<(Vec<usize>, Vec<usize>), Error> {
        let rows = sqlx::query("SELECT seq, status FROM fix_journal WHERE run = ? AND phase = ? ORDER BY seq")
            .bind(run)
            .bind(phase)
            .fetch_all(self.state.pool())
            .await?;
        let (mut begun, mut done) = (Vec::new(), Vec::new());
        for row in rows {
            let seq = usize::try_from(row.try_get::<i64, _>("seq")?).unwrap_or(0);
            let status: String = row.try_get("status")?;
            begun.push(seq);
            if status == "done" {
                done.push(seq);
            }
        }
        Ok((begun, done))
    }
}

fn run(row: &SqliteRow) -> Result<Run, Error> {
    let (plan, after): (String, Option<String>) = (row.try_get("plan")?, row.try_get("after")?);
    let status: String = row.try_get("status")?;
    Ok(Run {
        id: row.try_get("id")?,
        status: Status::of(&status),
        plan: serde_json::from_str(&plan)?,
        after: after.as_deref().map(serde_json::from_str).transpose()?,
        created_at: row.try_get("created_at")?,
    })
}
