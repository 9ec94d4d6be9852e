//! Everything that must hold: unit, property and snapshot tests, the content's fixtures, then the built binary against
//! moto, published schemas, other engines and a browser.

use crate::{
    reference,
    shell::{self, cargo, command, exists, root, say},
    tools,
};
use anyhow::{Result, bail};
use std::{path::Path, process::Command};

const PARTS: [&str; 3] = ["rust", "e2e", "browser"];
/// What the runners answer when a filter keeps to none of their tests.
const NEXTEST_NONE: i32 = 4;
const PYTEST_NONE: i32 = 5;

/// Runs all tests; the first word may be a part, a further one keeps to the tests with it in their names.
///
/// # Errors
/// The first part that fails, or a filter that no test answers to.
pub fn run(args: &[String]) -> Result<()> {
    let (part, filter) = match args {
        [first, rest @ ..] if PARTS.contains(&first.as_str()) => (Some(first.as_str()), rest.first()),
        _ => (None, args.first()),
    };
    let filter = filter.map(String::as_str);
    let wants = |name: &str| part.is_none_or(|p| p == name);
    let binary = shell::binary()?;
    let mut ran = false;
    if wants("rust") {
        ran |= rust(filter)?;
        if filter.is_none() {
            shell::run(command(&binary).args(["content", "test"]))?;
            reference::check(&binary)?;
        }
    }
    if wants("e2e") {
        ran |= end_to_end(&binary, filter)?;
    }
    // The browser walks through the console in one go, so that there is nothing to keep to.
    if wants("browser") && filter.is_none() {
        browser(&binary)?;
        ran = true;
    }
    match filter {
        Some(filter) if !ran => bail!("no test has `{filter}` in its name"),
        _ => say("all tests pass"),
    }
    Ok(())
}

/// Whether there was a test to run.
fn succeeded(command: &mut Command, none: i32, filter: Option<&str>) -> Result<bool> {
    match shell::status(command)? {
        0 => Ok(true),
        code if code == none && filter.is_some() => Ok(false),
        code => bail!("the tests failed with exit code {code}"),
    }
}

fn rust(filter: Option<&str>) -> Result<bool> {
    let mut command = if exists("cargo-nextest") {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        cargo(&["test", "--workspace", "--no-fail-fast"])
    };
    succeeded(command.args(filter), NEXTEST_NONE, filter)
}

fn end_to_end(binary: &Path, filter: Option<&str>) -> Result<bool> {
    let bin = tools::python("python", "tests/requirements.txt")?;
    let prowler = tools::python("prowler", "tests/requirements-prowler.txt")?;
    let mut pytest = command(bin.join("python"));
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e"])
        .args(filter.into_iter().flat_map(|f| ["-k", f]))
        .env("YAGURA", binary)
        .env("MOTO_SERVER", bin.join("moto_server"))
        .env("PROWLER", prowler.join("prowler"));
    succeeded(&mut pytest, PYTEST_NONE, filter)
}

fn browser(binary: &Path) -> Result<()> {
    tools::browser()?;
    let node = tools::playwright()?;
    shell::run(
        command("node")
            .arg(root().join("tests/browser/run.mjs"))
            .current_dir(&node)
            .env("NODE_PATH", node.join("node_modules"))
            .env("YAGURA", binary),
    )
}
