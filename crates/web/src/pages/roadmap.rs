use super::{failed, show};
use crate::{Console, ui::Ui};
use askama::Template;
use axum::{extract::State, response::Response};
use yagura_hub::{Error, Topic};

/// Where am I, and what comes next?
#[derive(Template)]
#[template(path = "roadmap.html")]
struct Roadmap<'a> {
    ui: &'a Ui,
    nav: &'static str,
    stages: Vec<Stage>,
}

struct Stage {
    row: super::home::StageRow,
    items: Vec<Item>,
}

struct Item {
    id: String,
    status: &'static str,
    word: String,
    topic: Topic,
}

pub(crate) async fn page(State(console): State<Console>, ui: Ui) -> Response {
    match load(&console, &ui).await {
        Ok(roadmap) => show(&ui, &roadmap),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui) -> Result<Roadmap<'a>, Error> {
    let standing = console.hub.standing(&console.catalog).await?;
    let rows = super::home::stage_rows(ui, &standing);
    let stages = rows
        .into_iter()
        .zip(&standing.stages)
        .map(|(row, coverage)| {
            let mut items = Vec::new();
            for (status, word, ids) in [
                ("fail", ui.w("Fail", "不合格"), &coverage.failed),
                ("unknown", ui.w("Unknown", "判定不能"), &coverage.unknown),
                ("nodata", ui.w("No data", "データなし"), &coverage.no_data),
                ("pass", ui.w("Pass", "合格"), &coverage.passed),
            ] {
                for id in ids {
                    if let Some(topic) = console.catalog.get(id) {
                        items.push(Item { id: id.clone(), status, word: word.to_owned(), topic: topic.clone() });
                    }
                }
            }
            Stage { row, items }
        })
        .collect();
    Ok(Roadmap { ui, nav: "roadmap", stages })
}
