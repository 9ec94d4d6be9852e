//! The command line: what can be asked for, with an example for each.

use crate::ask::Ask;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use yagura_model::{Lang, Severity};
use yagura_report::Format;

#[derive(Parser, Debug)]
#[command(
    name = "yagura",
    version,
    about = "Audits, watches and defends your AWS accounts.",
    after_help = "Examples:\n  \
        yagura up --demo                      look around with a fictional company, no AWS account needed\n  \
        yagura scan --profile audit           judge a live account\n  \
        yagura check template.yaml plan.json  judge templates and plans before they are deployed\n  \
        yagura hunt ./AWSLogs                 look for attacks in CloudTrail files\n  \
        yagura roadmap                        where you are, and what comes next",
    arg_required_else_help = true,
    max_term_width = 110
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Language of titles and reasons [default: from the locale]
    #[arg(long, global = true, value_name = "ja|en")]
    pub lang: Option<Lang>,
    /// Form of the data on standard output [default: table]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Also write the data to a file, in a form of its own; may be repeated
    #[arg(short = 'o', long = "output", global = true, value_name = "FORMAT=FILE")]
    pub output: Vec<Output>,
    /// When to colour tables
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// Folder with content of your own; adds to what is built in and overrides what has the same id
    #[arg(long, global = true, value_name = "DIR")]
    pub content: Vec<PathBuf>,
    /// Where findings, inventory and the lake are kept [default: $YAGURA_DATA, else ~/.local/share/yagura]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Exit with 1 when something at or above this severity was found
    #[arg(long, global = true, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Exit with 4 when there are blind spots: an input that could not be read, a call that was denied
    #[arg(long, global = true)]
    pub strict: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// `FORMAT=FILE`
#[derive(Debug, Clone)]
pub struct Output {
    pub format: Format,
    pub file: PathBuf,
}

impl std::str::FromStr for Output {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (format, file) = s
            .split_once('=')
            .or_else(|| Some((s.rsplit_once('.')?.1, s)))
            .ok_or_else(|| format!("`{s}` has no format: write FORMAT=FILE, for example html=report.html"))?;
        if file.is_empty() {
            return Err(format!("`{s}` has no file: write FORMAT=FILE, for example html=report.html"));
        }
        Ok(Output { format: format.parse()?, file: PathBuf::from(file) })
    }
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run everything in one process: console, schedules, ingest, rules
    #[command(after_help = "Examples:\n  yagura up --demo\n  yagura up --data ./watch --listen 127.0.0.1:8080")]
    Up(Up),
    /// Judge a live account
    #[command(after_help = "Examples:\n  yagura scan\n  yagura scan --profile audit --region ap-northeast-1 \
        --format ndjson\n  yagura scan --service s3 --service iam -o html=report.html")]
    Scan(Scan),
    /// Judge CloudFormation templates, Terraform plans and AWS Config snapshots
    #[command(after_help = "Examples:\n  yagura check template.yaml\n  terraform show -json plan.out > plan.json && \
        yagura check plan.json\n  yagura check ./infra --fail-on high -o sarif=yagura.sarif")]
    Check(Check),
    /// Look for attacks in log files
    #[command(
        after_help = "Examples:\n  yagura hunt ./AWSLogs\n  yagura hunt events.json.gz --format ndjson --signals\n  \
        yagura hunt s3://my-trail/AWSLogs/111122223333/CloudTrail/\n  \
        zcat *.gz | yagura hunt - --rules ./sigma --since 2026-01-01T00:00:00Z\n  \
        yagura hunt --lake --rules ./new-rule.yml --since 2026-01-01T00:00:00Z"
    )]
    Hunt(Hunt),
    /// Put logs into the lake and run the detections over them
    #[command(after_help = "Examples:\n  yagura ingest ./AWSLogs")]
    Ingest(Ingest),
    /// Ask the lake, the inventory and the findings in SQL
    #[command(
        after_help = "Examples:\n  yagura query \"select api_operation, count(*) from events group by 1 order by 2 \
        desc limit 10\"\n  yagura query \"select rule, count(*) from findings group by 1\""
    )]
    Query(Query),
    /// List findings, suppress one, or take that back
    #[command(
        after_help = "Examples:\n  yagura findings --min-severity high\n  yagura findings --suppress F-0123456789abcdef \
        --reason \"public website\" --until 2027-01-01"
    )]
    Findings(Findings),
    /// The score, as a sum
    #[command(after_help = "Examples:\n  yagura score\n  yagura score --format json")]
    Score,
    /// The three stages, and what comes next
    #[command(after_help = "Examples:\n  yagura roadmap\n  yagura roadmap --lang ja -o md=roadmap.md")]
    Roadmap,
    /// Any control, detection, playbook or resource type as documentation
    #[command(after_help = "Examples:\n  yagura explain S3.8\n  yagura explain cloudtrail-logging-disabled --lang ja")]
    Explain(Explain),
    /// Who can do what to what, with the statement that decides
    #[command(after_help = "Examples:\n  yagura access can arn:aws:iam::111122223333:role/app s3:GetObject \
        arn:aws:s3:::logs/x\n  yagura access who-can kms:Decrypt arn:aws:kms:…:key/…\n  \
        yagura access diff old.json new.json\n  yagura access lint policy.json")]
    Access(Ask),
    /// Plan a fix, and apply it with --yes
    #[command(after_help = "Examples:\n  yagura fix F-0123456789abcdef         show the plan\n  yagura fix \
        F-0123456789abcdef --yes   apply it")]
    Fix(Fix),
    /// Restore what a fix changed
    #[command(after_help = "Examples:\n  yagura undo R-0123456789ab")]
    Undo(Undo),
    /// Write a report of the open findings
    #[command(after_help = "Examples:\n  yagura report -o html=report.html\n  yagura report -o csv=findings.csv")]
    Report,
    /// What Yagura knows: list it, test it, begin a new file
    #[command(
        after_help = "Examples:\n  yagura content list --kind control\n  yagura content test --content ./our-content\n  \
        yagura content new control YG-1 --resource AWS::SQS::Queue --dir ./our-content"
    )]
    Content(Content),
    /// What is not visible, and why
    #[command(
        after_help = "Examples:\n  yagura doctor\n  yagura doctor --profile audit --lang ja\n  yagura doctor --offline"
    )]
    Doctor(Doctor),
    /// The least-privilege read policy that scanning needs
    #[command(after_help = "Examples:\n  yagura policy > policy.json\n  yagura policy --service s3 --service iam")]
    Policy(Policy),
}

