//! What one does with this repository: `cargo xtask test|lint|bench|gen|new`.

mod arrows;
mod bench;
mod generate;
mod layout;
mod lint;
mod reference;
mod shell;
mod test;
mod tools;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  test [PART] [FILTER]   install what the tests need and run all of them; PART keeps to rust, e2e or browser, FILTER to
                         the tests with that word in their names
  lint                   format, layout, arrows between crates, generated data, licences and sources, clippy
  bench                  measure hunting, judging and reporting
  gen [NAME]             write the generated files anew: aws-api, cfn-shapes, iam-actions, docs
  new KIND ID            begin a new control, detection, playbook or resource type
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let rest = args.get(1..).unwrap_or_default();
    match args.first().map(String::as_str) {
        Some("test") => test::run(rest),
        Some("lint") => lint::run(),
        Some("bench") => bench::run(rest),
        Some("gen") => generate::run(rest),
        Some("new") => shell::run(shell::command(shell::binary()?).args(["content", "new"]).args(rest)),
        None | Some("help" | "--help" | "-h") => {
            shell::say(HELP);
            Ok(())
        }
        Some(other) => bail!("`{other}` is no command\n\n{HELP}"),
    }
}
