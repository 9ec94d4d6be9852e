//! From paths to inputs: folders are walked, links are not followed, and what is no regular file is skipped by name.

use crate::problem::{Level, Problem};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use yagura_model::Text;

/// How surely somebody expects a log in an input, and so how bad it is when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    None,
    /// It is named like a log, among other files.
    Name,
    /// It was named by hand.
    Hand,
}

impl Claim {
    /// The claim of a file that was come across, by its name or key.
    pub fn of_name(name: &str) -> Claim {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let is_log = [".json", ".ndjson", ".jsonl"].iter().any(|end| name.ends_with(end));
        if is_log { Claim::Name } else { Claim::None }
    }
}

/// Something that is no file, such as an object in a bucket; fetched when it is opened.
pub struct Object<'a> {
    /// `s3://bucket`
    pub source: String,
    pub key: String,
    /// What the source calls this version of it: S3's ETag.
    pub etag: Option<String>,
    pub open: Opener<'a>,
}

/// Opens an object from its start; may be called more than once.
pub type Opener<'a> = Box<dyn Fn() -> io::Result<Box<dyn Read + 'a>> + Send + Sync + 'a>;

/// One thing to read.
pub enum Input<'a> {
    Stdin,
    File { path: PathBuf, claim: Claim },
    Object(Object<'a>),
}

impl Input<'_> {
    /// What a person calls it.
    pub fn name(&self) -> String {
        match self {
            Input::Stdin => "-".to_owned(),
            Input::File { path, .. } => path.display().to_string(),
            Input::Object(object) => format!("{}/{}", object.source, object.key),
        }
    }

    pub(crate) fn claim(&self) -> Claim {
        match self {
            Input::Stdin => Claim::Hand,
            Input::File { claim, .. } => *claim,
            Input::Object(object) => Claim::of_name(&object.key),
        }
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Input::Stdin => Box::new(io::stdin().lock()),
            Input::File { path, .. } => Box::new(File::open(path)?),
            Input::Object(object) => (object.open)()?,
        })
    }
}

/// The inputs below `paths` in the order of their names, and what was skipped.
///
/// # Errors
/// The first path that doesn't exist.
pub fn inputs(paths: &[PathBuf]) -> Result<(Vec<Input<'static>>, Vec<Problem>), PathBuf> {
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
            Ok(meta) if meta.is_file() => inputs.push(Input::File { path: path.clone(), claim: Claim::Hand }),
            Ok(_) => problems.push(special(path, Level::Damage)),
        }
    }
    Ok((inputs, problems))
}

fn walk(root: &Path, inputs: &mut Vec<Input<'static>>, problems: &mut Vec<Problem>) {
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
                    let claim = Claim::of_name(&path.to_string_lossy());
                    inputs.push(Input::File { path, claim });
                }
                Ok(_) => problems.push(special(&path, Level::Note)),
            }
        }
        folders.extend(below.into_iter().rev());
    }
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

fn unreadable(path: &Path, e: &io::Error) -> Problem {
    Problem::unreadable(&path.display().to_string(), e)
}
