//! An Iceberg catalog on the state database, in the tables that PyIceberg's `SqlCatalog` reads.
//!
//! A table's current state is one pointer, its `metadata_location`. A commit writes new files first and then swaps the
//! pointer by compare-and-swap. [`SqlCatalog::staging`] holds the swap back, so that the caller can make it in the
//! transaction that also writes what must appear together with the new rows.

use async_trait::async_trait;
use iceberg::io::FileIO;
use iceberg::spec::{TableMetadata, TableMetadataBuilder};
use iceberg::table::Table;
use iceberg::{
    Catalog, Error, ErrorKind, MetadataLocation, Namespace, NamespaceIdent, Result, Runtime, TableCommit,
    TableCreation, TableIdent,
};
use sqlx::SqliteConnection;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Mutex;
use yagura_state::State;

/// The name under which other engines open the catalog.
pub const CATALOG_NAME: &str = "yagura";

/// A pointer swap that has yet to happen.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    pub table: TableIdent,
    pub from: String,
    pub to: String,
}

#[derive(Debug)]
pub(crate) struct SqlCatalog {
    state: State,
    warehouse: String,
    file_io: FileIO,
    runtime: Runtime,
    /// Where a held-back swap is put; `None` when commits take effect at once.
    held: Option<Mutex<Option<Swap>>>,
}

impl SqlCatalog {
    /// `warehouse` is a `file://` URL.
    pub fn new(state: State, warehouse: String) -> Result<SqlCatalog> {
        Ok(SqlCatalog {
            state,
            warehouse,
            file_io: FileIO::new_with_fs(),
            runtime: Runtime::try_current()?,
            held: None,
        })
    }

    /// The same catalog, whose commits end as a [`Swap`] for the caller to make.
    pub fn staging(&self) -> SqlCatalog {
        SqlCatalog {
            state: self.state.clone(),
            warehouse: self.warehouse.clone(),
            file_io: self.file_io.clone(),
            runtime: self.runtime.clone(),
            held: Some(Mutex::new(None)),
        }
    }

    /// The swap that the last commit ended in.
    pub fn take_swap(&self) -> Option<Swap> {
        self.held.as_ref()?.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    async fn pointer(&self, ident: &TableIdent) -> Result<Option<String>> {
        let location: Option<Option<String>> = sqlx::query_scalar(
            "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
        )
        .bind(CATALOG_NAME)
        .bind(ident.namespace.join("."))
        .bind(ident.name.as_str())
        .fetch_optional(self.state.pool())
        .await
        .map_err(sql)?;
        Ok(location.flatten())
    }

    fn table(&self, ident: TableIdent, metadata: TableMetadata, location: String) -> Result<Table> {
        Table::builder()
            .file_io(self.file_io.clone())
            .metadata(metadata)
            .metadata_location(location)
            .identifier(ident)
            .runtime(self.runtime.clone())
            .build()
    }
}

/// Makes `swap` in the caller's transaction; `false` when the pointer is no longer where the swap started.
pub(crate) async fn swap_pointer(conn: &mut SqliteConnection, swap: &Swap) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
         WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?",
    )
    .bind(swap.to.as_str())
    .bind(swap.from.as_str())
    .bind(CATALOG_NAME)
    .bind(swap.table.namespace.join("."))
    .bind(swap.table.name.as_str())
    .bind(swap.from.as_str())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn sql(source: sqlx::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the catalog's database").with_source(source)
}

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::new(
        ErrorKind::FeatureUnsupported,
        format!("Yagura's catalog does not {what}; use PyIceberg or Spark for it"),
    ))
}

