//! A query's answer as JSON values, batch by batch.

use super::failed;
use crate::error::LakeError;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use arrow::json::writer::{JsonArray, WriterBuilder};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An answer that is still being computed.
pub struct Answer {
    columns: Vec<String>,
    stream: SendableRecordBatchStream,
    timeout: Duration,
    deadline: Instant,
}

impl Answer {
    pub(super) fn new(stream: SendableRecordBatchStream, timeout: Duration) -> Answer {
        let columns = stream.schema().fields().iter().map(|field| path(field.name())).collect();
        Answer { columns, stream, timeout, deadline: Instant::now() + timeout }
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next rows, each with a value for every column; `None` at the end. A value that is not known is null; inside
    /// objects such values are left out.
    pub async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>, LakeError> {
        match tokio::time::timeout_at(self.deadline, self.stream.next()).await {
            Err(_) => Err(LakeError::Query(format!(
                "the query took longer than {} s: narrow it by `time_dt`, or add a LIMIT",
                self.timeout.as_secs()
            ))),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(failed(error)),
            Ok(Some(Ok(batch))) => rows(&batch).map(Some),
        }
    }

    /// All rows that are left.
    pub async fn all(mut self) -> Result<Vec<Vec<Value>>, LakeError> {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }
}

/// The name of a column as it was asked for: DataFusion calls `api.operation` `events.api[operation]`.
fn path(name: &str) -> String {
    let Some((head, steps)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
        return name.to_owned();
    };
    let head = head.rsplit_once('.').map_or(head, |(_, column)| column);
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let steps: Vec<&str> = steps.split("][").collect();
    if plain(head) && steps.iter().all(|step| plain(step)) {
        return format!("{head}.{}", steps.join("."));
    }
    name.to_owned()
}

fn rows(batch: &RecordBatch) -> Result<Vec<Vec<Value>>, LakeError> {
    // Two columns of a join may have the same name, so they go by their place.
    let places: Vec<String> = (0..batch.num_columns()).map(|place| place.to_string()).collect();
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&places).map(|(field, place)| {
        Field::new(place, field.data_type().clone(), true).with_metadata(field.metadata().clone())
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    if places.is_empty() || batch.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let batch = RecordBatch::try_new(schema, batch.columns().to_vec())?;
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(false).build::<_, JsonArray>(&mut text);
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    let objects: Vec<Map<String, Value>> = serde_json::from_slice(&text)
        .map_err(|error| LakeError::Query(format!("a value has no JSON form: {error}")))?;
    Ok(objects
        .into_iter()
        .map(|mut object| places.iter().map(|place| object.remove(place).unwrap_or(Value::Null)).collect())
        .collect())
}
