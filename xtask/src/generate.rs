//! Writes the generated files anew.

use crate::shell::{self, cache, command, root};
use anyhow::{Result, bail};

/// (name, script): each script says in its head what it reads and what it writes.
const GENERATORS: &[(&str, &str)] = &[("aws-api", "xtask/gen/aws_api.py"), ("cfn-shapes", "xtask/gen/cfn_shapes.py")];

fn run_named(name: &str) -> Result<()> {
    let Some((_, script)) = GENERATORS.iter().find(|(n, _)| *n == name) else {
        let names: Vec<_> = GENERATORS.iter().map(|(n, _)| *n).collect();
        bail!("`{name}` is nothing to generate: use one of {}", names.join(", "));
    };
    shell::run(command("python3").arg(root().join(script)).env("YAGURA_CACHE", cache()))
}

/// # Errors
/// An unknown name, or the first generator that fails.
pub fn run(args: &[String]) -> Result<()> {
    match args.first() {
        Some(name) => run_named(name),
        None => GENERATORS.iter().try_for_each(|(name, _)| run_named(name)),
    }
}
