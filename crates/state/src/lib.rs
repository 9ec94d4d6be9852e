//! The one SQL database: the Iceberg catalog, the ledger of ingested objects, the quarantine and the hub's tables live
//! in one SQLite file, so that one transaction moves them together and nothing is ever half done.
//!
//! What always holds: the database is in WAL mode with `synchronous=FULL` (a commit that returned survives a power
//! cut), foreign keys are on, and its schema is exactly the one that this build knows.

mod error;
mod migrate;

pub use error::StateError;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A transaction on the state database.
pub type Tx = sqlx::Transaction<'static, sqlx::Sqlite>;

/// The file's name inside a data directory.
pub const FILE_NAME: &str = "yagura.db";

/// SQLite before this version can lose committed WAL frames when two processes reset the WAL at once.
const MIN_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// How long a writer waits for another one's transaction before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// An open state database. Cloning shares the connections.
#[derive(Clone, Debug)]
pub struct State {
    pool: SqlitePool,
    path: PathBuf,
}

impl State {
    /// Opens the database file at `path`, creates it and its folder where they are missing, and brings its schema up to
    /// date.
    pub async fn open(path: impl AsRef<Path>) -> Result<State, StateError> {
        let path = path.as_ref().to_path_buf();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_private_folder(folder)
                .map_err(|source| StateError::Folder { path: folder.to_path_buf(), source })?;
        }
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let state = State { pool: connect(&path, options).await?, path };
        state.check_version().await?;
        migrate::run(&state).await?;
        Ok(state)
    }

    /// Opens the database of the data directory `data`.
    pub async fn open_in(data: impl AsRef<Path>) -> Result<State, StateError> {
        State::open(data.as_ref().join(FILE_NAME)).await
    }

    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a transaction that will write. It takes the write lock at once (`BEGIN IMMEDIATE`): one that starts by
    /// reading and writes later fails with "database is locked" whenever another writer came between.
    pub async fn write(&self) -> Result<Tx, StateError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.error("begin a transaction in", source))
    }

    /// Begins a transaction that sees one unchanging state of the database and must not write.
    pub async fn read(&self) -> Result<Tx, StateError> {
        self.pool.begin().await.map_err(|source| self.error("begin a transaction in", source))
    }

    /// Commits, so that a caller's errors carry the hint that fits.
    pub async fn commit(&self, tx: Tx) -> Result<(), StateError> {
        tx.commit().await.map_err(|source| self.error("commit to", source))
    }

    /// Closes all connections, which folds the WAL into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Says of an SQL error what was being done and what to do next; `doing` completes "could not … `PATH`".
    pub fn error(&self, doing: &'static str, source: sqlx::Error) -> StateError {
        StateError::sql(doing, &self.path, source)
    }

    async fn check_version(&self) -> Result<(), StateError> {
        let found: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.error("read", source))?;
        let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        if (next(), next(), next()) < MIN_SQLITE {
            return Err(StateError::OldSqlite { found });
        }
        Ok(())
    }
}

/// Turning a new database to WAL needs it alone for a moment and doesn't wait for that moment, so whoever comes at the
/// same time comes again.
async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, StateError> {
    let begun = Instant::now();
    loop {
        let pool = SqlitePoolOptions::new().min_connections(0).max_connections(4).acquire_timeout(BUSY_TIMEOUT);
        match pool.connect_with(options.clone()).await.map_err(|source| StateError::sql("open", path, source)) {
            Err(StateError::Locked { .. }) if begun.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

/// The database names principals, addresses and weaknesses: nobody but its owner needs to read it.
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
