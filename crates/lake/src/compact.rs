//! Many small files into few large ones, many manifests into one.
//!
//! Every commit adds a manifest and a file for each partition, and every reader opens them all. A compaction writes the
//! rows of a partition's small files into one, and lists all files of the table in fresh manifests, as one snapshot of
//! the kind `replace`: the same rows, other files. Older snapshots keep the old files until they expire.

use crate::batch::new_metadata;
use crate::catalog::{self, Swap};
use crate::durable;
use crate::error::LakeError;
use crate::lake::{Lake, WriteLock};
use crate::record::Partition;
use crate::seen::partition_of;
use crate::writer::Writer;
use iceberg::spec::{
    DataFile, MAIN_BRANCH, ManifestContentType, ManifestEntryRef, ManifestListWriter, ManifestWriterBuilder, Operation,
    Snapshot, SnapshotReference, SnapshotRetention, Summary, TableMetadata,
};
use iceberg::table::Table;
use iceberg::{Error, ErrorKind, MetadataLocation, Result};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;
use uuid::Uuid;

/// Bytes below which a file is worth merging.
const SMALL: u64 = 16 << 20;
/// Bytes that go into one merged file at most.
const MERGED: u64 = 256 << 20;
/// Manifests after which they become one again.
const MANIFESTS: usize = 100;
/// Files that one manifest lists at most.
const LISTED: usize = 20_000;

/// The files of the table as it is.
struct Contents {
    entries: Vec<ManifestEntryRef>,
    manifests: usize,
}

impl Lake {
    /// Merges when some partition has `files` small files or more, or manifests are many; whether it did. The caller's
    /// lock keeps other ingests out; a commit of another engine in between makes the swap fail, and the table is as
    /// that engine left it.
    pub(crate) async fn compact(
        &self,
        writer: &Writer,
        files: usize,
        _lock: &WriteLock,
    ) -> std::result::Result<bool, LakeError> {
        let Some(table) = self.table().await? else { return Ok(false) };
        let failed = || LakeError::table("merge the table's files");
        let Some(contents) = contents(&table).await.map_err(failed())? else { return Ok(false) };
        let groups = groups(&contents.entries, files.max(2));
        if groups.is_empty() && contents.manifests <= MANIFESTS {
            return Ok(false);
        }
        let mut added = Vec::new();
        for (partition, group) in &groups {
            let merged = writer.merge(partition, group).await?;
            let rows = |files: &[DataFile]| files.iter().map(DataFile::record_count).sum::<u64>();
            if rows(&merged) != rows(group) {
                let lost = Error::new(ErrorKind::DataInvalid, format!("{} rows became {}", rows(group), rows(&merged)));
                return Err(failed()(lost));
            }
            added.extend(merged);
        }
        let removed: HashSet<&str> = groups.iter().flat_map(|(_, files)| files).map(DataFile::file_path).collect();
        let swap = replace(&table, &contents.entries, &removed, &added).await.map_err(failed())?;
        let updated = TableMetadata::read_from(table.file_io(), &swap.to).await.map_err(failed())?;
        let mut locations = new_metadata(&table, &updated).await?;
        locations.extend(added.iter().map(|file| file.file_path().to_owned()));
        locations.push(swap.to.clone());
        durable::files(locations).map_err(LakeError::io("sync", durable::path(table.metadata().location())))?;
        let mut tx = self.state.write().await?;
        let swapped =
            catalog::swap_pointer(&mut tx, &swap).await.map_err(|error| self.state.error("write to", error))?;
        if swapped {
            self.state.commit(tx).await?;
        }
        Ok(swapped)
    }
}

/// All files of the current snapshot; `None` when another engine has changed the table in a way that is not ours to
/// rewrite.
async fn contents(table: &Table) -> Result<Option<Contents>> {
    let Some(snapshot) = table.metadata().current_snapshot() else { return Ok(None) };
    let list = table.manifest_list_reader(snapshot).load().await?;
    let spec = table.metadata().default_partition_spec_id();
    let mut entries = Vec::new();
    for manifest in list.entries() {
        if manifest.content != ManifestContentType::Data || manifest.partition_spec_id != spec {
            return Ok(None);
        }
        let loaded = manifest.load_manifest(table.file_io()).await?;
        entries.extend(loaded.entries().iter().filter(|entry| entry.is_alive()).cloned());
    }
    Ok(Some(Contents { entries, manifests: list.entries().len() }))
}

/// The small files of each partition that has at least `enough` of them, in the order of their rows' times.
fn groups(entries: &[ManifestEntryRef], enough: usize) -> Vec<(Partition, Vec<DataFile>)> {
    let mut small: BTreeMap<Partition, Vec<&DataFile>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.file_size_in_bytes() < SMALL) {
        small.entry(partition_of(entry.data_file())).or_default().push(entry.data_file());
    }
    let mut groups = Vec::new();
    for (partition, mut files) in small.into_iter().filter(|(_, files)| files.len() >= enough) {
        // The first column is the time; it has bounds wherever it has values.
        files.sort_by_key(|file| file.lower_bounds().get(&1).map(ToString::to_string));
        let mut group: Vec<DataFile> = Vec::new();
        for file in files {
            if group.iter().map(DataFile::file_size_in_bytes).sum::<u64>() + file.file_size_in_bytes() > MERGED {
                groups.push((partition.clone(), std::mem::take(&mut group)));
            }
            group.push(file.clone());
        }
        if group.len() > 1 {
            groups.push((partition, group));
        }
    }
    groups
}

