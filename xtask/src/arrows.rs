//! The arrows between crates, held against the table in `docs/ARCHITECTURE.md`, so that the page can't drift from the
//! code. A crate marked *no I/O* pulls in no tokio, and only `lake` names Arrow.

use crate::shell::{self, cargo, root};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

const PAGE: &str = "docs/ARCHITECTURE.md";
/// The crates that make up Arrow's world.
const ARROW: [&str; 4] = ["arrow", "parquet", "datafusion", "iceberg"];

/// A row of the table: what a crate may use of ours, and whether it may reach the outside world.
struct Row {
    may_use: BTreeSet<String>,
    io: bool,
}

/// Packages by name with the names of their normal dependencies.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// # Errors
/// Every arrow that the table does not have, and every crate that it does not name.
pub fn check() -> Result<()> {
    let page = fs::read_to_string(root().join(PAGE)).with_context(|| format!("`{PAGE}`"))?;
    let text = shell::read(&mut cargo(&["metadata", "--format-version", "1", "--locked", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    let broken = broken(&table(&page), &graph(&metadata), &ours(&metadata));
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the arrows between crates are not those of `{PAGE}`:\n  {}", broken.join("\n  "))
}

fn broken(table: &BTreeMap<String, Row>, graph: &Graph, ours: &BTreeSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for name in ours {
        let Some(row) = table.get(name) else {
            broken.push(format!("`{name}` has no row in the table of crates"));
            continue;
        };
        let direct = graph.get(name).cloned().unwrap_or_default();
        for other in direct.intersection(ours).filter(|o| !row.may_use.contains(*o)) {
            broken.push(format!("`{name}` may not use `{other}`"));
        }
        if !row.io && reaches(graph, name, "tokio") {
            broken.push(format!("`{name}` does no I/O, but pulls in tokio"));
        }
        if name != "lake" && direct.iter().any(|d| ARROW.contains(&d.as_str())) {
            broken.push(format!("`{name}` names Arrow, which only `lake` may"));
        }
    }
    broken.extend(table.keys().filter(|k| !ours.contains(*k)).map(|k| format!("`{k}` is in the table, but not here")));
    broken
}

/// The rows `| crate | holds | may use | I/O |`, with names in backticks; `all` stands for every crate of the table.
fn table(page: &str) -> BTreeMap<String, Row> {
    let ticked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = page.lines().skip_while(|l| !l.starts_with("| crate |")).skip(2).take_while(|l| l.starts_with('|'));
    let cells: Vec<Vec<&str>> = rows.map(|l| l.split('|').map(str::trim).collect()).collect();
    let all: BTreeSet<String> = cells.iter().filter_map(|c| ticked(c.get(1)?).into_iter().next()).collect();
    let row = |c: &Vec<&str>| {
        let name = ticked(c.get(1)?).into_iter().next()?;
        let may_use = if *c.get(3)? == "all" { all.clone() } else { ticked(c[3]).into_iter().collect() };
        Some((name, Row { may_use, io: *c.get(4)? != "no" }))
    };
    cells.iter().filter_map(row).collect()
}

/// A package's name as the table has it: by its folder.
fn short(name: &str) -> &str {
    if name == "yagura" { "cli" } else { name.strip_prefix("yagura-").unwrap_or(name) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn names(metadata: &Value) -> BTreeMap<&str, &str> {
    list(&metadata["packages"]).iter().filter_map(|p| Some((p["id"].as_str()?, short(p["name"].as_str()?)))).collect()
}

fn ours(metadata: &Value) -> BTreeSet<String> {
    let names = names(metadata);
    list(&metadata["workspace_members"]).iter().filter_map(|id| Some((*names.get(id.as_str()?)?).to_owned())).collect()
}

fn graph(metadata: &Value) -> Graph {
    let names = names(metadata);
    let mut graph = Graph::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let Some(name) = node["id"].as_str().and_then(|id| names.get(id)) else { continue };
        let deps = list(&node["deps"])
            .iter()
            .filter(|d| list(&d["dep_kinds"]).iter().any(|k| k["kind"].is_null()))
            .filter_map(|d| Some((*names.get(d["pkg"].as_str()?)?).to_owned()));
        graph.entry((*name).to_owned()).or_default().extend(deps);
    }
    graph
}

fn reaches(graph: &Graph, from: &str, to: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn names_every_arrow_that_the_table_lacks() {
        let page = "| crate | holds | may use | I/O |\n|---|---|---|---|\n| `model` | x | | no |\n\
                    | `hub` | x | `model` | yes |\n| `gone` | x | | no |\n| `cli` | x | all | yes |\n\ntext\n";
        let graph: Graph = [
            ("model", set(&["hub"])),
            ("hub", set(&["model", "tokio", "arrow"])),
            ("cli", set(&["hub", "model"])),
            ("new", set(&[])),
        ]
        .map(|(n, d)| (n.to_owned(), d))
        .into();
        assert_eq!(
            broken(&table(page), &graph, &set(&["model", "hub", "cli", "new"])),
            [
                "`hub` names Arrow, which only `lake` may",
                "`model` may not use `hub`",
                "`model` does no I/O, but pulls in tokio",
                "`new` has no row in the table of crates",
                "`gone` is in the table, but not here",
            ]
        );
    }
}