#[derive(Args, Debug)]
pub struct Up {
    /// Use the evidence of a fictional company
    #[arg(long)]
    pub demo: bool,
    /// Share of the company's log to make; tests take less
    #[arg(long, hide = true, default_value_t = 1.0)]
    pub demo_scale: f64,
    /// Address to serve the console on
    #[arg(long, default_value = "127.0.0.1:7117")]
    pub listen: String,
    /// Prepare everything and stop before serving
    #[arg(long, hide = true)]
    pub prepare_only: bool,
}

#[derive(Args, Debug, Clone)]
pub struct Access {
    /// Profile of the shared AWS configuration
    #[arg(long)]
    pub profile: Option<String>,
    /// Region to read; may be repeated [default: all that are enabled]
    #[arg(long)]
    pub region: Vec<String>,
    /// Assume this role first, in the caller's account or the ARN's
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// External id of the role
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
}

#[derive(Args, Debug)]
pub struct Scan {
    #[command(flatten)]
    pub access: Access,
    /// Service to read; may be repeated [default: all]
    #[arg(long)]
    pub service: Vec<String>,
    /// Read this, too: last-accessed (two more calls for each user and role)
    #[arg(long = "with", value_name = "WHAT")]
    pub extras: Vec<String>,
    /// Write all resources to a file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub resources: Option<PathBuf>,
    /// Keep nothing in the data directory
    #[arg(long)]
    pub no_state: bool,
    /// Calls under way at once
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,
    /// Record all answers to a file, to be replayed
    #[arg(long, value_name = "FILE", hide = true)]
    pub record: Option<PathBuf>,
    /// Answer from a recording instead of AWS
    #[arg(long, value_name = "FILE", hide = true)]
    pub replay: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Check {
    /// Files and folders, or - for standard input
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Values of CloudFormation parameters
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
    /// Write all resources to a file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub resources: Option<PathBuf>,
    /// Keep nothing in the data directory
    #[arg(long)]
    pub no_state: bool,
}

/// The caps that the contract names.
const MAX_FILE: u64 = 4 << 30;
const MAX_RECORD: usize = 16 << 20;
const MAX_DEPTH: usize = 128;

#[derive(Args, Debug, Clone)]
pub struct Reading {
    /// Folder with Sigma rules to add
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Use just the rules of --rules
    #[arg(long)]
    pub only_rules: bool,
    /// Only what happened at or after this time (RFC 3339, or a date)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only findings at or above this severity
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<Severity>,
    /// Print signals, too
    #[arg(long)]
    pub signals: bool,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Write counts to a file, as one JSON object
    #[arg(long, value_name = "FILE")]
    pub stats: Option<PathBuf>,
    /// Read what follows the first gzip member of a file, too
    #[arg(long)]
    pub multi_member: bool,
    /// CloudTrail's public keys, to check its digests' signatures (`aws cloudtrail list-public-keys` prints them)
    #[arg(long, value_name = "FILE")]
    pub digest_keys: Option<PathBuf>,
    /// Cap of a file's inflated bytes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_FILE)]
    pub max_file: u64,
    /// Cap of one record's bytes
    #[arg(long, value_name = "BYTES", default_value_t = MAX_RECORD)]
    pub max_record: usize,
    /// Cap of a record's nesting
    #[arg(long, value_name = "LEVELS", default_value_t = MAX_DEPTH)]
    pub max_depth: usize,
}

impl Default for Reading {
    /// What the options are when none is given.
    fn default() -> Reading {
        Reading {
            rules: Vec::new(),
            only_rules: false,
            since: None,
            until: None,
            min_severity: None,
            signals: false,
            jobs: None,
            stats: None,
            multi_member: false,
            digest_keys: None,
            max_file: MAX_FILE,
            max_record: MAX_RECORD,
            max_depth: MAX_DEPTH,
        }
    }
}

#[derive(Args, Debug)]
pub struct Hunt {
    /// Files, folders, s3://BUCKET/PREFIX, or - for standard input
    #[arg(required_unless_present = "lake")]
    pub paths: Vec<String>,
    /// Judge the events that `ingest` has stored, as well
    #[arg(long)]
    pub lake: bool,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args, Debug)]
