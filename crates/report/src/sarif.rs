//! SARIF 2.1.0 within the limits of GitHub code scanning: at most 25,000 results a run, most severe first; stable
//! fingerprints; a physical location only where the record points into a file.

use crate::{Context, Record};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use yagura_model::{Severity, Verdict};

const RESULTS_PER_RUN: usize = 25_000;

pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let mut shown: Vec<&R> = records.iter().filter(|r| matches!(r.verdict(), Some(Verdict::Fail) | None)).collect();
    shown.sort_by_key(|r| std::cmp::Reverse(r.group(context.lang).2));
    let runs: Vec<Value> = if shown.is_empty() {
        vec![run::<R>(&[], context)]
    } else {
        shown.chunks(RESULTS_PER_RUN).map(|chunk| run(chunk, context)).collect()
    };
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn run<R: Record>(records: &[&R], context: &Context) -> Value {
    let mut rules: BTreeMap<String, (usize, String, Severity)> = BTreeMap::new();
    for record in records {
        let (id, title, severity) = record.group(context.lang);
        rules.entry(id).or_insert((0, title, severity));
    }
    for (index, entry) in rules.values_mut().enumerate() {
        entry.0 = index;
    }
    let results: Vec<Value> = records.iter().map(|record| result(*record, &rules, context)).collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, (_, title, severity))| {
            json!({
                "id": id,
                "shortDescription": {"text": title},
                "help": {"text": format!("yagura explain {id}"), "markdown": format!("`yagura explain {id}`")},
                "defaultConfiguration": {"level": level(*severity)},
                "properties": {"security-severity": score(*severity), "tags": ["security"]},
            })
        })
        .collect();
    json!({
        "tool": {"driver": {
            "name": "Yagura", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules,
        }},
        "results": results,
    })
}

fn result<R: Record>(record: &R, rules: &BTreeMap<String, (usize, String, Severity)>, context: &Context) -> Value {
    let (id, title, severity) = record.group(context.lang);
    let [place, _, _, why] = record.place(context.lang);
    let mut fingerprint = record.fingerprint();
    let mut location = json!({"logicalLocations": [{"fullyQualifiedName": place, "kind": "resource"}]});
    if let Some((file, line, column)) = record.location() {
        // Two templates may use one logical id.
        fingerprint = format!("{fingerprint}:{file}");
        let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
        if let Some(line) = line {
            physical["region"] = json!({"startLine": line, "startColumn": column.unwrap_or(1)});
        }
        location["physicalLocation"] = physical;
    }
    json!({
        "ruleId": id,
        "ruleIndex": rules.get(&id).map_or(0, |r| r.0),
        "level": level(severity),
        "message": {"text": format!("{title}: {place}: {why}")},
        "locations": [location],
        "partialFingerprints": {"yagura/v1": fingerprint},
    })
}

/// A path as a URI (RFC 3986), relative where the path is, so that it is found in the repository that was checked.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim_start_matches("./");
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

/// GitHub's `security-severity` bands: over 9.0 critical, over 7.0 high, over 4.0 medium.
fn score(severity: Severity) -> &'static str {
    ["0.1", "3.0", "5.5", "8.0", "9.5"][severity as usize]
}
