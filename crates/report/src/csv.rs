use crate::{Context, Record, escape};
use serde_json::Value;
use std::io::{self, Write};

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    if context.spreadsheet {
        out.write_all("\u{feff}".as_bytes())?;
    }
    let rows: Vec<_> = records.iter().map(|r| r.fields(context.lang)).collect();
    // Records may leave out trailing keys (a verdict's file and line), so the longest one names the columns.
    let Some(widest) = rows.iter().max_by_key(|r| r.len()) else { return Ok(()) };
    let keys: Vec<_> = widest.iter().map(|(k, _)| *k).collect();
    writeln!(out, "{}", keys.join(","))?;
    for row in &rows {
        let cells: Vec<_> = keys
            .iter()
            .map(|key| row.iter().find(|(k, _)| k == key).map_or(String::new(), |(_, v)| escape::csv(&flat(v))))
            .collect();
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

/// A value as a cell's text.
pub(crate) fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
