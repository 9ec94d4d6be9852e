//! Runs the fixtures of playbook files: answers in, calls out.
//!
//! A ```fixture block is JSON: `{"finding": {…}, "resource": {…}, "answers": {"GetPublicAccessBlock": {…} or
//! {"error": "Code"}}, "calls": [{"api": "s3:PutPublicAccessBlock", "params": {…}, "undo": [{"api", "params"}]}]}`, or in
//! place of the calls `"refused"`: words of the reason why the target is left alone. `"caller"` is whose credentials it are.

use crate::{Error as Failure, Plan, PlannedCall, Playbook, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use yagura_aws::{Api, Call, CallError, ErrorKind};
use yagura_content::{Block, Document, Error, Kind, Library};
use yagura_model::{Finding, Resource};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(default)]
    finding: Value,
    resource: Option<Resource>,
    answers: BTreeMap<String, Value>,
    caller: Option<String>,
    #[serde(default)]
    calls: Value,
    refused: Option<String>,
}

/// Everything that is wrong with the playbooks of a library.
pub fn test(library: &Library) -> Vec<Error> {
    let mut errors = Vec::new();
    for document in library.of(Kind::Playbook) {
        match Playbook::read(document) {
            Err(mut more) => errors.append(&mut more),
            Ok(playbook) => {
                let blocks: Vec<&Block> = document.blocks("fixture").collect();
                if blocks.is_empty() {
                    errors.push(document.error(1, "the playbook has no ```fixture block"));
                }
                errors.extend(blocks.into_iter().filter_map(|b| run(document, &playbook, b).err()));
            }
        }
    }
    errors
}

fn run(document: &Document, playbook: &Playbook, block: &Block) -> Result<(), Error> {
    let fail = |message: String| document.error(block.line, message);
    let fixture: Fixture = serde_json::from_str(&block.text).map_err(|e| fail(e.to_string()))?;
    let mut whole = json!({
        "id": "F-0", "class": "compliance", "rule": "X.1", "severity": "high", "status": "new",
        "title": {"en": "", "ja": ""}, "reason": {"en": "", "ja": ""}, "resource": "", "resource_type": null,
        "account": "111122223333", "region": "us-east-1", "owner": null, "evidence": {},
        "first_seen": "2026-01-01T00:00:00Z", "last_seen": "2026-01-01T00:00:00Z",
        "suppressed_reason": null, "suppressed_until": null,
    });
    for (key, value) in fixture.finding.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    let finding: Finding = serde_json::from_value(whole).map_err(|e| fail(format!("finding: {e}")))?;
    let subject = Subject {
        finding: &finding,
        resource: fixture.resource.as_ref(),
        region: "us-east-1",
        account: finding.account.as_deref().unwrap_or_default(),
        role_of: None,
        caller: fixture.caller.as_deref().unwrap_or("arn:aws:iam::111122223333:role/responder"),
        now: "2026-01-01T00:00:00Z",
    };
    let answers = Answers(fixture.answers);
    let plan = ready(Plan::make(&answers, playbook, &subject))
        .unwrap_or_else(|| Err(Failure::NoPlaybook("a fixture must not wait".to_owned())));
    let plan = match (plan, &fixture.refused) {
        (Err(Failure::LeftAlone { why, .. }), Some(words)) if why.contains(words) => return Ok(()),
        (Err(e), _) => return Err(fail(e.to_string())),
        (Ok(_), Some(words)) => return Err(fail(format!("the plan is made, the fixture expects `{words}`"))),
        (Ok(plan), None) => plan,
    };
    let calls = Value::Array(plan.calls.iter().map(shown).collect());
    if calls != fixture.calls {
        return Err(fail(format!("the plan calls {calls}, the fixture expects {}", fixture.calls)));
    }
    Ok(())
}

fn shown(call: &PlannedCall) -> Value {
    let mut value = json!({"api": format!("{}:{}", call.service, call.operation), "params": call.params});
    if !call.undo.is_empty() {
        value["undo"] = Value::Array(call.undo.iter().map(shown).collect());
    }
    value
}

struct Answers(BTreeMap<String, Value>);

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>>;

impl Api for Answers {
    fn call<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        Box::pin(async move {
            let fail = |code: &str| CallError {
                service: call.service.clone(),
                operation: call.operation.clone(),
                region: call.region.clone(),
                kind: ErrorKind::Other,
                code: code.to_owned(),
                message: "by the fixture".to_owned(),
                status: 400,
            };
            match self.0.get(&call.operation) {
                None => Err(fail("no_answer_in_fixture")),
                Some(answer) => match answer.get("error").and_then(Value::as_str) {
                    Some(code) => Err(fail(code)),
                    None => Ok(answer.clone()),
                },
            }
        })
    }

    fn call_all<'a>(&'a self, call: &'a Call) -> Answering<'a> {
        self.call(call)
    }
}

/// The result of a future that never has to wait.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