#[async_trait]
impl Catalog for SqlCatalog {
    async fn list_namespaces(&self, parent: Option<&NamespaceIdent>) -> Result<Vec<NamespaceIdent>> {
        if parent.is_some() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT namespace FROM iceberg_namespace_properties WHERE catalog_name = ? ORDER BY 1",
        )
        .bind(CATALOG_NAME)
        .fetch_all(self.state.pool())
        .await
        .map_err(sql)?;
        names.into_iter().map(|name| NamespaceIdent::from_strs(name.split('.'))).collect()
    }

    async fn create_namespace(
        &self,
        namespace: &NamespaceIdent,
        properties: HashMap<String, String>,
    ) -> Result<Namespace> {
        // A namespace is the rows of its properties, so one that has none gets PyIceberg's marker.
        let marker = ("exists".to_owned(), "true".to_owned());
        for (key, value) in properties.iter().map(|(k, v)| (k.clone(), v.clone())).chain([marker]) {
            sqlx::query("INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, ?, ?)")
                .bind(CATALOG_NAME)
                .bind(namespace.join("."))
                .bind(key)
                .bind(value)
                .execute(self.state.pool())
                .await
                .map_err(sql)?;
        }
        Ok(Namespace::with_properties(namespace.clone(), properties))
    }

    async fn get_namespace(&self, namespace: &NamespaceIdent) -> Result<Namespace> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT property_key, property_value FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ?",
        )
        .bind(CATALOG_NAME)
        .bind(namespace.join("."))
        .fetch_all(self.state.pool())
        .await
        .map_err(sql)?;
        if rows.is_empty() {
            return Err(Error::new(ErrorKind::NamespaceNotFound, format!("there is no namespace `{namespace}`")));
        }
        Ok(Namespace::with_properties(namespace.clone(), rows.into_iter().collect()))
    }

    async fn namespace_exists(&self, namespace: &NamespaceIdent) -> Result<bool> {
        Ok(self.get_namespace(namespace).await.is_ok())
    }

    async fn list_tables(&self, namespace: &NamespaceIdent) -> Result<Vec<TableIdent>> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? ORDER BY 1",
        )
        .bind(CATALOG_NAME)
        .bind(namespace.join("."))
        .fetch_all(self.state.pool())
        .await
        .map_err(sql)?;
        Ok(names.into_iter().map(|name| TableIdent::new(namespace.clone(), name)).collect())
    }

    async fn create_table(&self, namespace: &NamespaceIdent, creation: TableCreation) -> Result<Table> {
        let ident = TableIdent::new(namespace.clone(), creation.name.clone());
        let location = format!("{}/{}/{}", self.warehouse, namespace.join("/"), ident.name);
        let creation = TableCreation { location: Some(location.clone()), ..creation };
        let metadata = TableMetadataBuilder::from_table_creation(creation)?.build()?.metadata;
        let pointer = MetadataLocation::new_with_metadata(location, &metadata);
        metadata.write_to(&self.file_io, &pointer).await?;
        crate::durable::files([pointer.to_string()]).map_err(Error::from)?;
        let done = sqlx::query("INSERT OR IGNORE INTO iceberg_tables VALUES (?, ?, ?, ?, NULL, 'TABLE')")
            .bind(CATALOG_NAME)
            .bind(namespace.join("."))
            .bind(ident.name.as_str())
            .bind(pointer.to_string())
            .execute(self.state.pool())
            .await
            .map_err(sql)?;
        if done.rows_affected() == 0 {
            return Err(Error::new(ErrorKind::TableAlreadyExists, format!("the table `{ident}` exists")));
        }
        self.table(ident, metadata, pointer.to_string())
    }

    async fn load_table(&self, ident: &TableIdent) -> Result<Table> {
        let Some(location) = self.pointer(ident).await? else {
            return Err(Error::new(ErrorKind::TableNotFound, format!("there is no table `{ident}`")));
        };
        let metadata = TableMetadata::read_from(&self.file_io, &location).await?;
        self.table(ident.clone(), metadata, location)
    }

    async fn table_exists(&self, ident: &TableIdent) -> Result<bool> {
        Ok(self.pointer(ident).await?.is_some())
    }

    async fn update_table(&self, commit: TableCommit) -> Result<Table> {
        let current = self.load_table(commit.identifier()).await?;
        let from = current.metadata_location_result()?.to_owned();
        let updated = commit.apply(current)?;
        let to = updated.metadata_location_result()?.to_owned();
        updated.metadata().write_to(&self.file_io, &MetadataLocation::from_str(&to)?).await?;
        let swap = Swap { table: updated.identifier().clone(), from, to };
        match &self.held {
            Some(held) => *held.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(swap),
            None => {
                crate::durable::files([swap.to.clone()]).map_err(Error::from)?;
                let mut conn = self.state.pool().acquire().await.map_err(sql)?;
                if !swap_pointer(&mut conn, &swap).await.map_err(sql)? {
                    let conflict = Error::new(ErrorKind::CatalogCommitConflicts, "another commit came first");
                    return Err(conflict.with_retryable(true));
                }
            }
        }
        Ok(updated)
    }

    async fn update_namespace(&self, _: &NamespaceIdent, _: HashMap<String, String>) -> Result<()> {
        unsupported("change namespaces")
    }

    async fn drop_namespace(&self, _: &NamespaceIdent) -> Result<()> {
        unsupported("drop namespaces")
    }

    async fn drop_table(&self, _: &TableIdent) -> Result<()> {
        unsupported("drop tables")
    }

    async fn purge_table(&self, _: &TableIdent) -> Result<()> {
        unsupported("purge tables")
    }

    async fn rename_table(&self, _: &TableIdent, _: &TableIdent) -> Result<()> {
        unsupported("rename tables")
    }

    async fn register_table(&self, _: &TableIdent, _: String) -> Result<Table> {
        unsupported("register tables")
    }
}
