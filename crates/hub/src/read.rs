//! Findings as lists, groups and single pages.

use crate::{Error, Hub, rows};
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
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
    /// Take no more than this many resources that hold the text, so that a page stays quick; `None` takes all.
    pub text_cap: Option<i64>,
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
    /// What that one concerns.
    pub resource: String,
    pub account: Option<String>,
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
        push_where(&mut query, filter, &self.needle(filter).await?);
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
        let needle = self.needle(filter).await?;
        let counted = filter.account.is_none() && filter.resource.is_none() && needle == Needle::None;
        let mut query = QueryBuilder::<Sqlite>::new(if counted {
            "SELECT COALESCE(SUM(n), 0) FROM finding_counts"
        } else {
            "SELECT COUNT(*) FROM findings"
        });
        push_where(&mut query, filter, &needle);
        Ok(query.build_query_scalar().fetch_one(self.state().pool()).await?)
    }

    /// Findings by rule, most severe and largest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn groups(&self, filter: &Filter) -> Result<Vec<Group>, Error> {
        if filter.account.is_some() || filter.resource.is_some() {
            return self.grouped(filter, &self.needle(filter).await?, &[]).await;
        }
        let Some(words) = filter.words() else { return self.counted(filter).await };
        if let Some(id) = finding_id(words) {
            return self.grouped(filter, &Needle::Id(id), &[]).await;
        }
        // Rules that hold the text themselves come whole; of the others, what names a resource that holds it.
        let words = words.to_lowercase();
        let mut groups = self.counted(&Filter { text: None, ..filter.clone() }).await?;
        groups.retain(|g| [&g.rule, &g.title.en, &g.title.ja].iter().any(|t| t.to_lowercase().contains(&words)));
        let whole: Vec<String> = groups.iter().map(|g| g.rule.clone()).collect();
        groups.extend(self.grouped(filter, &Needle::Resource(words), &whole).await?);
        groups.sort_by(|a, b| (b.severity, b.count, &a.rule).cmp(&(a.severity, a.count, &b.rule)));
        Ok(groups)
    }

    /// Groups from the counts that are kept, whatever the number of findings.
    async fn counted(&self, filter: &Filter) -> Result<Vec<Group>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT g.rule AS rule, g.class AS class, n, g.severity AS severity, g.first_seen AS first_seen, \
             g.last_seen AS last_seen, sample, f.title_en AS title_en, f.title_ja AS title_ja, f.resource AS resource, f.account AS account \
             FROM (SELECT rule, class, SUM(n) AS n, MAX(severity) AS severity, \
             MIN((SELECT MIN(f.first_seen) FROM findings f WHERE f.rule = c.rule AND f.class = c.class AND \
             f.status = c.status AND f.severity = c.severity)) AS first_seen, \
             MAX((SELECT MAX(f.last_seen) FROM findings f WHERE f.rule = c.rule AND f.class = c.class AND \
             f.status = c.status AND f.severity = c.severity)) AS last_seen, \
             MAX((SELECT f.id FROM findings f WHERE f.rule = c.rule AND f.class = c.class AND f.status = c.status AND \
             f.severity = c.severity ORDER BY f.last_seen DESC LIMIT 1)) AS sample FROM finding_counts c",
        );
        push_where(&mut query, filter, &Needle::None);
        query.push(" AND n > 0 GROUP BY rule, class) g JOIN findings f ON f.id = g.sample ORDER BY severity DESC, n DESC, rule");
        query.build().fetch_all(self.state().pool()).await?.iter().map(group).collect()
    }

    /// Groups by looking at each finding, without those of the rules `but`.
    async fn grouped(&self, filter: &Filter, needle: &Needle, but: &[String]) -> Result<Vec<Group>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT rule, class, COUNT(*) AS n, MAX(severity) AS severity, MIN(first_seen) AS first_seen, \
             MAX(last_seen) AS last_seen, MIN(title_en) AS title_en, MIN(title_ja) AS title_ja, MIN(id) AS sample, \
             MIN(resource) AS resource, MIN(account) AS account FROM findings",
        );
        push_where(&mut query, filter, needle);
        if !but.is_empty() {
            query.push(" AND rule NOT IN (");
            let mut list = query.separated(", ");
            for rule in but {
                list.push_bind(rule);
            }
            query.push(")");
        }
        query.push(" GROUP BY rule, class ORDER BY severity DESC, n DESC, rule");
        query.build().fetch_all(self.state().pool()).await?.iter().map(group).collect()
    }

    /// What the filter's text asks of each finding.
    async fn needle(&self, filter: &Filter) -> Result<Needle, Error> {
        let Some(words) = filter.words() else { return Ok(Needle::None) };
        if let Some(id) = finding_id(words) {
            return Ok(Needle::Id(id));
        }
        let Some(rule) = &filter.rule else { return Ok(Needle::Anything(words.to_owned())) };
        let title: Option<String> = sqlx::query_scalar(
            "SELECT rule || ' ' || title_en || ' ' || title_ja FROM findings WHERE rule = ? LIMIT 1",
        )
        .bind(rule)
        .fetch_optional(self.state().pool())
        .await?;
        let held = title.is_some_and(|t| t.to_lowercase().contains(&words.to_lowercase()));
        Ok(if held { Needle::None } else { Needle::Resource(words.to_owned()) })
    }

    /// Whether [`Filter::text_cap`] hides some of what holds the text.
    ///
    /// # Errors
    /// The database's.
    pub async fn text_is_capped(&self, filter: &Filter) -> Result<bool, Error> {
        let (Some(words), Some(cap)) = (filter.words(), filter.text_cap) else { return Ok(false) };
        let mut query = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM (");
        push_resources(&mut query, words, Some(cap + 1));
        query.push(")");
        let n: i64 = query.build_query_scalar().fetch_one(self.state().pool()).await?;
        Ok(n > cap)
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

impl Filter {
    fn words(&self) -> Option<&str> {
        self.text.as_deref().map(str::trim).filter(|t| !t.is_empty())
    }
}

/// What a text has to be found in.
#[derive(Clone, Debug, PartialEq)]
enum Needle {
    None,
    /// Beginning of a finding's id.
    Id(String),
    Resource(String),
    /// Rule, title or resource.
    Anything(String),
}

fn finding_id(words: &str) -> Option<String> {
    let digits = words.strip_prefix("F-").or_else(|| words.strip_prefix("f-"))?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| format!("F-{}", digits.to_ascii_lowercase()))
}

fn group(row: &SqliteRow) -> Result<Group, Error> {
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
        resource: row.try_get("resource")?,
        account: row.try_get("account")?,
    })
}

