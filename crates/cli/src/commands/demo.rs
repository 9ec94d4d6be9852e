//! The fictional company of `yagura up --demo`: its evidence is written as AWS would deliver it, then read, judged and
//! kept by the same steps as a user's own.

use super::{ingest, judge, sources};
use crate::{
    args::{Global, Reading},
    exit::Stop,
    note, settings, terminal,
};
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, time::Instant};
use testkit::{Company, Summary};
use yagura_content::Library;
use yagura_detect::RuleSet;
use yagura_hub::{Catalog, Hub, Scope};
use yagura_inventory::{
    files::{self, Input, Options, Parameters},
    mapping,
};
use yagura_model::Lang;

/// What says that a data directory is the demo's, and when it was made.
const MARKER: &str = "demo.json";

/// What the demo writes beside its marker.
const EVIDENCE: &str = "evidence";

/// Which company: another number is another one.
const SEED: u64 = 7117;

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    version: String,
    /// Where the evidence ends.
    end: DateTime<Utc>,
    complete: bool,
}

/// Makes the data directory the demo's, unless it is already and was made today. `scale` 1 gives 14 full days.
pub async fn prepare(global: &Global, library: &Library, scale: f64) -> Result<(), Stop> {
    let data = settings::data_dir(global);
    let now = Utc::now();
    if is_ready(&data, now)? {
        return Ok(());
    }
    clear(&data)?;
    let mut marker = Marker { version: env!("CARGO_PKG_VERSION").to_owned(), end: now, complete: false };
    put(&data, &marker)?;
    let lang = terminal::lang(global);
    let company = Company::new(testkit::Options { seed: SEED, scale, end: now });
    write_evidence(&company, &data, lang)?;
    let hub = settings::hub(global).await?;
    let catalog = Catalog::of(library);
    let [older, newer] = company.snapshot_times();
    snapshot(&company, (0, older), &data, library, &hub, lang).await?;
    logs(&data, library, &hub, lang).await?;
    snapshot(&company, (1, newer), &data, library, &hub, lang).await?;
    hub.remember_score(&catalog, &settings::stamp(now)).await?;
    marker.complete = true;
    put(&data, &marker)
}

/// Whether the demo is there. A directory that holds somebody's real findings is never touched.
fn is_ready(data: &Path, now: DateTime<Utc>) -> Result<bool, Stop> {
    let marker = match fs::read_to_string(data.join(MARKER)) {
        Ok(text) => serde_json::from_str::<Marker>(&text).ok(),
        Err(e) if e.kind() == io::ErrorKind::NotFound && data.join(yagura_state::FILE_NAME).exists() => {
            return Err(Stop::usage(anyhow!(
                "`{}` holds findings that are not the demo's: choose another --data for the demo",
                data.display()
            )));
        }
        Err(_) => None,
    };
    let current = |m: &Marker| m.version == env!("CARGO_PKG_VERSION") && m.end.date_naive() == now.date_naive();
    Ok(marker.is_some_and(|m| m.complete && current(&m)))
}

/// Removes what an earlier demo left, and nothing else.
fn clear(data: &Path) -> Result<(), Stop> {
    if !data.join(MARKER).exists() {
        return Ok(());
    }
    let database = yagura_state::FILE_NAME;
    for name in [database.to_owned(), format!("{database}-wal"), format!("{database}-shm")] {
        removed(fs::remove_file(data.join(&name)), &data.join(name))?;
    }
    for name in [EVIDENCE, "lake"] {
        removed(fs::remove_dir_all(data.join(name)), &data.join(name))?;
    }
    Ok(())
}

