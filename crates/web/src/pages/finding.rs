use super::{bad_request, failed, show};
use crate::{
    Console,
    evidence::{self, Row},
    markdown,
    ui::Ui,
    way::{self, Way},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use yagura_hub::{Error, HistoryEntry, ResourceRow, Topic};
use yagura_model::{Finding, FindingClass, Status};

/// Evidence that a page lists one by one.
const ROWS: usize = 40;
/// Bytes of it as JSON.
const JSON: usize = 16_000;
/// Letters of a reason.
const REASON: usize = 500;

/// What an alert says of itself, in the order in which a person asks.
const FACTS: [&str; 8] = ["principal", "session", "source_ip", "target", "count", "attack", "guardduty", "event_ids"];

/// What, why, who, do, evidence.
#[derive(Template)]
#[template(path = "finding.html")]
struct Page<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    finding: Finding,
    alert: bool,
    topic: Option<Topic>,
    why: String,
    steps: String,
    way: Option<Way>,
    rows: Vec<Row>,
    hidden_rows: usize,
    json: String,
    json_cut: bool,
    history: Vec<HistoryEntry>,
    resource: Option<ResourceRow>,
    suppressed: bool,
    resolved: bool,
    tomorrow: String,
    month: String,
}

pub(crate) async fn page(State(console): State<Console>, ui: Ui, Path(id): Path<String>) -> Response {
    match load(&console, &ui, &id).await {
        Ok(page) => show(&ui, &page),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, id: &str) -> Result<Page<'a>, Error> {
    let now = (console.now)();
    console.hub.expire_suppressions(&now).await?;
    let finding = console.hub.finding(id).await?;
    let topic = console.catalog.get(&finding.rule).cloned();
    let (why, steps) = topic.as_ref().map(|t| markdown::why_and_do(ui.say(&t.body))).unwrap_or_default();
    let alert = finding.class == FindingClass::Detection;
    let way = way::of(ui, &console.library, &finding.evidence);
    let (rows, hidden_rows) = match &way {
        _ if alert => facts(ui, &finding.evidence),
        Some(_) => evidence::rows(ui, &untold(&finding.evidence), ROWS),
        None => evidence::rows(ui, &finding.evidence, ROWS),
    };
    let (json, json_cut) = evidence::pretty(&finding.evidence, JSON);
    Ok(Page {
        ui,
        nav: "findings",
        tomorrow: in_days(&now, 1),
        month: in_days(&now, 30),
        now,
        alert,
        topic,
        why,
        steps,
        way,
        rows,
        hidden_rows,
        json,
        json_cut,
        history: console.hub.history(&finding.id).await?,
        resource: resource(console, &finding.resource).await?,
        suppressed: finding.status == Status::Suppressed,
        resolved: finding.status == Status::Resolved,
        finding,
    })
}

/// The resource of that name. Logs name a bucket without its ARN.
async fn resource(console: &Console, name: &str) -> Result<Option<ResourceRow>, Error> {
    match console.hub.resource(name).await? {
        None if !name.contains([':', '/']) => console.hub.resource(&format!("arn:aws:s3:::{name}")).await,
        found => Ok(found),
    }
}

/// The evidence without what the picture of a way tells.
fn untold(evidence: &Value) -> Value {
    let left = evidence.as_object().into_iter().flatten().filter(|(key, _)| !way::is_told(key));
    Value::Object(left.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// An alert's facts by name, without those that say nothing.
fn facts(ui: &Ui, evidence: &Value) -> (Vec<Row>, usize) {
    let mut rows = Vec::new();
    for key in FACTS {
        let said = evidence.get(key).filter(|v| !v.is_null() && v.as_array().is_none_or(|list| !list.is_empty()));
        if let Some(value) = said {
            let one = Value::Object(Map::from_iter([(ui.fact(key).to_owned(), value.clone())]));
            rows.extend(evidence::rows(ui, &one, ROWS).0);
        }
    }
    (rows, 0)
}

/// The date some days on.
fn in_days(now: &str, days: i64) -> String {
    chrono::DateTime::parse_from_rfc3339(now)
        .map(|t| (t + chrono::Duration::days(days)).format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

#[derive(Deserialize)]
pub(crate) struct Change {
    what: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    until: String,
}

pub(crate) async fn change(
    State(console): State<Console>,
    ui: Ui,
    Path(id): Path<String>,
    change: Result<Form<Change>, FormRejection>,
) -> Response {
    let Ok(Form(change)) = change else { return bad_request(&ui) };
    if change.reason.chars().count() > REASON {
        return bad_request(&ui);
    }
    let now = (console.now)();
    let done = match change.what.as_str() {
        "suppress" => match chrono::NaiveDate::parse_from_str(&change.until, "%Y-%m-%d") {
            Ok(day) => console.hub.suppress(&id, &change.reason, &format!("{day}T00:00:00Z"), &now).await,
            Err(_) => Err(Error::NoEnd(change.until)),
        },
        "unsuppress" => console.hub.unsuppress(&id, &now).await,
        "close" => console.hub.close(&id, &change.reason, &now).await,
        "reopen" => console.hub.reopen(&id, &now).await,
        _ => return bad_request(&ui),
    };
    match done {
        Ok(()) => (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/findings/{id}"))]).into_response(),
        Err(e) => failed(&ui, &e),
    }
}
