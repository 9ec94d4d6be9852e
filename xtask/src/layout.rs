//! What makes a room easy to find one's way in: files of a readable length, and a module doc that says why it exists.

use crate::shell::root;
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lines of a file above its unit tests.
const MAX_LINES: usize = 500;
/// Lines of the page that a newcomer reads first.
const MAX_PAGE: usize = 300;

/// # Errors
/// Every file that breaks a rule.
pub fn check() -> Result<()> {
    let mut broken = Vec::new();
    for folder in ["crates", "testkit", "xtask"] {
        for path in sources(&root().join(folder))? {
            let text = fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
            let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            broken.extend(wrong(&name, &text).map(|what| format!("{name}: {what}")));
        }
    }
    let page = "docs/ARCHITECTURE.md";
    let lines = fs::read_to_string(root().join(page)).with_context(|| format!("`{page}`"))?.lines().count();
    if lines > MAX_PAGE {
        broken.push(format!("{page}: {lines} lines: keep it to {MAX_PAGE}"));
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the layout's rules are broken:\n  {}", broken.join("\n  "))
}

fn wrong(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().take_while(|l| *l != "#[cfg(test)]").count();
    if lines > MAX_LINES {
        return Some(format!("{lines} lines: find a better cut, {MAX_LINES} are the limit"));
    }
    let crate_root = name.ends_with("src/lib.rs") || name.ends_with("src/main.rs");
    let doc: usize = text.lines().map_while(|l| l.strip_prefix("//!")).map(str::len).sum();
    (crate_root && doc < 40).then(|| "say in a module doc why the crate exists".to_owned())
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("`{}`", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_long_files_and_crates_without_a_reason() {
        let long = "let a = 1;\n".repeat(501);
        assert!(wrong("crates/a/src/a.rs", &long).is_some_and(|w| w.starts_with("501 lines")));
        assert_eq!(wrong("crates/a/src/a.rs", &long[11..]), None);
        assert_eq!(wrong("crates/a/src/a.rs", &format!("#[cfg(test)]\n{long}")), None);
        assert!(wrong("crates/a/src/lib.rs", "//! Placeholder.\n").is_some());
        assert_eq!(wrong("crates/a/src/lib.rs", "//! Says in a sentence or two why it is there.\n"), None);
    }
}
