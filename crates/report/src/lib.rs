//! Writes what was judged in the form that was asked for: one file a format.
//!
//! A [`Record`] gives its fields in the order of the contract; every format is made from those, so that a new field or a
//! new record needs no change here. Text from outside is made harmless for the place it goes to: control and
//! bidirectional characters for a terminal, markup for HTML, formulas for spreadsheets.

mod asff;
mod csv;
mod escape;
mod html;
mod json;
mod junit;
mod markdown;
mod ocsf;
mod record;
mod rows;
mod sarif;
mod table;
mod xlsx;

pub use escape::{html as escape_html, terminal as escape_terminal};
pub use ocsf::{class_name as ocsf_class_name, stamp as ocsf_stamp};
pub use record::{Cell, Record};
pub use rows::{Rows, write_rows};
pub use table::align;

use std::io::{self, Write};
use yagura_model::Lang;

/// The forms that records can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Table,
    Json,
    Ndjson,
    Ocsf,
    Csv,
    Html,
    Md,
    Sarif,
    Junit,
    Asff,
    Xlsx,
}

impl Format {
    pub const ALL: [(&'static str, Format); 11] = [
        ("table", Format::Table),
        ("json", Format::Json),
        ("ndjson", Format::Ndjson),
        ("ocsf", Format::Ocsf),
        ("csv", Format::Csv),
        ("html", Format::Html),
        ("md", Format::Md),
        ("sarif", Format::Sarif),
        ("junit", Format::Junit),
        ("asff", Format::Asff),
        ("xlsx", Format::Xlsx),
    ];

    /// What a terminal can't show.
    pub fn is_binary(self) -> bool {
        self == Format::Xlsx
    }

    /// Whether records of type `R` have a form in it: verdicts may be tests and code scanning alerts, and what is open
    /// may go to Security Hub or into a spreadsheet.
    pub fn holds<R: Record>(self) -> bool {
        R::MORE.contains(&self) || !Format::SPECIAL.contains(&self)
    }

    /// Forms that not every record has.
    pub const SPECIAL: [Format; 4] = [Format::Sarif, Format::Junit, Format::Asff, Format::Xlsx];

    /// The format's name on the command line.
    pub fn name(self) -> &'static str {
        Format::ALL.iter().find(|(_, f)| *f == self).map_or("table", |(n, _)| n)
    }
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Format::ALL.iter().find(|(n, _)| *n == s).map(|(_, f)| *f).ok_or_else(|| {
            let names: Vec<_> = Format::ALL.iter().map(|(n, _)| *n).collect();
            format!("`{s}` is no format: use one of {}", names.join(", "))
        })
    }
}

/// What a writer must know besides the records.
#[derive(Clone, Debug)]
pub struct Context {
    pub lang: Lang,
    /// ANSI colours in a table.
    pub color: bool,
    /// Columns of the terminal; `None` leaves cells whole.
    pub width: Option<usize>,
    /// Heading of documents (HTML, Markdown).
    pub title: String,
    /// RFC 3339 UTC.
    pub now: String,
    /// CSV for a spreadsheet program, which needs a byte-order mark to read Japanese.
    pub spreadsheet: bool,
}

/// Writes `records` in `format`.
///
/// # Errors
/// Those of `out`.
pub fn write<R: Record>(format: Format, records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(records, context, out),
        Format::Json => json::write_array(records, context, out),
        Format::Ndjson => json::write_lines(records, context, out),
        Format::Ocsf => ocsf::write(records, context, out),
        Format::Csv => csv::write(records, context, out),
        Format::Html => html::write(records, context, out),
        Format::Md => markdown::write(records, context, out),
        Format::Sarif => sarif::write(records, context, out),
        Format::Junit => junit::write(records, context, out),
        Format::Asff => asff::write(records, context, out),
        Format::Xlsx => xlsx::write(records, context, out),
    }
}
