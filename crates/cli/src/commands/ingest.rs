use super::hunt;
use crate::{
    args::{Global, Ingest, Reading},
    exit::{self, Stop},
    note, output, settings, terminal,
};
use indicatif::ProgressBar;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};
use yagura_detect::{Filter, Hunt, Report, RuleSet};
use yagura_hub::{Catalog, Hub};
use yagura_lake::{IngestOptions, Ingested, Judge, Lake, SinkError};
use yagura_logs::Record;
use yagura_model::{DetectionKind, Lang};
use yagura_state::Tx;

/// Runs the detections in the pass that stores the events, and hands what a commit makes visible to the hub.
struct Watch<'a> {
    hub: &'a Hub,
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
        let report = batch.clone().finish();
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

/// Stores the events below `paths` in the lake of `data`, judges them and keeps what was found. `bar` counts events.
pub async fn pass(
    data: &Path,
    hub: &Hub,
    set: &RuleSet,
    reading: &Reading,
    paths: &[PathBuf],
    bar: ProgressBar,
) -> Result<Pass, Stop> {
    let filter = hunt::filter(reading)?;
    let lake = Lake::open(data, hub.state()).await?;
    let new = || Hunt::new(set, filter.clone());
    let mut watch = Watch { hub, set, filter: filter.clone(), batch: new(), whole: new(), opened: 0, bar, seen: 0 };
    let options = IngestOptions { logs: hunt::options(reading), ..IngestOptions::default() };
    let done = lake.ingest(paths, &options, &mut watch).await.map_err(|e| match e {
        yagura_lake::LakeError::Missing { .. } => Stop::usage(e),
        other => Stop::failed(other),
    })?;
    watch.bar.finish_and_clear();
    Ok(Pass { done, report: watch.whole.finish(), opened: watch.opened })
}

/// `yagura ingest`
pub async fn run(global: &Global, args: &Ingest) -> Result<ExitCode, Stop> {
    let begun = Instant::now();
    let library = settings::library(global)?;
    let rules = hunt::rules(&library, &args.reading)?;
    let hub = settings::hub(global).await?;
    let bar = terminal::count(match terminal::lang(global) {
        Lang::En => "events",
        Lang::Ja => "イベント",
    });
    let data = settings::data_dir(global);
    let Pass { done, report, opened } = pass(&data, &hub, &rules.set, &args.reading, &args.paths, bar).await?;
    let catalog = Catalog::of(&library);
    hub.remember_score(&catalog, &settings::now()).await?;
    super::fix::notify(global, &hub, &catalog).await?;
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
    if done.known_objects == 0 {
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
