//! Files that survive a power cut. Iceberg's own local storage syncs some of what it writes; a pointer must not reach
//! the disk before all that it points to, names in their folders included.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The path of a `file://` location.
pub(crate) fn path(location: &str) -> PathBuf {
    PathBuf::from(location.strip_prefix("file://").unwrap_or(location))
}

/// Syncs each file, then each folder that holds one of them and that folder's parents up to three levels (partition
/// folders are new together with their first file).
pub(crate) fn files(locations: impl IntoIterator<Item = String>) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for location in locations {
        let path = path(&location);
        File::open(&path)?.sync_all()?;
        folders.extend(
            path.ancestors().skip(1).take(4).filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf),
        );
    }
    for folder in folders {
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

/// Copies a file so that the copy is there whole or not at all.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = to.with_extension("tmp");
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    std::fs::copy(from, &temporary)?;
    File::open(&temporary)?.sync_all()?;
    std::fs::rename(&temporary, to)?;
    File::open(folder)?.sync_all()
}
