//! Findings as lists, groups and single pages.

use crate::{Error, Hub, rows};
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite};
use yagura_model::{Finding, FindingClass, Severity, Status, Text};

/// Which findings are wanted. Empty lists and `None` take everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub statuses: Vec<Status>,
    pub min_severity: Option<Severity>,
    pub class: Option<FindingClass>,
    pub rule: Option<String>,
    pub account: Option<String>,
    pub resource: Option<String>,
    /// Part of the rule, title or resource, in any case.
    pub text: Option<String>,
}

impl Filter {
    /// What waits for somebody.
    pub fn open() -> Filter {
        Filter { statuses: vec![Status::New, Status::Notified], ..Filter::default() }
    }
}

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub limit: i64,
    pub offset: i64,
}

/// All findings that one fix answers: those of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub rule: String,
    pub class: FindingClass,
    pub title: Text,
    pub severity: Severity,
    pub count: i64,
    pub first_seen: String,
    pub last_seen: String,
    /// One of the findings, so that a group of one can be opened at once.
    pub sample: String,
}

/// What happened to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    pub at: String,
    pub what: String,
    pub note: Option<String>,
}

impl Hub {
    /// Findings, most severe and latest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn findings(&self, filter: &Filter, page: Page) -> Result<Vec<Finding>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {} FROM findings", rows::FINDING_COLUMNS));
        push_where(&mut query, filter);
        query.push(" ORDER BY severity DESC, last_seen DESC, id LIMIT ").push_bind(page.limit);
        query.push(" OFFSET ").push_bind(page.offset);
        let rows = query.build().fetch_all(self.state().pool()).await?;
        rows.iter().map(rows::finding).collect()
    }

    /// How many findings the filter takes.
    ///
    /// # Errors
    /// The database's.
    pub async fn count(&self, filter: &Filter) -> Result<i64, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM findings");
        push_where(&mut query, filter);
        Ok(query.build_query_scalar().fetch_one(self.state().pool()).await?)
    }

    /// Findings by rule, most severe and largest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn groups(&self, filter: &Filter) -> Result<Vec<Group>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT rule, class, COUNT(*) AS n, MAX(severity) AS severity, MIN(first_seen) AS first_seen, \
             MAX(last_seen) AS last_seen, MIN(title_en) AS title_en, MIN(title_ja) AS title_ja, MIN(id) AS sample \
             FROM findings",
        );
        push_where(&mut query, filter);
        query.push(" GROUP BY rule, class ORDER BY severity DESC, n DESC, rule");
        let rows = query.build().fetch_all(self.state().pool()).await?;
        rows.iter()
            .map(|row| {
                let class: String = row.try_get("class")?;
                Ok(Group {
                    rule: row.try_get("rule")?,
                    class: if class == "detection" { FindingClass::Detection } else { FindingClass::Compliance },
                    title: Text { en: row.try_get("title_en")?, ja: row.try_get("title_ja")? },
                    severity: rows::severity(row.try_get("severity")?),
                    count: row.try_get("n")?,
                    first_seen: row.try_get("first_seen")?,
                    last_seen: row.try_get("last_seen")?,
                    sample: row.try_get("sample")?,
                })
            })
            .collect()
    }

    /// A finding by its id, or by an unambiguous beginning of it.
    ///
    /// # Errors
    /// [`Error::NoFinding`], and the database's.
    pub async fn finding(&self, id: &str) -> Result<Finding, Error> {
        let sql =
            format!("SELECT {} FROM findings WHERE id >= ? AND id < ? ORDER BY id LIMIT 2", rows::FINDING_COLUMNS);
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(format!("{id}\u{10ffff}"))
            .fetch_all(self.state().pool())
            .await?;
        match rows.as_slice() {
            [one] => rows::finding(one),
            [first, _] if first.try_get::<String, _>("id")? == id => rows::finding(first),
            _ => Err(Error::NoFinding(id.to_owned())),
        }
    }

    /// What happened to a finding, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn history(&self, id: &str) -> Result<Vec<HistoryEntry>, Error> {
        let rows = sqlx::query("SELECT at, what, note FROM finding_history WHERE finding = ? ORDER BY at, rowid")
            .bind(id)
            .fetch_all(self.state().pool())
            .await?;
        rows.iter()
            .map(|r| Ok(HistoryEntry { at: r.try_get("at")?, what: r.try_get("what")?, note: r.try_get("note")? }))
            .collect()
    }
}

impl Hub {
    /// A number that changes whenever a run, a status or a score was stored.
    ///
    /// # Errors
    /// The database's.
    pub async fn version(&self) -> Result<i64, Error> {
        let sql = "SELECT (SELECT COALESCE(MAX(id), 0) FROM runs) + (SELECT COUNT(*) FROM score_history) \
                   + (SELECT COALESCE(MAX(rowid), 0) FROM finding_history)";
        Ok(sqlx::query_scalar(sql).fetch_one(self.state().pool()).await?)
    }
}

fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    let mut word = " WHERE ";
    let mut next = |query: &mut QueryBuilder<Sqlite>| {
        query.push(word);
        word = " AND ";
    };
    if !filter.statuses.is_empty() {
        next(query);
        query.push("status IN (");
        let mut list = query.separated(", ");
        for status in &filter.statuses {
            list.push_bind(status.as_str());
        }
        query.push(")");
    }
    if let Some(severity) = filter.min_severity {
        next(query);
        query.push("severity >= ").push_bind(severity as i64);
    }
    let equals = [
        ("class = ", filter.class.map(|c| c.as_str().to_owned())),
        ("rule = ", filter.rule.clone()),
        ("account = ", filter.account.clone()),
        ("resource = ", filter.resource.clone()),
    ];
    for (column, value) in equals {
        if let Some(value) = value {
            next(query);
            query.push(column).push_bind(value);
        }
    }
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
        next(query);
        query.push("instr(lower(rule || ' ' || title_en || ' ' || title_ja || ' ' || resource || ' ' || id), lower(");
        query.push_bind(text.to_owned()).push(")) > 0");
    }
}
