//! Reads what Yagura knows: one thing, one Markdown (or TOML) file under `content/`, built in and extended by users.
//!
//! This crate knows the *form* of a file (head, bilingual text, fenced blocks) and indexes files by kind and id. What a
//! control's CEL or a detection's Sigma means belongs to the engine that runs it. No I/O: files come in as text.

mod document;
mod library;
pub mod shapes;

pub use document::{Block, Document, Error, Kind};
pub use library::Library;

include!(concat!(env!("OUT_DIR"), "/files.rs"));
