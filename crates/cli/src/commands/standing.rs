use crate::{args::Global, exit::Stop, output, settings, terminal};
use serde_json::json;
use std::{fmt::Write as _, process::ExitCode};
use yagura_hub::{Catalog, Coverage, Standing};
use yagura_model::Lang;
use yagura_posture::Stage;
use yagura_report::Rows;

async fn standing(global: &Global) -> Result<(Standing, Catalog), Stop> {
    let catalog = Catalog::of(&settings::library(global)?);
    let hub = settings::hub(global).await?;
    hub.expire_suppressions(&settings::now()).await?;
    Ok((hub.standing(&catalog).await?, catalog))
}

/// `yagura score`
pub async fn score(global: &Global) -> Result<ExitCode, Stop> {
    let (standing, _) = standing(global).await?;
    let score = &standing.score;
    if !output::is_only_table(global) {
        let columns = ["percent", "passed", "failed", "unknown", "no_data", "formula"].map(str::to_owned).to_vec();
        let row = vec![
            Some(json!(score.percent())),
            Some(json!(score.passed)),
            Some(json!(score.failed)),
            Some(json!(score.unknown)),
            Some(json!(score.no_data)),
            Some(json!("passed / (passed + failed + unknown)")),
        ];
        output::write_rows(global, "Yagura: score", &Rows { columns, rows: vec![row] })?;
        return Ok(ExitCode::SUCCESS);
    }
    let (p, f, u) = (score.passed, score.failed, score.unknown);
    let text = match (terminal::lang(global), score.percent()) {
        (Lang::En, None) => "No score yet: nothing has been judged. Run `yagura scan` or `yagura check`.\n".to_owned(),
        (Lang::Ja, None) => {
            "まだスコアはありません。`yagura scan` または `yagura check` を実行してください。\n".to_owned()
        }
        (Lang::En, Some(percent)) => format!(
            "{percent} %  =  {p} passed / ({p} passed + {f} failed + {u} unknown)\n{} control(s) have no data and don't count.\n",
            score.no_data
        ),
        (Lang::Ja, Some(percent)) => format!(
            "{percent} %  =  合格 {p} ÷ (合格 {p} + 不合格 {f} + 判定不能 {u})\nデータのないコントロール {} 件は計算に含みません。\n",
            score.no_data
        ),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// `yagura roadmap`
pub async fn roadmap(global: &Global) -> Result<ExitCode, Stop> {
    let (standing, catalog) = standing(global).await?;
    let lang = terminal::lang(global);
    if !output::is_only_table(global) {
        output::write_rows(global, "Yagura: roadmap", &rows(&standing, &catalog, lang))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for coverage in &standing.stages {
        stage(&mut text, coverage, &catalog, lang);
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn rows(standing: &Standing, catalog: &Catalog, lang: Lang) -> Rows {
    let columns = ["stage", "control", "status", "severity", "title", "minutes"].map(str::to_owned).to_vec();
    let mut rows = Vec::new();
    for coverage in &standing.stages {
        for (status, ids) in [
            ("FAILED", &coverage.failed),
            ("UNKNOWN", &coverage.unknown),
            ("NO_DATA", &coverage.no_data),
            ("PASSED", &coverage.passed),
        ] {
            for id in ids {
                let topic = catalog.get(id);
                rows.push(vec![
                    Some(json!(coverage.stage.map(Stage::as_str))),
                    Some(json!(id)),
                    Some(json!(status)),
                    Some(json!(topic.map(|t| t.severity))),
                    Some(json!(topic.map(|t| t.title.get(lang)))),
                    Some(json!(topic.and_then(|t| t.minutes))),
                ]);
            }
        }
    }
    Rows { columns, rows }
}

/// Columns of a stage's bar.
const BAR: usize = 40;

fn stage(text: &mut String, c: &Coverage, catalog: &Catalog, lang: Lang) {
    let name = match (c.stage, lang) {
        (Some(Stage::Minimum), Lang::En) => "1 Minimum   nobody takes the account tonight",
        (Some(Stage::Standard), Lang::En) => "2 Standard  what a client or an auditor expects",
        (Some(Stage::Hardened) | None, Lang::En) => "3 Hardened  an intruder is contained and seen",
        (Some(Stage::Minimum), Lang::Ja) => "1 最小  今夜アカウントを奪われない",
        (Some(Stage::Standard), Lang::Ja) => "2 標準  取引先や監査人が求める水準",
        (Some(Stage::Hardened) | None, Lang::Ja) => "3 堅牢  侵入されても封じ込め、気付ける",
    };
    let total = c.total().max(1);
    let part = |n: usize| n * BAR / total;
    let bar = format!(
        "{}{}{}",
        "█".repeat(part(c.passed.len())),
        "▒".repeat(part(c.failed.len() + c.unknown.len())),
        "·".repeat(BAR.saturating_sub(part(c.passed.len()) + part(c.failed.len() + c.unknown.len())))
    );
    let sum = match lang {
        Lang::En => format!(
            "{} of {} pass, {} fail, {} unknown, {} without data",
            c.passed.len(),
            c.total(),
            c.failed.len(),
            c.unknown.len(),
            c.no_data.len()
        ),
        Lang::Ja => format!(
            "{} 件中 {} 件合格、{} 件不合格、{} 件判定不能、{} 件データなし",
            c.total(),
            c.passed.len(),
            c.failed.len(),
            c.unknown.len(),
            c.no_data.len()
        ),
    };
    let _ = writeln!(text, "{name}\n  {bar}\n  {sum}");
    let width = c.failed.iter().chain(&c.unknown).map(|id| id.len()).max().unwrap_or(0);
    for id in c.failed.iter().chain(&c.unknown) {
        let mark = if c.failed.contains(id) { "✗" } else { "?" };
        let title = catalog.get(id).map_or("", |t| t.title.get(lang));
        let _ = writeln!(text, "    {mark} {id:<width$}  {title}");
    }
    text.push('\n');
}
