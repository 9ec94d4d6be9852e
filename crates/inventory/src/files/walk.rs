//! Which files a path stands for. A folder is walked; what it holds that is no regular file is left alone, so that a
//! link can't lead out of the folder and a fifo can't make us wait.

use super::Problem;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file to look into.
pub(super) struct Found {
    pub path: PathBuf,
    /// The user named this very file, so that it not being evidence is worth a word.
    pub named: bool,
}

/// All regular files that `path` stands for, sorted.
pub(super) fn expand(path: &Path, problems: &mut Vec<Problem>) -> Vec<Found> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) => {
            problems.push(Problem::unreadable(path, &e));
            return Vec::new();
        }
    };
    if metadata.is_dir() {
        return walk(path, problems);
    }
    if !metadata.is_file() {
        problems.push(Problem::new(
            path.display().to_string(),
            ("is a pipe or device, not a file", "ファイルではなく、パイプまたはデバイスです"),
            (
                "write its content to a file and give that, or use - for standard input",
                "内容をファイルに書き出すか、標準入力 (-) で渡してください",
            ),
        ));
        return Vec::new();
    }
    vec![Found { path: path.to_owned(), named: true }]
}

fn walk(root: &Path, problems: &mut Vec<Problem>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                problems.push(Problem::unreadable(&folder, &e));
                continue;
            }
        };
        for entry in entries.flatten() {
            // A link inside the folder leads to a file that is walked anyway, or out of the folder.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && entry.file_name() != ".git" {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(Found { path: entry.path(), named: false });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
