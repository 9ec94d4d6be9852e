//! The `yagura` binary: reads the command line, opens what the command needs, and prints what it answers.

mod args;
mod commands;
mod exit;
mod output;
mod settings;
mod terminal;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            note!("the async runtime does not start: {e}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(e) => {
            note!("yagura: {:#}", e.error);
            ExitCode::from(e.code)
        }
    }
}
