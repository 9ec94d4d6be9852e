//! What exists, and what it looked like before.

use crate::{Error, Hub, Scope};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row, Sqlite, Transaction, sqlite::SqliteRow};
use std::collections::{HashMap, HashSet};
use yagura_model::{Gap, Inventory, Resource};

/// A stored resource.
#[derive(Clone, Debug)]
pub struct ResourceRow {
    pub resource: Resource,
    pub first_seen: String,
    pub last_seen: String,
    pub gone_at: Option<String>,
}

/// A resource as it was from `at` on.
#[derive(Clone, Debug)]
pub struct Version {
    pub at: String,
    pub resource: Resource,
}

fn key(r: &Resource) -> String {
    [r.account.as_deref().unwrap_or(""), r.region.as_deref().unwrap_or(""), &r.kind, r.name()].join("|")
}

/// Who answers for each resource, by its name, from the usual tags.
pub(crate) fn owners(inventory: &Inventory) -> HashMap<&str, String> {
    let mut owners = HashMap::new();
    for r in &inventory.resources {
        let owner = ["Owner", "owner", "Team", "team"].iter().find_map(|tag| r.tags.get(*tag));
        if let Some(owner) = owner {
            owners.insert(r.name(), owner.clone());
        }
    }
    owners
}

pub(crate) async fn store(
    tx: &mut Transaction<'_, Sqlite>,
    scope: &Scope,
    inventory: &Inventory,
    now: &str,
) -> Result<(), Error> {
    let mut seen = HashSet::with_capacity(inventory.resources.len());
    for r in &inventory.resources {
        let key = key(r);
        let body = serde_json::to_string(r).map_err(|e| Error::Stored { what: "resource", message: e.to_string() })?;
        let digest = hex::encode(Sha256::digest(body.as_bytes()));
        let old: Option<String> = sqlx::query_scalar("SELECT digest FROM resources WHERE key = ?")
            .bind(&key)
            .fetch_optional(&mut **tx)
            .await?;
        if old.as_deref() != Some(digest.as_str()) {
            sqlx::query("INSERT OR REPLACE INTO resource_history (key, at, body) VALUES (?,?,?)")
                .bind(&key)
                .bind(now)
                .bind(&body)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query(
            "INSERT INTO resources (key, type, name, account, region, body, digest, first_seen, last_seen) \
             VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET body = excluded.body, \
             digest = excluded.digest, last_seen = excluded.last_seen, gone_at = NULL",
        )
        .bind(&key)
        .bind(&r.kind)
        .bind(r.name())
        .bind(&r.account)
        .bind(&r.region)
        .bind(&body)
        .bind(&digest)
        .bind(now)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        seen.insert(key);
    }
    retire(tx, scope, &seen, now).await?;
    store_gaps(tx, scope, inventory, now).await
}

async fn retire(
    tx: &mut Transaction<'_, Sqlite>,
    scope: &Scope,
    seen: &HashSet<String>,
    now: &str,
) -> Result<(), Error> {
    let rows = sqlx::query("SELECT key, account, region, type FROM resources WHERE gone_at IS NULL")
        .fetch_all(&mut **tx)
        .await?;
    for row in rows {
        let key: String = row.try_get("key")?;
        let (account, region): (Option<String>, Option<String>) = (row.try_get("account")?, row.try_get("region")?);
        let kind: String = row.try_get("type")?;
        if !seen.contains(&key) && scope.covers(&account, &region, &kind) {
            sqlx::query("UPDATE resources SET gone_at = ? WHERE key = ?")
                .bind(now)
                .bind(&key)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Replaces the gaps that the run has closed or found again; of what it didn't look at the old ones stay.
async fn store_gaps(
    tx: &mut Transaction<'_, Sqlite>,
    scope: &Scope,
    inventory: &Inventory,
    now: &str,
) -> Result<(), Error> {
    let again = |old: &Gap, new: &Gap| {
        let regions = new.region.is_none() || old.region == new.region;
        regions && old.kind == new.kind && old.account == new.account
    };
    for row in sqlx::query("SELECT rowid, type, account, region, action, reason FROM gaps").fetch_all(&mut **tx).await?
    {
        let old = gap_row(&row)?;
        if scope.closes(&old) || (scope.asks(&old) && inventory.gaps.iter().any(|new| again(&old, new))) {
            let rowid: i64 = row.try_get("rowid")?;
            sqlx::query("DELETE FROM gaps WHERE rowid = ?").bind(rowid).execute(&mut **tx).await?;
        }
    }
    // What rules only looked at beside is not what the run was about.
    for gap in inventory.gaps.iter().filter(|gap| scope.asks(gap)) {
        sqlx::query("INSERT INTO gaps (type, account, region, action, reason, at) VALUES (?,?,?,?,?,?)")
            .bind(&gap.kind)
            .bind(&gap.account)
            .bind(&gap.region)
            .bind(&gap.action)
            .bind(&gap.reason)
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn gap_row(row: &SqliteRow) -> Result<Gap, Error> {
    Ok(Gap {
        kind: row.try_get("type")?,
        account: row.try_get("account")?,
        region: row.try_get("region")?,
        action: row.try_get("action")?,
        reason: row.try_get("reason")?,
    })
}

fn resource_row(row: &SqliteRow) -> Result<ResourceRow, Error> {
    let body: String = row.try_get("body")?;
    Ok(ResourceRow {
        resource: parse(&body)?,
        first_seen: row.try_get("first_seen")?,
        last_seen: row.try_get("last_seen")?,
        gone_at: row.try_get("gone_at")?,
    })
}

fn parse(body: &str) -> Result<Resource, Error> {
    serde_json::from_str(body).map_err(|e| Error::Stored { what: "resource", message: e.to_string() })
}

impl Hub {
    /// Resources that exist now, by type and name; `kind` and `text` narrow them.
    ///
    /// # Errors
    /// The database's.
    pub async fn resources(
        &self,
        kind: Option<&str>,
        text: Option<&str>,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<ResourceRow>, Error> {
        let sql = "SELECT body, first_seen, last_seen, gone_at FROM resources WHERE gone_at IS NULL \
                   AND (? IS NULL OR type = ?) AND (? IS NULL OR instr(lower(name), lower(?)) > 0) \
                   ORDER BY type, name LIMIT ? OFFSET ?";
        let rows = sqlx::query(sql)
            .bind(kind)
            .bind(kind)
            .bind(text)
            .bind(text)
            .bind(limit)
            .bind(offset)
            .fetch_all(self.state().pool())
            .await?;
        rows.iter().map(resource_row).collect()
    }

    /// What could not be read when it was last tried.
    ///
    /// # Errors
    /// The database's.
    pub async fn gaps(&self) -> Result<Vec<Gap>, Error> {
        let sql = "SELECT type, account, region, action, reason FROM gaps ORDER BY type, account, region, action";
        sqlx::query(sql).fetch_all(self.state().pool()).await?.iter().map(gap_row).collect()
    }

    /// How many resources of each type exist now.
    ///
    /// # Errors
    /// The database's.
    pub async fn resource_types(&self) -> Result<Vec<(String, i64)>, Error> {
        let sql = "SELECT type, COUNT(*) AS n FROM resources WHERE gone_at IS NULL GROUP BY type ORDER BY type";
        let rows = sqlx::query(sql).fetch_all(self.state().pool()).await?;
        rows.iter().map(|r| Ok((r.try_get("type")?, r.try_get("n")?))).collect()
    }

    /// A resource by ARN or id, also one that is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn resource(&self, name: &str) -> Result<Option<ResourceRow>, Error> {
        let sql = "SELECT body, first_seen, last_seen, gone_at FROM resources WHERE name = ? \
                   ORDER BY gone_at IS NOT NULL, last_seen DESC LIMIT 1";
        let row = sqlx::query(sql).bind(name).fetch_optional(self.state().pool()).await?;
        row.as_ref().map(resource_row).transpose()
    }

    /// How a resource looked over time, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn resource_history(&self, name: &str) -> Result<Vec<Version>, Error> {
        let sql = "SELECT h.at AS at, h.body AS body FROM resource_history h JOIN resources r ON r.key = h.key \
                   WHERE r.name = ? ORDER BY h.at DESC LIMIT 100";
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(name).fetch_all(self.state().pool()).await?;
        rows.iter()
            .map(|row| {
                let body: String = row.try_get("body")?;
                Ok(Version { at: row.try_get("at")?, resource: parse(&body)? })
            })
            .collect()
    }
}
