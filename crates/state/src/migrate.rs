//! Brings a database's schema up to the build's. Each migration and the row that records it are one transaction, so a
//! kill leaves the schema before or after a migration, never inside one.

use crate::{State, StateError};

pub(crate) struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

pub(crate) async fn run(state: &State) -> Result<(), StateError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    // Reading first keeps the common start, with nothing to do, free of the write lock.
    let found = version(state).await?;
    if found > known {
        return Err(StateError::NewerSchema { path: state.path().to_path_buf(), found, known });
    }
    if found == known {
        return Ok(());
    }
    for migration in MIGRATIONS {
        apply(state, migration).await?;
    }
    Ok(())
}

/// The number of the last migration that the database has, 0 for a new one.
async fn version(state: &State) -> Result<i64, StateError> {
    let read = |source| state.error("read", source);
    let table: Option<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")
            .fetch_optional(state.pool())
            .await
            .map_err(read)?;
    if table.is_none() {
        return Ok(0);
    }
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM schema_migrations").fetch_one(state.pool()).await.map_err(read)?;
    Ok(last.unwrap_or(0))
}

async fn apply(state: &State, migration: &Migration) -> Result<(), StateError> {
    let failed = |source| StateError::Migration { path: state.path().to_path_buf(), migration: migration.name, source };
    let mut tx = state.write().await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)",
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    // Under the write lock: two processes that open a new database at once each see what the other has done.
    let done: Option<i64> = sqlx::query_scalar("SELECT version FROM schema_migrations WHERE version = ?")
        .bind(migration.version)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
    if done.is_none() {
        sqlx::raw_sql(migration.sql).execute(&mut *tx).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_migrations VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))")
            .bind(migration.version)
            .bind(migration.name)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    }
    state.commit(tx).await
}
