use super::{failed, not_found, show};
use crate::{Console, ui::Ui};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use yagura_hub::{Error, Filter, Page, ResourceRow, Version};
use yagura_model::Finding;

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
    properties: String,
    observed: String,
    changes: Vec<Change>,
}

/// What differs between two versions, as (path, before, after).
struct Change {
    at: String,
    lines: Vec<(String, String, String)>,
}

pub(crate) async fn page(State(console): State<Console>, ui: Ui, Query(asked): Query<Asked>) -> Response {
    match load(&console, &ui, &asked.name).await {
        Ok(Some(page)) => show(&ui, &page),
        Ok(None) => not_found(ui).await,
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, name: &str) -> Result<Option<Resource<'a>>, Error> {
    let Some(row) = console.hub.resource(name).await? else { return Ok(None) };
    let filter = Filter { resource: Some(name.to_owned()), ..Filter::default() };
    let pretty = |v: &Value| serde_json::to_string_pretty(v).unwrap_or_default();
    Ok(Some(Resource {
        ui,
        nav: "resources",
        now: (console.now)(),
        findings: console.hub.findings(&filter, Page { limit: 100, offset: 0 }).await?,
        properties: pretty(&row.resource.properties),
        observed: if row.resource.observed.is_null() { String::new() } else { pretty(&row.resource.observed) },
        changes: changes(&console.hub.resource_history(name).await?),
        row,
    }))
}

/// Versions are newest first; the oldest has nothing to differ from.
fn changes(versions: &[Version]) -> Vec<Change> {
    versions
        .windows(2)
        .map(|pair| {
            let mut lines = Vec::new();
            compare("", &pair[1].resource.properties, &pair[0].resource.properties, &mut lines);
            compare("observed", &pair[1].resource.observed, &pair[0].resource.observed, &mut lines);
            Change { at: pair[0].at.clone(), lines }
        })
        .filter(|c| !c.lines.is_empty())
        .collect()
}

fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<(String, String, String)>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), lines);
            }
        }
        (a, b) if a != b && lines.len() < 200 => lines.push((path.to_owned(), short(a), short(b))),
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = if value.is_null() { "—".to_owned() } else { value.to_string() };
    if text.chars().count() > 300 { text.chars().take(300).chain(['…']).collect() } else { text }
}
