use crate::{
    args::{Explain, Global},
    exit::Stop,
    output, settings, terminal,
};
use anyhow::anyhow;
use serde_json::Value;
use std::fmt::Write as _;
use std::process::ExitCode;
use yagura_content::{Document, Kind, Library};
use yagura_model::Lang;
use yagura_report::Rows;

/// `yagura explain`
pub fn run(global: &Global, args: &Explain) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let lang = terminal::lang(global);
    let document = Kind::ALL
        .into_iter()
        .find_map(|kind| library.of(kind).find(|d| d.id.eq_ignore_ascii_case(&args.id)))
        .ok_or_else(|| Stop::usage(unknown(&library, &args.id)))?;
    let text = page(document, &library, lang);
    if output::is_only_table(global) {
        output::print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let columns = ["kind", "id", "title", "text", "file"].map(str::to_owned).to_vec();
    let title = document.title.get(lang);
    let row = [document.kind.as_str(), &document.id, title, document.body.get(lang), &file(document)];
    let rows = vec![row.into_iter().map(|text| Some(Value::from(text))).collect()];
    output::write_rows(global, title, &Rows { columns, rows })?;
    Ok(ExitCode::SUCCESS)
}

fn file(document: &Document) -> String {
    format!("content/{}", document.file)
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
fn page(document: &Document, library: &Library, lang: Lang) -> String {
    let mut out = String::new();
    let title = document.title.get(lang);
    let _ = writeln!(out, "{}  {title}\n{}", document.id, "─".repeat(72));
    let words: &[(&str, &str, &str)] = &[
        ("severity", "Severity", "重大度"),
        ("kind", "Kind", "種別"),
        ("category", "Category", "分類"),
        ("resource", "Resource", "リソース"),
        ("stage", "Stage", "段階"),
        ("layer", "Layer", "レイヤー"),
        ("minutes", "Minutes", "所要時間（分）"),
        ("cost", "Cost", "料金"),
        ("risk", "Risk of the fix", "修正の影響リスク"),
        ("guardduty", "GuardDuty", "GuardDuty"),
        ("attack", "ATT&CK", "ATT&CK"),
        ("playbook", "Playbook", "プレイブック"),
        ("maps", "Maps to", "対応する基準"),
    ];
    for (key, en, ja) in words {
        if let Some(value) = document.value(key).map(show).filter(|v| !v.is_empty()) {
            let (name, value) = if lang == Lang::Ja { (ja, japanese(&value)) } else { (en, value.as_str()) };
            let _ = writeln!(out, "{name}: {value}");
        }
    }
    for (name, calls) in calls(document, lang) {
        let _ = writeln!(out, "{name}: {calls}");
    }
    let text = document.body.get(lang);
    if !text.is_empty() {
        let _ = writeln!(out, "\n{text}");
    }
    for word in ["when", "cel", "sigma"] {
        for block in document.blocks(word) {
            let _ = writeln!(out, "\n[{word}]\n{}", block.text.trim_end());
        }
    }
    match document.kind {
        Kind::Resource => controls_of(&mut out, document, library, lang),
        Kind::Framework => items(&mut out, document, lang),
        _ => {}
    }
    let _ = writeln!(out, "\n{}", file(document));
    out
}

/// A word of the head that is a choice of few.
fn japanese(value: &str) -> &str {
    match value {
        "critical" => "緊急",
        "high" => "高",
        "medium" => "中",
        "low" => "低",
        "informational" => "情報",
        "none" => "なし",
        "minimum" => "最小",
        "standard" => "標準",
        "hardened" => "堅牢",
        "free" => "無料",
        "usage" => "従量課金",
        "account" => "アカウント",
        "compute" => "コンピューティング",
        "data" => "データ",
        "detection" => "検知",
        "identity" => "ID・権限",
        "logging" => "ログ",
        "network" => "ネットワーク",
        "alert" => "アラート",
        "signal" => "シグナル",
        other => other,
    }
}

/// The AWS calls that a resource type or playbook makes, or the actions that an escalation method needs.
fn calls(document: &Document, lang: Lang) -> Vec<(&'static str, String)> {
    let words: &[(&str, &str, &str)] = match document.kind {
        Kind::Resource => &[("call", "Calls", "AWS API")],
        Kind::Playbook => &[
            ("lookup", "Looks up with", "確認に使う API"),
            ("state", "Reads back with", "読み直す API"),
            ("call", "Changes with", "変更する API"),
        ],
        Kind::Escalation => &[("needs", "Needs", "必要な権限")],
        _ => &[],
    };
    let text = |value: &toml::Value| match value {
        toml::Value::Array(any) => any.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(" / "),
        one => one.as_str().unwrap_or_default().to_owned(),
    };
    let mut found = Vec::new();
    for (key, en, ja) in words {
        let entries = document.value(key).and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut apis: Vec<String> =
            entries.iter().filter_map(|e| e.get("api").or_else(|| e.get("action"))).map(text).collect();
        apis.dedup();
        if !apis.is_empty() {
            found.push((if lang == Lang::Ja { *ja } else { *en }, apis.join(", ")));
        }
    }
    found
}

/// The controls that judge a resource type.
fn controls_of(out: &mut String, document: &Document, library: &Library, lang: Lang) {
    let judges = |d: &&Document| d.value("resource").and_then(toml::Value::as_str) == Some(&document.id);
    let mut controls = library.of(Kind::Control).filter(judges).peekable();
    if controls.peek().is_some() {
        out.push_str(if lang == Lang::Ja { "\nコントロール:\n" } else { "\nControls:\n" });
    }
    for control in controls {
        let _ = writeln!(out, "  {:<16} {}", control.id, control.title.get(lang));
    }
}

/// A framework's items, each with the controls that answer it.
fn items(out: &mut String, document: &Document, lang: Lang) {
    let items = document.value("item").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    out.push('\n');
    for item in items {
        let text = |value: Option<&toml::Value>| value.map(show).unwrap_or_default();
        let title = text(item.get("title").and_then(|title| title.get(lang.tag())));
        let controls = text(item.get("controls"));
        let controls = if controls.is_empty() { "—" } else { &controls };
        let _ = writeln!(out, "  {:<8} {title}\n           {controls}", text(item.get("id")));
    }
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
