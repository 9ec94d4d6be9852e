//! What `scan` and `check` share: judging an inventory, writing the verdicts, keeping them, and the summary.

use super::access::sight;
use crate::{args::Global, exit, exit::Stop, note, output, settings, terminal};
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::ExitCode,
};
use yagura_access::Trust;
use yagura_content::Library;
use yagura_hub::{Catalog, Hub, Outcome, Scope};
use yagura_model::{Inventory, Judgement, Lang, Severity, Verdict};
use yagura_posture::{AccessFact, Rulebook};

/// What was read, and what becomes of its verdicts.
pub struct Reading {
    /// `scan` or `check`, for the run's record.
    pub kind: &'static str,
    pub inventory: Inventory,
    /// What the run has read completely; `None` when nothing of it is an account's state (templates).
    pub scope: Option<Scope>,
    /// An input could not be read.
    pub blind: bool,
}

/// Judges, writes, keeps, sums up.
pub async fn finish(global: &Global, library: &Library, reading: Reading) -> Result<ExitCode, Stop> {
    finish_only(global, library, reading, &[]).await
}

/// [`finish`] for resources of some types (none: all). What else was read is there for rules to look at.
pub async fn finish_only(
    global: &Global,
    library: &Library,
    mut reading: Reading,
    kinds: &[String],
) -> Result<ExitCode, Stop> {
    let now = Utc::now();
    let hub = match &reading.scope {
        Some(_) => Some(settings::hub(global).await),
        None => None,
    };
    let beside = match &hub {
        Some(Ok(hub)) => beside(hub, &reading.inventory).await?,
        _ => Inventory::default(),
    };
    let trust = settings::trust(global)?;
    if kinds.is_empty() && !trust.critical.is_empty() {
        let (types, _) = yagura_inventory::mapping::Catalog::read(library);
        let unanswered = sight::unanswered(&types, &reading.inventory.resources, &trust.critical);
        sight::tell_unanswered(terminal::lang(global), &unanswered);
    }
    let deriver = super::derive::deriver(library, trust, beside);
    let mut rulebook = compiled(library)?.deriving(deriver);
    if !kinds.is_empty() {
        rulebook.limit(kinds);
    }
    let mut judgements = Vec::new();
    rulebook.judge(&reading.inventory, now, &mut |judgement| judgements.push(judgement));
    reading.inventory.resources.retain(|resource| kinds.is_empty() || kinds.contains(&resource.kind));
    let title = match terminal::lang(global) {
        Lang::En => "Yagura: verdicts",
        Lang::Ja => "Yagura: 診断結果",
    };
    output::write(global, title, &judgements)?;
    let outcome = match reading.scope.as_ref().zip(hub) {
        Some((scope, hub)) => {
            let hub = hub.map_err(|stop| Stop {
                error: stop.error.context("the result can't be kept: choose another --data, or --no-state"),
                ..stop
            })?;
            let catalog = Catalog::of(library);
            let outcome = keep(&hub, &catalog, &reading, scope, &judgements, now).await?;
            super::fix::notify(global, &hub, &catalog, &|| false).await?;
            Some(outcome)
        }
        None => None,
    };
    summary(global, &reading, &judgements, outcome.as_ref());
    let found = global
        .fail_on
        .is_some_and(|least| judgements.iter().any(|j| j.verdict == Verdict::Fail && j.severity >= least));
    Ok(exit::code(found, reading.blind, global.strict))
}

/// All verdicts of an inventory, as of `now`.
pub fn judge(library: &Library, inventory: &Inventory, now: DateTime<Utc>) -> Result<Vec<Judgement>, Stop> {
    let mut judgements = Vec::new();
    let deriver = super::derive::deriver(library, Trust::default(), Inventory::default());
    compiled(library)?.deriving(deriver).judge(inventory, now, &mut |judgement| judgements.push(judgement));
    Ok(judgements)
}

