//! How good things are: each control's counts, what the score is made of, the roadmap's stages, and what can't be seen.

use crate::{Catalog, Error, Hub, rows};
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{Text, Verdict};
use yagura_posture::{ControlStatus, Score, Stage, VerdictRow};

/// The score with its parts, and the roadmap.
#[derive(Clone, Debug)]
pub struct Standing {
    pub score: Score,
    /// Counts of each control that has any verdict.
    pub controls: BTreeMap<String, ControlCounts>,
    pub stages: Vec<Coverage>,
    pub blind: Vec<Blind>,
    /// When configuration was last judged.
    pub last_run: Option<String>,
    /// When a log was last taken in.
    pub last_ingest: Option<String>,
    /// Earlier scores, oldest first, as (time, percent).
    pub history: Vec<(String, Option<u32>)>,
}

/// A control's verdicts by kind; what is suppressed counts for nothing else, as in Security Hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlCounts {
    pub passed: u64,
    pub failed: u64,
    pub unknown: u64,
    pub not_applicable: u64,
    pub suppressed: u64,
}

/// One stage of the roadmap: its controls by status.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub stage: Option<Stage>,
    pub passed: Vec<String>,
    pub failed: Vec<String>,
    pub unknown: Vec<String>,
    pub no_data: Vec<String>,
}

impl Coverage {
    pub fn total(&self) -> usize {
        self.passed.len() + self.failed.len() + self.unknown.len() + self.no_data.len()
    }
}

/// Something that could not be read, with the number of verdicts that it leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    pub account: Option<String>,
    pub reason: Text,
    pub verdicts: i64,
    pub controls: i64,
}

impl Hub {
    /// Where things stand as of the last runs.
    ///
    /// # Errors
    /// The database's.
    pub async fn standing(&self, catalog: &Catalog) -> Result<Standing, Error> {
        let controls = self.control_counts().await?;
        let score = score(catalog, &controls);
        let stages = Stage::ALL.iter().copied().map(|stage| coverage(stage, catalog, &score)).collect();
        let last_run: Option<String> =
            sqlx::query_scalar("SELECT MAX(finished_at) FROM runs").fetch_one(self.state().pool()).await?;
        let last_ingest: Option<String> =
            sqlx::query_scalar("SELECT MAX(ingested_at) FROM source_objects").fetch_one(self.state().pool()).await?;
        let (blind, history) = (self.blind().await?, self.scores().await?);
        Ok(Standing { score, controls, stages, blind, last_run, last_ingest, history })
    }

    async fn control_counts(&self) -> Result<BTreeMap<String, ControlCounts>, Error> {
        let rows = sqlx::query("SELECT control, verdict, n FROM verdict_counts WHERE n > 0")
            .fetch_all(self.state().pool())
            .await?;
        let mut controls: BTreeMap<String, ControlCounts> = BTreeMap::new();
        let number = |row: &SqliteRow| Ok::<u64, Error>(u64::try_from(row.try_get::<i64, _>("n")?).unwrap_or(0));
        for row in &rows {
            let counts = controls.entry(row.try_get("control")?).or_default();
            *match rows::verdict(row.try_get("verdict")?) {
                Verdict::Pass => &mut counts.passed,
                Verdict::Fail => &mut counts.failed,
                Verdict::NotApplicable => &mut counts.not_applicable,
                Verdict::Unknown => &mut counts.unknown,
            } += number(row)?;
        }
        // What is suppressed failed, and counts as suppressed instead.
        let sql = "SELECT f.rule AS control, COUNT(*) AS n FROM findings f JOIN verdicts v ON v.id = f.id AND \
                   v.verdict = 1 WHERE f.status = 'suppressed' GROUP BY f.rule";
        for row in &sqlx::query(sql).fetch_all(self.state().pool()).await? {
            let counts = controls.entry(row.try_get("control")?).or_default();
            let n = number(row)?;
            counts.failed = counts.failed.saturating_sub(n);
            counts.suppressed += n;
        }
        Ok(controls)
    }

    async fn blind(&self) -> Result<Vec<Blind>, Error> {
        let sql = "SELECT account, reason_en, reason_ja, COUNT(*) AS verdicts, COUNT(DISTINCT control) AS controls \
                   FROM verdicts WHERE verdict = 3 GROUP BY 1, 2, 3 ORDER BY verdicts DESC, reason_en LIMIT 50";
        let rows = sqlx::query(sql).fetch_all(self.state().pool()).await?;
        rows.iter()
            .map(|r| {
                Ok(Blind {
                    account: r.try_get("account")?,
                    reason: Text { en: r.try_get("reason_en")?, ja: r.try_get("reason_ja")? },
                    verdicts: r.try_get("verdicts")?,
                    controls: r.try_get("controls")?,
                })
            })
            .collect()
    }

    async fn scores(&self) -> Result<Vec<(String, Option<u32>)>, Error> {
        let rows = sqlx::query("SELECT at, percent FROM score_history ORDER BY at DESC LIMIT 90")
            .fetch_all(self.state().pool())
            .await?;
        let mut scores =
            rows.iter().map(|r| Ok((r.try_get("at")?, r.try_get("percent")?))).collect::<Result<Vec<_>, Error>>()?;
        scores.reverse();
        Ok(scores)
    }

    /// Keeps the score as of `now`, for its history.
    ///
    /// # Errors
    /// The database's.
    pub async fn remember_score(&self, catalog: &Catalog, now: &str) -> Result<Score, Error> {
        let score = score(catalog, &self.control_counts().await?);
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        sqlx::query("INSERT OR REPLACE INTO score_history (at, percent, passed, failed, unknown) VALUES (?,?,?,?,?)")
            .bind(now)
            .bind(score.percent())
            .bind(number(score.passed))
            .bind(number(score.failed))
            .bind(number(score.unknown))
            .execute(self.state().pool())
            .await?;
        Ok(score)
    }
}

fn score(catalog: &Catalog, counts: &BTreeMap<String, ControlCounts>) -> Score {
    let controls = catalog.iter().filter(|(_, topic)| topic.control).map(|(id, _)| id);
    let rows = counts.iter().flat_map(|(control, c)| {
        [
            (c.passed, Verdict::Pass, false),
            (c.failed, Verdict::Fail, false),
            (c.unknown, Verdict::Unknown, false),
            (c.suppressed, Verdict::Fail, true),
        ]
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(move |(_, verdict, suppressed)| VerdictRow { control, verdict, suppressed })
    });
    Score::of(controls, rows, &BTreeSet::new())
}

fn coverage(stage: Stage, catalog: &Catalog, score: &Score) -> Coverage {
    let mut coverage = Coverage { stage: Some(stage), ..Coverage::default() };
    for (id, _) in catalog.iter().filter(|(_, topic)| topic.stage == Some(stage)) {
        let list = match score.controls.get(id) {
            Some(ControlStatus::Passed) => &mut coverage.passed,
            Some(ControlStatus::Failed) => &mut coverage.failed,
            Some(ControlStatus::Unknown) => &mut coverage.unknown,
            Some(ControlStatus::NoData | ControlStatus::Disabled) | None => &mut coverage.no_data,
        };
        list.push(id.to_owned());
    }
    coverage
}
