use super::{failed, show};
use crate::{Console, ui::Ui};
use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;
use yagura_hub::{Error, ResourceRow};

const PAGE: i64 = 100;

#[derive(Deserialize, Default, Clone)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    page: i64,
}

/// What exists.
#[derive(Template)]
#[template(path = "resources.html")]
struct Resources<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    asked: Asked,
    types: Vec<(String, i64)>,
    all: i64,
    rows: Vec<ResourceRow>,
    next: Option<i64>,
}

pub(crate) async fn page(
    State(console): State<Console>,
    ui: Ui,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    match load(&console, &ui, asked.map(|q| q.0).unwrap_or_default()).await {
        Ok(page) => show(&ui, &page),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, asked: Asked) -> Result<Resources<'a>, Error> {
    let text = |s: &str| Some(s.trim().to_owned()).filter(|s| !s.is_empty());
    let (kind, q) = (text(&asked.kind), text(&asked.q));
    let page = asked.page.clamp(0, 1_000_000);
    let mut rows = console.hub.resources(kind.as_deref(), q.as_deref(), PAGE + 1, page * PAGE).await?;
    let next = (rows.len() > PAGE as usize).then_some(page + 1);
    rows.truncate(PAGE as usize);
    let types = console.hub.resource_types().await?;
    let all = types.iter().map(|(_, n)| n).sum();
    let asked = Asked { page, ..asked };
    Ok(Resources { ui, nav: "resources", now: (console.now)(), asked, types, all, rows, next })
}