/// Writes the metadata in which `added` stand for the files named in `removed`.
async fn replace(
    table: &Table,
    entries: &[ManifestEntryRef],
    removed: &HashSet<&str>,
    added: &[DataFile],
) -> Result<Swap> {
    let metadata = table.metadata();
    let from = table.metadata_location_result()?.to_owned();
    let io = table.file_io();
    let snapshot_id = new_snapshot_id(metadata);
    let sequence = metadata.next_sequence_number();
    let name = Uuid::now_v7();
    let folder = format!("{}/metadata", metadata.location());

    let mut manifests = Vec::new();
    let mut parts: Vec<&[ManifestEntryRef]> = entries.chunks(LISTED).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    for (number, part) in parts.iter().enumerate() {
        let mut writer = ManifestWriterBuilder::new(
            io.new_output(format!("{folder}/{name}-m{number}.avro"))?,
            Some(snapshot_id),
            metadata.current_schema().clone(),
            metadata.default_partition_spec().as_ref().clone(),
        )
        .build_v2_data();
        for entry in *part {
            let file = entry.data_file().clone();
            let order = entry.sequence_number().unwrap_or_default();
            if removed.contains(entry.file_path()) {
                writer.add_delete_file(file, order, entry.file_sequence_number)?;
            } else {
                let since = entry.snapshot_id().unwrap_or(snapshot_id);
                writer.add_existing_file(file, since, order, entry.file_sequence_number)?;
            }
        }
        if number == 0 {
            for file in added {
                writer.add_file(file.clone(), sequence)?;
            }
        }
        manifests.push(writer.write_manifest_file().await?);
    }

    let parent = metadata.current_snapshot_id();
    let list = format!("{folder}/snap-{snapshot_id}-0-{name}.avro");
    let mut writer = ManifestListWriter::v2(io.new_output(&list)?.writer().await?, snapshot_id, parent, sequence);
    writer.add_manifests(manifests.into_iter())?;
    writer.close().await?;

    let snapshot = Snapshot::builder()
        .with_snapshot_id(snapshot_id)
        .with_parent_snapshot_id(parent)
        .with_sequence_number(sequence)
        .with_timestamp_ms(chrono::Utc::now().timestamp_millis())
        .with_manifest_list(list)
        .with_summary(summary(entries, removed, added))
        .with_schema_id(metadata.current_schema_id())
        .build();
    let branch = SnapshotReference::new(snapshot_id, SnapshotRetention::branch(None, None, None));
    let updated = metadata
        .clone()
        .into_builder(Some(from.clone()))
        .add_snapshot(snapshot)?
        .set_ref(MAIN_BRANCH, branch)?
        .build()?
        .metadata;
    let to = MetadataLocation::from_str(&from)?.with_next_version().with_new_metadata(&updated);
    updated.write_to(io, &to).await?;
    Ok(Swap { table: table.identifier().clone(), from, to: to.to_string() })
}

fn new_snapshot_id(metadata: &TableMetadata) -> i64 {
    loop {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let id = ((high ^ low) >> 1) as i64;
        if id > 0 && metadata.snapshot_by_id(id).is_none() {
            return id;
        }
    }
}

/// The counts that Iceberg's specification asks for in a snapshot's summary.
fn summary(entries: &[ManifestEntryRef], removed: &HashSet<&str>, added: &[DataFile]) -> Summary {
    let (gone, kept): (Vec<_>, Vec<_>) =
        entries.iter().map(|entry| entry.data_file()).partition(|file| removed.contains(file.file_path()));
    let rows = |files: &[&DataFile]| files.iter().map(|file| file.record_count()).sum::<u64>();
    let bytes = |files: &[&DataFile]| files.iter().map(|file| file.file_size_in_bytes()).sum::<u64>();
    let added: Vec<&DataFile> = added.iter().collect();
    let counts = [
        ("added-data-files", added.len() as u64),
        ("added-records", rows(&added)),
        ("added-files-size", bytes(&added)),
        ("deleted-data-files", gone.len() as u64),
        ("deleted-records", rows(&gone)),
        ("removed-files-size", bytes(&gone)),
        ("total-data-files", (kept.len() + added.len()) as u64),
        ("total-records", rows(&kept) + rows(&added)),
        ("total-files-size", bytes(&kept) + bytes(&added)),
        ("total-delete-files", 0),
        ("total-position-deletes", 0),
        ("total-equality-deletes", 0),
    ];
    let additional_properties: HashMap<String, String> =
        counts.into_iter().map(|(name, count)| (name.to_owned(), count.to_string())).collect();
    Summary { operation: Operation::Replace, additional_properties }
}
