//! What people do with a finding: suppress it for a time, close an alert they have dealt with, take either back.

use crate::{Error, Hub, rows};
use yagura_model::{FindingClass, Status};

impl Hub {
    /// Suppresses a finding until `until` (RFC 3339 UTC). Reason and end are mandatory.
    ///
    /// # Errors
    /// [`Error::NoReason`], [`Error::NoEnd`], [`Error::NoFinding`], and the database's.
    pub async fn suppress(&self, id: &str, reason: &str, until: &str, now: &str) -> Result<(), Error> {
        if reason.trim().is_empty() {
            return Err(Error::NoReason);
        }
        if until <= now || until.len() < 10 {
            return Err(Error::NoEnd(until.to_owned()));
        }
        let finding = self.finding(id).await?;
        let mut tx = self.state().write().await?;
        sqlx::query(
            "UPDATE findings SET status = 'suppressed', suppressed_reason = ?, suppressed_until = ? WHERE id = ?",
        )
        .bind(reason.trim())
        .bind(until)
        .bind(&finding.id)
        .execute(&mut *tx)
        .await?;
        rows::note(&mut tx, &finding.id, now, "suppressed", Some(&format!("{} (until {until})", reason.trim())))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes a suppression back.
    ///
    /// # Errors
    /// [`Error::NoFinding`], and the database's.
    pub async fn unsuppress(&self, id: &str, now: &str) -> Result<(), Error> {
        let finding = self.finding(id).await?;
        if finding.status != Status::Suppressed {
            return Ok(());
        }
        self.turn(&finding.id, Status::New, ("unsuppressed", None), now).await
    }

    /// Closes an alert, with what was done about it. What a control found closes by itself when it passes.
    ///
    /// # Errors
    /// [`Error::NoOutcome`], [`Error::ClosesItself`], [`Error::NoFinding`], and the database's.
    pub async fn close(&self, id: &str, outcome: &str, now: &str) -> Result<(), Error> {
        if outcome.trim().is_empty() {
            return Err(Error::NoOutcome);
        }
        let finding = self.finding(id).await?;
        if finding.class != FindingClass::Detection {
            return Err(Error::ClosesItself(finding.id));
        }
        self.turn(&finding.id, Status::Resolved, ("resolved", Some(outcome.trim())), now).await
    }

    /// Opens a closed alert again.
    ///
    /// # Errors
    /// [`Error::ClosesItself`], [`Error::NoFinding`], and the database's.
    pub async fn reopen(&self, id: &str, now: &str) -> Result<(), Error> {
        let finding = self.finding(id).await?;
        if finding.class != FindingClass::Detection {
            return Err(Error::ClosesItself(finding.id));
        }
        if finding.status != Status::Resolved {
            return Ok(());
        }
        self.turn(&finding.id, Status::New, ("reopened", None), now).await
    }

    async fn turn(&self, id: &str, to: Status, note: (&str, Option<&str>), now: &str) -> Result<(), Error> {
        let mut tx = self.state().write().await?;
        sqlx::query(
            "UPDATE findings SET status = ?, suppressed_reason = NULL, suppressed_until = NULL, resolved_at = ? WHERE id = ?",
        )
        .bind(to.as_str())
        .bind((to == Status::Resolved).then_some(now))
        .bind(id)
        .execute(&mut *tx)
        .await?;
        rows::note(&mut tx, id, now, note.0, note.1).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Opens what was suppressed until before `now`; called before lists are read, so that an expiry needs no clock of
    /// its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire_suppressions(&self, now: &str) -> Result<(), Error> {
        let due: Vec<String> =
            sqlx::query_scalar("SELECT id FROM findings WHERE status = 'suppressed' AND suppressed_until <= ?")
                .bind(now)
                .fetch_all(self.state().pool())
                .await?;
        for id in due {
            let mut tx = self.state().write().await?;
            sqlx::query("UPDATE findings SET status = 'new' WHERE id = ? AND status = 'suppressed'")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            rows::note(&mut tx, &id, now, "unsuppressed", Some("the suppression expired")).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
