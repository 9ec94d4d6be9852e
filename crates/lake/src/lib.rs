//! Events that last: Iceberg tables of Parquet files that any engine reads, fed exactly once and asked in SQL.
//!
//! What always holds: the table is what the catalog's pointer in the state database says, and nothing else; the
//! pointer, the ledger of source objects and the findings move in one transaction; an event is in the table once,
//! however often it is delivered.

mod batch;
mod catalog;
mod compact;
mod durable;
mod error;
mod ingest;
mod lake;
mod ledger;
pub mod ocsf;
mod query;
mod record;
mod schema;
mod seen;
mod spans;
mod writer;

pub use catalog::CATALOG_NAME;
pub use error::LakeError;
pub use ingest::{IngestOptions, Ingested, Judge, SinkError};
pub use lake::Lake;
pub use query::{Answer, ColumnKind, Columns, EVENTS, QueryOptions, Tables};
pub use schema::{NAMESPACE, TABLE};
pub use spans::Owed;
