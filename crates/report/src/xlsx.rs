//! A workbook for those who audit in a spreadsheet: what was counted, and every record. Cells are written as text, so
//! nothing in them is run as a formula.

use crate::{Context, Record, csv};
use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use yagura_model::{Lang, Severity, Verdict};

/// Longest text that a cell holds.
const MAX_CELL: usize = 32_767;
/// Rows that a sheet holds, the heading among them.
const MAX_ROWS: usize = 1_048_576;
/// Narrowest and widest column, in characters.
const WIDTH: (usize, usize) = (8, 60);

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let bytes = workbook(records, context).map_err(io::Error::other)?;
    out.write_all(&bytes)
}

fn workbook<R: Record>(records: &[R], context: &Context) -> Result<Vec<u8>, XlsxError> {
    let (summary, list) = match context.lang {
        Lang::En => ("Summary", "Findings"),
        Lang::Ja => ("要約", "検出結果"),
    };
    let mut book = Workbook::new();
    summarise(book.add_worksheet().set_name(summary)?, records, context)?;
    let rows: Vec<_> = records.iter().map(|record| record.fields(context.lang)).collect();
    if rows.is_empty() {
        return book.save_to_buffer();
    }
    for (i, rows) in rows.chunks(MAX_ROWS - 1).enumerate() {
        let name = if i == 0 { list.to_owned() } else { format!("{list} {}", i + 1) };
        table(book.add_worksheet().set_name(name)?, rows)?;
    }
    book.save_to_buffer()
}

fn summarise<R: Record>(sheet: &mut Worksheet, records: &[R], context: &Context) -> Result<(), XlsxError> {
    let heading = Format::new().set_bold();
    sheet.set_column_width(0, 28)?.set_column_width(1, 14)?;
    sheet.write_string_with_format(0, 0, &context.title, &Format::new().set_bold().set_font_size(16))?;
    sheet.write_string(1, 0, &context.now)?;
    let (severity, count) = match context.lang {
        Lang::En => ("Severity", "Open"),
        Lang::Ja => ("重大度", "件数"),
    };
    sheet.write_string_with_format(3, 0, severity, &heading)?.write_string_with_format(3, 1, count, &heading)?;
    let mut counts: BTreeMap<std::cmp::Reverse<Severity>, u32> = BTreeMap::new();
    for record in records.iter().filter(|r| matches!(r.verdict(), Some(Verdict::Fail) | None)) {
        *counts.entry(std::cmp::Reverse(record.group(context.lang).2)).or_default() += 1;
    }
    for (row, level) in (4..).zip(Severity::ALL.into_iter().rev()) {
        let count = counts.get(&std::cmp::Reverse(level)).copied().unwrap_or(0);
        sheet.write_string_with_format(row, 0, level.word(context.lang), &style(level))?;
        sheet.write_number(row, 1, count)?;
    }
    Ok(())
}

fn table(sheet: &mut Worksheet, rows: &[Vec<(&'static str, Value)>]) -> Result<(), XlsxError> {
    let Some(widest) = rows.iter().max_by_key(|row| row.len()) else { return Ok(()) };
    let heading = Format::new().set_bold().set_background_color(Color::RGB(0xE8_EC_F1));
    let mut widths: Vec<usize> = widest.iter().map(|(key, _)| key.len() + 3).collect();
    for (column, (key, _)) in (0u16..).zip(widest) {
        sheet.write_string_with_format(0, column, *key, &heading)?;
    }
    for (number, row) in (1u32..).zip(rows) {
        for (column, (key, _)) in (0u16..).zip(widest) {
            let Some((_, value)) = row.iter().find(|(k, _)| k == key) else { continue };
            let text = cell(sheet, number, column, key, value)?;
            let width = &mut widths[usize::from(column)];
            *width = (*width).max(text);
        }
    }
    for (column, width) in (0u16..).zip(&widths) {
        sheet.set_column_width(column, (*width).clamp(WIDTH.0, WIDTH.1) as f64)?;
    }
    let last = (u32::try_from(rows.len()).unwrap_or(0), u16::try_from(widest.len()).unwrap_or(1).saturating_sub(1));
    sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, last.0, last.1)?;
    Ok(())
}

/// Writes a value, and says how many columns wide it is.
fn cell(sheet: &mut Worksheet, row: u32, column: u16, key: &str, value: &Value) -> Result<usize, XlsxError> {
    if let Some(number) = value.as_f64() {
        sheet.write_number(row, column, number)?;
        return Ok(8);
    }
    let text: String = csv::flat(value).chars().take(MAX_CELL).collect();
    if text.is_empty() {
        return Ok(0);
    }
    match text.parse::<Severity>() {
        Ok(severity) if key == "severity" => sheet.write_string_with_format(row, column, &text, &style(severity))?,
        _ => sheet.write_string(row, column, &text)?,
    };
    Ok(unicode_width::UnicodeWidthStr::width(text.as_str()) + 2)
}

fn style(severity: Severity) -> Format {
    match severity {
        Severity::Critical => {
            Format::new().set_bold().set_font_color(Color::White).set_background_color(Color::RGB(0xB3_12_2D))
        }
        Severity::High => Format::new().set_bold().set_font_color(Color::RGB(0xC2_41_0C)),
        Severity::Medium => Format::new().set_font_color(Color::RGB(0x8A_61_00)),
        Severity::Low => Format::new().set_font_color(Color::RGB(0x1D_63_C9)),
        Severity::Informational => Format::new(),
    }
}
