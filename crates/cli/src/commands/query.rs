use crate::{
    args::{Global, Query},
    exit::Stop,
    output, settings,
};
use serde_json::{Value, json};
use std::{future::Future, pin::Pin, process::ExitCode};
use yagura_hub::{Filter, Hub, Page};
use yagura_lake::{ColumnKind, Columns, Lake, LakeError, QueryOptions, Tables};
use yagura_report::Rows;

/// Everything of one kind; SQL narrows it.
const ALL: i64 = 10_000_000;

/// The hub's tables.
struct HubTables<'a>(&'a Hub);

type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Tables for HubTables<'_> {
    fn names(&self) -> Vec<&'static str> {
        vec!["findings", "resources"]
    }

    fn rows<'life0, 'life1, 'async_trait>(
        &'life0 self,
        name: &'life1 str,
    ) -> Pin<Box<dyn Future<Output = Result<Columns, Fault>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            match name {
                "findings" => self.findings().await,
                _ => self.resources().await,
            }
        })
    }
}

impl HubTables<'_> {
    async fn findings(&self) -> Result<Columns, Fault> {
        use ColumnKind::{Json, Text, Time};
        let rows = self.0.findings(&Filter::default(), Page { limit: ALL, offset: 0 }).await?;
        let columns = vec![
            ("id", Text),
            ("class", Text),
            ("rule", Text),
            ("severity", Text),
            ("status", Text),
            ("title", Text),
            ("title_ja", Text),
            ("reason", Text),
            ("resource", Text),
            ("type", Text),
            ("account", Text),
            ("region", Text),
            ("owner", Text),
            ("first_seen", Time),
            ("last_seen", Time),
            ("evidence", Json),
        ];
        let rows = rows
            .into_iter()
            .map(|f| {
                json!({
                    "id": f.id, "class": f.class, "rule": f.rule, "severity": f.severity, "status": f.status,
                    "title": f.title.en, "title_ja": f.title.ja, "reason": f.reason.en, "resource": f.resource,
                    "type": f.resource_type, "account": f.account, "region": f.region, "owner": f.owner,
                    "first_seen": f.first_seen, "last_seen": f.last_seen, "evidence": f.evidence,
                })
            })
            .collect();
        Ok(Columns { columns, rows })
    }

    async fn resources(&self) -> Result<Columns, Fault> {
        use ColumnKind::{Json, Text, Time};
        let rows = self.0.resources(None, None, ALL, 0).await?;
        let columns = vec![
            ("type", Text),
            ("id", Text),
            ("arn", Text),
            ("account", Text),
            ("region", Text),
            ("tags", Json),
            ("properties", Json),
            ("observed", Json),
            ("first_seen", Time),
            ("last_seen", Time),
        ];
        let rows = rows
            .into_iter()
            .map(|r| {
                json!({
                    "type": r.resource.kind, "id": r.resource.id, "arn": r.resource.arn,
                    "account": r.resource.account, "region": r.resource.region, "tags": r.resource.tags,
                    "properties": r.resource.properties, "observed": r.resource.observed,
                    "first_seen": r.first_seen, "last_seen": r.last_seen,
                })
            })
            .collect();
        Ok(Columns { columns, rows })
    }
}

/// `yagura query`
pub async fn run(global: &Global, args: &Query) -> Result<ExitCode, Stop> {
    let hub = settings::hub(global).await?;
    let lake = Lake::open(&settings::data_dir(global), hub.state()).await?;
    let stop = |e: LakeError| match e {
        LakeError::Query(_) => Stop::usage(e),
        other => Stop::failed(other),
    };
    let answer = lake.query(&args.sql, &HubTables(&hub), &QueryOptions::default()).await.map_err(stop)?;
    let columns = answer.columns().to_vec();
    let rows: Vec<Vec<Option<Value>>> =
        answer.all().await.map_err(stop)?.into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
    output::write_rows(global, "Yagura: query", &Rows { columns, rows })?;
    Ok(ExitCode::SUCCESS)
}
