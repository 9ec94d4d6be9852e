//! An AWS whose answers a test writes down.

use serde_json::{Value, json};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use yagura_aws::{Api, Call, CallError, ErrorKind};

type Answer = Box<dyn Fn(&Call) -> Option<Result<Value, Box<CallError>>> + Send + Sync>;

/// Answers by the first rule that matches; what no rule matches is an empty object.
#[derive(Default)]
pub struct Fake {
    rules: Vec<Answer>,
    pub calls: Mutex<Vec<Call>>,
    in_flight: AtomicUsize,
    pub most_in_flight: AtomicUsize,
}

impl Fake {
    /// A fake with these Regions.
    pub fn with_regions(regions: &[&str]) -> Fake {
        let regions: Vec<Value> =
            regions.iter().map(|r| json!({"RegionName": r, "OptInStatus": "opt-in-not-required"})).collect();
        Fake::default().answer("ec2:DescribeRegions", json!({"Regions": regions}))
    }

    /// `api` as `service:Operation`, in any Region.
    pub fn answer(self, api: &'static str, answer: Value) -> Fake {
        self.rule(api, move |_| Ok(answer.clone()))
    }

    pub fn fail(self, api: &'static str, kind: ErrorKind, code: &'static str) -> Fake {
        self.rule(api, move |call| Err(error(call, kind, code)))
    }

    pub fn rule(
        mut self,
        api: &'static str,
        answer: impl Fn(&Call) -> Result<Value, Box<CallError>> + Send + Sync + 'static,
    ) -> Fake {
        self.rules.push(Box::new(move |call| (name(call) == api).then(|| answer(call))));
        self
    }

    /// The calls of one operation, in order.
    pub fn made(&self, api: &str) -> Vec<Call> {
        self.calls.lock().expect("lock").iter().filter(|c| name(c) == api).cloned().collect()
    }
}

pub fn error(call: &Call, kind: ErrorKind, code: &str) -> Box<CallError> {
    Box::new(CallError {
        service: call.service.clone(),
        operation: call.operation.clone(),
        region: call.region.clone(),
        kind,
        code: code.to_owned(),
        message: String::new(),
        status: 400,
    })
}

fn name(call: &Call) -> String {
    format!("{}:{}", call.service, call.operation)
}

impl Api for Fake {
    fn call<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        Box::pin(async move {
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.calls.lock().expect("lock").push(call.clone());
            let answer = self.rules.iter().find_map(|rule| rule(call));
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            match answer {
                Some(Ok(answer)) => Ok(answer),
                Some(Err(e)) => Err(*e),
                None => Ok(json!({})),
            }
        })
    }

    fn call_all<'a>(&'a self, call: &'a Call) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'a>> {
        self.call(call)
    }
}
