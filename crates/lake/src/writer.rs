//! Events into Parquet data files: one file for each partition of a batch, rows in order of time.

use crate::durable;
use crate::error::LakeError;
use crate::ocsf::Event;
use crate::record::{self, Partition};
use crate::schema::{ACCOUNT, REGION};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use arrow::json::ReaderBuilder;
use iceberg::arrow::schema_to_arrow_schema;
use iceberg::spec::{DataFile, DataFileFormat, Literal, PartitionKey, Struct};
use iceberg::table::Table;
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{FileNameGenerator, LocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::{IcebergWriter, IcebergWriterBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;
use uuid::Uuid;

/// Rows that are turned into columns at a time.
const CHUNK_ROWS: usize = 2048;
/// Security Lake asks for at most 256 MB compressed; far smaller groups let a query skip more and a reader hold less.
const ROW_GROUP_ROWS: usize = 64 * 1024;

/// A new event: its time in microseconds and its record.
pub(crate) type Row = (i64, Box<[u8]>);

#[derive(Clone, Debug)]
pub(crate) struct Writer {
    table: Table,
    schema: SchemaRef,
    /// The columns that rows fill, without those that are the same in all rows of a partition.
    row_schema: SchemaRef,
    properties: WriterProperties,
}

impl Writer {
    pub fn new(table: &Table) -> Result<Writer, LakeError> {
        let schema =
            schema_to_arrow_schema(table.metadata().current_schema()).map_err(LakeError::table("read the schema"))?;
        let fields: Vec<_> =
            schema.fields().iter().filter(|f| f.name() != REGION && f.name() != ACCOUNT).cloned().collect();
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk);
        // Nobody looks for a document by its first bytes.
        for path in [&["raw_data"][..], &["api", "request", "data"], &["api", "response", "data"]] {
            let path = ColumnPath::new(path.iter().map(|part| (*part).to_owned()).collect());
            properties = properties
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::None)
                .set_column_dictionary_enabled(path, false);
        }
        Ok(Writer {
            table: table.clone(),
            row_schema: Arc::new(ArrowSchema::new(fields)),
            schema: Arc::new(schema),
            properties: properties.build(),
        })
    }

    /// Writes the rows of one partition.
    pub async fn write(&self, partition: &Partition, mut rows: Vec<Row>) -> Result<Vec<DataFile>, LakeError> {
        rows.sort();
        let mut writer = self.open(partition).await?;
        for chunk in rows.chunks(CHUNK_ROWS) {
            if let Some(batch) = self.batch(partition, chunk)? {
                writer.write(batch).await.map_err(LakeError::table("write a data file"))?;
            }
        }
        writer.close().await.map_err(LakeError::table("write a data file"))
    }

    /// Writes the rows of a partition's `files`, one file after the other, into one.
    pub async fn merge(&self, partition: &Partition, files: &[DataFile]) -> Result<Vec<DataFile>, LakeError> {
        let mut writer = self.open(partition).await?;
        for file in files {
            let location = file.file_path();
            let failed = |source| LakeError::Parquet { path: location.to_owned(), source };
            let path = durable::path(location);
            let file = std::fs::File::open(&path).map_err(LakeError::io("open", &path))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .and_then(|builder| builder.with_batch_size(CHUNK_ROWS).build());
            for batch in reader.map_err(failed)? {
                // The same columns in the same types, under the table's own schema.
                let batch = RecordBatch::try_new(self.schema.clone(), batch?.columns().to_vec())?;
                writer.write(batch).await.map_err(LakeError::table("write a data file"))?;
            }
        }
        writer.close().await.map_err(LakeError::table("write a data file"))
    }

    async fn open(&self, partition: &Partition) -> Result<impl IcebergWriter + use<>, LakeError> {
        let builder = DataFileWriterBuilder::new(RollingFileWriterBuilder::new_with_default_file_size(
            ParquetWriterBuilder::new(self.properties.clone(), self.table.metadata().current_schema().clone()),
            self.table.file_io().clone(),
            Folder(format!("{}/data/{}", self.table.metadata().location(), partition.folder())),
            UniqueName,
        ));
        builder.build(Some(self.key(partition))).await.map_err(LakeError::table("write a data file"))
    }

    fn key(&self, partition: &Partition) -> PartitionKey {
        let text = |value: &Option<String>| value.clone().map(Literal::string);
        let values = [partition.day.map(Literal::date), text(&partition.region), text(&partition.account)];
        PartitionKey::new(
            self.table.metadata().default_partition_spec().as_ref().clone(),
            self.table.metadata().current_schema().clone(),
            Struct::from_iter(values),
        )
    }

    fn batch(&self, partition: &Partition, rows: &[Row]) -> Result<Option<RecordBatch>, LakeError> {
        let mut decoder = ReaderBuilder::new(self.row_schema.clone()).with_batch_size(rows.len()).build_decoder()?;
        for (micros, raw) in rows {
            let text = String::from_utf8_lossy(raw);
            let value = record::parse(&text);
            decoder.serialize(&[Event::new(&value, &text, *micros)])?;
        }
        let Some(batch) = decoder.flush()? else { return Ok(None) };
        let constant = |value: &Option<String>| -> ArrayRef {
            Arc::new(StringArray::from(vec![value.as_deref(); batch.num_rows()]))
        };
        let columns = self.schema.fields().iter().map(|field| match field.name().as_str() {
            REGION => Some(constant(&partition.region)),
            ACCOUNT => Some(constant(&partition.account)),
            name => batch.column_by_name(name).cloned(),
        });
        let columns = columns.collect::<Option<Vec<_>>>().unwrap_or_default();
        Ok(Some(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

/// Puts data files into a folder that is made of checked values only, never of log text.
#[derive(Clone, Debug)]
struct Folder(String);

impl LocationGenerator for Folder {
    fn generate_location(&self, _: Option<&PartitionKey>, file_name: &str) -> String {
        format!("{}/{file_name}", self.0)
    }
}

#[derive(Clone, Debug)]
struct UniqueName;

impl FileNameGenerator for UniqueName {
    fn generate_file_name(&self) -> String {
        format!("{}.{}", Uuid::new_v4(), DataFileFormat::Parquet)
    }
}
