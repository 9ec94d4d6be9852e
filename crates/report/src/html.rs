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

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let lang = context.lang;
    let words = Words::of(lang);
    let mut groups: BTreeMap<(std::cmp::Reverse<Severity>, String), (String, Vec<&R>)> = BTreeMap::new();
    let (mut passed, mut unknown) = (0usize, 0usize);
    for record in records {
        match record.verdict() {
            Some(Verdict::Pass | Verdict::NotApplicable) => passed += 1,
            verdict => {
                unknown += usize::from(verdict == Some(Verdict::Unknown));
                let (id, title, severity) = record.group(lang);
                groups.entry((std::cmp::Reverse(severity), id)).or_insert((title, Vec::new())).1.push(record);
            }
        }
    }
    let open: usize = groups.values().map(|(_, rows)| rows.len()).sum::<usize>() - unknown;
    let title = escape::html(&context.title);
    write!(
        out,
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head><body><header><h1>{title}</h1><p>{}</p>\
         <ul class=\"sum\"><li><b>{open}</b> {}</li><li><b>{unknown}</b> {}</li><li><b>{passed}</b> {}</li></ul></header><main>",
        lang.tag(),
        escape::html(&context.now),
        words.open,
        words.unknown,
        words.passed,
    )?;
    if groups.is_empty() {
        write!(out, "<p class=\"none\">{}</p>", words.nothing)?;
    }
    for ((severity, id), (title, rows)) in &groups {
        write_group(severity.0, id, title, rows, lang, &words, out)?;
    }
    out.write_all(b"</main></body></html>\n")
}

fn write_group<R: Record>(
    severity: Severity,
    id: &str,
    title: &str,
    rows: &[&R],
    lang: Lang,
    words: &Words,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(
        out,
        "<section><h2><span class=\"sev {severity}\">{severity}</span> {} <small>{} · {} {}</small></h2>\
         <table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>",
        escape::html(title),
        escape::html(id),
        rows.len(),
        words.rows,
        words.place,
        words.account,
        words.region,
        words.why,
    )?;
    for record in rows.iter().take(TABLE_ROWS) {
        let [place, account, region, why] = record.place(lang).map(|t| escape::html(&t));
        let mark = if record.verdict() == Some(Verdict::Unknown) { "<i>UNKNOWN</i> " } else { "" };
        writeln!(out, "<tr><td>{place}</td><td>{account}</td><td>{region}</td><td>{mark}{why}</td></tr>")?;
    }
    out.write_all(b"</tbody></table>")?;
    if rows.len() > TABLE_ROWS {
        write_rest(&rows[TABLE_ROWS..], lang, words, out)?;
    }
    out.write_all(b"</section>\n")
}

fn write_rest<R: Record>(rows: &[&R], lang: Lang, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let mut blocks: BTreeMap<[String; 3], Vec<String>> = BTreeMap::new();
    for record in rows {
        let [place, account, region, why] = record.place(lang);
        blocks.entry([account, region, why]).or_default().push(place);
    }
    write!(out, "<details><summary>{} {}</summary>", rows.len(), words.more)?;
    for ([account, region, why], places) in &blocks {
        let prefix = common_prefix(places);
        write!(
            out,
            "<h3>{} {} — {}</h3><p class=\"pre\">{}…</p><pre>",
            escape::html(account),
            escape::html(region),
            escape::html(why),
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
