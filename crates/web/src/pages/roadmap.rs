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
    /// What is left to do, most severe first, and what is done or has nothing to judge.
    items: Vec<Item>,
    done: Vec<Item>,
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
            let of = |status: &'static str, ids: &[String]| {
                let word = match status {
                    "fail" => ui.w("Fail", "不合格"),
                    "unknown" => ui.w("Unknown", "判定不能"),
                    "pass" => ui.w("Pass", "合格"),
                    _ => ui.w("No data", "データなし"),
                };
                let topic = |id: &String| Some((id.clone(), console.catalog.get(id)?.clone()));
                let mut items: Vec<Item> = ids
                    .iter()
                    .filter_map(topic)
                    .map(|(id, topic)| Item { id, status, word: word.to_owned(), topic })
                    .collect();
                items.sort_by_key(|i| std::cmp::Reverse(i.topic.severity));
                items
            };
            let mut items = of("fail", &coverage.failed);
            items.extend(of("unknown", &coverage.unknown));
            let mut done = of("pass", &coverage.passed);
            done.extend(of("nodata", &coverage.no_data));
            Stage { row, items, done }
        })
        .collect();
    Ok(Roadmap { ui, nav: "roadmap", stages })
}
