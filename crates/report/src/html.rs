//! One self-contained HTML file, readable without JavaScript, grouped by control. The first rows of a group stand in a
//! table; the rest is folded and written compactly by account, Region and reason, so that 100,000 rows stay small.

use crate::{Context, Record, escape};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use yagura_model::{Lang, Severity, Verdict};

/// Rows of a group that stand in a table before the rest is folded.
const TABLE_ROWS: usize = 50;

const STYLE: &str = include_str!("report.css");

/// Groups stand by severity, then by id.
type Place = (std::cmp::Reverse<Severity>, String);

/// A title, and the rows under it.
type Group<'a, R> = (String, Vec<&'a R>);

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let lang = context.lang;
    let words = Words::of(lang);
    let mut groups: BTreeMap<Place, Group<'_, R>> = BTreeMap::new();
    let (mut passed, mut unknown) = (0usize, 0usize);
    let mut good: BTreeMap<(String, String), usize> = BTreeMap::new();
    for record in records {
        match record.verdict() {
            Some(Verdict::Pass | Verdict::NotApplicable) => {
                passed += 1;
                let (id, title, _) = record.group(lang);
                *good.entry((id, title)).or_insert(0usize) += 1;
            }
            verdict => {
                unknown += usize::from(verdict == Some(Verdict::Unknown));
                let (id, title, severity) = record.group(lang);
                groups.entry((std::cmp::Reverse(severity), id)).or_insert((title, Vec::new())).1.push(record);
            }
        }
    }
    let failed: usize = groups.values().map(|(_, rows)| rows.len()).sum::<usize>() - unknown;
    open(context, out)?;
    write!(
        out,
        "<ul class=\"sum\"><li><b>{}</b> {}</li><li><b>{}</b> {}</li><li><b>{}</b> {}</li></ul></header><main>",
        grouped(failed),
        words.open,
        grouped(unknown),
        words.unknown,
        grouped(passed),
        words.passed,
    )?;
    if groups.is_empty() {
        write!(out, "<p class=\"none\">{}</p>", words.nothing)?;
    }
    if groups.len() > 1 {
        out.write_all(b"<nav><table><tbody>")?;
        for (number, ((severity, id), (title, rows))) in groups.iter().enumerate() {
            writeln!(
                out,
                "<tr><td>{}</td><td><a href=\"#g{number}\">{}</a> <small>{}</small></td><td class=\"n\">{}</td></tr>",
                badge(severity.0, lang),
                escape::html(title),
                escape::html(id),
                grouped(rows.len()),
            )?;
        }
        out.write_all(b"</tbody></table></nav>\n")?;
    }
    for (number, ((severity, id), (title, rows))) in groups.iter().enumerate() {
        let heading = format!(
            "<h2 id=\"g{number}\">{} {} <small>{} · {} {}</small></h2>",
            badge(severity.0, lang),
            escape::html(title),
            escape::html(id),
            grouped(rows.len()),
            words.rows,
        );
        write_group(&heading, rows, lang, &words, out)?;
    }
    if !good.is_empty() {
        write!(out, "<details><summary>{} {}</summary><table><tbody>", grouped(passed), words.passed)?;
        for ((id, title), count) in &good {
            let count = grouped(*count);
            writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{count}</td></tr>",
                escape::html(id),
                escape::html(title)
            )?;
        }
        out.write_all(b"</tbody></table></details>")?;
    }
    out.write_all(b"</main></body></html>\n")
}

/// The document up to its heading and time; the header stays open.
pub(crate) fn open(context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let title = escape::html(&context.title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head><body><header><h1>{title}</h1><p>{}</p>",
        context.lang.tag(),
        escape::html(&context.now),
    )
}

