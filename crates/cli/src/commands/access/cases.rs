//! Cases that bring their policies with them.

use super::write;
use crate::{args::Global, exit::Stop, output, terminal};
use anyhow::anyhow;
use serde_json::Value;
use std::{fs, io::Read as _, path::Path, process::ExitCode};
use yagura_access::{Answer, Error, cases};
use yagura_model::Lang;

/// The contract's keys, in its order.
const COLUMNS: [&str; 8] = ["name", "result", "because", "layer", "statement", "conditions", "witness", "error"];

/// What a person's table has room for: an error stands where the reason would.
const SHOWN: [usize; 5] = [0, 1, 3, 4, 2];

/// `yagura access can --input`
pub fn run(global: &Global, input: &Path) -> Result<ExitCode, Stop> {
    let text =
        read(input).map_err(|e| Stop::usage(anyhow!("`{}` can't be read ({e}): check --input", input.display())))?;
    let lang = terminal::lang(global);
    let cases = cases(&text).map_err(|e| Stop::usage(anyhow!("`{}`: {}", input.display(), e.text().get(lang))))?;
    let mut bad = false;
    let mut rows = Vec::with_capacity(cases.len());
    for (name, case) in cases {
        let answer = case.and_then(|case| case.judge());
        bad |= answer.is_err();
        rows.push(row(name, answer, lang));
    }
    if output::is_only_table(global) {
        rows.iter_mut().for_each(|row| row[2] = row[2].take().or_else(|| row[7].take()));
    }
    write(global, "access can", &COLUMNS, rows, &SHOWN)?;
    Ok(ExitCode::from(if bad { 2 } else { 0 }))
}

/// A file's text, or standard input's.
pub fn read(input: &Path) -> std::io::Result<String> {
    if input.as_os_str() != "-" {
        return fs::read_to_string(input);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn row(name: Value, answer: Result<Answer, Error>, lang: Lang) -> Vec<Option<Value>> {
    match answer {
        Ok(answer) => vec![
            Some(name),
            Some(answer.outcome.as_str().into()),
            Some(answer.because.get(lang).into()),
            Some(answer.layer.as_str().into()),
            Some(answer.statement.into()),
            Some(answer.conditions.into()),
            Some(answer.witness.into()),
            None,
        ],
        Err(error) => {
            let mut row = vec![None; COLUMNS.len()];
            row[0] = Some(name);
            row[COLUMNS.len() - 1] = Some(error.text().get(lang).into());
            row
        }
    }
}
