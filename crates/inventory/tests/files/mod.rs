//! Files of every kind, read as `yagura check` reads them.

mod bad_input;
mod cloudformation;
mod config;
mod equal;
mod terraform;

use serde_json::Value;
use std::{path::PathBuf, sync::OnceLock};
use yagura_content::Library;
use yagura_inventory::{
    files::{self, FilesResult, Input, Options, Parameters},
    mapping::Catalog,
};
use yagura_model::Resource;

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::read(&Library::builtin().expect("content loads")).0)
}

fn options() -> Options<'static> {
    Options { catalog: catalog(), parameters: Parameters::default(), account: None, region: None }
}

fn read(text: &str) -> FilesResult {
    read_bytes(text.as_bytes().to_vec())
}

fn read_bytes(bytes: Vec<u8>) -> FilesResult {
    files::read(&[Input::Bytes("input".to_owned(), bytes)], &options())
}

/// Path of a file beside this one.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

fn read_fixture(name: &str) -> FilesResult {
    files::read(&[Input::Path(fixture(name))], &options())
}

/// The resource called `id`.
#[track_caller]
fn find<'r>(result: &'r FilesResult, id: &str) -> &'r Resource {
    let ids: Vec<&str> = result.inventory.resources.iter().map(|r| r.id.as_str()).collect();
    result.inventory.resources.iter().find(|r| r.id == id).unwrap_or_else(|| panic!("no `{id}` in {ids:?}"))
}

/// What a value has that isn't null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

fn no_problems(result: &FilesResult) {
    assert!(result.problems.is_empty(), "{:#?}", result.problems);
}
