use crate::{Cell, Context, Record, escape};
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use yagura_model::{Lang, Verdict};

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Vec<Cell>> = most_severe_first(records, context.lang).iter().map(|r| r.cells(context.lang)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    for line in align(&R::columns(context.lang), &rows, context.width, context.color) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What is to be acted on: failures before what is not known, the most severe first, else in the order given.
pub(crate) fn most_severe_first<R: Record>(records: &[R], lang: Lang) -> Vec<&R> {
    let mut open: Vec<&R> = records.iter().filter(|r| r.is_open()).collect();
    if open.iter().any(|r| r.verdict().is_some()) {
        open.sort_by_cached_key(|r| (r.verdict() == Some(Verdict::Unknown), std::cmp::Reverse(r.group(lang).2)));
    }
    open
}

/// Lines of a table whose columns stand under one another also where characters are two columns wide. When `width`
/// is too small for all, the widest columns are cut.
pub fn align(headings: &[&str], rows: &[Vec<Cell>], width: Option<usize>, color: bool) -> Vec<String> {
    let clean: Vec<Vec<(String, &str)>> =
        rows.iter().map(|row| row.iter().map(|c| (escape::terminal(&c.text), c.style)).collect()).collect();
    // A column in which nothing stands (the Region of a template's resources) gives its room to the others.
    let used: Vec<bool> = (0..headings.len())
        .map(|i| clean.is_empty() || clean.iter().any(|row| row.get(i).is_some_and(|(text, _)| !text.is_empty())))
        .collect();
    let headings: Vec<&str> = keep(headings.iter().copied(), &used);
    let clean: Vec<Vec<(String, &str)>> = clean.into_iter().map(|row| keep(row, &used)).collect();
    let mut widths: Vec<usize> = headings.iter().map(|h| h.width()).collect();
    for row in &clean {
        for (w, (text, _)) in widths.iter_mut().zip(row) {
            *w = (*w).max(text.width());
        }
    }
    if let Some(total) = width {
        let gaps = 2 * widths.len().saturating_sub(1);
        shrink(&mut widths, total.saturating_sub(gaps));
    }
    let mut lines = Vec::with_capacity(rows.len() + 1);
    let head: Vec<(String, &str)> = headings.iter().map(|h| ((*h).to_owned(), "1")).collect();
    for row in std::iter::once(&head).chain(&clean) {
        let mut line = String::new();
        for (i, ((text, style), width)) in row.iter().zip(&widths).enumerate() {
            let text = cut(text, *width);
            let pad = width.saturating_sub(text.width());
            if color && !style.is_empty() {
                line += &format!("\u{1b}[{style}m{text}\u{1b}[0m");
            } else {
                line += &text;
            }
            if i + 1 < row.len() {
                line.extend(std::iter::repeat_n(' ', pad + 2));
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn keep<T>(row: impl IntoIterator<Item = T>, used: &[bool]) -> Vec<T> {
    row.into_iter().zip(used).filter(|(_, used)| **used).map(|(cell, _)| cell).collect()
}

/// Takes columns from the widest until all fit, but leaves every column 8.
fn shrink(widths: &mut [usize], room: usize) {
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max_by_key(|w| **w) else { return };
        if *widest <= 8 {
            return;
        }
        *widest -= 1;
    }
}

/// Cuts a text to a width: a sentence at its end, a name (an ARN) before its last two thirds, which tell it apart.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let is_name = text.bytes().all(|b| b.is_ascii_graphic());
    let tail = fitting(text.chars().rev(), if is_name { room * 2 / 3 } else { 0 });
    let head = fitting(text.chars(), room - tail.width());
    head + "…" + &tail.chars().rev().collect::<String>()
}

/// The first characters that fit into a width.
fn fitting(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_columns_stand_under_one_another() {
        let rows = vec![
            vec![Cell::plain("重大"), Cell::plain("x")],
            vec![Cell::plain("low"), Cell::plain("バケットが公開されています")],
        ];
        let lines = align(&["判定", "理由"], &rows, Some(20), false);
        assert_eq!(lines, ["判定  理由", "重大  x", "low   バケットが公…"]);
    }

    #[test]
    fn a_name_that_is_cut_keeps_its_end() {
        let rows =
            vec![vec![Cell::plain("arn:aws:iam::111122223333:user/tanaka"), Cell::plain("It has no MFA device.")]];
        let lines = align(&["resource", "reason"], &rows, Some(40), false);
        assert_eq!(lines[1], "arn:aw…:user/tanaka  It has no MFA devi…");
    }
}
