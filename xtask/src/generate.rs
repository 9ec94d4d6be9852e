//! Writes the generated files anew.

use crate::{
    reference,
    shell::{self, command, root},
};
use anyhow::{Result, bail};

const NAMES: [&str; 4] = ["aws-api", "cfn-shapes", "iam-actions", "docs"];

/// Each script says in its head what it reads and what it writes.
fn script(path: &str) -> Result<()> {
    shell::run(command("python3").arg(root().join(path)))
}

fn run_named(name: &str) -> Result<()> {
    match name {
        "aws-api" => script("xtask/gen/aws_api.py"),
        "cfn-shapes" => script("xtask/gen/cfn_shapes.py"),
        "iam-actions" => script("xtask/gen/iam_actions.py"),
        "docs" => reference::write(&shell::binary()?),
        _ => bail!("`{name}` is nothing to generate: use one of {}", NAMES.join(", ")),
    }
}

/// # Errors
/// An unknown name, or the first generator that fails.
pub fn run(args: &[String]) -> Result<()> {
    match args.first() {
        Some(name) => run_named(name),
        None => NAMES.iter().try_for_each(|name| run_named(name)),
    }
}
