use crate::{Context, Record};
use serde_json::Value;
use std::io::{self, Write};

pub(crate) fn write_lines<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        write_object(&record.fields(context.lang), out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

pub(crate) fn write_array<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (i, record) in records.iter().enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        write_object(&record.fields(context.lang), out)?;
    }
    out.write_all(if records.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// Keeps the order of the fields, which a JSON map would not.
fn write_object(fields: &[(&'static str, Value)], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (i, (key, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        write!(out, "\"{key}\":")?;
        serde_json::to_writer(&mut *out, value)?;
    }
    out.write_all(b"}")
}
