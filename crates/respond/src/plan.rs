//! From a playbook and a finding to the exact calls, by reading and never by changing.

use crate::{
    Error, Playbook,
    playbook::{Act, Ask},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use yagura_aws::{Api, Call, CallError};
use yagura_inventory::mapping::Jq;
use yagura_model::{Finding, Resource};

/// What a plan is made for.
pub struct Subject<'a> {
    pub finding: &'a Finding,
    /// The resource as it was last read, where the inventory has it.
    pub resource: Option<&'a Resource>,
    /// The Region where nothing else names one.
    pub region: &'a str,
    /// The account that the thing is in.
    pub account: &'a str,
    /// The account whose role the calls must assume; `None` for the caller's own.
    pub role_of: Option<&'a str>,
    /// Whose credentials these are, as an ARN.
    pub caller: &'a str,
    /// RFC 3339 UTC.
    pub now: &'a str,
}

/// One state before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub id: String,
    pub read: PlannedCall,
    pub before: Value,
    pub want: Value,
}

/// A call as it will be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    pub service: String,
    pub operation: String,
    pub action: String,
    pub params: Value,
    /// Error codes that mean: it is so already.
    pub fine: Vec<String>,
    /// The calls that take it back, in the order in which they are made.
    #[serde(default)]
    pub undo: Vec<PlannedCall>,
}

impl PlannedCall {
    pub(crate) fn call(&self, region: &str, role_of: Option<&str>) -> Call {
        Call {
            service: self.service.clone(),
            operation: self.operation.clone(),
            params: self.params.clone(),
            region: region.to_owned(),
            account: role_of.map(str::to_owned),
        }
    }
}

/// What a fix will read, call and change, and how it is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub playbook: String,
    pub finding: String,
    pub target: String,
    /// The account that the target is in.
    pub account: String,
    /// The account whose role the calls assume.
    pub role_of: Option<String>,
    pub region: String,
    pub risk: String,
    pub states: Vec<State>,
    pub calls: Vec<PlannedCall>,
    /// IAM actions that the plan and its undo need.
    pub permissions: Vec<String>,
}

impl Plan {
    /// Reads the states and works out the calls.
    ///
    /// # Errors
    /// A target that is to be left alone or can't be told, a state that can't be read.
    pub async fn make(api: &dyn Api, playbook: &Playbook, subject: &Subject<'_>) -> Result<Plan, Error> {
        if let Some(resource) = subject.resource
            && resource.tags.contains_key("yagura:protect")
        {
            let why = "its tag `yagura:protect` protects it: take the tag off first".to_owned();
            return Err(Error::LeftAlone { target: resource.name().to_owned(), why });
        }
        let maker = Maker { playbook };
        let mut view = json!({
            "finding": subject.finding, "resource": subject.resource, "now": subject.now,
            "account": subject.account, "caller": subject.caller, "lookup": {}, "before": {}, "want": {},
        });
        let role_of = subject.role_of;
        let region = subject.finding.region.clone().unwrap_or_else(|| subject.region.to_owned());
        for lookup in &playbook.lookups {
            let planned = maker.planned(&lookup.ask, &view)?;
            view["lookup"][&lookup.id] = read(api, &planned, &region, role_of).await.map_err(Error::Read)?;
        }
        let target = maker.text(&playbook.target, &view)?.ok_or_else(|| Error::NoTarget {
            playbook: playbook.id.clone(),
            message: format!("finding {} names nothing that it could change", subject.finding.id),
        })?;
        view["target"] = json!(target);
        let region = match &playbook.region {
            Some(filter) => maker.text(filter, &view)?.unwrap_or(region),
            None => region,
        };
        maker.guard(api, &view, &region, role_of).await?;
        let mut states = Vec::new();
        for state in &playbook.states {
            let planned = maker.planned(&state.ask, &view)?;
            let before = observe(api, state, &planned, &region, role_of).await?;
            view["before"][&state.id] = before.clone();
            let want = maker.value(&state.want, &view)?;
            view["want"][&state.id] = want.clone();
            states.push(State { id: state.id.clone(), read: planned, before, want });
        }
        let mut calls = Vec::new();
        if states.iter().any(|s| s.before != s.want) {
            for act in &playbook.acts {
                maker.act(act, &view, &mut calls)?;
            }
        }
        let mut permissions: BTreeSet<String> = playbook.reads().map(|ask| ask.action.clone()).collect();
        for call in &calls {
            permissions.insert(call.action.clone());
            permissions.extend(call.undo.iter().map(|u| u.action.clone()));
        }
        Ok(Plan {
            playbook: playbook.id.clone(),
            finding: subject.finding.id.clone(),
            target,
            account: subject.account.to_owned(),
            role_of: role_of.map(str::to_owned),
            region,
            risk: playbook.risk.clone(),
            states,
            calls,
            permissions: permissions.into_iter().collect(),
        })
    }

