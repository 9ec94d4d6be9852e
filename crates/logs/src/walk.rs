//! From paths to inputs: folders are walked, links are not followed, and what is no regular file is skipped by name.

use crate::problem::{Level, Problem};
use std::fs;
use std::path::{Path, PathBuf};
use yagura_model::Text;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File {
        path: PathBuf,
        /// Somebody expects a log here: the file was named by hand or is named like a log.
        claims: bool,
    },
}

/// The inputs below `paths` in the order of their names, and what was skipped.
///
/// # Errors
/// The first path that doesn't exist.
pub fn inputs(paths: &[PathBuf]) -> Result<(Vec<Input>, Vec<Problem>), PathBuf> {
    let (mut inputs, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
            continue;
        }
        match fs::metadata(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(path.clone()),
            Err(e) => problems.push(unreadable(path, &e)),
            Ok(meta) if meta.is_dir() => {
                let before = inputs.len() + problems.len();
                walk(path, &mut inputs, &mut problems);
                if inputs.len() + problems.len() == before {
                    let what = Text::new("the folder holds no files", "フォルダーにファイルがありません");
                    let hint = Text::new("check the path", "パスを確認してください");
                    problems.push(Problem::new(Level::Note, &path.display().to_string(), what, hint));
                }
            }
            Ok(meta) if meta.is_file() => inputs.push(Input::File { path: path.clone(), claims: true }),
            Ok(_) => problems.push(special(path, Level::Damage)),
        }
    }
    Ok((inputs, problems))
}

fn walk(root: &Path, inputs: &mut Vec<Input>, problems: &mut Vec<Problem>) {
    let canonical = fs::canonicalize(root).ok();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut entries = match fs::read_dir(&folder).and_then(|dir| dir.collect::<Result<Vec<_>, _>>()) {
            Ok(entries) => entries,
            Err(e) => {
                problems.push(unreadable(&folder, &e));
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut below = Vec::new();
        for entry in entries {
            let path = entry.path();
            match entry.file_type() {
                Err(e) => problems.push(unreadable(&path, &e)),
                Ok(kind) if kind.is_symlink() => {
                    // A link to something inside is read where that stands.
                    let inside = match (&canonical, fs::canonicalize(&path)) {
                        (Some(root), Ok(target)) => target.starts_with(root),
                        _ => false,
                    };
                    if !inside {
                        let what = Text::new(
                            "a symbolic link out of the folder; not followed",
                            "フォルダーの外を指すシンボリックリンクのため、たどりません",
                        );
                        let hint = Text::new(
                            "name its target if you want it read",
                            "読む場合はリンク先を直接指定してください",
                        );
                        problems.push(Problem::new(Level::Note, &path.display().to_string(), what, hint));
                    }
                }
                Ok(kind) if kind.is_dir() => below.push(path),
                Ok(kind) if kind.is_file() => {
                    let claims = is_named_like_a_log(&path);
                    inputs.push(Input::File { path, claims });
                }
                Ok(_) => problems.push(special(&path, Level::Note)),
            }
        }
        folders.extend(below.into_iter().rev());
    }
}

fn is_named_like_a_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".json", ".gz", ".ndjson", ".jsonl"].iter().any(|end| name.ends_with(end))
}

fn special(path: &Path, level: Level) -> Problem {
    let what =
        Text::new("no regular file (fifo, device or socket); skipped", "通常のファイルではないためスキップしました");
    let hint = Text::new(
        "give a file, a folder or `-` for standard input",
        "ファイル、フォルダー、または標準入力の `-` を指定してください",
    );
    Problem::new(level, &path.display().to_string(), what, hint)
}

pub(crate) fn unreadable(path: &Path, e: &std::io::Error) -> Problem {
    let what = Text::new(format!("can't be read: {e}"), format!("読み取れません: {e}"));
    let hint = Text::new("check its permissions and run again", "権限を確認して再実行してください");
    Problem::new(Level::Damage, &path.display().to_string(), what, hint)
}
