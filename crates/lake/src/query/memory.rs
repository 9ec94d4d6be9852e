//! Tables that the caller fills: resources, findings.

use crate::error::LakeError;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::json::ReaderBuilder;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Int,
    Float,
    Bool,
    /// RFC 3339 text.
    Time,
    /// Anything, kept as JSON text; `json_get` looks into it.
    Json,
}

/// A table's columns and its rows as JSON objects; a key that a row lacks is null.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    pub columns: Vec<(&'static str, ColumnKind)>,
    pub rows: Vec<Value>,
}

/// Tables beside `events`. Only those that a query names are asked for.
#[async_trait]
pub trait Tables: Send + Sync {
    fn names(&self) -> Vec<&'static str>;
    async fn rows(&self, name: &str) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>>;
}

/// No tables but `events`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoTables;

#[async_trait]
impl Tables for NoTables {
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    async fn rows(&self, name: &str) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("there is no table `{name}`").into())
    }
}

#[async_trait]
impl Tables for () {
    fn names(&self) -> Vec<&'static str> {
        NoTables.names()
    }

    async fn rows(&self, name: &str) -> Result<Columns, Box<dyn std::error::Error + Send + Sync>> {
        NoTables.rows(name).await
    }
}

pub(super) fn table(columns: &Columns) -> Result<Arc<dyn TableProvider>, LakeError> {
    let fields: Vec<Field> =
        columns.columns.iter().map(|(name, kind)| Field::new(*name, data_type(*kind), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut decoder = ReaderBuilder::new(schema.clone()).with_batch_size(columns.rows.len().max(1)).build_decoder()?;
    let mut batches = Vec::new();
    if !columns.rows.is_empty() {
        let rows: Vec<Value> = columns.rows.iter().map(|row| shaped(row, &columns.columns)).collect();
        decoder.serialize(&rows)?;
        batches.extend(decoder.flush()?);
    }
    let table = MemTable::try_new(schema, vec![batches]).map_err(super::failed)?;
    Ok(Arc::new(table))
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::Json => DataType::Utf8,
        ColumnKind::Int => DataType::Int64,
        ColumnKind::Float => DataType::Float64,
        ColumnKind::Bool => DataType::Boolean,
        ColumnKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
    }
}

/// A row with exactly the table's columns, each value of its column's kind or null.
fn shaped(row: &Value, columns: &[(&'static str, ColumnKind)]) -> Value {
    let mut shaped = Map::new();
    for (name, kind) in columns {
        let value = match (kind, row.get(*name)) {
            (_, None | Some(Value::Null)) => continue,
            (ColumnKind::Json, Some(value)) => Value::String(value.to_string()),
            (ColumnKind::Text, Some(Value::String(text))) => Value::String(text.clone()),
            (ColumnKind::Text, Some(value)) => Value::String(value.to_string()),
            (ColumnKind::Int, Some(value)) if value.is_i64() => value.clone(),
            (ColumnKind::Float, Some(value)) if value.is_number() => value.clone(),
            (ColumnKind::Bool, Some(value)) if value.is_boolean() => value.clone(),
            (ColumnKind::Time, Some(Value::String(text))) if yagura_logs::parse_time(text).is_some() => {
                Value::String(text.clone())
            }
            _ => continue,
        };
        shaped.insert((*name).to_owned(), value);
    }
    Value::Object(shaped)
}
