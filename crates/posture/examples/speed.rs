//! Measures the evaluator: against the `cel` crate's own interpreter on one rule, and on 100,000 resources with every
//! built-in control. Run it with `cargo run --release -p yagura-posture --example speed`; it prints JSON.

#![expect(clippy::print_stdout, reason = "the numbers are the point of an example")]

use serde_json::{Value, json};
use std::{
    error::Error,
    fs,
    hint::black_box,
    time::{Duration, Instant},
};
use yagura_content::{Kind, Library};
use yagura_model::{Inventory, Resource, Source};
use yagura_posture::{FIXTURE_NOW, Rulebook};

const ROUNDS: u32 = 100_000;
const RESOURCES: usize = 100_000;
const RULE: &str = "resource.PublicAccessBlockConfiguration.BlockPublicAcls == true && \
    resource.PublicAccessBlockConfiguration.BlockPublicPolicy == true && \
    resource.BucketEncryption.ServerSideEncryptionConfiguration.exists(r, r.BucketKeyEnabled == true)";

fn main() -> Result<(), Box<dyn Error>> {
    let library = Library::builtin().map_err(|errors| format!("{} content errors", errors.len()))?;
    let start = Clock::start();
    let (book, errors) = Rulebook::compile(&library);
    let compile_ms = start.elapsed().as_secs_f64() * 1e3;
    let one = one_rule()?;
    let inventory = Inventory { resources: resources(&library), gaps: vec![] };
    let start = Clock::start();
    let (mut lines, mut bytes) = (0u64, 0usize);
    book.judge(&inventory, FIXTURE_NOW.parse()?, &mut |line| {
        lines += 1;
        bytes += line.reason.en.len();
    });
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({
            "controls": book.controls().len(), "content_errors": errors.len(), "compile_ms": compile_ms,
            "ours_ns": one.bare, "ours_with_verdict_line_ns": one.line,
            "cel_crate_ns": one.theirs, "cel_crate_with_conversion_ns": one.converting,
            "ratio": one.theirs / one.bare, "ratio_with_conversion": one.converting / one.bare,
            "resources": inventory.resources.len(), "lines": lines, "judge_seconds": seconds,
            "ns_a_line": seconds * 1e9 / lines as f64, "reason_bytes": bytes,
        })
    );
    Ok(())
}

/// Nanoseconds for one rule on one bucket.
struct OneRule {
    /// Our evaluation alone.
    bare: f64,
    /// With evidence, reason and verdict line.
    line: f64,
    /// The interpreter, with a converted resource at hand.
    theirs: f64,
    /// The interpreter, converting the resource.
    converting: f64,
}

fn one_rule() -> Result<OneRule, Box<dyn Error>> {
    let properties = json!({
        "BucketName": "logs", "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true,
            "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": true}]},
        "LifecycleConfiguration": {"Rules": [{"Id": "a", "Status": "Enabled", "ExpirationInDays": 30}]},
    });
    let line = judging(&properties, &format!("```cel\n{RULE}\n```\n"))?;
    // A control that doesn't concern the resource is evaluated and makes no line.
    let bare = judging(&properties, &format!("```when\n!({RULE})\n```\n```cel\ntrue\n```\n"))?;
    let program = cel::Program::compile(RULE)?;
    let mut context = cel::Context::default();
    context.add_variable("resource", &properties)?;
    let theirs = nanoseconds(|| {
        for _ in 0..ROUNDS {
            let _ = black_box(program.execute(black_box(&context)));
        }
    });
    let mut failed = None;
    let converting = nanoseconds(|| {
        for _ in 0..ROUNDS {
            let mut context = cel::Context::default();
            if let Err(e) = context.add_variable("resource", black_box(&properties)) {
                failed = Some(e);
            }
            let _ = black_box(program.execute(&context));
        }
    });
    match failed {
        Some(e) => Err(e.to_string().into()),
        None => Ok(OneRule { bare, line, theirs, converting }),
    }
}