    /// Nothing has to change.
    pub fn is_done(&self) -> bool {
        self.calls.is_empty()
    }
}

struct Maker<'a> {
    playbook: &'a Playbook,
}

impl Maker<'_> {
    /// Asks each guard whether the target may be touched.
    async fn guard(&self, api: &dyn Api, view: &Value, region: &str, role_of: Option<&str>) -> Result<(), Error> {
        for guard in &self.playbook.guards {
            let mut view = view.clone();
            if let Some(ask) = &guard.ask {
                let planned = self.planned(ask, &view)?;
                view["answer"] = read(api, &planned, region, role_of).await.map_err(Error::Read)?;
            }
            if let Some(why) = self.text(&guard.refuse, &view)? {
                let target = view["target"].as_str().unwrap_or_default().to_owned();
                return Err(Error::LeftAlone { target, why });
            }
        }
        Ok(())
    }

    fn value(&self, filter: &Jq, view: &Value) -> Result<Value, Error> {
        filter.first(view).map_err(|e| self.failed(&e))
    }

    fn text(&self, filter: &Jq, view: &Value) -> Result<Option<String>, Error> {
        Ok(self.value(filter, view)?.as_str().map(str::to_owned).filter(|t| !t.is_empty()))
    }

    fn failed(&self, error: &Value) -> Error {
        let message = yagura_model::unknown_reason(error)
            .map(|why| format!("`{why}` is not known"))
            .unwrap_or_else(|| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
        Error::NoTarget { playbook: self.playbook.id.clone(), message }
    }

    fn planned(&self, ask: &Ask, view: &Value) -> Result<PlannedCall, Error> {
        Ok(PlannedCall {
            service: ask.service.clone(),
            operation: ask.operation.clone(),
            action: ask.action.clone(),
            params: self.value(&ask.params, view)?,
            fine: ask.fine.clone(),
            undo: Vec::new(),
        })
    }

    fn act(&self, act: &Act, view: &Value, calls: &mut Vec<PlannedCall>) -> Result<(), Error> {
        let each = match &act.over {
            Some(filter) => filter.run(view).map_err(|e| self.failed(&e))?,
            // An undo without values of its own goes back from the value that its call went out with.
            None => vec![view.get("each").cloned().unwrap_or(Value::Null)],
        };
        for value in each {
            let mut view = view.clone();
            view["each"] = value;
            if let Some(when) = &act.when
                && self.value(when, &view)? != Value::Bool(true)
            {
                continue;
            }
            let mut call = self.planned(&act.ask, &view)?;
            for undo in &act.undo {
                self.act(undo, &view, &mut call.undo)?;
            }
            calls.push(call);
        }
        Ok(())
    }
}

/// Reads one state.
async fn observe(
    api: &dyn Api,
    state: &crate::playbook::Watched,
    planned: &PlannedCall,
    region: &str,
    role_of: Option<&str>,
) -> Result<Value, Error> {
    let answer = read(api, planned, region, role_of).await.map_err(Error::Read)?;
    if answer.is_null() {
        return Ok(Value::Null);
    }
    state.value.first(&answer).map_err(|e| Error::NoTarget { playbook: state.id.clone(), message: e.to_string() })
}

