//! `docs/reference/`: what the commands take, written from the binary's own help. What Yagura knows has no page here:
//! `yagura content list` and `explain` and the console's pages are made from the content itself, so that a new file in
//! `content/` is all that a new control needs.

use crate::shell::{read, root, say};
use anyhow::{Context as _, Result, bail};
use std::{fmt::Write as _, fs, path::Path, process::Command};

const FOLDER: &str = "docs/reference";
const REFRESH: &str = "cargo xtask gen docs";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lang {
    En,
    Ja,
}

/// Writes all pages.
///
/// # Errors
/// When the binary gives no answer, or a page can't be written.
pub fn write(binary: &Path) -> Result<()> {
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
    for (name, text) in pages(binary)? {
        fs::write(folder.join(&name), text).with_context(|| format!("`{FOLDER}/{name}`"))?;
        say(&format!("wrote {FOLDER}/{name}"));
    }
    Ok(())
}

/// Holds the pages that are there against what they would be now.
///
/// # Errors
/// The pages that are stale or missing.
pub fn check(binary: &Path) -> Result<()> {
    let folder = root().join(FOLDER);
    let stale: Vec<String> = pages(binary)?
        .into_iter()
        .filter(|(name, text)| fs::read_to_string(folder.join(name)).map_or(true, |kept| kept != *text))
        .map(|(name, _)| name)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    bail!("{FOLDER}: stale: {}: run `{REFRESH}`", stale.join(", "))
}

/// Names and texts of all pages.
fn pages(binary: &Path) -> Result<Vec<(String, String)>> {
    Ok(vec![("cli.md".to_owned(), commands(binary, Lang::En)?), ("cli.ja.md".to_owned(), commands(binary, Lang::Ja)?)])
}

/// What the binary prints, the same in everybody's environment.
fn ask(binary: &Path, args: &[&str]) -> Result<String> {
    read(Command::new(binary).args(args).env_clear().env("LANG", "C.UTF-8"))
}

/// The help of every command, in the order of the help itself.
fn commands(binary: &Path, lang: Lang) -> Result<String> {
    let mut page = match lang {
        Lang::En => format!("# Commands\n\nWritten by `{REFRESH}` from `--help`.\n"),
        Lang::Ja => format!("# コマンド\n\n`--help` から `{REFRESH}` で生成しています。\n"),
    };
    let mut next: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = next.pop() {
        let help = |lang| {
            let asked = words.iter().map(String::as_str).chain(["--help", "--lang", lang]).collect::<Vec<_>>();
            ask(binary, &asked)
        };
        let english = help("en")?;
        let text = if lang == Lang::En { english.clone() } else { help("ja")? };
        let name = std::iter::once("yagura").chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", text.trim_end());
        for name in subcommands(&english).into_iter().rev() {
            next.push(words.iter().cloned().chain([name]).collect());
        }
    }
    Ok(page)
}

/// The names that a help text lists under `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next().filter(|_| !l.starts_with("   ")))
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_commands_of_a_help_text() {
        let help =
            "About.\n\nCommands:\n  up    Run\n          more words\n  scan  Judge\n  help  Print\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(help), ["up", "scan"]);
        assert!(subcommands("Usage: x\n").is_empty());
    }
}
