use super::{judge, scan};
use crate::{
    args::{Doctor, Global},
    exit::Stop,
    output, settings, terminal,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::Arc,
};
use yagura_hub::Catalog;
use yagura_inventory::live;
use yagura_model::{Judgement, Lang, Verdict};
use yagura_report::Rows;

/// One line of the diagnosis.
struct Line {
    check: &'static str,
    good: bool,
    what: String,
    controls: Vec<String>,
}

/// `yagura doctor`
pub async fn run(global: &Global, args: Doctor) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let mut lines = data(global, lang).await;
    let mut stopped = false;
    if !args.offline {
        match live_lines(global, &args, lang).await {
            Ok(mut more) => lines.append(&mut more),
            Err(stop) => {
                stopped = true;
                lines.push(Line {
                    check: "credentials",
                    good: false,
                    what: format!("{:#}", stop.error),
                    controls: Vec::new(),
                });
            }
        }
    }
    let columns = ["check", "ok", "what", "controls"].map(str::to_owned).to_vec();
    let blind = lines.iter().any(|l| !l.good);
    let rows = lines
        .into_iter()
        .map(|l| vec![Some(json!(l.check)), Some(json!(l.good)), Some(Value::String(l.what)), Some(json!(l.controls))])
        .collect();
    output::write_rows(global, "Yagura: doctor", &Rows { columns, rows })?;
    if stopped {
        return Ok(ExitCode::from(3));
    }
    Ok(crate::exit::code(false, blind, global.strict))
}

/// How old what is kept is.
async fn data(global: &Global, lang: Lang) -> Vec<Line> {
    let place = settings::data_dir(global);
    let say = |good, what: String| vec![Line { check: "data", good, what, controls: Vec::new() }];
    let standing = async {
        let catalog = Catalog::of(&settings::library(global)?);
        let hub = settings::hub(global).await?;
        Ok::<_, Stop>(hub.standing(&catalog).await?)
    };
    match standing.await {
        Err(stop) => say(false, format!("{}: {:#}", place.display(), stop.error)),
        Ok(standing) => match (standing.last_run, lang) {
            (Some(at), Lang::En) => say(true, format!("{}: last judged {at}", place.display())),
            (Some(at), Lang::Ja) => say(true, format!("{}: 最終診断 {at}", place.display())),
            (None, Lang::En) => say(false, format!("{}: nothing has been judged yet", place.display())),
            (None, Lang::Ja) => say(false, format!("{}: まだ診断していません", place.display())),
        },
    }
}

async fn live_lines(global: &Global, args: &Doctor, lang: Lang) -> Result<Vec<Line>, Stop> {
    let library = settings::library(global)?;
    let (client, region) = scan::client(&args.access).await?;
    let account = scan::identify(Arc::new(client), &args.access, region).await?;
    let mut lines = vec![Line {
        check: "credentials",
        good: true,
        what: format!("{} ({})", account.identity.arn, account.identity.account),
        controls: Vec::new(),
    }];
    let mut options = live::Options::new(&account.identity.account, &account.identity.partition);
    options.regions.clone_from(&args.access.region);
    options.credentials.clone_from(&account.assumed);
    let bar = terminal::bar(0, &account.identity.account);
    let inventory = live::collect(Arc::clone(&account.api), &library, &options, &|p| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        bar.set_message(format!("{} {}", p.kind, p.region));
    })
    .await;
    bar.finish_and_clear();
    let regions: BTreeSet<&str> = inventory.resources.iter().filter_map(|r| r.region.as_deref()).collect();
    lines.push(Line {
        check: "regions",
        good: !regions.is_empty(),
        what: regions.into_iter().collect::<Vec<_>>().join(" "),
        controls: Vec::new(),
    });
    let judgements = judge::judge(&library, &inventory, chrono::Utc::now())?;
    let blind = blind_spots(&judgements, lang);
    if blind.is_empty() {
        let what = match lang {
            Lang::En => "nothing is missing",
            Lang::Ja => "不足している権限はありません",
        };
        lines.push(Line { check: "permissions", good: true, what: what.to_owned(), controls: Vec::new() });
    }
    for (what, controls) in blind {
        lines.push(Line { check: "permissions", good: false, what, controls: controls.into_iter().collect() });
    }
    Ok(lines)
}

/// Controls that can't be judged, by what is missing.
fn blind_spots(judgements: &[Judgement], lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
    let mut blind: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for j in judgements.iter().filter(|j| j.verdict == Verdict::Unknown) {
        blind.entry(j.reason.get(lang).to_owned()).or_default().insert(j.control.clone());
    }
    blind
}
