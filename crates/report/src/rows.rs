//! Answers that have columns but no contract of their own: SQL results, lists of content, the roadmap.

use crate::{Cell, Context, Format, escape, table};
use serde_json::Value;
use std::io::{self, Write};

/// A table of JSON values. A cell that is `None` has no key in JSON.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<Value>>>,
}

/// Writes a table of values; `Ok(false)` when the format can't hold one.
///
/// # Errors
/// Those of `out`.
pub fn write_rows(format: Format, rows: &Rows, context: &Context, out: &mut dyn Write) -> io::Result<bool> {
    match format {
        Format::Ndjson => {
            for row in &rows.rows {
                object(&rows.columns, row, out)?;
                out.write_all(b"\n")?;
            }
        }
        Format::Json => {
            out.write_all(b"[")?;
            for (i, row) in rows.rows.iter().enumerate() {
                out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
                object(&rows.columns, row, out)?;
            }
            out.write_all(if rows.rows.is_empty() { b"]\n" } else { b"\n]\n" })?;
        }
        Format::Csv => {
            if context.spreadsheet {
                out.write_all("\u{feff}".as_bytes())?;
            }
            let line = |cells: Vec<String>| cells.iter().map(|c| escape::csv(c)).collect::<Vec<_>>().join(",");
            writeln!(out, "{}", line(rows.columns.clone()))?;
            for row in &rows.rows {
                writeln!(out, "{}", line(row.iter().map(flat).collect()))?;
            }
        }
        Format::Table => {
            let headings: Vec<&str> = rows.columns.iter().map(String::as_str).collect();
            let cells: Vec<Vec<Cell>> =
                rows.rows.iter().map(|row| row.iter().map(|v| Cell::plain(flat(v))).collect()).collect();
            for line in table::align(&headings, &cells, context.width, context.color) {
                writeln!(out, "{line}")?;
            }
        }
        Format::Md => {
            let line = |cells: Vec<String>| cells.iter().map(|c| escape::markdown(c)).collect::<Vec<_>>().join(" | ");
            writeln!(out, "| {} |", line(rows.columns.clone()))?;
            writeln!(out, "|{}", "---|".repeat(rows.columns.len()))?;
            for row in &rows.rows {
                writeln!(out, "| {} |", line(row.iter().map(flat).collect()))?;
            }
        }
        Format::Ocsf | Format::Html | Format::Sarif | Format::Junit => return Ok(false),
    }
    Ok(true)
}

fn object(columns: &[String], row: &[Option<Value>], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{")?;
    let mut first = true;
    for (key, value) in columns.iter().zip(row) {
        let Some(value) = value else { continue };
        if !first {
            out.write_all(b",")?;
        }
        first = false;
        serde_json::to_writer(&mut *out, key)?;
        out.write_all(b":")?;
        serde_json::to_writer(&mut *out, value)?;
    }
    out.write_all(b"}")
}

fn flat(value: &Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(s)) => s.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}
