//! What depends on who looks: language, colour, width, progress.

use crate::args::{Color, Global};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    env,
    io::{IsTerminal, Write},
};
use yagura_model::Lang;

/// The language asked for, else the locale's.
pub fn lang(global: &Global) -> Lang {
    global.lang.unwrap_or_else(locale)
}

/// The locale's language.
pub fn locale() -> Lang {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|v| !v.is_empty()))
        .map_or(Lang::En, |locale| Lang::from_locale(&locale))
}

/// Whether tables on standard output are coloured: `--color`, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether
/// somebody is looking.
pub fn color(global: &Global) -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|v| !v.is_empty());
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if env::var("CLICOLOR_FORCE").is_ok_and(|v| !v.is_empty() && v != "0") => true,
        Color::Auto => std::io::stdout().is_terminal(),
    }
}

/// Columns of the terminal behind standard output, `None` when it is a file or a pipe.
pub fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let (_, columns) = console::Term::stdout().size();
    Some(usize::from(columns).max(60))
}

fn target() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() }
}

/// A count on standard error for work whose end is not known, drawn only on a terminal.
pub fn count(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, target());
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {human_pos} {prefix:.bold} {per_sec:.dim}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// A bar on standard error, drawn only on a terminal.
pub fn bar(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), target());
    if let Ok(style) = ProgressStyle::with_template("{prefix:.bold} {bar:28.cyan/dim} {pos}/{len} {wide_msg:.dim}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// A note on standard error.
#[macro_export]
macro_rules! note {
    ($($arg:tt)*) => {
        $crate::terminal::say(&format!($($arg)*))
    };
}

/// Writes a line to standard error. Where nobody can read it (closed, a full disk), the work goes on.
pub fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{}", yagura_report::escape_terminal(text));
}