/// What is known of other accounts and tells of the organization that they share with these, and of who can become whom.
async fn beside(hub: &Hub, inventory: &Inventory) -> Result<Inventory, Stop> {
    let mut known = Vec::new();
    for kind in AccessFact::Escalates.looks_at() {
        known.extend(hub.resources(Some(kind), None, i64::MAX, 0).await?.into_iter().map(|row| row.resource));
    }
    let accounts: BTreeSet<&str> = inventory.resources.iter().filter_map(|r| r.account.as_deref()).collect();
    // Of its own accounts this run has read what there is.
    let is_other = |account: Option<&str>| account.is_some_and(|account| !accounts.contains(account));
    known.retain(|resource| is_other(resource.account.as_deref()));
    let mut gaps = hub.gaps().await?;
    gaps.retain(|gap| is_other(gap.account.as_deref()));
    Ok(Inventory { resources: known, gaps })
}

/// All controls of the content.
pub fn compiled(library: &Library) -> Result<Rulebook, Stop> {
    let (rulebook, errors) = Rulebook::compile(library);
    if !errors.is_empty() {
        for error in &errors {
            note!("{error}");
        }
        return Err(Stop::usage(anyhow!("{} content file(s) can't be used", errors.len())));
    }
    Ok(rulebook)
}

/// Remembers what was read and what was judged of it.
pub async fn keep(
    hub: &Hub,
    catalog: &Catalog,
    reading: &Reading,
    scope: &Scope,
    judgements: &[Judgement],
    now: DateTime<Utc>,
) -> Result<Outcome, Stop> {
    let now = settings::stamp(now);
    let outcome = hub.record(reading.kind, scope, &reading.inventory, judgements, &now).await?;
    hub.remember_score(catalog, &now).await?;
    Ok(outcome)
}

fn summary(global: &Global, reading: &Reading, judgements: &[Judgement], outcome: Option<&Outcome>) {
    let count = |verdict| judgements.iter().filter(|j| j.verdict == verdict).count();
    let failed_at =
        |severity: Severity| judgements.iter().filter(|j| j.verdict == Verdict::Fail && j.severity == severity).count();
    let (pass, fail, unknown) = (count(Verdict::Pass), count(Verdict::Fail), count(Verdict::Unknown));
    let other = count(Verdict::NotApplicable);
    let resources = reading.inventory.resources.len();
    let (critical, high) = (failed_at(Severity::Critical), failed_at(Severity::High));
    let ja = terminal::lang(global) == Lang::Ja;
    if ja {
        note!(
            "{resources} リソース: 不合格 {fail}（緊急 {critical}、高 {high}）、判定不能 {unknown}、合格 {pass}、対象外 {other}"
        );
    } else {
        note!(
            "{resources} resources: {fail} fail ({critical} critical, {high} high), {unknown} unknown, {pass} pass, \
             {other} not applicable"
        );
    }
    if let Some(o) = outcome {
        if ja {
            note!("課題: 新規 {}、再発 {}、解決 {}、未解決の合計 {}", o.opened, o.reopened, o.resolved, o.open);
        } else {
            note!(
                "findings: {} opened, {} reopened, {} resolved, {} open in all",
                o.opened,
                o.reopened,
                o.resolved,
                o.open
            );
        }
    }
    for gap in &reading.inventory.gaps {
        let place = [gap.account.as_deref(), gap.region.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        if ja {
            note!("見えていません: {}（{place}）: {}: {}", gap.kind, gap.action, gap.reason);
        } else {
            note!("not visible: {} ({place}): {}: {}", gap.kind, gap.action, gap.reason);
        }
    }
    if fail > 0 && global.fail_on.is_none() {
        note!(
            "{}",
            if ja {
                "終了コードは 0 です。CI で失敗させるには --fail-on high を指定してください。"
            } else {
                "The exit code stays 0; --fail-on high makes it 1 when something that severe fails."
            }
        );
    }
}

/// Writes all resources to a file, one JSON object a line.
pub fn write_resources(path: &Path, inventory: &Inventory) -> Result<(), Stop> {
    let name = path.display();
    let file =
        File::create(path).map_err(|e| Stop::usage(anyhow!("`{name}` can't be written ({e}): choose another file")))?;
    let mut out = BufWriter::new(file);
    yagura_inventory::files::write_resources(inventory, &mut out)
        .and_then(|()| out.flush())
        .map_err(|e| Stop::failed(anyhow!("`{name}` could not be written to its end ({e}): choose another place")))
}
