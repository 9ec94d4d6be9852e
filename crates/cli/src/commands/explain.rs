use crate::{
    args::{Explain, Global},
    exit::Stop,
    output, settings, terminal,
};
use anyhow::anyhow;
use std::fmt::Write as _;
use std::process::ExitCode;
use yagura_content::{Document, Kind, Library};
use yagura_model::Lang;

/// `yagura explain`
pub fn run(global: &Global, args: &Explain) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let lang = terminal::lang(global);
    let document = Kind::ALL
        .into_iter()
        .find_map(|kind| library.of(kind).find(|d| d.id.eq_ignore_ascii_case(&args.id)))
        .ok_or_else(|| Stop::usage(unknown(&library, &args.id)))?;
    output::print(&page(document, lang))?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(library: &Library, id: &str) -> anyhow::Error {
    let wanted = id.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> =
        library.all().map(|d| (distance(&wanted, &d.id.to_ascii_lowercase()), d.id.as_str())).collect();
    near.sort_unstable();
    let near: Vec<_> = near.iter().take(3).map(|(_, id)| format!("`{id}`")).collect();
    anyhow!("no content has the id `{id}`: the nearest are {}; `yagura content list` shows all", near.join(", "))
}

/// Levenshtein distance over characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// A document as a page to read: title, facts of the head, text, rule.
fn page(document: &Document, lang: Lang) -> String {
    let mut out = String::new();
    let title = document.title.get(lang);
    let _ = writeln!(out, "{}  {title}\n{}", document.id, "─".repeat(72));
    let words: &[(&str, &str, &str)] = &[
        ("severity", "Severity", "重大度"),
        ("kind", "Kind", "種別"),
        ("resource", "Resource", "リソース"),
        ("stage", "Stage", "段階"),
        ("layer", "Layer", "レイヤー"),
        ("minutes", "Minutes", "所要時間(分)"),
        ("cost", "Cost", "料金"),
        ("risk", "Risk of the fix", "修正の影響リスク"),
        ("guardduty", "GuardDuty", "GuardDuty"),
        ("attack", "ATT&CK", "ATT&CK"),
        ("playbook", "Playbook", "プレイブック"),
        ("maps", "Maps to", "対応する基準"),
    ];
    for (key, en, ja) in words {
        if let Some(value) = document.value(key).map(show).filter(|v| !v.is_empty()) {
            let _ = writeln!(out, "{}: {value}", if lang == Lang::Ja { ja } else { en });
        }
    }
    let _ = writeln!(out, "\n{}", document.body.get(lang));
    for word in ["when", "cel", "sigma", "steps"] {
        for block in document.blocks(word) {
            let _ = writeln!(out, "\n[{word}]\n{}", block.text.trim_end());
        }
    }
    let _ = writeln!(out, "\ncontent/{}", document.file);
    out
}

fn show(value: &toml::Value) -> String {
    match value {
        toml::Value::String(s) => s.clone(),
        toml::Value::Array(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        toml::Value::Table(table) => {
            table.iter().map(|(k, v)| format!("{k} {}", show(v))).collect::<Vec<_>>().join("; ")
        }
        toml::Value::Integer(n) => n.to_string(),
        toml::Value::Boolean(b) => b.to_string(),
        toml::Value::Float(_) | toml::Value::Datetime(_) => String::new(),
    }
}
