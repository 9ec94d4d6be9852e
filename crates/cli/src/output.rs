//! Writes records to standard output and to the files of `-o`.

use crate::{
    args::{Command, Global},
    exit::Stop,
    terminal,
};
use anyhow::anyhow;
use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
};
use yagura_model::{Detection, Finding, Judgement};
use yagura_report::{Context, Format, Record, Rows};

/// Refuses, before any work is done, forms that the command's answer doesn't have and files that can't be made.
pub fn check(global: &Global, command: &Command) -> Result<(), Stop> {
    let holds: fn(Format) -> bool = match command {
        Command::Scan(_) | Command::Check(_) => Format::holds::<Judgement>,
        Command::Hunt(_) | Command::Ingest(_) => Format::holds::<Detection>,
        Command::Findings(_) | Command::Report => Format::holds::<Finding>,
        _ => Rows::hold,
    };
    let mut asked = global.output.iter().map(|o| o.format).chain(global.format);
    if let Some(format) = asked.find(|format| !holds(*format)) {
        let names: Vec<_> = Format::ALL.iter().filter(|(_, f)| holds(*f)).map(|(name, _)| *name).collect();
        return Err(Stop::usage(anyhow!(
            "this command's answer has no form `{}`: use one of {}",
            format.name(),
            names.join(", ")
        )));
    }
    if global.format.is_some_and(Format::is_binary) && io::stdout().is_terminal() {
        return Err(Stop::usage(anyhow!(
            "a workbook can't be shown on a terminal: write it with -o xlsx=findings.xlsx"
        )));
    }
    for output in &global.output {
        let folder = output.file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() || output.file.is_dir() {
            return Err(Stop::usage(anyhow!(
                "`{}` can't be written ({}): choose another file",
                output.file.display(),
                if output.file.is_dir() { "it is a folder" } else { "its folder does not exist" }
            )));
        }
    }
    Ok(())
}

/// Whether all that was asked for is a table for a person, on standard output.
pub fn is_only_table(global: &Global) -> bool {
    matches!(global.format, None | Some(Format::Table)) && global.output.is_empty()
}

/// Writes `records` in every form that was asked for. Without `--format`, `-o` alone keeps standard output empty.
pub fn write<R: Record>(global: &Global, title: &str, records: &[R]) -> Result<(), Stop> {
    all(global, title, &|format, context, out| yagura_report::write(format, records, context, out))
}

/// Writes a table of values in every form that was asked for.
pub fn write_rows(global: &Global, title: &str, rows: &Rows) -> Result<(), Stop> {
    all(global, title, &|format, context, out| yagura_report::write_rows(format, rows, context, out))
}

fn all(
    global: &Global,
    title: &str,
    write: &dyn Fn(Format, &Context, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Stop> {
    let context = Context {
        lang: terminal::lang(global),
        color: terminal::color(global),
        width: terminal::width(),
        title: title.to_owned(),
        now: crate::settings::now(),
        spreadsheet: false,
    };
    if global.format.is_some() || global.output.is_empty() {
        let mut out = BufWriter::new(io::stdout().lock());
        let done = write(global.format.unwrap_or(Format::Table), &context, &mut out).and_then(|()| out.flush());
        broken_pipe_is_fine(done)?;
    }
    for output in &global.output {
        let context = Context { color: false, width: None, spreadsheet: true, ..context.clone() };
        let name = output.file.display();
        let file = File::create(&output.file)
            .map_err(|e| Stop::usage(anyhow!("`{name}` can't be written ({e}): choose another file")))?;
        let mut out = BufWriter::new(file);
        write(output.format, &context, &mut out).and_then(|()| out.flush()).map_err(|e| {
            Stop::failed(anyhow!("`{name}` could not be written to its end ({e}): choose another place"))
        })?;
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
        Err(e) => Err(Stop::failed(anyhow!("standard output could not be written ({e}): free space, or use -o"))),
        Ok(()) => Ok(()),
    }
}
