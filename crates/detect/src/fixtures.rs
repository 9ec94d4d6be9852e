//! Runs the examples in every detection's file: each `hit` must be found, no `miss` may be.
//!
//! A block holds one record, or several (an array, or one after the other) for a correlation. What a record leaves out
//! and matching needs is filled in: a time, and an id for each record. `repeat=N` after the word takes the block's
//! records N times over, with `{n}` in their text replaced by the number of the round.

use crate::hunt::{Filter, Hunt};
use crate::ruleset::RuleSet;
use serde_json::{Map, Value, json};
use yagura_content::{Block, Document, Error, Kind, Library};
use yagura_logs::{Layout, Record, parse_time};

/// The most records that one block may stand for.
const MOST: usize = 100_000;

impl RuleSet {
    /// Everything that is wrong with the examples in the library's detections. A detection that no `hit` trips is an
    /// error: nothing shows that it works.
    pub fn test(&self, library: &Library) -> Vec<Error> {
        let mut errors = Vec::new();
        for document in library.of(Kind::Detection) {
            let Some(detection) = self.metas.iter().position(|m| m.id == document.id && m.file == document.file) else {
                continue; // It could not be compiled, which is an error of its own.
            };
            if document.blocks("hit").next().is_none() {
                errors.push(document.error(1, "the detection has no ```hit block: add an event that it must find"));
            }
            for (word, wanted) in [("hit", true), ("miss", false)] {
                for block in document.blocks(word) {
                    match self.finds(detection as u32, document, block) {
                        Err(e) => errors.push(e),
                        Ok(found) if found == wanted => {}
                        Ok(true) => errors.push(document.error(block.line, "the detection finds this `miss`")),
                        Ok(false) => errors.push(document.error(block.line, "the detection doesn't find this `hit`")),
                    }
                }
            }
        }
        errors
    }

    fn finds(&self, detection: u32, document: &Document, block: &Block) -> Result<bool, Error> {
        let records = records(block).map_err(|message| document.error(block.line, message))?;
        let mut hunt = Hunt::new(self, Filter::default());
        let mut layout = Layout::default();
        for (n, mut record) in records.into_iter().enumerate() {
            record.entry("eventTime").or_insert_with(|| json!("2024-01-01T00:00:00Z"));
            record.entry("eventID").or_insert_with(|| json!(format!("00000000-0000-4000-8000-{n:012x}")));
            let time = record.get("eventTime").and_then(Value::as_str).and_then(parse_time);
            let time = time.ok_or_else(|| document.error(block.line, "`eventTime` is no RFC 3339 time"))?;
            let raw = Value::Object(record).to_string();
            if let Ok(record) = Record::scan(raw.as_bytes(), &mut layout) {
                hunt.judge(&record, time);
            }
        }
        let id = &self.metas[detection as usize].id;
        Ok(hunt.finish().detections.iter().any(|d| d.detection == *id))
    }
}

fn records(block: &Block) -> Result<Vec<Map<String, Value>>, String> {
    let rounds = match block.label.split_whitespace().find_map(|w| w.strip_prefix("repeat=")) {
        Some(n) => n.parse::<usize>().map_err(|_| format!("`repeat={n}`: write a number"))?,
        None => 1,
    };
    let mut records = Vec::new();
    for round in 0..rounds.min(MOST) {
        let text = if rounds > 1 { block.text.replace("{n}", &round.to_string()) } else { block.text.clone() };
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            match value.map_err(|e| format!("the example is no JSON: {e}"))? {
                Value::Object(record) => records.push(record),
                Value::Array(list) => {
                    for value in list {
                        match value {
                            Value::Object(record) => records.push(record),
                            _ => return Err("an example must be an object or an array of objects".to_owned()),
                        }
                    }
                }
                _ => return Err("an example must be an object or an array of objects".to_owned()),
            }
        }
        if records.len() > MOST {
            return Err(format!("the example stands for more than {MOST} records"));
        }
    }
    if records.is_empty() { Err("the example is empty".to_owned()) } else { Ok(records) }
}
