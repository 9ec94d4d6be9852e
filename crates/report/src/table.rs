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
    lay(headings, rows, width, color, false)
}

/// [`align`] that first gives the widest column of sentences more lines, so that names beside it stay whole.
pub(crate) fn fold(headings: &[&str], rows: &[Vec<Cell>], width: Option<usize>, color: bool) -> Vec<String> {
    lay(headings, rows, width, color, true)
}

fn lay(headings: &[&str], rows: &[Vec<Cell>], width: Option<usize>, color: bool, folds: bool) -> Vec<String> {
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
    let holds_sentences = |i: &usize| clean.iter().any(|row| row.get(*i).is_some_and(|(text, _)| !is_name(text)));
    let folded = (0..widths.len()).filter(|_| folds).filter(holds_sentences).max_by_key(|i| widths[*i]);
    if let Some(total) = width {
        let room = total.saturating_sub(2 * widths.len().saturating_sub(1));
        if let Some(i) = folded {
            let left = room.saturating_sub(widths.iter().sum::<usize>() - widths[i]);
            widths[i] = widths[i].min(left.max(NARROWEST));
        }
        shrink(&mut widths, room);
    }
    let mut lines = Vec::with_capacity(rows.len() + 1);
    let head: Vec<(String, &str)> = headings.iter().map(|h| ((*h).to_owned(), "1")).collect();
    for row in std::iter::once(&head).chain(&clean) {
        let texts: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(i, ((text, _), width))| {
                    if Some(i) == folded { lines_of(text, *width) } else { vec![cut(text, *width)] }
                },
            )
            .collect();
        for nth in 0..texts.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (i, ((_, style), width)) in row.iter().zip(&widths).enumerate() {
                let text = texts[i].get(nth).map_or("", String::as_str);
                let pad = width.saturating_sub(text.width());
                if color && !style.is_empty() && !text.is_empty() {
                    line += &format!("\u{1b}[{style}m{text}\u{1b}[0m");
                } else {
                    line += text;
                }
                if i + 1 < row.len() {
                    line.extend(std::iter::repeat_n(' ', pad + 2));
                }
            }
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// Columns of letters that a folded column keeps.
const NARROWEST: usize = 30;
/// Lines of a folded cell.
const MOST_LINES: usize = 8;

/// Signs that no line begins with.
const CLOSING: &str = "。、）」』】！？,.;:)";

/// A text in lines of a width: parted at blanks, and between Japanese letters.
fn lines_of(text: &str, width: usize) -> Vec<String> {
    let text = cut(text, width.max(2) * MOST_LINES);
    let mut tokens: Vec<String> = Vec::new();
    for c in text.chars() {
        let is_wide = |c: char| c.width() == Some(2);
        let joins = tokens
            .last()
            .and_then(|last| last.chars().last())
            .is_some_and(|last| CLOSING.contains(c) || (c == ' ') || (!is_wide(c) && !is_wide(last) && last != ' '));
        match tokens.last_mut() {
            Some(last) if joins => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    let mut lines = vec![String::new()];
    for token in &tokens {
        let mut rest = token.as_str();
        while let Some(line) = lines.last_mut() {
            if line.width() + rest.trim_end().width() <= width {
                line.push_str(rest);
                break;
            }
            // A word longer than a line is parted anywhere.
            if line.is_empty() {
                let head = fitting(rest.chars(), width.max(2));
                rest = &rest[head.len()..];
                *line = head;
            }
            lines.push(String::new());
        }
    }
    if lines.len() > MOST_LINES {
        let rest = lines.split_off(MOST_LINES - 1).concat();
        lines.push(cut(&rest, width));
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Whether a text is one name, such as an ARN.
fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
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
    let tail = fitting(text.chars().rev(), if is_name(text) { room * 2 / 3 } else { 0 });
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
    fn sentences_are_folded_before_a_name_is_cut() {
        let arn = "arn:aws:iam::111122223333:user/tanaka";
        let row = |text: &str| vec![vec![Cell::plain(arn), Cell::plain(text)]];
        let folded = |text: &str| fold(&["principal", "because"], &row(text), Some(70), false);
        assert_eq!(
            folded("It is allowed by a statement that somebody wrote in a hurry."),
            [
                "principal                              because",
                "arn:aws:iam::111122223333:user/tanaka  It is allowed by a statement",
                "                                       that somebody wrote in a hurry."
            ]
        );
        assert_eq!(
            folded("ステートメント `all/1` が許可しており、拒否するものはありません。")[1..],
            [
                "arn:aws:iam::111122223333:user/tanaka  ステートメント `all/1` が許可し",
                "                                       ており、拒否するものはありませ",
                "                                       ん。"
            ]
        );
        // Whatever comes, nothing is wider than asked, and it ends.
        for text in ["x".repeat(500), "あ".repeat(500), "。".repeat(80), " ".repeat(90), String::new()] {
            for width in 1..40 {
                let lines = lines_of(&text, width);
                assert!(lines.len() <= MOST_LINES, "{width} {lines:?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_cut_keeps_its_end() {
        let rows =
            vec![vec![Cell::plain("arn:aws:iam::111122223333:user/tanaka"), Cell::plain("It has no MFA device.")]];
        let lines = align(&["resource", "reason"], &rows, Some(40), false);
        assert_eq!(lines[1], "arn:aw…:user/tanaka  It has no MFA devi…");
    }
}
