//! Everything that must hold: unit, property and snapshot tests, the content's fixtures, then the built binary against
//! moto, published schemas, other engines and a browser.

use crate::{
    shell::{self, cargo, command, exists, root, say, target},
    tools,
};
use anyhow::Result;

/// Runs all tests; a word keeps to the matching ones, `rust`, `e2e` and `browser` to one part.
///
/// # Errors
/// The first part that fails.
pub fn run(args: &[String]) -> Result<()> {
    let part = args.first().map(String::as_str);
    let wants = |name: &str| part.is_none() || part == Some(name);
    let filter: &[String] = if matches!(part, Some("rust" | "e2e" | "browser")) { &args[1..] } else { &[] };
    if wants("rust") {
        rust(filter)?;
    }
    shell::run(&mut cargo(&["build", "--package", "yagura"]))?;
    let binary = target().join("debug/yagura");
    if wants("rust") {
        shell::run(command(&binary).args(["content", "test"]))?;
    }
    if wants("e2e") {
        let bin = tools::python("python", "tests/requirements.txt")?;
        let prowler = tools::python("prowler", "tests/requirements-prowler.txt")?;
        shell::run(command(bin.join("python"))
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e"])
            .args(filter)
            .env("YAGURA", &binary)
            .env("MOTO_SERVER", bin.join("moto_server"))
            .env("PROWLER", prowler.join("prowler")))?;
    }
    if wants("browser") {
        tools::browser()?;
        let node = tools::playwright()?;
        shell::run(command("node")
            .arg(root().join("tests/browser/run.mjs"))
            .current_dir(&node)
            .env("NODE_PATH", node.join("node_modules"))
            .env("YAGURA", &binary))?;
    }
    say("all tests pass");
    Ok(())
}

fn rust(filter: &[String]) -> Result<()> {
    if exists("cargo-nextest") {
        shell::run(cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]).args(filter))
    } else {
        shell::run(cargo(&["test", "--workspace"]).args(filter))
    }
}
