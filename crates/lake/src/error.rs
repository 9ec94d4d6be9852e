use std::path::PathBuf;
use yagura_state::StateError;

/// What can go wrong with the lake, each with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("`{path}` does not exist: check the path")]
    Missing { path: PathBuf },
    #[error("could not {doing} `{path}`: {source}; check the path, its permissions and the free space")]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("could not {doing}: {source}; the table is as it was, run the command again")]
    Table { doing: &'static str, source: iceberg::Error },
    #[error("could not turn events into rows: {0}; report this with the object's name, nothing was written")]
    Rows(#[from] arrow::error::ArrowError),
    #[error("could not read `{path}`: {source}; the table's file is damaged, restore it from a backup")]
    Parquet { path: String, source: parquet::errors::ParquetError },
    #[error("another process changed the lake's table in between; run the command again")]
    Conflict,
    #[error(
        "`{path}` belongs to another data directory (the lake's table is at `{location}`); open it there, tables hold absolute paths"
    )]
    Moved { path: PathBuf, location: String },
    #[error(
        "findings of this batch could not be stored: {0}; nothing of the batch was committed, run the command again"
    )]
    Sink(Box<dyn std::error::Error + Send + Sync>),
    #[error("{0}")]
    Query(String),
}

impl LakeError {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> LakeError {
        let path = path.into();
        move |source| LakeError::Io { doing, path, source }
    }

    pub(crate) fn table(doing: &'static str) -> impl FnOnce(iceberg::Error) -> LakeError {
        move |source| LakeError::Table { doing, source }
    }
}
