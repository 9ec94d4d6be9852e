//! `yagura access`: who can do what to what.

mod cases;
mod documents;
mod escalate;
mod estate;
mod external;
mod internal;
pub mod sight;
mod usage;

use crate::{
    args::Global,
    ask::{Ask, AskCommand},
    exit::Stop,
    output,
};
use serde_json::Value;
use std::process::ExitCode;
use yagura_report::Rows;

/// `yagura access`
pub async fn run(global: &Global, args: Ask) -> Result<ExitCode, Stop> {
    match args.command {
        AskCommand::Can(can) => match &can.input {
            Some(input) => cases::run(global, input),
            None => estate::can(global, can).await,
        },
        AskCommand::WhoCan(args) => estate::who_can(global, args).await,
        AskCommand::Escalate(args) => escalate::run(global, args).await,
        AskCommand::External(args) => external::run(global, args).await,
        AskCommand::Internal(args) => internal::run(global, args).await,
        AskCommand::Least(args) => usage::least(global, args).await,
        AskCommand::Unused(args) => usage::unused(global, args).await,
        AskCommand::Groups(args) => usage::groups(global, args).await,
        AskCommand::Diff(args) => documents::diff(global, &args),
        AskCommand::Public(args) => documents::public(global, &args),
        AskCommand::Lint(args) => documents::lint(global, &args),
    }
}

/// Writes rows; a person's table has room for the columns `shown` only.
fn write(
    global: &Global,
    title: &str,
    columns: &[&str],
    rows: Vec<Vec<Option<Value>>>,
    shown: &[usize],
) -> Result<(), Stop> {
    let mut rows = Rows { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows };
    if output::is_only_table(global) {
        rows = Rows {
            columns: shown.iter().map(|i| rows.columns[*i].clone()).collect(),
            rows: rows.rows.iter().map(|row| shown.iter().map(|i| row[*i].clone()).collect()).collect(),
        };
    }
    output::write_rows(global, title, &rows)
}
