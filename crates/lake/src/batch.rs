//! New events on their way to one commit.

use crate::catalog::{self, Swap};
use crate::durable;
use crate::error::LakeError;
use crate::ingest::Judge;
use crate::lake::Lake;
use crate::ledger::{self, Entry, Known, Name};
use crate::record::Partition;
use crate::schema;
use crate::writer::{Row, Writer};
use chrono::{SecondsFormat, Utc};
use iceberg::Catalog;
use iceberg::spec::{DataFile, TableMetadata};
use iceberg::table::Table;
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

/// Rows of one data file at most: more become several files, written at once.
const FILE_ROWS: usize = 200_000;
/// Snapshots that the table keeps at most, for readers that look at its past.
const HISTORY: usize = 200;
/// How often a commit is tried when another engine commits to the table at the same time.
const ATTEMPTS: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct Batch {
    rows: BTreeMap<Partition, Vec<Row>>,
    pub bytes: usize,
    pub events: u64,
    pub objects: Vec<Entry>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.objects.is_empty()
    }

    pub fn push(&mut self, partition: Partition, time: i64, raw: &[u8]) {
        self.bytes += raw.len();
        self.events += 1;
        self.rows.entry(partition).or_default().push((time, raw.into()));
    }

    /// What the objects of this batch say of an object, before the ledger knows them.
    pub fn knows(&self, name: &Name, digest: &str) -> Known {
        match self.objects.iter().find(|entry| entry.digest == digest) {
            None => Known::No,
            Some(entry) if entry.object.source == name.source && entry.object.key == name.key => Known::Object,
            Some(_) => Known::Bytes,
        }
    }

    /// Writes the events' files and makes all of the batch visible at once.
    pub async fn commit(
        self,
        lake: &Lake,
        writer: &Writer,
        judge: &mut impl Judge,
    ) -> Result<Vec<DataFile>, LakeError> {
        let files = write(self.rows, writer).await?;
        for _ in 0..ATTEMPTS {
            let swap = if files.is_empty() { None } else { Some(prepare(lake, &files).await?) };
            let mut tx = lake.state.write().await?;
            if let Some(swap) = &swap {
                let swapped = catalog::swap_pointer(&mut tx, swap).await;
                if !swapped.map_err(|error| lake.state.error("write to", error))? {
                    continue;
                }
            }
            let now = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
            ledger::record(&mut tx, &self.objects, &now).await.map_err(|error| lake.state.error("write to", error))?;
            judge.commit(&mut tx).await.map_err(LakeError::Sink)?;
            lake.state.commit(tx).await?;
            return Ok(files);
        }
        Err(LakeError::Conflict)
    }
}

/// Each partition's rows into files, as many at a time as there are cores.
async fn write(rows: BTreeMap<Partition, Vec<Row>>, writer: &Writer) -> Result<Vec<DataFile>, LakeError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // One large partition keeps all cores busy, too.
    let total: usize = rows.values().map(Vec::len).sum();
    let share = total.div_ceil(cores).clamp(4096, FILE_ROWS);
    let mut parts = Vec::new();
    for (partition, mut rows) in rows {
        rows.sort_unstable_by_key(|row| row.0);
        while rows.len() > share + share / 2 {
            parts.push((partition.clone(), rows.split_off(rows.len() - share)));
        }
        parts.push((partition, rows));
    }
    let mut tasks = JoinSet::new();
    let mut files = Vec::new();
    for (partition, rows) in parts {
        if tasks.len() >= cores {
            files.extend(joined(&mut tasks).await?);
        }
        let writer = writer.clone();
        tasks.spawn(async move { writer.write(&partition, rows).await });
    }
    while !tasks.is_empty() {
        files.extend(joined(&mut tasks).await?);
    }
    Ok(files)
}

async fn joined(tasks: &mut JoinSet<Result<Vec<DataFile>, LakeError>>) -> Result<Vec<DataFile>, LakeError> {
    match tasks.join_next().await {
        None => Ok(Vec::new()),
        Some(Ok(result)) => result,
        Some(Err(stopped)) if stopped.is_panic() => std::panic::resume_unwind(stopped.into_panic()),
        Some(Err(stopped)) => {
            Err(LakeError::Query(format!("the runtime stopped while events were written: {stopped}")))
        }
    }
}

/// Writes the metadata that adds `files` to the table and syncs all that the swap will make reachable.
async fn prepare(lake: &Lake, files: &[DataFile]) -> Result<Swap, LakeError> {
    let failed = || LakeError::table("add files to the table");
    let catalog = lake.catalog.staging();
    let table = catalog.load_table(&schema::ident()).await.map_err(failed())?;
    let transaction = Transaction::new(&table);
    // File names are UUIDs: looking for the same name in all manifests would cost more with every commit.
    let append = transaction.fast_append().with_check_duplicate(false).add_data_files(files.iter().cloned());
    let mut transaction = append.apply(transaction).map_err(failed())?;
    if table.metadata().snapshots().len() > HISTORY {
        // Each commit rewrites the list of all that are kept.
        let expire = transaction.expire_snapshots().retain_last(HISTORY / 2).expire_older_than_ms(i64::MAX);
        transaction = expire.apply(transaction).map_err(failed())?;
    }
    let updated = transaction.commit(&catalog).await.map_err(failed())?;
    let swap = catalog.take_swap().ok_or(LakeError::Conflict)?;
    let mut locations = new_metadata(&updated, updated.metadata()).await?;
    locations.extend(files.iter().map(|file| file.file_path().to_owned()));
    locations.push(swap.to.clone());
    let folder = updated.metadata().location().to_owned();
    durable::files(locations).map_err(LakeError::io("sync", durable::path(&folder)))?;
    Ok(swap)
}

/// The manifest list and manifests that the newest snapshot of `metadata` brought.
pub(crate) async fn new_metadata(table: &Table, metadata: &TableMetadata) -> Result<Vec<String>, LakeError> {
    let Some(snapshot) = metadata.current_snapshot() else { return Ok(Vec::new()) };
    let list =
        table.manifest_list_reader(snapshot).load().await.map_err(LakeError::table("read the new manifest list"))?;
    let added = list.entries().iter().filter(|manifest| manifest.added_snapshot_id == snapshot.snapshot_id());
    let mut locations: Vec<String> = added.map(|manifest| manifest.manifest_path.clone()).collect();
    locations.push(snapshot.manifest_list().to_owned());
    Ok(locations)
}