pub struct Ingest {
    /// Files, folders, s3://BUCKET/PREFIX, or - for standard input
    #[arg(required_unless_present = "quarantine")]
    pub paths: Vec<String>,
    /// Read again what could not be read before and was put into quarantine
    #[arg(long)]
    pub quarantine: bool,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args, Debug)]
pub struct Query {
    /// A SELECT over `events`, `resources` and `findings`
    pub sql: String,
}

#[derive(Args, Debug)]
pub struct Findings {
    /// Status to list; may be repeated [default: new and notified]
    #[arg(long)]
    pub status: Vec<yagura_model::Status>,
    /// All statuses
    #[arg(long, conflicts_with = "status")]
    pub all: bool,
    /// Only findings at or above this severity
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<Severity>,
    /// Control or detection id
    #[arg(long)]
    pub rule: Option<String>,
    /// Only findings of this account
    #[arg(long)]
    pub account: Option<String>,
    /// Part of a title, rule or resource
    #[arg(long)]
    pub search: Option<String>,
    /// Findings to list at most
    #[arg(long, default_value_t = 100_000)]
    pub limit: i64,
    /// Suppress this finding
    #[arg(long, value_name = "ID", requires = "reason", requires = "until")]
    pub suppress: Option<String>,
    /// Why it may stay
    #[arg(long)]
    pub reason: Option<String>,
    /// Until when (RFC 3339, or a date)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Take a suppression back
    #[arg(long, value_name = "ID", conflicts_with = "suppress")]
    pub unsuppress: Option<String>,
}

#[derive(Args, Debug)]
pub struct Explain {
    /// Control, detection, playbook or resource type
    pub id: String,
}

#[derive(Args, Debug)]
pub struct Fix {
    /// Finding's id
    pub finding: String,
    /// Apply the plan
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub access: Access,
}

#[derive(Args, Debug)]
pub struct Undo {
    /// Run's id, as `fix` printed it
    pub run: String,
    #[command(flatten)]
    pub access: Access,
}

#[derive(Args, Debug)]
pub struct Content {
    #[command(subcommand)]
    pub command: ContentCommand,
}

#[derive(Subcommand, Debug)]
pub enum ContentCommand {
    /// All pieces of content
    #[command(after_help = "Examples:\n  yagura content list --kind detection\n  yagura content list --format ndjson")]
    List {
        /// control, detection, escalation, playbook, resource or framework
        #[arg(long)]
        kind: Option<String>,
    },
    /// Run every fixture of every file
    #[command(after_help = "Examples:\n  yagura content test\n  yagura content test --content ./our-content")]
    Test,
    /// Begin a new file that passes its test
    #[command(after_help = "Examples:\n  yagura content new control S3.99 --resource AWS::S3::Bucket\n  \
        yagura content new detection iam/user-renamed")]
    New {
        /// control, detection, escalation, playbook or resource
        kind: String,
        /// Its id
        id: String,
        /// Resource type that a control judges
        #[arg(long, default_value = "AWS::S3::Bucket")]
        resource: String,
        /// Content folder to write to
        #[arg(long, default_value = "content")]
        dir: PathBuf,
    },
}

#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    pub access: Access,
    /// Do not call AWS
    #[arg(long)]
    pub offline: bool,
}

#[derive(Args, Debug)]
pub struct Policy {
    /// Only what these services need; may be repeated [default: all]
    #[arg(long)]
    pub service: Vec<String>,
}
