//! What principals did, and the policies that follow from it.

mod call;
mod hostile;
mod least;
mod mining;
mod unused;

use serde_json::{Value, json};
use yagura_access::usage::{Call, Skipped};

pub const ACCOUNT: &str = "111122223333";
pub const ALICE: &str = "arn:aws:iam::111122223333:user/dev/alice";

/// A record of alice's.
pub fn record(source: &str, event: &str, parameters: Value) -> Value {
    json!({
        "eventVersion": "1.11", "eventType": "AwsApiCall", "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": format!("{source}.amazonaws.com"), "eventName": event, "awsRegion": "ap-northeast-1",
        "sourceIPAddress": "203.0.113.5", "userAgent": "aws-cli/2", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "arn": ALICE, "principalId": "AIDAEXAMPLE", "accountId": ACCOUNT},
        "requestParameters": parameters,
    })
}

/// The actions of a record with their resources.
pub fn read(source: &str, event: &str, parameters: Value) -> Vec<(String, Vec<String>)> {
    of(&record(source, event, parameters))
}

pub fn of(record: &Value) -> Vec<(String, Vec<String>)> {
    let calls = Call::of(record).expect("a call");
    calls.into_iter().map(|call| (call.action, call.resources)).collect()
}

pub fn skipped(record: &Value) -> Skipped {
    Call::of(record).expect_err("no call")
}
