use crate::{Context, Record, escape, table};
use std::io::{self, Write};

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n", escape::markdown(&context.title))?;
    let columns = R::columns(context.lang);
    writeln!(out, "| {} |", columns.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(columns.len()))?;
    for record in table::most_severe_first(records, context.lang) {
        let cells: Vec<_> = record.cells(context.lang).iter().map(|c| escape::markdown(&c.text)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}
