//! Which events the table holds already.
//!
//! The answer comes from the table itself, from the ids in the data files of the one partition that an event belongs
//! to, so it cannot disagree with the table, whatever was killed and whoever else deleted or rewrote rows.

use crate::durable;
use crate::error::LakeError;
use crate::record::{EventKey, Partition, event_key};
use arrow::array::{AsArray, StructArray};
use iceberg::spec::{DataFile, Literal, PrimitiveLiteral};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::{HashMap, HashSet};

/// Ids that are held in memory; about 100 MB. A partition beyond it is forgotten and read again when it comes back.
const MAX_KEYS: usize = 3_000_000;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The data files of each partition.
    files: HashMap<Partition, Vec<String>>,
    loaded: HashMap<Partition, HashSet<EventKey>>,
    keys: usize,
}

impl Seen {
    pub fn add_file(&mut self, file: &DataFile) {
        self.files.entry(partition_of(file)).or_default().push(file.file_path().to_owned());
    }

    /// Whether the table holds nothing.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Takes note of an event; `false` when the table, or this batch, has it already.
    pub fn insert(&mut self, partition: &Partition, key: EventKey) -> Result<bool, LakeError> {
        if !self.loaded.contains_key(partition) {
            self.load(partition)?;
        }
        let Some(keys) = self.loaded.get_mut(partition) else { return Ok(true) };
        let new = keys.insert(key);
        self.keys += usize::from(new);
        Ok(new)
    }

    /// Lets go of what is too much. Only between batches: the ids of a batch in the making are nowhere else.
    pub fn trim(&mut self) {
        if self.keys > MAX_KEYS {
            self.loaded.clear();
            self.keys = 0;
        }
    }

    fn load(&mut self, partition: &Partition) -> Result<(), LakeError> {
        let mut keys = HashSet::new();
        for file in self.files.get(partition).into_iter().flatten() {
            read_ids(file, &mut keys)?;
        }
        self.keys += keys.len();
        self.loaded.insert(partition.clone(), keys);
        Ok(())
    }
}

pub(crate) fn partition_of(file: &DataFile) -> Partition {
    let value = |at: usize| match file.partition().fields().get(at) {
        Some(Some(Literal::Primitive(value))) => Some(value.clone()),
        _ => None,
    };
    let text = |at| match value(at) {
        Some(PrimitiveLiteral::String(text)) => Some(text),
        _ => None,
    };
    let day = match value(0) {
        Some(PrimitiveLiteral::Int(day)) => Some(day),
        _ => None,
    };
    Partition { day, region: text(1), account: text(2) }
}

/// Adds the `metadata.uid` column of a data file to `keys`.
fn read_ids(location: &str, keys: &mut HashSet<EventKey>) -> Result<(), LakeError> {
    let path = durable::path(location);
    let failed = |source| LakeError::Parquet { path: location.to_owned(), source };
    let file = std::fs::File::open(&path).map_err(LakeError::io("open", &path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["metadata.uid"]);
    for batch in builder.with_projection(mask).build().map_err(failed)? {
        let batch = batch?;
        let metadata: Option<&StructArray> = batch.column_by_name("metadata").and_then(|column| column.as_struct_opt());
        let ids =
            metadata.and_then(|metadata| metadata.column_by_name("uid")).and_then(|ids| ids.as_string_opt::<i32>());
        for id in ids.into_iter().flatten().flatten() {
            keys.insert(event_key(id));
        }
    }
    Ok(())
}
