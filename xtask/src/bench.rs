//! Measures the release build as a user runs it. Absolute times differ from machine to machine and from run to run, so
//! what counts is the ratio to a floor that is measured in the same run, the median of several.

use crate::shell::{self, cache, cargo, command, say, target};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Times that each command is measured.
const RUNS: usize = 3;

/// Makes 1 GB of inflated CloudTrail; at scale 1 the company makes about 0.3.
const COMPANY_SCALE: &str = "3.4";
const RESOURCES: &str = "100000";

/// Builds, makes the corpora where they are missing, measures, and prints one line a figure.
///
/// # Errors
/// When something can't be built or a measured program fails.
pub fn run(args: &[String]) -> Result<()> {
    if let Some(unknown) = args.first() {
        bail!("`{unknown}`: bench takes no arguments");
    }
    // The whole workspace, as everything else is built: a choice of packages would compile the dependencies anew.
    shell::run(&mut cargo(&["build", "--release", "--quiet", "--workspace", "--bins", "--examples"]))?;
    let (logs, resources) = corpora()?;
    hunt(&logs)?;
    check(&resources)?;
    rules()
}

/// A folder with 1 GB of log, and a file with 100,000 resources.
fn corpora() -> Result<(PathBuf, PathBuf)> {
    let home = cache().join("bench");
    let logs = home.join(format!("company-{COMPANY_SCALE}"));
    if !logs.join("complete").exists() {
        say(&format!("making 1 GB of log in {}", logs.display()));
        shell::run(command(example("company")).arg(&logs).args([COMPANY_SCALE, "2026-01-31T09:00:00Z"]))?;
        fs::write(logs.join("complete"), "")?;
    }
    let resources = home.join(format!("resources-{RESOURCES}.ndjson"));
    if !resources.exists() {
        let part = resources.with_extension("part");
        shell::run(command(example("bulk")).arg(&part).arg(RESOURCES))?;
        fs::rename(part, &resources)?;
    }
    Ok((logs.join("cloudtrail"), resources))
}

fn example(name: &str) -> PathBuf {
    target().join("release/examples").join(name)
}

/// `yagura hunt` on one core against inflating and parsing alone, in turn.
fn hunt(logs: &Path) -> Result<()> {
    let stats = cache().join("bench/stats.json");
    let (mut ours, mut floor, mut ratios, mut memory) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut rules = Value::Null;
    for _ in 0..RUNS {
        let measured = measure(command(example("parse_only")).arg(logs))?;
        let parsed: Value = serde_json::from_str(&measured.out).context("parse_only's output")?;
        let hunting =
            measure(yagura().args(["hunt", "--jobs", "1", "--format", "ndjson", "--stats"]).arg(&stats).arg(logs))?;
        let counted: Value = serde_json::from_str(&fs::read_to_string(&stats)?).context("--stats")?;
        if counted["records"] != parsed["records"] {
            bail!("the hunt read {} records, the floor {}", counted["records"], parsed["records"]);
        }
        let records = counted["records"].as_f64().unwrap_or(0.0);
        ours.push(records / hunting.seconds);
        floor.push(records / measured.seconds);
        ratios.push(measured.seconds / hunting.seconds);
        memory = memory.max(hunting.memory);
        rules = counted["rules"].clone();
    }
    say(&format!(
        "hunt, {rules} rules, 1 GB, one core: {:.0} events/s; inflate and parse only: {:.0} events/s; ratio {:.2} \
         (wanted: 0.40 or more); {memory} MB of memory at most (wanted: 300 or less)",
        median(&mut ours),
        median(&mut floor),
        median(&mut ratios)
    ));
    Ok(())
}

/// `yagura check` of 100,000 resources, from reading the file to the last verdict written.
fn check(resources: &Path) -> Result<()> {
    let (mut seconds, mut memory, mut verdicts) = (Vec::new(), 0, 0);
    for _ in 0..RUNS {
        let measured = measure(yagura().args(["check", "--no-state", "--format", "ndjson"]).arg(resources))?;
        seconds.push(measured.seconds);
        memory = memory.max(measured.memory);
        verdicts = measured.out.lines().count();
    }
    say(&format!(
        "check, {RESOURCES} resources against all controls: {verdicts} verdicts in {:.1} s (wanted: 30 or less), \
         {memory} MB of memory at most (wanted: 500 or less)",
        median(&mut seconds)
    ));
    Ok(())
}

/// One rule by our evaluator and by the `cel` crate's interpreter.
fn rules() -> Result<()> {
    let measured = measure(&mut command(example("speed")))?;
    let speed: Value = serde_json::from_str(&measured.out).context("speed's output")?;
    say(&format!(
        "one rule on one bucket: {:.0} ns; by the cel crate's interpreter {:.0} ns, {:.0} ns with its conversion",
        speed["ours_ns"].as_f64().unwrap_or(0.0),
        speed["cel_crate_ns"].as_f64().unwrap_or(0.0),
        speed["cel_crate_with_conversion_ns"].as_f64().unwrap_or(0.0)
    ));
    Ok(())
}

fn yagura() -> Command {
    command(target().join("release/yagura"))
}

/// What one run of a program took.
struct Measured {
    seconds: f64,
    /// The most memory that was resident, in MB.
    memory: u64,
    out: String,
}

fn measure(command: &mut Command) -> Result<Measured> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let watch = thread::spawn(move || {
        let mut most = 0;
        // The kernel keeps the highest mark, so that looking now and then loses only what rises at the very end.
        while let Some(now) = fs::read_to_string(&status).ok().and_then(|text| high_water(&text)) {
            most = now.max(most);
            thread::sleep(Duration::from_millis(5));
        }
        most
    });
    let mut out = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        std::io::Read::read_to_string(&mut pipe, &mut out)?;
    }
    let ended = child.wait()?;
    let seconds = begun.elapsed().as_secs_f64();
    if !ended.success() {
        bail!("a measured program failed: {ended}");
    }
    Ok(Measured { seconds, memory: watch.join().unwrap_or(0) / 1000, out })
}

/// `VmHWM` of a process's status, in kB; a process that has ended has none.
fn high_water(status: &str) -> Option<u64> {
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
