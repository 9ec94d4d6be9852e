//! The events' table for DataFusion: Iceberg plans which files a query needs, DataFusion's Parquet reader reads them on
//! all cores.

use crate::durable;
use crate::error::LakeError;
use crate::schema;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::TryStreamExt;
use iceberg::arrow::schema_to_arrow_schema;
use iceberg::expr::{Predicate, Reference};
use iceberg::spec::Datum;
use iceberg::table::Table;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Events {
    /// `None` before the first ingest.
    table: Option<Table>,
    schema: SchemaRef,
}

impl Events {
    /// The table as it is now; a query sees no commit that comes later.
    pub fn new(table: Option<Table>) -> std::result::Result<Events, LakeError> {
        let schema = match &table {
            Some(table) => schema_to_arrow_schema(table.metadata().current_schema()),
            None => schema::schema().and_then(|schema| schema_to_arrow_schema(&schema)),
        };
        Ok(Events { table, schema: Arc::new(schema.map_err(LakeError::table("read the schema"))?) })
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and row groups are left out by what is known of them; the rows are filtered behind.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = match &self.table {
            Some(table) => files(table, filters).await?,
            None => Vec::new(),
        };
        if files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => self.schema.clone(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let options = state.table_options().parquet.clone();
        let source = ParquetSource::new(self.schema.clone()).with_table_parquet_options(options);
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

async fn files(table: &Table, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
    let external = |error: iceberg::Error| DataFusionError::External(Box::new(error));
    let predicate = filters.iter().filter_map(predicate).fold(Predicate::AlwaysTrue, Predicate::and);
    let scan = table.scan().with_filter(predicate).build().map_err(external)?;
    let tasks: Vec<_> = scan.plan_files().await.map_err(external)?.try_collect().await.map_err(external)?;
    tasks
        .into_iter()
        .map(|task| {
            if !task.deletes.is_empty() {
                return Err(DataFusionError::Plan(
                    "another engine deleted rows from the table by position or value: rewrite its data files first \
                     (Spark: CALL system.rewrite_data_files)"
                        .to_owned(),
                ));
            }
            let path = durable::path(&task.data_file_path);
            let path = object_store::path::Path::from_absolute_path(path)?;
            Ok(PartitionedFile::new_from_meta(object_store::ObjectMeta {
                location: path,
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size: task.file_size_in_bytes,
                e_tag: None,
                version: None,
            }))
        })
        .collect()
}

/// What a filter says of top-level columns, for Iceberg to leave files out by; `None` when it says nothing that Iceberg
/// understands.
fn predicate(filter: &Expr) -> Option<Predicate> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => match (predicate(left), predicate(right)) {
            (Some(left), Some(right)) => Some(left.and(right)),
            (one, other) => one.or(other),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => Some(predicate(left)?.or(predicate(right)?)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => compare(&column.name, *op, value),
            (Expr::Literal(value, _), Expr::Column(column)) => compare(&column.name, op.swap()?, value),
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) => {
            let Expr::Column(column) = expr.as_ref() else { return None };
            let values: Option<Vec<Datum>> = list
                .iter()
                .map(|item| match item {
                    Expr::Literal(value, _) => datum(value),
                    _ => None,
                })
                .collect();
            Some(Reference::new(column.name.as_str()).is_in(values?))
        }
        _ => None,
    }
}

fn compare(column: &str, op: Operator, value: &ScalarValue) -> Option<Predicate> {
    let (column, value) = (Reference::new(column), datum(value)?);
    Some(match op {
        Operator::Eq => column.equal_to(value),
        Operator::Lt => column.less_than(value),
        Operator::LtEq => column.less_than_or_equal_to(value),
        Operator::Gt => column.greater_than(value),
        Operator::GtEq => column.greater_than_or_equal_to(value),
        _ => return None,
    })
}

fn datum(value: &ScalarValue) -> Option<Datum> {
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            Some(Datum::string(text))
        }
        ScalarValue::Int32(Some(number)) => Some(Datum::int(*number)),
        ScalarValue::Int64(Some(number)) => Some(Datum::long(*number)),
        ScalarValue::Boolean(Some(flag)) => Some(Datum::bool(*flag)),
        ScalarValue::TimestampMicrosecond(Some(micros), Some(_)) => Some(Datum::timestamptz_micros(*micros)),
        _ => None,
    }
}