/// Conditions that hold for `findings` and, but for what it has no column for, `finding_counts`.
fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &Filter, needle: &Needle) {
    // A searched text names few resources: `+` keeps the planner from walking all that has the status instead.
    let free = if matches!(needle, Needle::Resource(_)) { "+" } else { "" };
    query.push(" WHERE 1");
    if !filter.statuses.is_empty() {
        query.push(format!(" AND {free}status IN ("));
        let mut list = query.separated(", ");
        for status in &filter.statuses {
            list.push_bind(status.as_str());
        }
        query.push(")");
    }
    if let Some(severity) = filter.min_severity {
        query.push(format!(" AND {free}severity >= ")).push_bind(severity as i64);
    }
    let equals = [
        ("class", filter.class.map(|c| c.as_str().to_owned())),
        ("rule", filter.rule.clone()),
        ("account", filter.account.clone()),
        ("resource", filter.resource.clone()),
    ];
    for (column, value) in equals {
        if let Some(value) = value {
            query.push(format!(" AND {free}{column} = ")).push_bind(value);
        }
    }
    match needle {
        Needle::None => {}
        Needle::Id(id) => {
            query.push(" AND id >= ").push_bind(id.clone()).push(" AND id < ").push_bind(format!("{id}~"));
        }
        Needle::Resource(words) => {
            query.push(" AND resource IN (");
            push_resources(query, words, filter.text_cap);
            query.push(")");
        }
        Needle::Anything(words) => {
            query.push(" AND (instr(lower(rule || ' ' || title_en || ' ' || title_ja), lower(");
            query.push_bind(words.clone()).push(")) > 0 OR resource IN (");
            push_resources(query, words, filter.text_cap);
            query.push("))");
        }
    }
}

/// The names of resources that hold the text, at most `cap` of them. The index holds three letters in a row, so
/// shorter texts read all names.
fn push_resources(query: &mut QueryBuilder<Sqlite>, words: &str, cap: Option<i64>) {
    let words = words.replace('\0', "");
    if words.chars().count() >= 3 {
        query.push(
            "SELECT name FROM finding_resources WHERE id IN (SELECT rowid FROM finding_resources_text WHERE \
             finding_resources_text MATCH ",
        );
        query.push_bind(format!("\"{}\"", words.replace('"', "\"\"")));
        query.push(" LIMIT ").push_bind(cap.unwrap_or(-1)).push(")");
    } else {
        query.push("SELECT name FROM finding_resources WHERE instr(lower(name), lower(").push_bind(words);
        query.push(")) > 0 LIMIT ").push_bind(cap.unwrap_or(-1));
    }
}
