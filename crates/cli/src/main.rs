//! The `yagura` binary: reads the command line, opens what the command needs, and prints what it answers.

mod args;
mod ask;
mod commands;
mod exit;
mod japanese;
mod output;
mod settings;
mod terminal;

use clap::{CommandFactory, FromArgMatches};
use std::{env, ffi::OsString, process::ExitCode};
use yagura_model::Lang;

fn main() -> ExitCode {
    let cli = parse(env::args_os().collect());
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

/// Reads the command line, whose help speaks the language that it asks for itself.
fn parse(words: Vec<OsString>) -> args::Cli {
    let said = words.iter().zip(words.iter().skip(1).map(Some).chain([None])).find_map(|(word, next)| {
        let word = word.to_str()?;
        if word == "--lang" { next?.to_str()?.parse().ok() } else { word.strip_prefix("--lang=")?.parse().ok() }
    });
    let mut command = args::Cli::command();
    if said.unwrap_or_else(terminal::locale) == Lang::Ja {
        command = japanese::speak(command);
    }
    let matches = command.get_matches_from(words);
    args::Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit())
}
