//! `docs/reference/`: what Yagura knows and what its commands take, written from the binary's own answers, so that no
//! list is kept by hand.

use crate::shell::{read, root, say};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

const FOLDER: &str = "docs/reference";
const REFRESH: &str = "cargo xtask gen docs";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lang {
    En,
    Ja,
}

impl Lang {
    fn say<'a>(self, en: &'a str, ja: &'a str) -> &'a str {
        if self == Lang::En { en } else { ja }
    }
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
    let mut pages = Vec::new();
    for (lang, code, end) in [(Lang::En, "en", "md"), (Lang::Ja, "ja", "ja.md")] {
        let text = ask(binary, &["content", "list", "--format", "ndjson", "--lang", code])?;
        let rows: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let of = |kind: &str| rows.iter().filter(|r| r["kind"] == kind).collect::<Vec<_>>();
        pages.push((format!("cli.{end}"), commands(binary, lang)?));
        pages.push((format!("controls.{end}"), controls(lang, &of("control"))));
        pages.push((format!("detections.{end}"), detections(lang, &of("detection"))));
        pages.push((format!("playbooks.{end}"), playbooks(lang, &of("playbook"), &rows)));
        let policy = ask(binary, &["policy"])?;
        pages.push((format!("resources.{end}"), resources(lang, &of("resource"), &of("control"), &policy)));
    }
    Ok(pages)
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

fn head(lang: Lang, title: &str, count: usize, source: &str) -> String {
    match lang {
        Lang::En => format!(
            "# {title}\n\n{count} in all. Written by `{REFRESH}` from {source}; `yagura explain ID` shows each.\n"
        ),
        Lang::Ja => format!(
            "# {title}\n\n全 {count} 件。{source} から `{REFRESH}` で生成しています。各項目の説明は `yagura explain ID` で表示できます。\n"
        ),
    }
}

/// Rows under a heading for each folder of `content/KIND/`.
fn by_folder<'a>(rows: &[&'a Value]) -> BTreeMap<&'a str, Vec<&'a Value>> {
    let mut folders: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for row in rows {
        let folder = row["file"].as_str().and_then(|f| f.split('/').nth(2)).unwrap_or_default();
        folders.entry(folder).or_default().push(row);
    }
    folders
}

fn controls(lang: Lang, rows: &[&Value]) -> String {
    let mut page = head(lang, lang.say("Controls", "コントロール"), rows.len(), "`content/controls/`");
    let columns = lang.say(
        "| control | severity | stage | what holds when all is well | CIS 5.0 | Config rule | playbook |",
        "| コントロール | 重大度 | 段階 | 満たすべき状態 | CIS 5.0 | Config ルール | プレイブック |",
    );
    for (folder, rows) in by_folder(rows) {
        let _ = write!(page, "\n## {folder}\n\n{columns}\n|---|---|---|---|---|---|---|\n");
        for row in rows {
            let (cis, rule) = (&row["maps"]["cis-aws-5_0"], &row["maps"]["config-rule"]);
            line(
                &mut page,
                &[
                    &link(row),
                    &cell(&row["severity"]),
                    &cell(&row["stage"]),
                    &cell(&row["title"]),
                    &cell(cis),
                    &cell(rule),
                    &cell(&row["playbook"]),
                ],
            );
        }
    }
    page
}

fn detections(lang: Lang, rows: &[&Value]) -> String {
    let mut page = head(lang, lang.say("Detections", "検知"), rows.len(), "`content/detections/`");
    let columns = lang.say(
        "| detection | severity | what somebody did | ATT&CK | GuardDuty |",
        "| 検知 | 重大度 | 何が行われたか | ATT&CK | GuardDuty |",
    );
    for (folder, rows) in by_folder(rows) {
        let _ = write!(page, "\n## {folder}\n\n{columns}\n|---|---|---|---|---|\n");
        for row in rows {
            line(
                &mut page,
                &[
                    &link(row),
                    &cell(&row["severity"]),
                    &cell(&row["title"]),
                    &cell(&row["attack"]),
                    &cell(&row["guardduty"]),
                ],
            );
        }
    }
    page
}

fn playbooks(lang: Lang, rows: &[&Value], all: &[Value]) -> String {
    let mut page = head(lang, lang.say("Playbooks", "プレイブック"), rows.len(), "`content/playbooks/`");
    page.push_str(lang.say(
        "\n| playbook | what it does | answers |\n|---|---|---|\n",
        "\n| プレイブック | 内容 | 対応する項目 |\n|---|---|---|\n",
    ));
    for row in rows {
        let answered: Vec<&str> =
            all.iter().filter(|r| r["playbook"] == row["id"]).filter_map(|r| r["id"].as_str()).collect();
        line(&mut page, &[&link(row), &cell(&row["title"]), &answered.join(", ")]);
    }
    page
}

fn resources(lang: Lang, rows: &[&Value], controls: &[&Value], policy: &str) -> String {
    let mut page = head(lang, lang.say("Resource types", "リソースタイプ"), rows.len(), "`content/resources/`");
    page.push_str(lang.say(
        "\n| type | what it is | controls |\n|---|---|---|\n",
        "\n| タイプ | 名称 | コントロール |\n|---|---|---|\n",
    ));
    for row in rows {
        let judges = |c: &&&Value| cell(&c["resource"]).split(", ").any(|kind| row["id"] == kind);
        let judged: Vec<&str> = controls.iter().filter(judges).filter_map(|c| c["id"].as_str()).collect();
        line(&mut page, &[&link(row), &cell(&row["title"]), &judged.join(", ")]);
    }
    let heading = lang.say("What reading them needs", "読み取りに必要な権限");
    let _ = write!(page, "\n## {heading}\n\n`yagura policy`\n\n```json\n{}\n```\n", policy.trim_end());
    page
}

fn line(page: &mut String, cells: &[&str]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

/// A content file's id, linked from `docs/reference/`.
fn link(row: &Value) -> String {
    format!("[{}](../../{})", cell(&row["id"]), row["file"].as_str().unwrap_or_default())
}

/// A value as a table's cell.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('|', "\\|"),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
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
