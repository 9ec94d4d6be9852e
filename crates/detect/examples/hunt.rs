//! Hunts in files with the built-in detections, without the rest of Yagura: for looking at one rule, and for measuring.
//!
//! `hunt [--rules DIR] [--only-rules] [--jobs N] [--signals] [--stats] PATH…`

#![expect(clippy::print_stdout, reason = "an example prints")]

use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;
use yagura_content::Library;
use yagura_detect::{Filter, Foreign, Hunt, RuleSet};
use yagura_logs::{Options, read_paths};
use yagura_model::{Detection, DetectionKind, Lang};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut options, mut paths, mut foreign) = (Options::default(), Vec::new(), Vec::new());
    let (mut signals, mut stats, mut only) = (false, false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--rules" => read_rules(Path::new(&args.next().unwrap_or_default()), &mut foreign)?,
            "--only-rules" => only = true,
            "--jobs" => options.jobs = args.next().unwrap_or_default().parse()?,
            "--multi-member" => options.multi_member = true,
            "--signals" => signals = true,
            "--stats" => stats = true,
            _ => paths.push(PathBuf::from(arg)),
        }
    }
    let library = Library::builtin().map_err(|e| format!("{e:?}"))?;
    let (set, loaded) = RuleSet::compile(&library, &foreign, only);
    for problem in loaded.errors.iter().chain(&loaded.skipped) {
        eprintln!("{problem}");
    }
    let begun = Instant::now();
    let filter = Filter { count_distinct: stats, ..Filter::default() };
    let (hunts, outcome) = read_paths(&paths, &options, || Hunt::new(&set, filter.clone()))?;
    let report = hunts.into_iter().reduce(|mut a, b| {
        a.merge(b);
        a
    });
    let report = report.map(Hunt::finish).unwrap_or_default();
    for problem in &outcome.problems {
        eprintln!("{}", problem.line(Lang::En));
    }
    for d in report.detections.iter().filter(|d| signals || d.kind == DetectionKind::Alert) {
        println!("{}", line(d));
    }
    if stats {
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!(
            "{}",
            json!({"files": outcome.files, "bad_files": outcome.bad_files, "records": outcome.records,
                "distinct_events": report.distinct_events, "bad_records": outcome.bad_records, "rules": set.len(),
                "findings": report.count(DetectionKind::Alert), "signals": report.count(DetectionKind::Signal),
                "seconds": seconds, "per_second": (outcome.records as f64 / seconds) as u64})
        );
    }
    Ok(())
}

fn line(d: &Detection) -> serde_json::Value {
    json!({"detection": d.detection, "kind": d.kind.as_str(), "title": d.title.en, "severity": d.severity.as_str(),
        "time": d.time, "last_time": d.last_time, "account": d.account, "region": d.region, "principal": d.principal,
        "session": d.session, "target": d.target, "source_ip": d.source_ip, "count": d.count,
        "event_ids": d.event_ids, "truncated": d.truncated, "guardduty": d.guardduty, "attack": d.attack})
}

fn read_rules(dir: &Path, out: &mut Vec<Foreign>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            read_rules(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            out.push(Foreign { file: path.display().to_string(), text: std::fs::read_to_string(&path)? });
        }
    }
    out.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(())
}
