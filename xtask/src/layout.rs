//! What makes a room easy to find one's way in: files of a readable length, a module doc that says why it exists, and
//! links that lead somewhere.

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
        for path in files(&root().join(folder), "rs")? {
            let (name, text) = read(&path)?;
            broken.extend(wrong(&name, &text).map(|what| format!("{name}: {what}")));
        }
    }
    let mut pages = files(&root().join("docs"), "md")?;
    pages.extend(["README.md", "README.ja.md", "CHANGELOG.md"].map(|name| root().join(name)));
    for path in pages {
        let (name, text) = read(&path)?;
        let folder = path.parent().unwrap_or(&path);
        let dead = links(&text).filter(|link| !folder.join(link).exists());
        broken.extend(dead.map(|link| format!("{name}: the link to `{link}` leads nowhere")));
        let lines = text.lines().count();
        if name == "docs/ARCHITECTURE.md" && lines > MAX_PAGE {
            broken.push(format!("{name}: {lines} lines: keep it to {MAX_PAGE}"));
        }
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

/// A file's name below the root, and its text.
fn read(path: &Path) -> Result<(String, String)> {
    let text = fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
    Ok((path.strip_prefix(root()).unwrap_or(path).display().to_string(), text))
}

/// The files that a page's Markdown links to, without fragments; the web's addresses are left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files = targets.map(|(link, _)| link.split('#').next().unwrap_or_default());
    files.filter(|link| !link.is_empty() && !link.contains("://") && !link.contains(char::is_whitespace))
}

/// All files below a folder with an ending.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("`{}`", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path, ending)?);
        } else if path.extension().is_some_and(|e| e == ending) {
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

    #[test]
    fn finds_the_files_that_a_page_links_to() {
        let page = "[a](a.md) ![b](../b.png) [c](c.md#part) [d](#part) <https://e> [e](https://e) f](g h)";
        assert_eq!(links(page).collect::<Vec<_>>(), ["a.md", "../b.png", "c.md"]);
    }
}
