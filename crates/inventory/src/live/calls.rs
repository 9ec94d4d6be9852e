//! The calls of a scan: bounded, each shared one made once, and every failure turned into what it means.

use super::{Pause, csv};
use crate::mapping::{Jq, Step, Type};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OnceCell, Semaphore};
use yagura_aws::{Api, Call, CallError, ErrorKind};

/// How often a started job is asked for, and how long is waited between.
const MAX_ASKS: usize = 30;
const WAIT: Duration = Duration::from_secs(2);

/// Why an answer is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The thing was deleted since it was listed.
    Gone,
    Failed {
        /// The IAM action that the failed call needs.
        action: String,
        code: String,
        kind: ErrorKind,
    },
}

impl Fault {
    /// What stands in the place of the values that are missing: the action, with the code unless it was denied.
    pub fn reason(&self) -> String {
        match self {
            Fault::Gone => "deleted while it was read".to_owned(),
            Fault::Failed { action, kind: ErrorKind::Denied, .. } => action.clone(),
            Fault::Failed { action, code, .. } => format!("{action} ({code})"),
        }
    }
}

type Answer = Result<Arc<Value>, Fault>;

/// All calls of one scan.
pub struct Calls {
    api: Arc<dyn Api>,
    /// The account whose credentials are used; `None` is the caller's own.
    account: Option<String>,
    slots: Semaphore,
    shared: Mutex<HashMap<String, Arc<OnceCell<Answer>>>>,
    pause: Pause,
}

impl Calls {
    pub fn new(api: Arc<dyn Api>, account: Option<String>, concurrency: usize, pause: Pause) -> Calls {
        let slots = Semaphore::new(concurrency.max(1));
        Calls { api, account, slots, shared: Mutex::default(), pause }
    }

    /// An answer that every type and item that asks the same shares.
    pub async fn shared(&self, kind: &Type, step: &Step, region: &str, params: Value) -> Answer {
        let key = format!("{region} {}:{} {params} {:?}", step.service, step.operation, step.csv);
        let cell = {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shared.entry(key).or_default())
        };
        cell.get_or_init(|| async { self.once(kind, step, region, params).await.map(Arc::new) }).await.clone()
    }

    /// One answer; what `absent` names is null.
    pub async fn once(&self, kind: &Type, step: &Step, region: &str, params: Value) -> Result<Value, Fault> {
        let call = |service: &str, operation: &str, params: Value| Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            params,
            region: region.to_owned(),
            account: self.account.clone(),
        };
        let mut blamed = None;
        if let Some(start) = &step.start
            && let Err(e) = self.send(&call(&start.service, &start.operation, json!({}))).await
        {
            blamed = Some(failed(&start.action, &e));
        }
        let call = call(&step.service, &step.operation, params);
        let mut asks = 1;
        let answer = loop {
            match self.send(&call).await {
                Ok(answer) if step.until.as_ref().is_none_or(|until| is_done(until, &answer)) => break answer,
                Ok(_) => {
                    if asks == MAX_ASKS {
                        let (action, code) = (step.action.clone(), "the job takes too long".to_owned());
                        return Err(Fault::Failed { action, code, kind: ErrorKind::Other });
                    }
                    asks += 1;
                    (self.pause)(WAIT).await;
                }
                Err(e) if step.wait.contains(&e.code) => {
                    if let Some(fault) = blamed {
                        return Err(fault);
                    }
                    if asks == MAX_ASKS {
                        return Err(failed(&step.action, &e));
                    }
                    asks += 1;
                    (self.pause)(WAIT).await;
                }
                Err(e) if step.absent.iter().any(|a| is_absent(a, &e)) => return Ok(Value::Null),
                Err(e) if kind.gone.contains(&e.code) => return Err(Fault::Gone),
                Err(e) => return Err(failed(&step.action, &e)),
            }
        };
        let Some(member) = &step.csv else { return Ok(answer) };
        let text = answer.get(member).and_then(Value::as_str).unwrap_or_default();
        csv::rows(text).map_err(|code| Fault::Failed { action: step.action.clone(), code, kind: ErrorKind::Other })
    }

    async fn send(&self, call: &Call) -> Result<Value, CallError> {
        // The semaphore is never closed; should it be, the call goes ahead unbounded rather than being lost.
        let _slot = self.slots.acquire().await.ok();
        self.api.call_all(call).await
    }
}

fn is_done(until: &Jq, answer: &Value) -> bool {
    // What can't be told of an answer is no reason to ask for it for ever.
    until.first(answer).map_or(true, |done| done != Value::Bool(false))
}

fn failed(action: &str, e: &CallError) -> Fault {
    Fault::Failed { action: action.to_owned(), code: e.code.clone(), kind: e.kind }
}

/// `absent` is an error code, or `Code: words` where the message must hold the words, too.
fn is_absent(absent: &str, e: &CallError) -> bool {
    match absent.split_once(": ") {
        Some((code, words)) => e.code == code && e.message.contains(words),
        None => e.code == absent,
    }
}
