use crate::{
    args::{Content, ContentCommand, Global},
    exit::Stop,
    note, output, settings, terminal,
};
use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use std::{fs, path::Path, process::ExitCode};
use yagura_access::Trust;
use yagura_content::{Document, Kind, Library};
use yagura_detect::RuleSet;
use yagura_model::{Inventory, Lang};
use yagura_posture::Rulebook;
use yagura_report::Rows;

/// `yagura content`
pub fn run(global: &Global, args: Content) -> Result<ExitCode, Stop> {
    match args.command {
        ContentCommand::List { kind } => list(global, kind.as_deref()),
        ContentCommand::Test => test(global),
        ContentCommand::New { kind, id, resource, dir } => new(&kind, &id, &resource, &dir, terminal::lang(global)),
    }
}

const COLUMNS: [&str; 12] = [
    "kind",
    "id",
    "title",
    "severity",
    "resource",
    "stage",
    "layer",
    "maps",
    "playbook",
    "guardduty",
    "attack",
    "file",
];

fn list(global: &Global, kind: Option<&str>) -> Result<ExitCode, Stop> {
    let kinds: Vec<Kind> = match kind {
        // The kinds that the contract names; others are listed for who asks for them.
        None => vec![Kind::Control, Kind::Detection, Kind::Framework, Kind::Playbook, Kind::Resource],
        Some(name) => {
            let found = Kind::ALL.into_iter().find(|k| k.as_str() == name).ok_or_else(|| {
                Stop::usage(anyhow!(
                    "`{name}` is no kind of content: use control, detection, escalation, playbook, resource or framework"
                ))
            })?;
            vec![found]
        }
    };
    let library = settings::library(global)?;
    let lang = terminal::lang(global);
    let rows: Vec<_> = kinds.iter().flat_map(|k| library.of(*k)).map(|d| row(d, lang)).collect();
    let mut columns: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    let mut rows = Rows { columns: columns.clone(), rows };
    if global.format.is_none() || global.format == Some(yagura_report::Format::Table) {
        // A person's table has room for what tells the entries apart.
        let keep = ["kind", "id", "severity", "stage", "title"];
        let index: Vec<usize> = keep.iter().filter_map(|k| COLUMNS.iter().position(|c| c == k)).collect();
        columns = keep.map(str::to_owned).to_vec();
        rows.rows = rows.rows.iter().map(|r| index.iter().map(|i| r[*i].clone()).collect()).collect();
        rows.columns = columns;
    }
    output::write_rows(global, "Yagura: content", &rows)?;
    Ok(ExitCode::SUCCESS)
}

fn row(d: &Document, lang: Lang) -> Vec<Option<Value>> {
    let value = |key: &str| d.value(key).and_then(|v| serde_json::to_value(v).ok());
    let of = |kinds: &[Kind], key: &str, default: Option<Value>| {
        if kinds.contains(&d.kind) { value(key).or(default) } else { None }
    };
    vec![
        Some(json!(d.kind.as_str())),
        Some(json!(d.id)),
        Some(json!(d.title.get(lang))),
        of(&[Kind::Control, Kind::Detection, Kind::Escalation], "severity", None),
        of(&[Kind::Control], "resource", None).or_else(|| (d.kind == Kind::Resource).then(|| json!(d.id))),
        of(&[Kind::Control], "stage", None),
        of(&[Kind::Control], "layer", None),
        of(&[Kind::Control], "maps", Some(json!({}))),
        of(&[Kind::Control, Kind::Detection], "playbook", Some(Value::Null)),
        of(&[Kind::Detection], "guardduty", Some(json!([]))),
        of(&[Kind::Detection, Kind::Escalation], "attack", Some(json!([]))),
        Some(json!(format!("content/{}", d.file))),
    ]
}

