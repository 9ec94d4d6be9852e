//! What `yagura access` can be asked.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Ask {
    #[command(subcommand)]
    pub command: AskCommand,
}

#[derive(Subcommand, Debug)]
pub enum AskCommand {
    /// Whether a principal can call an action on a resource, and what decides
    #[command(after_help = "Examples:\n  yagura access can arn:aws:iam::111122223333:user/tanaka s3:GetObject \
        arn:aws:s3:::logs/x\n  yagura access can arn:aws:iam::111122223333:role/app iam:PassRole \
        arn:aws:iam::111122223333:role/admin --context iam:PassedToService=lambda.amazonaws.com\n  \
        yagura access can --input cases.json --format ndjson")]
    Can(Can),
    /// Everybody who can call an action on a resource
    #[command(after_help = "Examples:\n  yagura access who-can s3:GetObject arn:aws:s3:::payroll/2026.csv\n  \
        yagura access who-can iam:PassRole arn:aws:iam::111122223333:role/admin --inventory ./config-snapshots")]
    WhoCan(WhoCan),
    /// Who can make themselves an administrator, and by which steps
    #[command(after_help = "Examples:\n  yagura access escalate\n  yagura access escalate \
        arn:aws:iam::111122223333:user/tanaka --format json\n  yagura access escalate --cut\n  yagura access \
        escalate --to-data")]
    Escalate(Escalate),
    /// Who outside the zone of trust is let in by the policies of resources
    #[command(
        after_help = "Examples:\n  yagura access external\n  yagura access external --inventory ./config-snapshots \
        --fail-on high\n\nWho is trusted stands in yagura.toml of the data directory:\n  [trust]\n  \
        organization = true\n  accounts = [\"444455556666\"]"
    )]
    External(External),
    /// Who inside reaches the data of critical resources
    #[command(
        after_help = "Examples:\n  yagura access internal arn:aws:s3:::payroll\n  yagura access internal --fail-on high\n\n\
        What is critical, and who is expected, stands in yagura.toml of the data directory:\n  [[trust.critical]]\n  \
        resource = \"arn:aws:s3:::payroll*\"\n  allowed = [\"arn:aws:iam::111122223333:role/payroll-*\"]"
    )]
    Internal(Internal),
    /// The least policy that allows what a principal really did, proven by replaying it
    #[command(
        after_help = "Examples:\n  yagura access least arn:aws:iam::111122223333:role/deploy > deploy.json\n  yagura access \
        least arn:aws:iam::111122223333:user/tanaka --since 30d --format json"
    )]
    Least(Least),
    /// Roles, passwords, keys and permissions that nobody used
    #[command(after_help = "Examples:\n  yagura access unused\n  yagura access unused --days 45 --fail-on low")]
    Unused(Unused),
    /// Groups for principals that do much the same, and how much more each would get
    #[command(after_help = "Examples:\n  yagura access groups\n  yagura access groups --since 30d --format json")]
    Groups(Groups),
    /// Whether a policy allows anything that another does not, with a request that shows it
    #[command(
        after_help = "Examples:\n  yagura access diff old.json new.json\n  yagura access diff old.json new.json --type \
        resource --fail-on high"
    )]
    Diff(Diff),
    /// Whether a resource's policy lets in strangers, with a request that shows it
    #[command(after_help = "Examples:\n  yagura access public bucket-policy.json --type AWS::S3::Bucket\n  \
        yagura access public key-policy.json --account 111122223333 --organization o-a1b2c3d4e5")]
    Public(Public),
    /// What AWS would refuse in a policy, what never matches, and what allows more than is likely meant
    #[command(
        after_help = "Examples:\n  yagura access lint policy.json\n  yagura access lint scp.json --type scp --fail-on high"
    )]
    Lint(Lint),
}

/// Where principals and policies are taken from.
#[derive(Args, Debug)]
pub struct Known {
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
    /// What is known of the request beside; may be repeated, and a key given twice has several values
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Can {
    /// ARN of a user, role or session, a service such as ec2.amazonaws.com, or anonymous
    #[arg(required_unless_present = "input")]
    pub principal: Option<String>,
    /// Action, such as s3:GetObject
    #[arg(required_unless_present = "input")]
    pub action: Option<String>,
    /// ARN of the resource, or *
    #[arg(required_unless_present = "input")]
    pub resource: Option<String>,
    #[command(flatten)]
    pub known: Known,
    /// Policy of the principal's session, as JSON
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,
    /// One case or a list of cases, as JSON; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["principal", "inventory", "context", "session"])]
    pub input: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct WhoCan {
    /// Action, such as s3:GetObject
    pub action: String,
    /// ARN of the resource, or *
    pub resource: String,
    #[command(flatten)]
    pub known: Known,
}

#[derive(Args, Debug)]
pub struct Escalate {
    /// ARN of a user or role [default: all]
    pub principal: Option<String>,
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
    /// Instead of paths, the permissions whose loss leaves fewest of them, and how often each was used
    #[arg(long)]
    pub cut: bool,
    /// Instead of paths, what leads to data or credentials: secrets, copies of disks, policies of resources
    #[arg(long, conflicts_with = "cut")]
    pub to_data: bool,
    /// With --cut: count uses since this time (RFC 3339, a date, or 90d)
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub since: String,
}

#[derive(Args, Debug)]
pub struct External {
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
    /// Also what yagura.toml accepts
    #[arg(long)]
    pub archived: bool,
}

#[derive(Args, Debug)]
pub struct Internal {
    /// ARN of a resource, with * for any text; may be repeated [default: those of [[trust.critical]] in yagura.toml]
    #[arg(value_name = "RESOURCE")]
    pub resources: Vec<String>,
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
    /// Also whom yagura.toml expects or accepts
    #[arg(long)]
    pub archived: bool,
}

#[derive(Args, Debug)]
pub struct Least {
    /// ARN of a user or role
    pub principal: String,
    /// What was done since this time (RFC 3339, a date, or 90d)
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub since: String,
}

#[derive(Args, Debug)]
pub struct Unused {
    /// ARN of a user or role [default: all]
    pub principal: Option<String>,
    /// Not used within so many days
    #[arg(long, value_name = "N", default_value_t = 90)]
    pub days: u32,
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Groups {
    /// What was done since this time (RFC 3339, a date, or 90d)
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub since: String,
    /// Files or folder with AWS Config snapshots or what `scan --resources` wrote [default: the last scan]
    #[arg(long, value_name = "DIR")]
    pub inventory: Option<PathBuf>,
}

/// What a policy that is compared is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attached {
    Identity,
    Resource,
}

#[derive(Args, Debug)]
pub struct Diff {
    /// Policy before, as JSON; - for standard input
    pub old: PathBuf,
    /// Policy after, as JSON
    pub new: PathBuf,
    /// What it is attached to [default: resource if it names principals]
    #[arg(long = "type")]
    pub attached: Option<Attached>,
}

#[derive(Args, Debug)]
pub struct Public {
    /// Policy, as JSON; - for standard input
    pub policy: PathBuf,
    /// Type of the resource, such as AWS::S3::Bucket: only its service's actions count [default: all]
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Account that owns the resource
    #[arg(long, default_value = "111122223333")]
    pub account: String,
    /// Organization whose accounts are trusted
    #[arg(long, value_name = "o-ID")]
    pub organization: Option<String>,
    /// Another account that is trusted; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    pub trust: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Lint {
    /// Policy, as JSON; - for standard input
    pub file: PathBuf,
    /// identity, resource, trust, scp, rcp or endpoint [default: by what it says]
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
}
