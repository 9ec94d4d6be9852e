use super::{
    hunt,
    sources::{self, Sources},
};
use crate::{
    args::{Global, Ingest, Reading},
    exit::{self, Stop},
    note, output, settings, terminal,
};
use indicatif::ProgressBar;
use std::{path::Path, process::ExitCode, time::Instant};
use yagura_detect::{Filter, Hunt, Report, RuleSet};
use yagura_hub::{Catalog, Hub};
use yagura_lake::{IngestOptions, Ingested, Judge, Lake, SinkError};
use yagura_logs::{Record, parse_time};
use yagura_model::{Detection, DetectionKind, Lang};
use yagura_state::Tx;

/// Runs the detections in the pass that stores the events, and hands what a commit makes visible to the hub.
struct Watch<'a> {
    hub: &'a Hub,
    lake: &'a Lake,
    set: &'a RuleSet,
    filter: Filter,
    /// Events since the last commit.
    batch: Hunt<'a>,
    /// Events of the whole run, for its output.
    whole: Hunt<'a>,
    opened: usize,
    bar: ProgressBar,
    seen: u64,
}

/// Events between two moves of the bar.
const TICK: u64 = 4096;

impl Judge for Watch<'_> {
    fn event(&mut self, record: &Record<'_>, time: i64) {
        self.batch.judge(record, time);
        self.seen += 1;
        if self.seen.is_multiple_of(TICK) {
            self.bar.inc(TICK);
        }
    }

    async fn commit(&mut self, tx: &mut Tx) -> Result<(), SinkError> {
        let batch = std::mem::replace(&mut self.batch, Hunt::new(self.set, self.filter.clone()));
        self.lake.owe(tx, &batch.spans()).await?;
        let report = batch.clone().finish_single();
        self.whole.merge(batch);
        self.opened += self.hub.record_detections(tx, &report.detections, &settings::now()).await?;
        Ok(())
    }
}

/// What one pass over logs did.
pub struct Pass {
    pub done: Ingested,
    pub report: Report,
    /// Findings that were not open before.
    pub opened: usize,
}

/// Stores the events of `sources`, and with `quarantine` what can now be read of that, in the lake of `data`, judges them
/// and keeps what was found. `bar` counts events.
pub async fn pass(
    data: &Path,
    hub: &Hub,
    set: &RuleSet,
    reading: &Reading,
    (sources, quarantine): (Sources, bool),
    bar: ProgressBar,
) -> Result<Pass, Stop> {
    let (filter, keys) = (hunt::filter(reading)?, hunt::keys(reading)?);
    let Sources { inputs, problems } = sources;
    let lake = Lake::open(data, hub.state()).await?;
    let (batch, whole) = (Hunt::new(set, filter.clone()), Hunt::new(set, filter.clone()));
    let mut watch = Watch { hub, lake: &lake, set, filter, batch, whole, opened: 0, bar, seen: 0 };
    let mut options = IngestOptions { logs: hunt::options(reading, &inputs), ..IngestOptions::default() };
    let mut done = lake.ingest_inputs(&inputs, problems, &options, &mut watch).await.map_err(Stop::failed)?;
    if quarantine {
        options.again = true;
        let replayed = lake.replay_quarantine(&options, &mut watch).await.map_err(Stop::failed)?;
        done.add(replayed);
    }
    tokio::task::block_in_place(|| done.logs.verify(&inputs, &options.logs, &keys));
    let (correlated, opened) = correlate(&watch, done.first).await?;
    watch.bar.finish_and_clear();
    let mut report = watch.whole.finish_single();
    report.add(correlated);
    Ok(Pass { done, report, opened: watch.opened + opened })
}

/// Judges correlations over the new events and, around them, over those that the lake had. What they find.
async fn correlate(watch: &Watch<'_>, first: bool) -> Result<(Vec<Detection>, usize), Stop> {
    let Watch { hub, lake, set, .. } = watch;
    let owed = lake.owed().await?;
    if owed.spans.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let mut found = Vec::new();
    if first {
        found = watch.whole.clone().finish_correlated().detections;
    } else {
        for (since, until) in owed.stretches(set.longest_correlation()) {
            let mut hunt = Hunt::new(set, watch.filter.clone());
            hunt::judge_stored(&mut hunt, lake, (Some(since), Some(until))).await?;
            found.extend(hunt.finish_correlated().detections);
        }
        // What ended before the new events or began behind them has been told.
        found.retain(|d| {
            let (first, last) = (parse_time(&d.time), parse_time(&d.last_time));
            owed.spans.iter().any(|(since, until)| first <= Some(*until) && last >= Some(*since))
        });
    }
    let mut tx = hub.state().write().await?;
    let opened = hub.record_detections(&mut tx, &found, &settings::now()).await?;
    lake.settle(&mut tx, &owed).await?;
    hub.state().commit(tx).await?;
    Ok((found, opened))
}

/// `yagura ingest`
pub async fn run(global: &Global, args: &Ingest) -> Result<ExitCode, Stop> {
    let begun = Instant::now();
    let library = settings::library(global)?;
    let rules = hunt::rules(&library, &args.reading)?;
    let hub = settings::hub(global).await?;
    let sources = sources::find(&args.paths).await?;
    let bar = terminal::count(match terminal::lang(global) {
        Lang::En => "events",
        Lang::Ja => "イベント",
    });
    let data = settings::data_dir(global);
    let Pass { done, report, opened } =
        pass(&data, &hub, &rules.set, &args.reading, (sources, args.quarantine), bar).await?;
    let catalog = Catalog::of(&library);
    hub.remember_score(&catalog, &settings::now()).await?;
    super::fix::notify(global, &hub, &catalog, &|| false).await?;
    hunt::tell(global, &done.logs);
    if let Some(path) = &args.reading.stats {
        let stats = hunt::Stats {
            outcome: &done.logs,
            distinct: done.events,
            rules: rules.set.len(),
            findings: report.count(DetectionKind::Alert),
            signals: report.count(DetectionKind::Signal),
        };
        stats.write(path, begun)?;
    }
    let detections = hunt::shown(report.detections, args.reading.signals);
    let found = global
        .fail_on
        .is_some_and(|least| detections.iter().any(|d| d.kind == DetectionKind::Alert && d.severity >= least));
    output::write(global, "Yagura: ingest", &detections)?;
    if done.known_objects == 0 && !args.quarantine {
        hunt::nothing_read(&done.logs)?;
    }
    match terminal::lang(global) {
        Lang::En => note!(
            "{} new events, {} repeated; {} objects were known; {} finding(s) opened",
            done.events,
            done.repeated,
            done.known_objects,
            opened
        ),
        Lang::Ja => note!(
            "新規イベント {} 件、重複 {} 件、取り込み済みオブジェクト {} 件、新しい課題 {} 件",
            done.events,
            done.repeated,
            done.known_objects,
            opened
        ),
    }
    Ok(exit::code(found, rules.blind || done.logs.has_blind_spots() || done.quarantined_objects > 0, global.strict))
}
