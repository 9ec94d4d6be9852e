use super::{failed, show};
use crate::{Console, charts, markdown, ui::Ui};
use askama::Template;
use axum::{extract::State, response::Response};
use yagura_hub::{Blind, Error, Today};
use yagura_posture::Stage;

/// What is not visible, as far as the page lists it.
const BLIND: usize = 8;

/// What must I do today?
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    today: Vec<Thing>,
    open: i64,
    score: Score,
    stages: Vec<StageRow>,
    blind: Vec<Blind>,
    hidden_blind: i64,
    last_run: Option<String>,
    last_ingest: Option<String>,
}

/// One thing to do, with why it matters.
struct Thing {
    today: Today,
    why: String,
}

struct Score {
    percent: Option<u32>,
    passed: usize,
    failed: usize,
    unknown: usize,
    judged: usize,
    no_data: usize,
    ring: String,
    spark: String,
    first: Option<u32>,
}

pub(crate) struct StageRow {
    pub stage: Stage,
    pub passed: usize,
    pub total: usize,
    pub bar: String,
}

/// Bars of the roadmap's stages.
pub(crate) fn stage_rows(ui: &Ui, standing: &yagura_hub::Standing) -> Vec<StageRow> {
    standing
        .stages
        .iter()
        .filter_map(|c| {
            let stage = c.stage?;
            let part = |class, n: usize, en, ja| (class, n, format!("{} {n}", ui.w(en, ja)));
            let parts = [
                part("pass", c.passed.len(), "pass", "合格"),
                part("fail", c.failed.len(), "fail", "不合格"),
                part("unknown", c.unknown.len(), "unknown", "判定不能"),
                part("nodata", c.no_data.len(), "no data", "データなし"),
            ];
            let label = format!("{} {}/{}", ui.stage(&stage), c.passed.len(), c.total());
            Some(StageRow { stage, passed: c.passed.len(), total: c.total(), bar: charts::bar(&parts, &label) })
        })
        .collect()
}

pub(crate) async fn page(State(console): State<Console>, ui: Ui) -> Response {
    match load(&console, &ui).await {
        Ok(home) => show(&ui, &home),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui) -> Result<Home<'a>, Error> {
    let now = (console.now)();
    console.hub.expire_suppressions(&now).await?;
    let standing = console.hub.standing(&console.catalog).await?;
    let why = |rule: &str| console.catalog.get(rule).map(|t| markdown::lead(ui.say(&t.body))).unwrap_or_default();
    let today = console.hub.today(&console.catalog, 3).await?;
    let today = today.into_iter().map(|today| Thing { why: why(&today.group.rule), today }).collect();
    let stages = stage_rows(ui, &standing);
    let score = score(ui, &standing);
    let mut blind = standing.blind;
    let hidden_blind = blind.len().saturating_sub(BLIND) as i64;
    blind.truncate(BLIND);
    Ok(Home {
        ui,
        nav: "home",
        now,
        today,
        open: console.hub.count(&yagura_hub::Filter::open()).await?,
        score,
        stages,
        blind,
        hidden_blind,
        last_run: standing.last_run,
        last_ingest: standing.last_ingest,
    })
}

fn score(ui: &Ui, standing: &yagura_hub::Standing) -> Score {
    let score = &standing.score;
    let points: Vec<u32> = standing.history.iter().filter_map(|(_, p)| *p).collect();
    Score {
        percent: score.percent(),
        passed: score.passed,
        failed: score.failed,
        unknown: score.unknown,
        judged: score.passed + score.failed + score.unknown,
        no_data: score.no_data,
        ring: charts::ring(score.percent(), ui.w("Score", "スコア")),
        spark: charts::spark(&points, ui.w("Score over time", "スコアの推移")),
        first: points.first().copied(),
    }
}
