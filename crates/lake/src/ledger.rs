//! What has been read from where. An object is known by its key and the digest of its bytes: the same object again
//! changes nothing, and the same bytes under another key hold no new events.

use serde::Serialize;
use sqlx::SqliteConnection;
use std::path::Path;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ingested,
    /// The same bytes are in the ledger under another key.
    Duplicate,
    /// Some of it could not be read and is in quarantine.
    Partial,
    /// None of it could be read.
    Quarantined,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Name {
    /// `file`, `stdin` or `s3://bucket`.
    pub source: String,
    /// An absolute path, or the key in the bucket.
    pub key: String,
    /// What the source calls this version of it.
    pub etag: Option<String>,
}

impl Name {
    pub fn of_file(path: &Path) -> Name {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        Name { source: "file".to_owned(), key: absolute.display().to_string(), etag: None }
    }

    pub fn stdin() -> Name {
        Name { source: "stdin".to_owned(), key: "-".to_owned(), etag: None }
    }

    /// What a person calls it.
    pub fn shown(&self) -> String {
        match self.source.as_str() {
            "file" | "stdin" => self.key.clone(),
            bucket => format!("{bucket}/{}", self.key),
        }
    }
}

/// A row of the ledger.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub object: Name,
    pub digest: String,
    pub size: u64,
    pub status: Status,
    pub records: u64,
    pub events: u64,
    pub bad_records: u64,
    /// Why it is in quarantine, and under which name.
    pub reason: Option<String>,
    pub file: Option<String>,
}

impl Entry {
    pub fn new(object: Name, digest: String, size: u64, status: Status) -> Entry {
        Entry { object, digest, size, status, records: 0, events: 0, bad_records: 0, reason: None, file: None }
    }
}

/// What the ledger says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    No,
    /// These bytes, under another key.
    Bytes,
    /// This object.
    Object,
}

pub(crate) async fn look_up(pool: &sqlx::SqlitePool, name: &Name, digest: &str) -> sqlx::Result<Known> {
    let same: Option<bool> = sqlx::query_scalar(
        "SELECT source = ? AND key = ? FROM source_objects WHERE digest = ? ORDER BY 1 DESC LIMIT 1",
    )
    .bind(name.source.as_str())
    .bind(name.key.as_str())
    .bind(digest)
    .fetch_optional(pool)
    .await?;
    Ok(match same {
        None => Known::No,
        Some(false) => Known::Bytes,
        Some(true) => Known::Object,
    })
}

/// Whether this version of the object is in the ledger, for which nothing of it needs to be fetched.
pub(crate) async fn has_version(pool: &sqlx::SqlitePool, name: &Name) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM source_objects WHERE source = ? AND key = ? AND etag = ?)")
        .bind(name.source.as_str())
        .bind(name.key.as_str())
        .bind(name.etag.as_deref())
        .fetch_one(pool)
        .await
}

/// Writes the rows of objects whose events become visible in this transaction. An object that was read again keeps the
/// count of the events that it brought before.
pub(crate) async fn record(conn: &mut SqliteConnection, entries: &[Entry], now: &str) -> Result<(), sqlx::Error> {
    let rows = serde_json::to_string(entries).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    for statement in [
        "INSERT INTO source_objects
             (source, key, etag, digest, size, status, records, events, bad_records, ingested_at)
         SELECT value->>'source', value->>'key', value->>'etag', value->>'digest', value->>'size', value->>'status',
                value->>'records', value->>'events', value->>'bad_records', ?1
         FROM json_each(?2) WHERE true
         ON CONFLICT DO UPDATE SET etag = coalesce(excluded.etag, etag), status = excluded.status, records = excluded.records, events = events + excluded.events,
                                   bad_records = excluded.bad_records, ingested_at = excluded.ingested_at",
        "INSERT OR IGNORE INTO quarantine (digest, source, key, file, size, bad_records, reason, found_at)
         SELECT value->>'digest', value->>'source', value->>'key', value->>'file', value->>'size', value->>'bad_records',
                value->>'reason', ?1
         FROM json_each(?2) WHERE value->>'file' IS NOT NULL",
        "UPDATE quarantine SET replayed_at = ?1 WHERE replayed_at IS NULL
         AND digest IN (SELECT value->>'digest' FROM json_each(?2) WHERE value->>'status' = 'ingested')",
    ] {
        sqlx::query(statement).bind(now).bind(rows.as_str()).execute(&mut *conn).await?;
    }
    Ok(())
}

/// An object in quarantine of which something is still unread.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub name: Name,
    pub digest: String,
    pub size: i64,
    pub file: String,
}

pub(crate) async fn kept(pool: &sqlx::SqlitePool) -> sqlx::Result<Vec<Kept>> {
    let rows: Vec<(String, String, String, i64, String)> = sqlx::query_as(
        "SELECT source, key, digest, size, file FROM quarantine WHERE replayed_at IS NULL ORDER BY found_at, key",
    )
    .fetch_all(pool)
    .await?;
    let kept = rows.into_iter().map(|(source, key, digest, size, file)| {
        let name = Name { source, key, etag: None };
        Kept { name, digest, size, file }
    });
    Ok(kept.collect())
}
