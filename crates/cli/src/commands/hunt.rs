use crate::{
    args::{Global, Hunt as Args, Reading},
    exit::{self, Stop},
    note, output, settings, terminal,
};
use anyhow::{Context as _, anyhow};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};
use yagura_content::Library;
use yagura_detect::{Filter, Foreign, Hunt, RuleSet};
use yagura_logs::{Level, Options, Outcome, RecordLimits, parse_time};
use yagura_model::{Detection, DetectionKind, Lang};

/// `yagura hunt`
pub fn run(global: &Global, args: &Args) -> Result<ExitCode, Stop> {
    let begun = Instant::now();
    let library = settings::library(global)?;
    let rules = rules(&library, &args.reading)?;
    let options = options(&args.reading);
    let filter = filter(&args.reading)?;
    let paths = paths(&args.paths)?;
    let (hunts, outcome) =
        yagura_logs::read_paths(&paths, &options, || Hunt::new(&rules.set, filter.clone())).map_err(Stop::usage)?;
    let whole = hunts.into_iter().reduce(|mut a, b| {
        a.merge(b);
        a
    });
    let report = whole.map(Hunt::finish).unwrap_or_default();
    tell(global, &outcome);
    if let Some(path) = &args.reading.stats {
        let stats = Stats {
            outcome: &outcome,
            distinct: report.distinct_events,
            rules: rules.set.len(),
            findings: report.count(DetectionKind::Alert),
            signals: report.count(DetectionKind::Signal),
        };
        stats.write(path, begun)?;
    }
    let blind = rules.blind || outcome.has_blind_spots();
    let alerts = report.count(DetectionKind::Alert);
    let detections = shown(report.detections, args.reading.signals);
    let found = global
        .fail_on
        .is_some_and(|least| detections.iter().any(|d| d.kind == DetectionKind::Alert && d.severity >= least));
    output::write(global, "Yagura: hunt", &detections)?;
    nothing_read(&outcome)?;
    let lang = terminal::lang(global);
    match lang {
        Lang::En => note!(
            "{} records in {} files, {} rules: {alerts} alert(s)",
            outcome.records,
            outcome.files,
            rules.set.len()
        ),
        Lang::Ja => note!(
            "{} ファイル、{} レコードを {} ルールで確認: アラート {alerts} 件",
            outcome.files,
            outcome.records,
            rules.set.len()
        ),
    }
    Ok(exit::code(found, blind, global.strict))
}

/// Alerts, and signals where they were asked for.
pub fn shown(detections: Vec<Detection>, signals: bool) -> Vec<Detection> {
    detections.into_iter().filter(|d| signals || d.kind == DetectionKind::Alert).collect()
}

/// Reading that came to nothing at all is no success.
pub fn nothing_read(outcome: &Outcome) -> Result<(), Stop> {
    if outcome.files == 0 && outcome.records == 0 && outcome.digests == 0 {
        return Err(Stop::failed(anyhow!(
            "nothing was read: give CloudTrail files (.json.gz, .json) or a folder of them"
        )));
    }
    if outcome.records == 0 && outcome.files > 0 && outcome.bad_files == outcome.files {
        return Err(Stop::failed(anyhow!("no record could be read: see the lines above")));
    }
    Ok(())
}

/// Names what was wrong with inputs. Notes tell of what was rightly skipped.
pub fn tell(global: &Global, outcome: &Outcome) {
    let lang = terminal::lang(global);
    for problem in &outcome.problems {
        note!("{}", problem.line(lang));
    }
    let skipped = outcome.problems.iter().filter(|p| p.level == Level::Note).count();
    if skipped == 0 && outcome.problems.is_empty() {
        return;
    }
    if outcome.bad_records > 0 {
        match lang {
            Lang::En => note!("{} record(s) could not be read", outcome.bad_records),
            Lang::Ja => note!("読み取れなかったレコード: {} 件", outcome.bad_records),
        }
    }
}

/// The rules that hold, and whether some could not be loaded.
pub struct Rules {
    pub set: RuleSet,
    pub blind: bool,
}

/// Compiles the content's detections and those of `--rules`.
pub fn rules(library: &Library, reading: &Reading) -> Result<Rules, Stop> {
    if reading.only_rules && reading.rules.is_empty() {
        return Err(Stop::usage(anyhow!("--only-rules needs --rules DIR")));
    }
    let mut foreign = Vec::new();
    for dir in &reading.rules {
        read_rules(dir, &mut foreign)
            .with_context(|| format!("the rules in `{}` can't be read", dir.display()))
            .map_err(Stop::usage)?;
    }
    foreign.sort_by(|a, b| a.file.cmp(&b.file));
    let (set, loaded) = RuleSet::compile(library, &foreign, reading.only_rules);
    for error in &loaded.errors {
        note!("{error}");
    }
    if !loaded.skipped.is_empty() {
        note!("{} rule(s) are for other products' logs and were left out", loaded.skipped.len());
    }
    Ok(Rules { set, blind: !loaded.errors.is_empty() })
}

fn read_rules(path: &Path, out: &mut Vec<Foreign>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let path = entry.path();
            let is_rule = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
            if entry.file_type()?.is_dir() || is_rule {
                read_rules(&path, out)?;
            }
        }
        return Ok(());
    }
    // A rule in another encoding is the engine's to refuse, with its name.
    let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    out.push(Foreign { file: path.display().to_string(), text });
    Ok(())
}

/// How the files are read.
pub fn options(reading: &Reading) -> Options {
    Options {
        inflated: reading.max_file,
        record: RecordLimits { bytes: reading.max_record, depth: reading.max_depth.min(128) },
        multi_member: reading.multi_member,
        jobs: reading.jobs.unwrap_or(0),
    }
}

/// Which events and detections count.
pub fn filter(reading: &Reading) -> Result<Filter, Stop> {
    let time = |text: &Option<String>| -> Result<Option<i64>, Stop> {
        text.as_deref().map(|t| settings::time(t).map(|t| parse_time(&t))).transpose().map(Option::flatten)
    };
    Ok(Filter {
        since: time(&reading.since)?,
        until: time(&reading.until)?,
        min_severity: reading.min_severity,
        count_distinct: reading.stats.is_some(),
    })
}

fn paths(given: &[String]) -> Result<Vec<PathBuf>, Stop> {
    if let Some(address) = given.iter().find(|p| p.starts_with("s3://")) {
        return Err(Stop::usage(anyhow!(
            "`{address}` can't be read from here yet: copy it with `aws s3 sync {address} ./logs`, then give ./logs"
        )));
    }
    Ok(given.iter().map(PathBuf::from).collect())
}

/// The counts of `--stats`.
pub struct Stats<'a> {
    pub outcome: &'a Outcome,
    pub distinct: u64,
    pub rules: usize,
    pub findings: u64,
    pub signals: u64,
}

impl Stats<'_> {
    /// Writes the counts as one JSON object.
    pub fn write(&self, path: &Path, begun: Instant) -> Result<(), Stop> {
        let stats = json!({
            "files": self.outcome.files, "bad_files": self.outcome.bad_files, "records": self.outcome.records,
            "distinct_events": self.distinct, "bad_records": self.outcome.bad_records, "rules": self.rules,
            "findings": self.findings, "signals": self.signals, "seconds": begun.elapsed().as_secs_f64(),
        });
        fs::write(path, format!("{stats}\n"))
            .with_context(|| format!("`{}` can't be written: choose another file", path.display()))
            .map_err(Stop::usage)
    }
}
