use super::scan;
use crate::{
    args::{Access, Fix, Global, Undo},
    exit::Stop,
    note, output, settings, terminal,
};
use anyhow::anyhow;
use serde_json::json;
use std::{fmt::Write as _, process::ExitCode, sync::Arc};
use yagura_hub::{Catalog, Hub};
use yagura_model::Lang;
use yagura_report::Format;
use yagura_respond::{Error, Playbook, Playbooks, Responder, Run, Subject, differences};

/// `yagura fix`
pub async fn run(global: &Global, args: &Fix) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let hub = settings::hub(global).await?;
    let finding = hub.finding(&args.finding).await.map_err(Stop::usage)?;
    let (playbooks, _) = Playbooks::read(&library);
    let playbook = Catalog::of(&library)
        .get(&finding.rule)
        .and_then(|topic| topic.playbook.as_deref())
        .and_then(|id| playbooks.get(id))
        .ok_or_else(|| Stop::usage(Error::NoPlaybook(finding.rule.clone())))?;
    let resource = hub.resource(&finding.resource).await?.map(|row| row.resource);
    let wanted = finding.account.as_deref().ok_or_else(|| {
        Stop::usage(anyhow!(
            "finding {} is of a file, not of an account: correct `{}` there",
            finding.id,
            finding.resource
        ))
    })?;
    let account = account_of(&args.access, wanted).await?;
    let now = settings::now();
    let subject = Subject {
        finding: &finding,
        resource: resource.as_ref(),
        region: &account.region,
        account: wanted,
        role_of: account.assumed.as_deref(),
        caller: &account.identity.arn,
        now: &now,
    };
    let responder = Responder::new(account.api.as_ref(), hub.state(), settings::now);
    if !args.yes {
        let planned = responder.plan(playbook, &subject).await.map_err(stop)?;
        show(global, playbook, &planned)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (applied_run, applied) = responder.apply(playbook, &subject).await.map_err(stop)?;
    show(global, playbook, &applied_run)?;
    let lang = terminal::lang(global);
    if applied_run.plan.is_done() {
        note!(
            "{}",
            say(lang, "it is so already: nothing was changed", "すでに適用済みの状態です。何も変更していません")
        );
    } else {
        match lang {
            Lang::En => note!(
                "applied with {} call(s), and verified by reading back; to undo: yagura undo {}",
                applied.calls,
                applied.run
            ),
            Lang::Ja => note!(
                "{} 件の呼び出しで適用し、読み直して確認しました。元に戻すには: yagura undo {}",
                applied.calls,
                applied.run
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `yagura undo`
pub async fn undo(global: &Global, args: &Undo) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let hub = settings::hub(global).await?;
    let (playbooks, _) = Playbooks::read(&library);
    let run = Responder::run(hub.state(), &args.run).await.map_err(stop)?;
    let account = account_of(&args.access, &run.plan.account).await?;
    let responder = Responder::new(account.api.as_ref(), hub.state(), settings::now);
    let playbook = playbooks
        .get(&run.plan.playbook)
        .ok_or_else(|| Stop::usage(anyhow!("playbook `{}` is gone: give its --content folder", run.plan.playbook)))?;
    let done = responder.undo(playbook, &run.id).await.map_err(stop)?;
    let lang = terminal::lang(global);
    match lang {
        Lang::En => note!("{} restored with {} call(s), and verified by reading back", run.plan.target, done.calls),
        Lang::Ja => note!("{} を {} 件の呼び出しで元に戻し、読み直して確認しました", run.plan.target, done.calls),
    }
    output::print(&format!("{}\n", json!({"run": done.run, "status": "undone", "calls": done.calls})))?;
    Ok(ExitCode::SUCCESS)
}

/// The account that a finding or a run is of, which must be the credentials' own or the role's.
async fn account_of(access: &Access, wanted: &str) -> Result<scan::Account, Stop> {
    let (client, region) = scan::client(access).await?;
    let account = scan::identify(Arc::new(client), access, region).await?;
    if wanted != account.identity.account {
        return Err(Stop::usage(anyhow!(
            "it is in account {wanted}, the credentials are for {}: use --profile or --role for that account",
            account.identity.account
        )));
    }
    Ok(account)
}

/// Nothing may be changed on a doubt: usage where the caller can mend it, failure where AWS said no.
fn stop(error: Error) -> Stop {
    match error {
        Error::NoPlaybook(_)
        | Error::NoTarget { .. }
        | Error::LeftAlone { .. }
        | Error::NoRun(_)
        | Error::HalfUndone(_)
        | Error::NothingToUndo { .. } => Stop::usage(error),
        other => Stop::failed(other),
    }
}

fn say<'a>(lang: Lang, en: &'a str, ja: &'a str) -> &'a str {
    if lang == Lang::Ja { ja } else { en }
}

/// The plan: what is so, what will be, which calls lead there and back, and what they need.
fn show(global: &Global, playbook: &Playbook, run: &Run) -> Result<(), Stop> {
    let plan = &run.plan;
    if matches!(global.format, Some(Format::Json | Format::Ndjson)) {
        let call = |c: &yagura_respond::PlannedCall| json!({"api": format!("{}:{}", c.service, c.operation), "params": c.params});
        let value = json!({
            "run": run.id, "status": run.status.as_str(), "playbook": plan.playbook, "finding": plan.finding,
            "target": plan.target, "account": plan.account,
            "region": plan.region, "risk": plan.risk,
            "states": plan.states.iter().map(|s| json!({"id": s.id, "before": s.before, "after": s.want})).collect::<Vec<_>>(),
            "calls": plan.calls.iter().map(call).collect::<Vec<_>>(),
            "undo": plan.calls.iter().rev().flat_map(|c| &c.undo).map(call).collect::<Vec<_>>(),
            "permissions": plan.permissions,
        });
        return output::print(&format!("{value}\n"));
    }
    let lang = terminal::lang(global);
    let mut text = String::new();
    let clean = yagura_report::escape_terminal;
    let _ = writeln!(text, "{}  {}", plan.playbook, playbook.title.get(lang));
    let place = format!("{} {}", plan.account, plan.region);
    let _ = writeln!(text, "  {}: {} ({place})", say(lang, "target", "対象"), clean(&plan.target));
    let risk = match (lang, plan.risk.as_str()) {
        (Lang::Ja, "low") => "低",
        (Lang::Ja, "medium") => "中",
        (Lang::Ja, "high") => "高",
        (_, word) => word,
    };
    let _ = writeln!(text, "  {}: {risk}\n", say(lang, "risk", "影響リスク"));
    for state in &plan.states {
        for (path, before, after) in differences(&state.before, &state.want) {
            let path = if path.is_empty() { state.id.clone() } else { format!("{}.{path}", state.id) };
            if !before.is_null() || after.is_null() {
                let _ = writeln!(text, "  - {path}: {}", clean(&before.to_string()));
            }
            if !after.is_null() {
                let _ = writeln!(text, "  + {path}: {}", clean(&after.to_string()));
            }
        }
    }
    let _ = writeln!(text, "\n  {}", say(lang, "calls:", "呼び出し:"));
    for (i, call) in plan.calls.iter().enumerate() {
        let _ =
            writeln!(text, "    {}. {}:{} {}", i + 1, call.service, call.operation, clean(&call.params.to_string()));
        for undo in &call.undo {
            let back = say(lang, "back:", "取り消し:");
            let _ =
                writeln!(text, "       {back} {}:{} {}", undo.service, undo.operation, clean(&undo.params.to_string()));
        }
    }
    if plan.calls.is_empty() {
        let _ = writeln!(text, "    {}", say(lang, "none: it is so already", "なし(すでに適用済み)"));
    }
    let _ = writeln!(text, "\n  {} {}", say(lang, "permissions:", "必要な権限:"), plan.permissions.join(", "));
    if run.status == yagura_respond::Status::Planned && !plan.calls.is_empty() {
        let how = say(lang, "nothing was changed; to apply:", "まだ何も変更していません。適用するには:");
        let _ = writeln!(text, "\n  {how} yagura fix {} --yes", plan.finding);
    }
    if run.status == yagura_respond::Status::Applying {
        let (on, back) = (format!("yagura fix {} --yes", plan.finding), format!("yagura undo {}", run.id));
        let _ = match lang {
            Lang::En => writeln!(text, "\n  an earlier attempt was interrupted; to go on: {on}   to go back: {back}"),
            Lang::Ja => writeln!(text, "\n  前回の適用が途中で止まっています。続けるには: {on}   元に戻すには: {back}"),
        };
    }
    output::print(&text)
}

/// Sends the notices that are due; a receiver that is down is told of and asked again later.
pub async fn notify(
    global: &Global,
    hub: &Hub,
    catalog: &Catalog,
    stopping: &(dyn Fn() -> bool + Sync),
) -> Result<(), Stop> {
    let notifiers = settings::notifiers(global)?;
    if notifiers.is_empty() {
        return Ok(());
    }
    let done = yagura_respond::deliver(hub, catalog, &notifiers, &chrono::Utc::now, stopping).await?;
    if let Some(error) = done.error {
        note!("{error} (it is tried again by the next command, and by `yagura up`)");
    }
    Ok(())
}