/// Time that this thread had a processor, where the system tells; a busy machine then changes the numbers less.
struct Clock {
    wall: Instant,
    cpu: Option<Duration>,
}

impl Clock {
    fn start() -> Clock {
        Clock { wall: Instant::now(), cpu: Clock::cpu() }
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu, Clock::cpu()) {
            (Some(start), Some(end)) => end - start,
            _ => self.wall.elapsed(),
        }
    }

    /// Linux: the first number of the thread's `schedstat` is nanoseconds on a processor.
    fn cpu() -> Option<Duration> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
    }
}

/// Nanoseconds that judging one bucket by one control of these blocks takes.
fn judging(properties: &Value, blocks: &str) -> Result<f64, Box<dyn Error>> {
    let file = format!(
        "+++\nid = \"X\"\nresource = \"AWS::S3::Bucket\"\nseverity = \"low\"\nstage = \"minimum\"\nlayer = \"data\"\n\
         minutes = 1\ncost = \"free\"\nrisk = \"none\"\n+++\n## en: a\n## ja: b\n{blocks}"
    );
    let mut library = Library::default();
    library.add([("controls/x/X.md", file.as_str())], false);
    let (book, _) = Rulebook::compile(&library);
    let buckets = (0..ROUNDS as usize).map(|i| resource("AWS::S3::Bucket", properties.clone(), json!({}), i));
    let inventory = Inventory { resources: buckets.collect(), gaps: vec![] };
    let now = FIXTURE_NOW.parse()?;
    Ok(nanoseconds(|| book.judge(black_box(&inventory), now, &mut |line| drop(black_box(line)))))
}

/// Nanoseconds for each of `ROUNDS` rounds.
fn nanoseconds(run: impl FnOnce()) -> f64 {
    let start = Clock::start();
    run();
    start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}

/// Types of which an account has one, or one a Region.
const SINGLE: [&str; 5] = ["AWS::::", "AWS::CloudTrail::", "AWS::Config::", "AWS::GuardDuty::", "AWS::SecurityHub::"];

/// The resources of all fixtures, again and again under other names.
fn resources(library: &Library) -> Vec<Resource> {
    let (mut samples, mut single): (Vec<Resource>, Vec<Resource>) = (Vec::new(), Vec::new());
    for document in library.of(Kind::Control) {
        let Some(kind) = document.value("resource").and_then(|v| v.as_str()) else { continue };
        for block in document.blocks.iter().filter(|b| matches!(b.word.as_str(), "pass" | "fail")) {
            let Ok(value) = serde_json::from_str::<Value>(&block.text) else { continue };
            let part = |name: &str| value.get(name).cloned();
            let plain = part("$properties").is_none() && part("$observed").is_none();
            let properties = part("$properties").unwrap_or_else(|| if plain { value.clone() } else { json!({}) });
            let sample = resource(kind, properties, part("$observed").unwrap_or_else(|| json!({})), 0);
            if !SINGLE.iter().any(|prefix| kind.starts_with(prefix)) {
                samples.push(sample);
            } else if !single.iter().any(|s| s.kind == kind) {
                single.push(sample);
            }
        }
    }
    let named = |(i, sample): (usize, &Resource)| Resource { id: format!("{}-{i}", sample.id), ..sample.clone() };
    let many = samples.iter().cycle().take(RESOURCES - single.len()).enumerate().map(named);
    many.chain(single.iter().cloned()).collect()
}

fn resource(kind: &str, properties: Value, observed: Value, number: usize) -> Resource {
    Resource {
        kind: kind.to_owned(),
        id: format!("r{number}"),
        arn: None,
        account: Some("111122223333".to_owned()),
        region: Some("us-east-1".to_owned()),
        tags: Default::default(),
        properties,
        observed,
        relations: Vec::new(),
        source: Source::Live,
        origin: None,
    }
}
