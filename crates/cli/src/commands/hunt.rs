use super::sources::{self, Sources};
use crate::{
    args::{Global, Hunt as Args, Reading},
    exit::{self, Stop},
    note, output, settings, terminal,
};
use anyhow::{Context as _, anyhow};
use serde::Serialize;
use std::{fs, path::Path, process::ExitCode, time::Instant};
use yagura_content::Library;
use yagura_detect::{Filter, Foreign, Hunt, RuleSet};
use yagura_lake::Lake;
use yagura_logs::{Input, Keys, Layout, Options, Outcome, Record, RecordLimits, Verified, parse_time};
use yagura_model::{Detection, DetectionKind, Lang};

/// `yagura hunt`
pub async fn run(global: &Global, args: &Args) -> Result<ExitCode, Stop> {
    let begun = Instant::now();
    let library = settings::library(global)?;
    let rules = rules(&library, &args.reading)?;
    let filter = filter(&args.reading)?;
    let keys = keys(&args.reading)?;
    let Sources { inputs, problems } = sources::find(&args.paths).await?;
    let options = options(&args.reading, &inputs);
    // Objects are fetched while this thread waits for them.
    let (hunts, mut outcome) = tokio::task::block_in_place(|| {
        let (hunts, mut outcome) =
            yagura_logs::read_inputs(&inputs, problems, &options, || Hunt::new(&rules.set, filter.clone()));
        outcome.verify(&inputs, &options, &keys);
        (hunts, outcome)
    });
    let mut whole = hunts.into_iter().reduce(|mut a, b| {
        a.merge(b);
        a
    });
    if args.lake {
        let hub = settings::hub(global).await?;
        let lake = Lake::open(&settings::data_dir(global), hub.state()).await?;
        let hunt = whole.get_or_insert_with(|| Hunt::new(&rules.set, filter.clone()));
        let stored = judge_stored(hunt, &lake, (filter.since, filter.until)).await?;
        if stored == 0 && args.paths.is_empty() {
            return Err(Stop::failed(anyhow!(
                "the lake has no events of this time: fill it with `yagura ingest PATH`, or widen --since and --until"
            )));
        }
        outcome.records += stored;
    }
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

/// Judges the lake's events from the first time to before the second; the number of them.
pub async fn judge_stored(
    hunt: &mut Hunt<'_>,
    lake: &Lake,
    (since, until): (Option<i64>, Option<i64>),
) -> Result<u64, Stop> {
    let mut layout = Layout::default();
    let judge = |raw: &str| {
        if let Ok(record) = Record::scan(raw.as_bytes(), &mut layout)
            && let Some(time) = record.event_time()
        {
            hunt.judge(&record, time);
        }
    };
    Ok(lake.records(since, until, judge).await?)
}

/// Alerts, and signals where they were asked for.
pub fn shown(detections: Vec<Detection>, signals: bool) -> Vec<Detection> {
    detections.into_iter().filter(|d| signals || d.kind == DetectionKind::Alert).collect()
}

/// Reading that came to nothing at all is no success.
pub fn nothing_read(outcome: &Outcome) -> Result<(), Stop> {
    if outcome.files == 0 && outcome.records == 0 && outcome.digests.is_empty() {
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
    if !outcome.digests.is_empty() {
        tell_digests(lang, outcome);
    }
    if outcome.bad_records > 0 {
        match lang {
            Lang::En => note!("{} record(s) could not be read", outcome.bad_records),
            Lang::Ja => note!("読み取れなかったレコード: {} 件", outcome.bad_records),
        }
    }
}

/// What the digests said of the logs, and what they could not say.
fn tell_digests(lang: Lang, outcome: &Outcome) {
    let Verified { logs, signed, unsigned } = outcome.verified;
    match lang {
        Lang::En => {
            note!("{logs} log(s) are what CloudTrail delivered, by the hashes in {} digest(s)", outcome.digests.len())
        }
        Lang::Ja => {
            note!("ダイジェスト {} 件のハッシュと照合し、ログ {logs} 件が配信時のままでした", outcome.digests.len())
        }
    }
    if unsigned > 0 {
        match lang {
            Lang::En => note!(
                "{signed} digest signature(s) are right, {unsigned} could not be checked: give CloudTrail's public keys with \
                 --digest-keys FILE (`aws cloudtrail list-public-keys` prints them); a digest's signature is in the next one"
            ),
            Lang::Ja => note!(
                "ダイジェストの署名は {signed} 件が正しく、{unsigned} 件は確認できませんでした。--digest-keys FILE に CloudTrail の\
                 公開鍵（`aws cloudtrail list-public-keys` の出力）を指定してください。署名は次のダイジェストに入っています"
            ),
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

/// Workers that wait for a bucket's objects: most of their time is the network's.
const FETCHING: usize = 8;

/// How the inputs are read.
pub fn options(reading: &Reading, inputs: &[Input<'_>]) -> Options {
    let remote = inputs.iter().any(|i| matches!(i, Input::Object(_)));
    Options {
        inflated: reading.max_file,
        record: RecordLimits { bytes: reading.max_record, depth: reading.max_depth.min(128) },
        multi_member: reading.multi_member,
        jobs: reading.jobs.unwrap_or(if remote { FETCHING } else { 0 }),
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

/// The public keys of `--digest-keys`.
pub fn keys(reading: &Reading) -> Result<Keys, Stop> {
    let Some(path) = &reading.digest_keys else { return Ok(Keys::default()) };
    fs::read_to_string(path)
        .map_err(anyhow::Error::new)
        .and_then(|text| Keys::read(&text).map_err(anyhow::Error::new))
        .with_context(|| format!("`{}` can't be used as --digest-keys", path.display()))
        .map_err(Stop::usage)
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
        #[derive(Serialize)]
        struct Written {
            files: u64,
            bad_files: u64,
            records: u64,
            distinct_events: u64,
            bad_records: u64,
            rules: usize,
            findings: u64,
            signals: u64,
            seconds: f64,
        }
        let stats = serde_json::to_string(&Written {
            files: self.outcome.files,
            bad_files: self.outcome.bad_files,
            records: self.outcome.records,
            distinct_events: self.distinct,
            bad_records: self.outcome.bad_records,
            rules: self.rules,
            findings: self.findings,
            signals: self.signals,
            seconds: begun.elapsed().as_secs_f64(),
        })?;
        fs::write(path, format!("{stats}\n"))
            .with_context(|| format!("`{}` can't be written: choose another file", path.display()))
            .map_err(Stop::usage)
    }
}
