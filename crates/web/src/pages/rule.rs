use super::{failed, not_found, show};
use crate::{Console, charts, markdown, ui::Ui};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use yagura_content::{Document, Kind};
use yagura_hub::{ControlCounts, Error, Filter, Topic};
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
    counts: Vec<(&'static str, &'static str, i64)>,
    bar: String,
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
                    (ui.framework(name), items.collect::<Vec<_>>().join(", "))
                })
                .collect()
        })
        .unwrap_or_default();
    let parts = parts(ui, standing.controls.get(&d.id).copied().unwrap_or_default());
    let label = parts.iter().map(|(_, word, n)| format!("{word} {n}")).collect::<Vec<_>>().join(", ");
    let bar = parts.iter().map(|(class, word, n)| (*class, usize::try_from(*n).unwrap_or(0), format!("{word} {n}")));
    Ok(Rule {
        ui,
        bar: charts::bar(&bar.collect::<Vec<_>>(), &label),
        counts: parts.into_iter().filter(|(_, _, n)| *n > 0).collect(),
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
        topic: topic.clone(),
        id: d.id.clone(),
    })
}

/// A control's resources by verdict: class of the style sheet, word, number.
fn parts(ui: &Ui, counts: ControlCounts) -> [(&'static str, &'static str, i64); 5] {
    let word = |class, en: &'static str, ja: &'static str, n: u64| (class, ui.w(en, ja), i64::try_from(n).unwrap_or(0));
    [
        word("pass", "pass", "合格", counts.passed),
        word("fail", "fail", "不合格", counts.failed),
        word("unknown", "unknown", "判定不能", counts.unknown),
        word("nodata", "suppressed", "抑制中", counts.suppressed),
        word("nodata", "not applicable", "対象外", counts.not_applicable),
    ]
}
