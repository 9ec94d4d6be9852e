use super::{failed, not_found, show};
use crate::{
    Console,
    evidence::{self, Line, Row},
    ui::Ui,
};
use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use yagura_hub::{Error, Filter, Page, ResourceRow, Version};
use yagura_model::Finding;

/// Findings listed on the page.
const FINDINGS: i64 = 40;
/// Properties listed one by one.
const ROWS: usize = 40;
/// Bytes of them as JSON.
const JSON: usize = 12_000;
/// Versions that the page compares, and differences that it lists.
const VERSIONS: usize = 11;
const LINES: usize = 40;

#[derive(Deserialize)]
pub(crate) struct Asked {
    name: String,
}

/// One resource: what is wrong with it, what it looks like, how it changed.
#[derive(Template)]
#[template(path = "resource.html")]
struct Resource<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    row: ResourceRow,
    findings: Vec<Finding>,
    total: i64,
    properties: Vec<Row>,
    observed: Vec<Row>,
    hidden: usize,
    json: String,
    json_cut: bool,
    changes: Vec<Change>,
}

/// What differs between two versions.
struct Change {
    at: String,
    lines: Vec<Line>,
    hidden: usize,
}

pub(crate) async fn page(
    State(console): State<Console>,
    ui: Ui,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else { return not_found(ui).await };
    match load(&console, &ui, &asked.name).await {
        Ok(Some(page)) => show(&ui, &page),
        Ok(None) => not_found(ui).await,
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, name: &str) -> Result<Option<Resource<'a>>, Error> {
    let Some(row) = console.hub.resource(name).await? else { return Ok(None) };
    let filter = Filter { resource: Some(name.to_owned()), ..Filter::open() };
    let r = &row.resource;
    let (properties, hidden) = evidence::rows(ui, &r.properties, ROWS);
    let (observed, hidden_observed) = evidence::rows(ui, &r.observed, ROWS);
    let both = serde_json::json!({"properties": r.properties, "observed": r.observed});
    let (json, json_cut) = evidence::pretty(if r.observed.is_null() { &r.properties } else { &both }, JSON);
    Ok(Some(Resource {
        ui,
        nav: "resources",
        now: (console.now)(),
        findings: console.hub.findings(&filter, Page { limit: FINDINGS, offset: 0 }).await?,
        total: console.hub.count(&filter).await?,
        properties,
        observed,
        hidden: hidden + hidden_observed,
        json,
        json_cut,
        changes: changes(ui, &console.hub.resource_history(name).await?),
        row,
    }))
}

/// Versions are newest first; the oldest has nothing to differ from.
fn changes(ui: &Ui, versions: &[Version]) -> Vec<Change> {
    let mut room = LINES;
    let pairs = versions.windows(2).take(VERSIONS - 1);
    let changes = pairs.map(|pair| {
        let (old, new) = (&pair[1].resource, &pair[0].resource);
        let (mut lines, mut hidden) = evidence::differences(ui, "", &old.properties, &new.properties);
        // What one source can't observe has not been taken away.
        if old.observed.is_object() && new.observed.is_object() {
            let (more, left_out) = evidence::differences(ui, "observed", &old.observed, &new.observed);
            lines.extend(more);
            hidden += left_out;
        }
        let tags = |tags| serde_json::to_value(tags).unwrap_or(Value::Null);
        lines.extend(evidence::differences(ui, "tags", &tags(&old.tags), &tags(&new.tags)).0);
        hidden += lines.len().saturating_sub(room);
        lines.truncate(room);
        room -= lines.len();
        Change { at: pair[0].at.clone(), lines, hidden }
    });
    changes.filter(|c| !c.lines.is_empty() || c.hidden > 0).collect()
}
