//! Writes records to standard output and to the files of `-o`.

use crate::{args::Global, exit::Stop, terminal};
use anyhow::Context as _;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
};
use yagura_report::{Context, Format, Record, Rows};

/// Writes `records` in every form that was asked for. Without `--format`, `-o` alone keeps standard output empty.
pub fn write<R: Record>(global: &Global, title: &str, records: &[R]) -> Result<(), Stop> {
    let context = context(global, title);
    if global.format.is_some() || global.output.is_empty() {
        let mut out = BufWriter::new(io::stdout().lock());
        let done = yagura_report::write(global.format.unwrap_or(Format::Table), records, &context, &mut out)
            .and_then(|()| out.flush());
        broken_pipe_is_fine(done)?;
    }
    for output in &global.output {
        let context = Context { color: false, width: None, spreadsheet: true, ..context.clone() };
        let file = File::create(&output.file)
            .with_context(|| format!("`{}` can't be written: choose another file", output.file.display()))
            .map_err(Stop::usage)?;
        let mut out = BufWriter::new(file);
        yagura_report::write(output.format, records, &context, &mut out)
            .and_then(|()| out.flush())
            .with_context(|| format!("writing `{}`", output.file.display()))?;
    }
    Ok(())
}

/// Prints text to standard output.
pub fn print(text: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    broken_pipe_is_fine(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader that has seen enough (`| head`) is no error.
fn broken_pipe_is_fine(done: io::Result<()>) -> Result<(), Stop> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Stop::failed(anyhow::Error::new(e).context("writing to standard output"))),
        Ok(()) => Ok(()),
    }
}

fn context(global: &Global, title: &str) -> Context {
    Context {
        lang: terminal::lang(global),
        color: terminal::color(global),
        width: terminal::width(),
        title: title.to_owned(),
        now: crate::settings::now(),
        spreadsheet: false,
    }
}

/// Writes a table of values in every form that was asked for.
pub fn write_rows(global: &Global, title: &str, rows: &Rows) -> Result<(), Stop> {
    let context = context(global, title);
    let refuse = |format: Format| {
        Stop::usage(anyhow::anyhow!("this can't be written as {}: use table, json, ndjson, csv or md", format.name()))
    };
    if global.format.is_some() || global.output.is_empty() {
        let format = global.format.unwrap_or(Format::Table);
        let mut text = Vec::new();
        if !yagura_report::write_rows(format, rows, &context, &mut text)? {
            return Err(refuse(format));
        }
        let mut out = io::stdout().lock();
        broken_pipe_is_fine(out.write_all(&text).and_then(|()| out.flush()))?;
    }
    for output in &global.output {
        let context = Context { color: false, width: None, spreadsheet: true, ..context.clone() };
        let mut text = Vec::new();
        if !yagura_report::write_rows(output.format, rows, &context, &mut text)? {
            return Err(refuse(output.format));
        }
        std::fs::write(&output.file, text)
            .with_context(|| format!("`{}` can't be written: choose another file", output.file.display()))
            .map_err(Stop::usage)?;
    }
    Ok(())
}