/// Runs every fixture of the built-in content, or of the content with `--content` over it.
fn test(global: &Global) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let errors = test_all(&library);
    for error in &errors {
        note!("{error}");
    }
    let count = |kind| library.of(kind).count();
    let [controls, detections, types, playbooks, frameworks, escalations] =
        [Kind::Control, Kind::Detection, Kind::Resource, Kind::Playbook, Kind::Framework, Kind::Escalation].map(count);
    match terminal::lang(global) {
        Lang::En => note!(
            "{controls} controls, {detections} detections, {types} resource types, {playbooks} playbooks, \
             {frameworks} frameworks, {escalations} escalation methods: {}",
            if errors.is_empty() { "all pass".to_owned() } else { format!("{} problem(s)", errors.len()) }
        ),
        Lang::Ja => note!(
            "コントロール {controls}、検出ルール {detections}、リソースタイプ {types}、プレイブック {playbooks}、\
             フレームワーク {frameworks}、権限昇格の手口 {escalations}: {}",
            if errors.is_empty() { "すべて合格".to_owned() } else { format!("問題 {} 件", errors.len()) }
        ),
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Everything that is wrong with a library, by the engines that would run it.
fn test_all(library: &Library) -> Vec<yagura_content::Error> {
    let deriver = super::derive::deriver(library, Trust::default(), Inventory::default());
    let mut errors = Rulebook::test(library, Some(&*deriver));
    errors.extend(RuleSet::compile(library, &[], false).0.test(library));
    errors.extend(yagura_inventory::mapping::test(library));
    errors.extend(yagura_respond::test(library));
    errors.extend(yagura_access::escalate::methods(library).1);
    errors.extend(misspelt_data(library));
    errors.sort();
    errors.dedup();
    errors
}

/// Actions in the `[data]` of resource types that AWS doesn't have: nobody would be found to reach the data by them.
fn misspelt_data(library: &Library) -> Vec<yagura_content::Error> {
    let (catalog, _) = yagura_inventory::mapping::Catalog::read(library);
    let of = |document: &yagura_content::Document| {
        let kind = catalog.get(&document.id)?;
        let wrong = kind.data_actions().find(|action| !yagura_access::catalogue::is_action(action))?;
        Some(document.error(1, format!("`[data]`: `{wrong}` is no action of AWS's")))
    };
    library.of(yagura_content::Kind::Resource).filter_map(of).collect()
}

fn new(kind: &str, id: &str, resource: &str, dir: &Path, lang: Lang) -> Result<ExitCode, Stop> {
    let (file, text) = skeleton(kind, id, resource)?;
    let path = dir.join(&file);
    if path.exists() {
        return Err(Stop::usage(anyhow!("`{}` exists already: choose another id", path.display())));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("`{}`", folder.display())).map_err(Stop::usage)?;
    }
    fs::write(&path, text).with_context(|| format!("`{}`", path.display())).map_err(Stop::usage)?;
    output::print(&format!("{}\n", path.display()))?;
    match lang {
        Lang::En => note!("write the rule and its texts, then run: yagura content test --content {}", dir.display()),
        Lang::Ja => note!("ルールと説明を書いたら実行します: yagura content test --content {}", dir.display()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The path below the content folder and the text of a new file that passes its test as it is.
fn skeleton(kind: &str, id: &str, resource: &str) -> Result<(String, String), Stop> {
    let safe = id.replace(['/', ':', ' '], "-");
    let folder = id.split(['.', '-', '/']).next().unwrap_or("other").to_ascii_lowercase();
    let (file, template) = match kind {
        "control" => (format!("controls/{folder}/{safe}.md"), include_str!("../skeletons/control.md")),
        "detection" => (format!("detections/{}.md", id.trim_matches('/')), include_str!("../skeletons/detection.md")),
        "escalation" => (format!("escalations/{folder}/{safe}.md"), include_str!("../skeletons/escalation.md")),
        "playbook" => (format!("playbooks/{safe}.md"), include_str!("../skeletons/playbook.md")),
        "resource" => {
            let mut words = id.split("::").skip(1).map(str::to_ascii_lowercase);
            let service = words.next().unwrap_or_else(|| "other".to_owned());
            let name = words.next().unwrap_or_else(|| "thing".to_owned());
            (format!("resources/{service}/{name}.md"), include_str!("../skeletons/resource.md"))
        }
        _ => {
            return Err(Stop::usage(anyhow!(
                "`{kind}` can't be begun: use control, detection, escalation, playbook or resource"
            )));
        }
    };
    if file.contains("..") {
        return Err(Stop::usage(anyhow!("`{id}` can't be a file's name: leave out `..`")));
    }
    Ok((file, template.replace("@ID@", id).replace("@RESOURCE@", resource)))
}