fn write_group<R: Record>(
    heading: &str,
    rows: &[&R],
    lang: Lang,
    words: &Words,
    out: &mut dyn Write,
) -> io::Result<()> {
    let table: Vec<[String; 4]> = rows.iter().take(TABLE_ROWS).map(|record| record.place(lang)).collect();
    // A template's resources have no account and no Region.
    let used = [true, table.iter().any(|r| !r[1].is_empty()), table.iter().any(|r| !r[2].is_empty()), true];
    write!(out, "<section>{heading}<table><thead><tr>")?;
    for (name, _) in [words.place, words.account, words.region, words.why].iter().zip(used).filter(|(_, used)| *used) {
        write!(out, "<th>{name}</th>")?;
    }
    out.write_all(b"</tr></thead><tbody>")?;
    for (record, [place, account, region, why]) in rows.iter().zip(table) {
        write!(out, "<tr><td>{}", escape::html(&place))?;
        if let Some((file, line, _)) = record.location() {
            let line = line.map_or(String::new(), |line| format!(":{line}"));
            write!(out, "<br><small>{}{line}</small>", escape::html(file))?;
        }
        out.write_all(b"</td>")?;
        for (cell, _) in [account, region].iter().zip([used[1], used[2]]).filter(|(_, used)| *used) {
            write!(out, "<td>{}</td>", escape::html(cell))?;
        }
        let mark = if record.verdict() == Some(Verdict::Unknown) { "<i>UNKNOWN</i> " } else { "" };
        writeln!(out, "<td>{mark}{}</td></tr>", with_code(&why))?;
    }
    out.write_all(b"</tbody></table>")?;
    if rows.len() > TABLE_ROWS {
        write_rest(&rows[TABLE_ROWS..], lang, words, out)?;
    }
    out.write_all(b"</section>\n")
}

fn badge(severity: Severity, lang: Lang) -> String {
    let word = if lang == Lang::Ja { severity.word(lang) } else { severity.as_str() };
    format!("<span class=\"sev {severity}\">{word}</span>")
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What stands between backticks as code.
fn with_code(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('`').peekable();
    let mut code = false;
    while let Some(part) = parts.next() {
        match (code, parts.peek()) {
            (true, Some(_)) => out.push_str(&format!("<code>{}</code>", escape::html(part))),
            // A backtick without its fellow.
            (true, None) => out.push_str(&format!("`{}", escape::html(part))),
            (false, _) => out.push_str(&escape::html(part)),
        }
        code = !code;
    }
    out
}

fn write_rest<R: Record>(rows: &[&R], lang: Lang, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let mut blocks: BTreeMap<[String; 3], Vec<String>> = BTreeMap::new();
    for record in rows {
        let [place, account, region, why] = record.place(lang);
        blocks.entry([account, region, why]).or_default().push(place);
    }
    write!(out, "<details><summary>{} {}</summary>", grouped(rows.len()), words.more)?;
    for ([account, region, why], places) in &blocks {
        let prefix = common_prefix(places);
        write!(
            out,
            "<h3>{} {} — {}</h3><p class=\"pre\">{}…</p><pre>",
            escape::html(account),
            escape::html(region),
            with_code(why),
            escape::html(prefix)
        )?;
        for place in places {
            writeln!(out, "{}", escape::html(&place[prefix.len()..]))?;
        }
        out.write_all(b"</pre>")?;
    }
    out.write_all(b"</details>")
}

/// What all places begin with, up to the last `:` or `/`, so that it's written once.
fn common_prefix(places: &[String]) -> &str {
    let Some(first) = places.first() else { return "" };
    let mut end = first.len();
    for place in places {
        let same = first.bytes().zip(place.bytes()).take_while(|(a, b)| a == b).count();
        end = end.min(same);
    }
    first.as_bytes()[..end].iter().rposition(|b| matches!(b, b':' | b'/')).map_or("", |i| &first[..=i])
}

struct Words {
    open: &'static str,
    unknown: &'static str,
    passed: &'static str,
    nothing: &'static str,
    rows: &'static str,
    place: &'static str,
    account: &'static str,
    region: &'static str,
    why: &'static str,
    more: &'static str,
}

impl Words {
    fn of(lang: Lang) -> Words {
        match lang {
            Lang::En => Words {
                open: "open",
                unknown: "unknown",
                passed: "passed or not applicable",
                nothing: "Nothing to report.",
                rows: "rows",
                place: "Resource",
                account: "Account",
                region: "Region",
                why: "Why",
                more: "more",
            },
            Lang::Ja => Words {
                open: "件の課題",
                unknown: "件は判定不能",
                passed: "件は合格または対象外",
                nothing: "報告する項目はありません。",
                rows: "件",
                place: "リソース",
                account: "アカウント",
                region: "リージョン",
                why: "理由",
                more: "件をさらに表示",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits_and_marks_code() {
        assert_eq!([0, 999, 1000, 84_000, 1_234_567].map(grouped), ["0", "999", "1,000", "84,000", "1,234,567"]);
        assert_eq!(with_code("`a<b` is `c"), "<code>a&lt;b</code> is `c");
    }
}
