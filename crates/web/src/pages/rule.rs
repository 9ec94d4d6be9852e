use super::{failed, not_found, show};
use crate::{Console, markdown, ui::Ui};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use yagura_content::{Document, Kind};
use yagura_hub::{Error, Filter, Topic};
use yagura_model::Finding;

/// A control or detection: what it says, what it found.
#[derive(Template)]
#[template(path = "rule.html")]
struct Rule<'a> {
    ui: &'a Ui,
    nav: &'static str,
    id: String,
    topic: Topic,
    kind: &'static str,
    body: String,
    code: Vec<(String, String)>,
    maps: Vec<(String, String)>,
    findings: Vec<Finding>,
    total: i64,
    counts: Option<(u64, u64, u64, u64)>,
}

pub(crate) async fn page(State(console): State<Console>, ui: Ui, Path(id): Path<String>) -> Response {
    let id = id.replace("~", "/");
    let document = [Kind::Control, Kind::Detection].into_iter().find_map(|k| console.library.get(k, &id));
    let (Some(document), Some(topic)) = (document, console.catalog.get(&id)) else {
        return not_found(ui).await;
    };
    match load(&console, &ui, document, topic).await {
        Ok(page) => show(&ui, &page),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, d: &Document, topic: &Topic) -> Result<Rule<'a>, Error> {
    let filter = Filter { rule: Some(d.id.clone()), ..Filter::open() };
    let standing = console.hub.standing(&console.catalog).await?;
    let code = ["when", "cel", "sigma"]
        .into_iter()
        .flat_map(|word| d.blocks(word).map(move |b| (word.to_owned(), b.text.trim_end().to_owned())))
        .collect();
    let maps = d
        .value("maps")
        .and_then(|v| v.as_table())
        .map(|table| {
            table
                .iter()
                .map(|(name, list)| {
                    let items = list.as_array().into_iter().flatten().filter_map(|v| v.as_str());
                    (name.clone(), items.collect::<Vec<_>>().join(", "))
                })
                .collect()
        })
        .unwrap_or_default();
    Ok(Rule {
        ui,
        nav: "findings",
        kind: if d.kind == Kind::Control {
            ui.w("Control", "コントロール")
        } else {
            ui.w("Detection", "検出ルール")
        },
        body: markdown::render(topic.body.get(ui.lang)),
        code,
        maps,
        findings: console.hub.findings(&filter, yagura_hub::Page { limit: 50, offset: 0 }).await?,
        total: console.hub.count(&filter).await?,
        counts: standing.controls.get(&d.id).map(|c| (c.passed, c.failed, c.unknown, c.suppressed)),
        topic: topic.clone(),
        id: d.id.clone(),
    })
}
