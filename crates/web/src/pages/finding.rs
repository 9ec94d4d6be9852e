use super::{failed, show};
use crate::{Console, markdown, ui::Ui};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use yagura_hub::{Error, HistoryEntry, ResourceRow, Topic};
use yagura_model::{Finding, Status};

/// What, why, who, do, evidence.
#[derive(Template)]
#[template(path = "finding.html")]
struct Page<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    finding: Finding,
    topic: Option<Topic>,
    body: String,
    evidence: String,
    history: Vec<HistoryEntry>,
    resource: Option<ResourceRow>,
    suppressed: bool,
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
    let body = topic.as_ref().map(|t| markdown::render(t.body.get(ui.lang))).unwrap_or_default();
    let evidence = serde_json::to_string_pretty(&finding.evidence).unwrap_or_default();
    Ok(Page {
        ui,
        nav: "findings",
        month: in_a_month(&now),
        now,
        topic,
        body,
        evidence,
        history: console.hub.history(&finding.id).await?,
        resource: console.hub.resource(&finding.resource).await?,
        suppressed: finding.status == Status::Suppressed,
        finding,
    })
}

/// The date 30 days on, what a suppression proposes.
fn in_a_month(now: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(now)
        .map(|t| (t + chrono::Duration::days(30)).format("%Y-%m-%d").to_string())
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
    Form(change): Form<Change>,
) -> Response {
    let now = (console.now)();
    let done = match change.what.as_str() {
        "suppress" => {
            let until = if change.until.len() == 10 { format!("{}T00:00:00Z", change.until) } else { change.until };
            console.hub.suppress(&id, &change.reason, &until, &now).await
        }
        "unsuppress" => console.hub.unsuppress(&id, &now).await,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    match done {
        Ok(()) => (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/findings/{id}"))]).into_response(),
        Err(e) => failed(&ui, &e),
    }
}
