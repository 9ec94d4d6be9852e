//! Questions in SQL over events and whatever tables the caller adds, read-only and within limits.

mod json;
mod memory;
mod provider;
mod rows;

pub use memory::{ColumnKind, Columns, Tables};
pub use rows::Answer;

use crate::error::LakeError;
use crate::lake::Lake;
use crate::schema::{NAMESPACE, TABLE};
use arrow::array::AsArray;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::config::Dialect;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{DataFusionError, ScalarValue, SchemaError};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext, col, lit};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;

/// The name under which SQL knows the events.
pub const EVENTS: &str = "events";

#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Bytes that sorts, joins and groupings may hold before they go to disk or give up.
    pub memory: usize,
    pub timeout: Duration,
}

impl Default for QueryOptions {
    fn default() -> QueryOptions {
        QueryOptions { memory: 512 << 20, timeout: Duration::from_secs(300) }
    }
}

impl Lake {
    /// Runs one SELECT over `events` (also under its Iceberg name) and the tables of `others`.
    pub async fn query(&self, sql: &str, others: &dyn Tables, options: &QueryOptions) -> Result<Answer, LakeError> {
        let context = session(options)?;
        let state = context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect).map_err(|error| explain(&error, others))?;
        let named = state.resolve_table_references(&statement).map_err(|error| explain(&error, others))?;
        // `SHOW TABLES` names a table of the information schema, and that tells of all.
        let all = named.iter().any(|reference| reference.schema() == Some("information_schema"));
        let names = |name: &str| all || named.iter().any(|reference| reference.table() == name);
        if names(EVENTS) || names(TABLE) {
            self.register_events(&context).await?;
        }
        for name in others.names().into_iter().filter(|name| names(name)) {
            let columns = others.rows(name).await.map_err(|error| LakeError::Query(error.to_string()))?;
            let table = memory::table(&columns)?;
            context.register_table(name, table).map_err(|error| explain(&error, others))?;
        }
        let plan = context.state().statement_to_plan(statement).await.map_err(|error| explain(&error, others))?;
        only_reads(&plan)?;
        let frame = context.execute_logical_plan(plan).await.map_err(|error| explain(&error, others))?;
        let stream = frame.execute_stream().await.map_err(|error| explain(&error, others))?;
        Ok(Answer::new(stream, options.timeout))
    }

    /// Hands out the records of all events from `since` to before `until` (microseconds since 1970), each as its text,
    /// in no order; the number of them. A rule that is new judges the past this way.
    pub async fn records(
        &self,
        since: Option<i64>,
        until: Option<i64>,
        mut each: impl FnMut(&str),
    ) -> Result<u64, LakeError> {
        let context = session(&QueryOptions::default())?;
        self.register_events(&context).await?;
        let instant = |micros| lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("+00:00".into())));
        let mut frame = context.table(EVENTS).await.map_err(failed)?;
        if let Some(since) = since {
            frame = frame.filter(col("time_dt").gt_eq(instant(since))).map_err(failed)?;
        }
        if let Some(until) = until {
            frame = frame.filter(col("time_dt").lt(instant(until))).map_err(failed)?;
        }
        let mut stream = frame.select([col("raw_data")]).map_err(failed)?.execute_stream().await.map_err(failed)?;
        let mut count = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(failed)?;
            for raw in batch.column(0).as_string_opt::<i32>().into_iter().flatten().flatten() {
                each(raw);
                count += 1;
            }
        }
        Ok(count)
    }

    async fn register_events(&self, context: &SessionContext) -> Result<(), LakeError> {
        let provider: Arc<dyn TableProvider> = Arc::new(provider::Events::new(self.table().await?)?);
        let failed = |error: DataFusionError| LakeError::Query(error.strip_backtrace());
        let schema = Arc::new(MemorySchemaProvider::new());
        schema.register_table(TABLE.to_owned(), provider.clone()).map_err(failed)?;
        if let Some(catalog) = context.catalog("datafusion") {
            catalog.register_schema(NAMESPACE, schema).map_err(failed)?;
        }
        context.register_table(EVENTS, provider).map_err(failed)?;
        Ok(())
    }
}

fn session(options: &QueryOptions) -> Result<SessionContext, LakeError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_limit(options.memory, 1.0)
        .build_arc()
        .map_err(|error| LakeError::Query(error.strip_backtrace()))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut config = SessionConfig::new().with_information_schema(true).with_target_partitions(cores);
    // The rule loses columns when a struct's member is taken from an unnested list in a subquery ("no column `time`").
    config.options_mut().optimizer.enable_leaf_expression_pushdown = false;
    // In the generic dialect `user` is a function, which makes `actor.user.name` unreadable.
    config.options_mut().sql_parser.dialect = Dialect::DuckDB;
    // Of a row that a filter drops, the wide columns are not even decoded.
    config.options_mut().execution.parquet.pushdown_filters = true;
    config.options_mut().execution.parquet.reorder_filters = true;
    let context = SessionContext::new_with_config_rt(config, runtime);
    context.register_udf(json::json_get());
    Ok(context)
}

/// Refuses what is no question.
fn only_reads(plan: &LogicalPlan) -> Result<(), LakeError> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|_| {
        LakeError::Query("`query` only reads: write one SELECT (tables are filled by `ingest` and `scan`)".to_owned())
    })
}

/// An error of DataFusion's in a user's words.
fn explain(error: &DataFusionError, others: &dyn Tables) -> LakeError {
    let text = error.strip_backtrace();
    let text = text.lines().next().unwrap_or_default();
    if text.contains("single SQL statement") {
        return LakeError::Query("`query` runs one statement: leave out what follows the first `;`".to_owned());
    }
    let known = || std::iter::once(EVENTS).chain(others.names()).collect::<Vec<_>>().join("`, `");
    LakeError::Query(match error.find_root() {
        DataFusionError::Plan(message) if message.starts_with("table '") => {
            format!("{}; there are `{}`", message.replace("datafusion.public.", ""), known())
        }
        DataFusionError::ResourcesExhausted(_) => {
            format!(
                "the query needs more memory than it may have: narrow it by `time_dt`, or select fewer columns ({text})"
            )
        }
        DataFusionError::SQL(why, _) => format!("this is no SQL that can be read: {why}"),
        DataFusionError::SchemaError(why, _) => match why.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                unknown_column(&field.name, valid_fields.iter().map(|column| column.name.as_str()))
            }
            _ => text.to_owned(),
        },
        _ => text.to_owned(),
    })
}

/// Names the column that was meant, where one is near, and all that there are.
fn unknown_column<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|column| (levenshtein(name, column), *column))
        .filter(|(distance, column)| *distance <= 1 + column.len() / 4)
        .min();
    match near {
        Some((_, column)) => format!("there is no column `{name}`; did you mean `{column}`?"),
        None => format!("there is no column `{name}`; there are {}", known.join(", ")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives its error away")]
pub(crate) fn failed(error: DataFusionError) -> LakeError {
    explain(&error, &memory::NoTables)
}
