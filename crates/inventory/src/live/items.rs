//! One type in one Region: list, ask for the details of each item, map.

use super::calls::{Calls, Fault};
use crate::mapping::{Jq, Mapped, Place, Role, Step, Type, as_marker, with_place};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use yagura_model::{Gap, Inventory, Resource, Source, is_unknown, unknown, unknown_reason};

/// How many items of one type are asked about at a time; the calls have a bound of their own.
const ITEMS_AT_A_TIME: usize = 64;

/// What one reading of one type needs to know.
pub struct Reading<'a> {
    pub kind: &'a Type,
    pub calls: &'a Calls,
    /// Account, partition and the Region that is listed.
    pub place: &'a Place,
    /// The Regions that are read.
    pub regions: &'a [String],
    /// The Regions whose resources are wanted, when a global listing gives things that live in Regions; empty: all.
    pub only_regions: &'a [String],
    /// What was asked for beside.
    pub extras: &'a [String],
}

enum Shared {
    /// Every item sees the same.
    Same(Value),
    /// An item sees the rows of its key.
    Rows(HashMap<String, Vec<Value>>),
}

impl Reading<'_> {
    /// All resources of the type here, and what could not be read.
    pub async fn run(&self) -> Inventory {
        let mut inventory = Inventory::default();
        let items = match self.items().await {
            Ok(items) => items,
            Err(gap) => {
                inventory.gaps.push(gap);
                return inventory;
            }
        };
        if items.is_empty() {
            return inventory;
        }
        let shared = self.shared().await;
        let (mut waiting, mut running) = (items.iter(), FuturesUnordered::new());
        loop {
            // A future is large and there may be 100,000 items, so it is made when its turn comes.
            let free = ITEMS_AT_A_TIME - running.len();
            running.extend(waiting.by_ref().take(free).map(|item| self.item(item, &shared).boxed()));
            match running.next().await {
                Some(Ok(Some(resource))) => inventory.resources.push(resource),
                Some(Ok(None)) => {}
                Some(Err(gap)) => inventory.gaps.push(gap),
                None => break,
            }
        }
        inventory
    }

    async fn items(&self) -> Result<Vec<Value>, Gap> {
        let Some(step) = self.kind.steps.iter().find(|s| s.role == Role::List) else { return Ok(vec![json!({})]) };
        let Some(each) = &step.each else { return Ok(vec![json!({})]) };
        let input = with_place(json!({}), self.place);
        let asked = step.params.as_ref().map_or_else(|| Ok(vec![json!({})]), |jq| jq.run(&input));
        let region = self.region_of(step, None);
        let mut items = Vec::new();
        for params in asked.map_err(|e| self.gap_of(&as_marker(&e)))? {
            let answer = match self.calls.shared(self.kind, step, &region, params).await {
                Ok(answer) => answer,
                Err(Fault::Gone) => continue,
                Err(Fault::Failed { action, code, .. }) => return Err(self.gap(action, code)),
            };
            if answer.is_null() {
                continue;
            }
            let mut input = with_place((*answer).clone(), self.place);
            if let Some(object) = input.as_object_mut() {
                object.insert("regions".to_owned(), json!(self.regions));
            }
            items.extend(each.run(&input).map_err(|e| self.gap_of(&as_marker(&e)))?);
        }
        Ok(items)
    }

    async fn shared(&self) -> Vec<(&str, Shared)> {
        let mut answers = Vec::new();
        let mut seen = Map::new();
        for step in self.kind.steps.iter().filter(|s| s.role == Role::Shared) {
            let input = with_place(json!({"calls": seen}), self.place);
            let answer = match self.skipped(step, &input) {
                Some(answer) => answer,
                None => match params(step, &input) {
                    Err(marker) => marker,
                    Ok(params) => {
                        let region = self.region_of(step, None);
                        match self.calls.shared(self.kind, step, &region, params).await {
                            Ok(answer) => (*answer).clone(),
                            Err(fault) => unknown(fault.reason()),
                        }
                    }
                },
            };
            let shared = match &step.join {
                Some(join) if !is_unknown(&answer) => match rows_by(&join.rows, &join.by, &answer) {
                    Ok(rows) => Shared::Rows(rows),
                    Err(marker) => Shared::Same(marker),
                },
                _ => Shared::Same(answer),
            };
            if let Shared::Same(answer) = &shared {
                seen.insert(step.id.clone(), answer.clone());
            }
            answers.push((step.id.as_str(), shared));
        }
        answers
    }

    async fn item(&self, item: &Value, shared: &[(&str, Shared)]) -> Result<Option<Resource>, Gap> {
        let mut calls = Map::new();
        for (id, answer) in shared {
            let value = match answer {
                Shared::Same(value) => value.clone(),
                Shared::Rows(rows) => self.rows_of(id, item, rows),
            };
            calls.insert((*id).to_owned(), value);
        }
        let mut place = self.place.clone();
        if let Some(item_region) = &self.kind.item_region {
            if self.ask(item, &mut calls, &place, true).await == Err(Fault::Gone) {
                return Ok(None);
            }
            let input = with_place(json!({"item": item, "calls": calls}), &place);
            let region = item_region.first(&input).unwrap_or_else(|e| as_marker(&e));
            if is_unknown(&region) && !self.only_regions.is_empty() {
                return Err(self.gap_of(&region));
            }
            let region = region.as_str().map(str::to_owned);
            if let Some(region) = &region
                && !self.only_regions.is_empty()
                && !self.only_regions.contains(region)
            {
                return Ok(None);
            }
            place.region = region;
        }
        if self.ask(item, &mut calls, &place, false).await == Err(Fault::Gone) {
            return Ok(None);
        }
        let mapped = self.kind.map_live(item, &Value::Object(calls), &place);
        match mapped {
            Ok(mapped) => Ok(mapped.map(|m| self.resource(m))),
            Err(e) => Err(self.gap_of(&unknown(e.reason))),
        }
    }

    /// Makes the item's own calls and puts their answers into `calls`.
    async fn ask(
        &self,
        item: &Value,
        calls: &mut Map<String, Value>,
        place: &Place,
        locating: bool,
    ) -> Result<(), Fault> {
        let steps = self.kind.steps.iter().filter(|s| s.role == Role::Item && s.locates == locating);
        for step in steps {
            let input = with_place(json!({"item": item, "calls": calls}), place);
            let region = self.region_of(step, place.region.as_deref());
            let answer = match (self.skipped(step, &input), &step.over) {
                (Some(answer), _) => answer,
                (None, None) => self.answer(step, &input, &region).await?,
                (None, Some(over)) => match over.run(&input) {
                    Err(e) => as_marker(&e),
                    Ok(values) => {
                        let mut answers = Vec::new();
                        for each in values {
                            let mut input = input.clone();
                            input["each"] = each.clone();
                            let answer = self.answer(step, &input, &region).await?;
                            answers.push(json!({"each": each, "answer": answer}));
                        }
                        Value::Array(answers)
                    }
                },
            };
            calls.insert(step.id.clone(), answer);
        }
        Ok(())
    }

    /// What stands in for the answer of a call that isn't made.
    fn skipped(&self, step: &Step, input: &Value) -> Option<Value> {
        if step.with.as_ref().is_some_and(|name| !self.extras.contains(name)) {
            return Some(Value::Null);
        }
        match step.when.as_ref()?.first(input) {
            Ok(Value::Bool(true)) => None,
            Ok(_) => Some(Value::Null),
            Err(e) => Some(as_marker(&e)),
        }
    }

    async fn answer(&self, step: &Step, input: &Value, region: &str) -> Result<Value, Fault> {
        match params(step, input) {
            Err(marker) => Ok(marker),
            Ok(params) => match self.calls.once(self.kind, step, region, params).await {
                Ok(answer) => Ok(answer),
                Err(Fault::Gone) => Err(Fault::Gone),
                Err(fault) => Ok(unknown(fault.reason())),
            },
        }
    }

    fn rows_of(&self, id: &str, item: &Value, rows: &HashMap<String, Vec<Value>>) -> Value {
        let step = self.kind.steps.iter().find(|s| s.id == id);
        let Some(join) = step.and_then(|s| s.join.as_ref()) else { return Value::Null };
        match join.key.first(&with_place(json!({"item": item}), self.place)) {
            Ok(key) => json!(rows.get(&key_text(&key)).cloned().unwrap_or_default()),
            Err(e) => as_marker(&e),
        }
    }

    fn region_of(&self, step: &Step, item: Option<&str>) -> String {
        let region = step.region.as_deref().or(item).or(self.place.region.as_deref());
        region.unwrap_or(super::global_region(&self.place.partition)).to_owned()
    }

    fn resource(&self, mapped: Mapped) -> Resource {
        Resource {
            kind: self.kind.kind.clone(),
            id: mapped.id.unwrap_or_default(),
            arn: mapped.arn,
            account: self.place.account.clone(),
            region: mapped.region,
            tags: mapped.tags,
            properties: mapped.properties,
            observed: mapped.observed,
            relations: mapped.relations,
            source: Source::Live,
            origin: None,
        }
    }

    fn gap(&self, action: String, reason: String) -> Gap {
        Gap {
            kind: self.kind.kind.clone(),
            account: self.place.account.clone(),
            region: self.place.region.clone(),
            action,
            reason,
        }
    }

    fn gap_of(&self, marker: &Value) -> Gap {
        let reason = unknown_reason(marker).unwrap_or("mapping error").to_owned();
        let listing = self.kind.steps.iter().find(|s| s.role == Role::List).or(self.kind.steps.first());
        self.gap(listing.map(|s| s.action.clone()).unwrap_or_default(), reason)
    }
}

/// The parameters of a call; the marker when they hang on something not known.
fn params(step: &Step, input: &Value) -> Result<Value, Value> {
    let Some(jq) = &step.params else { return Ok(json!({})) };
    let params = jq.first(input).map_err(|e| as_marker(&e))?;
    let unknown = params.as_object().and_then(|p| p.values().find(|v| is_unknown(v)));
    match unknown {
        Some(marker) => Err(marker.clone()),
        None => Ok(params),
    }
}

fn rows_by(rows: &Jq, by: &Jq, answer: &Value) -> Result<HashMap<String, Vec<Value>>, Value> {
    let mut index: HashMap<String, Vec<Value>> = HashMap::new();
    for row in rows.run(answer).map_err(|e| as_marker(&e))? {
        let key = by.first(&row).map_err(|e| as_marker(&e))?;
        index.entry(key_text(&key)).or_default().push(row);
    }
    Ok(index)
}

fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
