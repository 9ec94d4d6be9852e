use super::{failed, show};
use crate::{Console, ui::Ui};
use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;
use yagura_hub::{Error, Filter, Group, Page, Topic};
use yagura_model::{Finding, FindingClass, Severity, Status};

/// Rows of a page of single findings.
const PAGE: i64 = 60;
/// Groups shown at once.
const GROUPS: usize = 100;
/// Resources looked at for a searched text; the page says when there are more.
const SEARCHED: i64 = 2000;

/// What the filter's form sends.
#[derive(Deserialize, Default, Clone)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    class: String,
    /// One rule: its findings one by one instead of groups.
    #[serde(default)]
    rule: String,
    #[serde(default)]
    page: i64,
}

/// Grouped by one fix, or one rule's findings one by one.
#[derive(Template)]
#[template(path = "findings.html")]
struct Findings<'a> {
    ui: &'a Ui,
    nav: &'static str,
    now: String,
    asked: Asked,
    groups: Vec<Fix>,
    hidden_groups: usize,
    rows: Vec<Finding>,
    topic: Option<Topic>,
    total: i64,
    capped: bool,
    from: i64,
    next: Option<i64>,
    severities: [Severity; 5],
    statuses: [Status; 4],
}

/// One fix and the findings that it answers.
struct Fix {
    group: Group,
    topic: Option<Topic>,
}

impl Asked {
    /// Whether anything but the standing choice was asked for.
    fn narrows(&self) -> bool {
        [&self.q, &self.severity, &self.status, &self.class, &self.rule].iter().any(|s| !s.is_empty())
    }

    fn filter(&self) -> Filter {
        let text = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
        Filter {
            statuses: match self.status.as_str() {
                "all" => Vec::new(),
                word => word.parse().map_or_else(|_| vec![Status::New, Status::Notified], |s| vec![s]),
            },
            min_severity: self.severity.parse().ok(),
            class: match self.class.as_str() {
                "detection" => Some(FindingClass::Detection),
                "compliance" => Some(FindingClass::Compliance),
                _ => None,
            },
            rule: text(&self.rule),
            text: text(&self.q),
            text_cap: Some(SEARCHED),
            ..Filter::default()
        }
    }
}

pub(crate) async fn page(
    State(console): State<Console>,
    ui: Ui,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = asked.map(|q| q.0).unwrap_or_default();
    match load(&console, &ui, asked).await {
        Ok(page) => show(&ui, &page),
        Err(e) => failed(&ui, &e),
    }
}

async fn load<'a>(console: &Console, ui: &'a Ui, asked: Asked) -> Result<Findings<'a>, Error> {
    let now = (console.now)();
    console.hub.expire_suppressions(&now).await?;
    let filter = asked.filter();
    let page = asked.page.clamp(0, 1_000_000);
    let from = page * PAGE;
    let (mut groups, rows) = if asked.rule.is_empty() {
        (console.hub.groups(&filter).await?, Vec::new())
    } else {
        (Vec::new(), console.hub.findings(&filter, Page { limit: PAGE, offset: from }).await?)
    };
    let total =
        if asked.rule.is_empty() { groups.iter().map(|g| g.count).sum() } else { console.hub.count(&filter).await? };
    let hidden_groups = groups.len().saturating_sub(GROUPS);
    groups.truncate(GROUPS);
    let groups = groups.into_iter().map(|g| Fix { topic: console.catalog.get(&g.rule).cloned(), group: g }).collect();
    let next = (!asked.rule.is_empty() && from + PAGE < total).then_some(page + 1);
    Ok(Findings {
        ui,
        nav: "findings",
        now,
        topic: console.catalog.get(&asked.rule).cloned(),
        capped: console.hub.text_is_capped(&filter).await?,
        asked: Asked { page, ..asked },
        groups,
        hidden_groups,
        rows,
        total,
        from,
        next,
        severities: Severity::ALL,
        statuses: Status::ALL,
    })
}
