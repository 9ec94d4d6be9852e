//! One file a command.

mod content;
mod explain;
mod findings;

use crate::{
    args::{Cli, Command},
    exit::Stop,
};
use std::process::ExitCode;

/// Runs the command that was asked for.
pub async fn run(cli: Cli) -> Result<ExitCode, Stop> {
    let global = cli.global;
    match cli.command {
        Command::Content(args) => content::run(&global, args),
        Command::Explain(args) => explain::run(&global, &args),
        Command::Findings(args) => findings::run(&global, args).await,
        _ => Err(Stop::usage(anyhow::anyhow!("not yet"))),
    }
}
