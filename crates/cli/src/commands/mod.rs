//! One file a command.

mod access;
mod check;
mod content;
mod demo;
mod derive;
mod doctor;
mod explain;
mod findings;
mod fix;
mod hunt;
mod ingest;
mod judge;
mod policy;
mod query;
mod report;
mod scan;
mod sources;
mod standing;
mod up;

use crate::{
    args::{Cli, Command},
    exit::Stop,
    output,
};
use std::process::ExitCode;

/// Runs the command that was asked for.
pub async fn run(cli: Cli) -> Result<ExitCode, Stop> {
    let global = cli.global;
    output::check(&global, &cli.command)?;
    match cli.command {
        Command::Content(args) => content::run(&global, args),
        Command::Explain(args) => explain::run(&global, &args),
        Command::Findings(args) => findings::run(&global, args).await,
        Command::Scan(args) => scan::run(&global, args).await,
        Command::Check(args) => check::run(&global, args).await,
        Command::Doctor(args) => doctor::run(&global, args).await,
        Command::Policy(args) => policy::run(&global, &args),
        Command::Access(args) => access::run(&global, args).await,
        Command::Up(args) => up::run(&global, args).await,
        Command::Hunt(args) => hunt::run(&global, &args).await,
        Command::Ingest(args) => ingest::run(&global, &args).await,
        Command::Query(args) => query::run(&global, &args).await,
        Command::Report => report::run(&global).await,
        Command::Fix(args) => fix::run(&global, &args).await,
        Command::Undo(args) => fix::undo(&global, &args).await,
        Command::Score => standing::score(&global).await,
        Command::Roadmap => standing::roadmap(&global).await,
    }
}
