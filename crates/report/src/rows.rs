//! Answers that have columns but no contract of their own: SQL results, lists of content, the roadmap.

use crate::{Cell, Context, Format, csv, escape, html, table};
use serde_json::Value;
use std::io::{self, Write};

/// A table of JSON values. A cell that is `None` has no key in JSON.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<Value>>>,
}

impl Rows {
    /// Whether a format can hold a table of values.
    pub fn hold(format: Format) -> bool {
        format != Format::Ocsf && !Format::SPECIAL.contains(&format)
    }
}

/// Writes a table of values.
///
/// # Errors
/// Those of `out`, and a format that can't hold one.
pub fn write_rows(format: Format, rows: &Rows, context: &Context, out: &mut dyn Write) -> io::Result<()> {
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
            for line in table::fold(&headings, &cells, context.width, context.color) {
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
        Format::Html => html(rows, context, out)?,
        Format::Ocsf | Format::Sarif | Format::Junit | Format::Asff | Format::Xlsx => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, format!("no table has the form {}", format.name())));
        }
    }
    Ok(())
}

fn html(rows: &Rows, context: &Context, out: &mut dyn Write) -> io::Result<()> {
    html::open(context, out)?;
    out.write_all(b"</header><main><table><thead><tr>")?;
    for column in &rows.columns {
        write!(out, "<th>{}</th>", escape::html(column))?;
    }
    out.write_all(b"</tr></thead><tbody>\n")?;
    for row in &rows.rows {
        out.write_all(b"<tr>")?;
        for cell in row {
            write!(out, "<td>{}</td>", escape::html(&flat(cell)))?;
        }
        out.write_all(b"</tr>\n")?;
    }
    out.write_all(b"</tbody></table></main></body></html>\n")
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
    value.as_ref().map(csv::flat).unwrap_or_default()
}