/// Reads all states of a plan again, in its order.
pub(crate) async fn observe_again(api: &dyn Api, playbook: &Playbook, plan: &Plan) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    for state in &plan.states {
        let watched = playbook.states.iter().find(|s| s.id == state.id).ok_or_else(|| Error::NoTarget {
            playbook: playbook.id.clone(),
            message: format!("it no longer reads `{}`", state.id),
        })?;
        values.push(observe(api, watched, &state.read, &plan.region, plan.role_of.as_deref()).await?);
    }
    Ok(values)
}

async fn read(api: &dyn Api, call: &PlannedCall, region: &str, role_of: Option<&str>) -> Result<Value, CallError> {
    match api.call_all(&call.call(region, role_of)).await {
        Err(e) if call.fine.contains(&e.code) => Ok(Value::Null),
        answer => answer,
    }
}

/// Where two values differ, as (path, before, after); whole lists differ by their elements.
pub fn differences(before: &Value, after: &Value) -> Vec<(String, Value, Value)> {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    lines
}

/// Whether a value is what some of the calls from `before` to `want` leave behind, and nothing else.
pub(crate) fn is_between(now: &Value, before: &Value, want: &Value) -> bool {
    if now == before || now == want {
        return true;
    }
    match (now, before, want) {
        (Value::Object(now), Value::Object(before), Value::Object(want)) => {
            let part = |of: &Map<String, Value>, key: &String| of.get(key).cloned().unwrap_or(Value::Null);
            let keys: BTreeSet<&String> = now.keys().chain(before.keys()).chain(want.keys()).collect();
            keys.into_iter().all(|key| is_between(&part(now, key), &part(before, key), &part(want, key)))
        }
        (Value::Array(now), Value::Array(before), Value::Array(want)) => {
            now.iter().all(|v| before.contains(v) || want.contains(v))
                && before.iter().filter(|v| want.contains(v)).all(|v| now.contains(v))
        }
        _ => false,
    }
}

fn compare(path: &str, a: &Value, b: &Value, lines: &mut Vec<(String, Value, Value)>) {
    let empty = Map::new();
    match (a, b) {
        (a, b) if a == b => {}
        (Value::Object(_) | Value::Null, Value::Object(_)) | (Value::Object(_), Value::Null) => {
            let (a, b) = (a.as_object().unwrap_or(&empty), b.as_object().unwrap_or(&empty));
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), lines);
            }
        }
        (Value::Array(x), Value::Array(y)) => {
            for gone in x.iter().filter(|v| !y.contains(v)) {
                lines.push((path.to_owned(), gone.clone(), Value::Null));
            }
            for new in y.iter().filter(|v| !x.contains(v)) {
                lines.push((path.to_owned(), Value::Null, new.clone()));
            }
        }
        (a, b) => lines.push((path.to_owned(), a.clone(), b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_of_the_calls_leave_behind_lies_between() {
        let (before, want) = (json!([{"k": 1, "on": true}, {"k": 2, "on": true}, {"k": 3}]), json!([{"k": 3}]));
        for half in [json!([{"k": 1, "on": true}, {"k": 3}]), before.clone(), want.clone()] {
            assert!(is_between(&half, &before, &want), "{half}");
        }
        for other in [
            json!([{"k": 1, "on": true}]),
            json!([{"k": 3}, {"k": 4}]),
            json!([{"k": 1, "on": false}, {"k": 3}]),
            Value::Null,
        ] {
            assert!(!is_between(&other, &before, &want), "{other}");
        }
        let (before, want) = (json!({"a": 1, "b": 1, "c": 1}), json!({"a": 2, "b": 2, "c": 1}));
        assert!(is_between(&json!({"a": 2, "b": 1, "c": 1}), &before, &want));
        for other in [json!({"a": 2, "b": 1}), json!({"a": 3, "b": 1, "c": 1}), json!({"a": 2, "b": 1, "c": 1, "d": 1})]
        {
            assert!(!is_between(&other, &before, &want), "{other}");
        }
        assert!(!is_between(&json!({"a": 1}), &Value::Null, &json!({"a": 2})));
    }
}
