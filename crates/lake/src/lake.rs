//! The lake's folder and table, opened and put in order.

use crate::catalog::SqlCatalog;
use crate::durable;
use crate::error::LakeError;
use crate::schema;
use crate::seen::Seen;
use iceberg::spec::ManifestContentType;
use iceberg::table::Table;
use iceberg::{Catalog, ErrorKind};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use yagura_state::State;

/// The lake of one data directory.
///
/// `DATA/lake` holds the Iceberg tables, `DATA/quarantine` what could not be read. Other engines open the tables
/// through the state database ([`crate::CATALOG_NAME`], [`crate::NAMESPACE`], [`crate::TABLE`]).
#[derive(Debug)]
pub struct Lake {
    pub(crate) state: State,
    pub(crate) catalog: SqlCatalog,
    folder: PathBuf,
    quarantine: PathBuf,
}

/// Held while a process writes to the lake. Another one waits: what is in the table must not change between the look
/// that finds an event new and the commit that adds it.
#[derive(Debug)]
pub(crate) struct WriteLock(#[expect(dead_code, reason = "closing the file releases the lock")] fs::File);

impl Lake {
    /// Opens the lake of the data directory `data`, whose database `state` is.
    pub async fn open(data: &Path, state: &State) -> Result<Lake, LakeError> {
        let data = std::path::absolute(data).map_err(LakeError::io("find", data))?;
        let (folder, quarantine) = (data.join("lake"), data.join("quarantine"));
        fs::create_dir_all(&folder).map_err(LakeError::io("create the folder", &folder))?;
        let warehouse = format!("file://{}", folder.display());
        let catalog = SqlCatalog::new(state.clone(), warehouse).map_err(LakeError::table("open the catalog"))?;
        Ok(Lake { state: state.clone(), catalog, folder, quarantine })
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn quarantine(&self) -> &Path {
        &self.quarantine
    }

    /// The events' table as it is now; `None` before the first ingest.
    pub(crate) async fn table(&self) -> Result<Option<Table>, LakeError> {
        match self.catalog.load_table(&schema::ident()).await {
            Ok(table) => self.check_place(table).map(Some),
            Err(error) if error.kind() == ErrorKind::TableNotFound => Ok(None),
            Err(source) => Err(LakeError::Table { doing: "open the table of events", source }),
        }
    }

    pub(crate) async fn table_or_new(&self) -> Result<Table, LakeError> {
        if let Some(table) = self.table().await? {
            return Ok(table);
        }
        let failed = || LakeError::table("create the table of events");
        self.catalog.create_namespace(&schema::namespace(), HashMap::new()).await.map_err(failed())?;
        let creation = schema::creation().map_err(failed())?;
        self.catalog.create_table(&schema::namespace(), creation).await.map_err(failed())
    }

    /// Iceberg's metadata names files by absolute path, so a data directory that was moved would read and sweep the old
    /// place.
    fn check_place(&self, table: Table) -> Result<Table, LakeError> {
        let location = table.metadata().location();
        if !durable::path(location).starts_with(&self.folder) {
            return Err(LakeError::Moved { path: self.folder.clone(), location: location.to_owned() });
        }
        Ok(table)
    }

    /// Waits for the one writer's place.
    pub(crate) fn lock(&self) -> Result<WriteLock, LakeError> {
        let path = self.folder.join("ingest.lock");
        let file = fs::File::create(&path).map_err(LakeError::io("create", &path))?;
        file.lock().map_err(LakeError::io("lock", &path))?;
        Ok(WriteLock(file))
    }

    /// Deletes what a killed writer left behind, files that the table's metadata doesn't reach, and says which events
    /// the table has. The caller holds the lock, so nobody is about to refer to them.
    pub(crate) async fn sweep(&self, table: &Table, _lock: &WriteLock) -> Result<(Seen, u64), LakeError> {
        let failed = || LakeError::table("read the table's manifests");
        let metadata = table.metadata();
        let mut kept: HashSet<PathBuf> = HashSet::new();
        let mut keep = |location: &str| kept.insert(durable::path(location));
        keep(table.metadata_location().unwrap_or_default());
        for entry in metadata.metadata_log() {
            keep(&entry.metadata_file);
        }
        let mut seen = Seen::default();
        let mut manifests = HashSet::new();
        let current = metadata.current_snapshot_id();
        for snapshot in metadata.snapshots() {
            keep(snapshot.manifest_list());
            let list = table.manifest_list_reader(snapshot).load().await.map_err(failed())?;
            for manifest in list.entries() {
                let in_current = Some(snapshot.snapshot_id()) == current;
                // A manifest is shared by all later snapshots; the current one decides what the table holds.
                if !manifests.insert((manifest.manifest_path.clone(), in_current)) {
                    continue;
                }
                keep(&manifest.manifest_path);
                for entry in manifest.load_manifest(table.file_io()).await.map_err(failed())?.entries() {
                    keep(entry.file_path());
                    if in_current && entry.is_alive() && manifest.content == ManifestContentType::Data {
                        seen.add_file(entry.data_file());
                    }
                }
            }
        }
        let swept = remove_others(&durable::path(metadata.location()), &kept)?;
        Ok((seen, swept))
    }
}

/// Removes all files below `folder` that are not in `kept`; the number removed.
fn remove_others(folder: &Path, kept: &HashSet<PathBuf>) -> Result<u64, LakeError> {
    let mut removed = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LakeError::Io { doing: "list", path: folder, source }),
        };
        for entry in entries {
            let entry = entry.map_err(LakeError::io("list", &folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(LakeError::io("read", &path))?;
            if kind.is_dir() {
                folders.push(path);
            } else if !kept.contains(&path) {
                fs::remove_file(&path).map_err(LakeError::io("remove", &path))?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}
