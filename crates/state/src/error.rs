use std::path::{Path, PathBuf};

/// What can go wrong with the state database, each with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("could not create the folder `{path}`: {source}; choose another one with --data")]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "could not {doing} `{path}`: another process holds its write lock; wait until it is done, or stop it (`fuser {path}` names it)"
    )]
    Locked { doing: &'static str, path: PathBuf },
    #[error(
        "could not {doing} `{path}`: the disk is full; free some space and run the same command again, nothing was half written"
    )]
    DiskFull { doing: &'static str, path: PathBuf },
    #[error("`{path}` is not a database of Yagura's; name another data directory with --data, or move the file away")]
    NotADatabase { path: PathBuf },
    #[error(
        "could not {doing} `{path}`: it is read-only for this user; check the owner and the mode of the file and its folder"
    )]
    ReadOnly { doing: &'static str, path: PathBuf },
    #[error(
        "could not {doing} `{path}`: the file is damaged ({source}); restore it from a backup, or start with a new --data"
    )]
    Damaged { doing: &'static str, path: PathBuf, source: sqlx::Error },
    #[error(
        "`{path}` was written by a newer Yagura (schema {found}, this one knows {known}); use that version, or another --data"
    )]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    #[error(
        "migration `{migration}` failed on `{path}`: {source}; the database is as it was: report this with the message"
    )]
    Migration { path: PathBuf, migration: &'static str, source: sqlx::Error },
    #[error("SQLite {found} is linked in, and versions before 3.51.3 can lose data; build with the bundled SQLite")]
    OldSqlite { found: String },
    #[error("could not {doing} `{path}`: {source}")]
    Sql { doing: &'static str, path: PathBuf, source: sqlx::Error },
}

impl StateError {
    pub(crate) fn sql(doing: &'static str, path: &Path, source: sqlx::Error) -> StateError {
        let path = path.to_path_buf();
        // The low byte of an SQLite result code is the kind, the rest the detail: https://sqlite.org/rescode.html
        let code = match &source {
            sqlx::Error::Database(error) => {
                error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff)
            }
            _ => None,
        };
        match code {
            Some(5 | 6) => StateError::Locked { doing, path },
            Some(8) => StateError::ReadOnly { doing, path },
            Some(11) => StateError::Damaged { doing, path, source },
            Some(13) => StateError::DiskFull { doing, path },
            Some(14) if path.exists() => StateError::ReadOnly { doing, path },
            Some(26) => StateError::NotADatabase { path },
            _ => StateError::Sql { doing, path, source },
        }
    }
}