fn removed(done: io::Result<()>, path: &Path) -> Result<(), Stop> {
    match done {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(Stop::failed(anyhow!("`{}`, of an earlier demo, can't be removed: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

fn put(data: &Path, marker: &Marker) -> Result<(), Stop> {
    let path = data.join(MARKER);
    fs::create_dir_all(data)
        .and_then(|()| fs::write(&path, serde_json::to_string(marker).unwrap_or_default()))
        .with_context(|| format!("`{}` can't be written: choose another --data", path.display()))
        .map_err(Stop::usage)
}

fn write_evidence(company: &Company, data: &Path, lang: Lang) -> Result<(), Stop> {
    let begun = Instant::now();
    let bar = terminal::bar(
        0,
        match lang {
            Lang::En => "making evidence",
            Lang::Ja => "証拠データを作成",
        },
    );
    let Summary { resources, events, cloudtrail_files, .. } = company
        .write(&data.join(EVIDENCE), &mut |p| {
            bar.set_length(p.all as u64);
            bar.set_position(p.done as u64);
        })
        .with_context(|| format!("the demo's evidence can't be written below `{}`", data.display()))?;
    bar.finish_and_clear();
    let (accounts, seconds) = (Company::accounts().len(), begun.elapsed().as_secs_f64());
    match lang {
        Lang::En => note!(
            "made a fictional company, 株式会社みなと商会: {accounts} accounts, {resources} resources, {events} \
             CloudTrail events of 14 days in {cloudtrail_files} files ({seconds:.1} s)"
        ),
        Lang::Ja => note!(
            "架空の会社「株式会社みなと商会」を作成しました: {accounts} アカウント、{resources} リソース、14 日間の CloudTrail イベント {events} 件、\
             {cloudtrail_files} ファイル({seconds:.1} 秒)"
        ),
    }
    Ok(())
}

/// Judges one of the company's AWS Config snapshots as of the day on which it was taken.
async fn snapshot(
    company: &Company,
    (day, taken): (usize, DateTime<Utc>),
    data: &Path,
    library: &Library,
    hub: &Hub,
    lang: Lang,
) -> Result<(), Stop> {
    let (types, _) = mapping::Catalog::read(library);
    let root = data.join(EVIDENCE).join("config");
    let snapshots = company.config_snapshots(day)?.into_iter().map(|(path, _)| root.join(path));
    let organization = data.join(EVIDENCE).join(testkit::ORGANIZATION);
    let inputs: Vec<Input> = snapshots.chain([organization]).map(Input::Path).collect();
    let options = Options { catalog: &types, parameters: Parameters::default(), account: None, region: None };
    let inventory = files::read(&inputs, &options).inventory;
    let judgements = judge::judge(library, &inventory, taken)?;
    let scope = Scope::of(&inventory);
    let resources = inventory.resources.len();
    let reading = judge::Reading { kind: "check", inventory, scope: None, blind: false };
    let outcome = judge::keep(hub, &Catalog::of(library), &reading, &scope, &judgements, taken).await?;
    let date = taken.date_naive();
    match lang {
        Lang::En => note!(
            "judged the AWS Config snapshots of {date}: {resources} resources, {} verdicts; {} findings opened, {} resolved",
            judgements.len(),
            outcome.opened,
            outcome.resolved
        ),
        Lang::Ja => note!(
            "{date} の AWS Config スナップショットを判定しました: {resources} リソース、判定 {} 件、新しい課題 {} 件、解決 {} 件",
            judgements.len(),
            outcome.opened,
            outcome.resolved
        ),
    }
    Ok(())
}

async fn logs(data: &Path, library: &Library, hub: &Hub, lang: Lang) -> Result<(), Stop> {
    let begun = Instant::now();
    let (set, _) = RuleSet::compile(library, &[], false);
    let bar = terminal::count(match lang {
        Lang::En => "events into the lake",
        Lang::Ja => "イベントをレイクへ",
    });
    let sources = sources::find(&[data.join(EVIDENCE).join("cloudtrail").display().to_string()]).await?;
    let pass = ingest::pass(data, hub, &set, &Reading::default(), (sources, false), bar).await?;
    let (events, seconds) = (pass.done.events, begun.elapsed().as_secs_f64());
    match lang {
        Lang::En => note!(
            "put {events} events into the lake and ran {} detections over them: {} findings opened ({seconds:.1} s)",
            set.len(),
            pass.opened
        ),
        Lang::Ja => note!(
            "イベント {events} 件をレイクに取り込み、{} 個の検知ルールを実行しました: 新しい課題 {} 件({seconds:.1} 秒)",
            set.len(),
            pass.opened
        ),
    }
    Ok(())
}
