//! A CloudTrail record as an OCSF 1.8 event: API Activity (6003), Authentication (3002) or Account Change (3001).
//!
//! The mapping is pure, and it is the only one: table rows and `--format ocsf` are both made from [`Event`], so they
//! cannot disagree. Attribute choices follow what Amazon Security Lake writes for its CloudTrail source (version 2),
//! with the profiles `cloud` and `datetime`; what OCSF has no place for is in `unmapped`, and `raw_data` is the record
//! itself.

mod activity;
mod identity;
mod object;
pub(crate) mod time;
mod unmapped;

pub use object::Event;

use activity::{Activity, Class};
use object::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::net::IpAddr;

/// The OCSF version that [`Event`] is valid against.
pub const VERSION: &str = "1.8.0";

/// Why a JSON value cannot be an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("it has no `eventTime` that can be read")]
    NoTime,
}

/// The OCSF object of a CloudTrail record, given as its text.
pub fn event(raw: &str) -> Result<Value, NotAnEvent> {
    let record = &crate::record::parse(raw);
    if !record.is_object() {
        return Err(NotAnEvent::NotAnObject);
    }
    let time = time::of(&record["eventTime"]).ok_or(NotAnEvent::NoTime)?;
    let event = Event::new(record, raw, time);
    // The event is made of strings, numbers and maps with string keys; such a value always has a JSON form.
    Ok(serde_json::to_value(&event).unwrap_or(Value::Null))
}

impl<'a> Event<'a> {
    /// The event of a record that happened `time` microseconds after 1970.
    pub(crate) fn new(record: &'a Value, raw: &'a str, time: i64) -> Event<'a> {
        // OCSF requires both and says `Unknown` for what a source left out.
        let name = text(&record["eventName"]).unwrap_or(Cow::Borrowed("Unknown"));
        let source = text(&record["eventSource"]).unwrap_or(Cow::Borrowed("Unknown"));
        let activity = Activity::of(&source, &name, record);
        let class = activity.class;
        let (status_id, status) = status(record);
        let actor = identity::actor(record, &source);
        let api = api(record, &source, &name);
        let src_endpoint = src_endpoint(record, &source);
        let user = identity::subject(class, record);
        let resources = if class == Class::ApiActivity { resources(record) } else { Vec::new() };
        let mut event = Event {
            metadata: metadata(record, raw),
            time: time::millis(time),
            time_dt: time::rfc3339(time),
            cloud: cloud(record),
            class_uid: class.uid(),
            class_name: class.name(),
            category_uid: class.category().0,
            category_name: class.category().1,
            activity_id: activity.id,
            type_uid: i64::from(class.uid()) * 100 + i64::from(activity.id),
            type_name: format!("{}: {}", class.name(), activity.name(&name)),
            activity_name: activity.name(&name).to_owned(),
            severity_id: 1,
            severity: "Informational",
            status_id,
            status,
            status_code: text(&record["errorCode"]),
            status_detail: text(&record["errorMessage"]),
            is_mfa: (class == Class::Authentication).then(|| identity::signed_in_with_mfa(record)).flatten(),
            auth_protocol_id: (class == Class::Authentication).then(|| activity.auth_protocol().0).flatten(),
            auth_protocol: (class == Class::Authentication).then(|| activity.auth_protocol().1).flatten(),
            session: (class == Class::Authentication).then(|| identity::new_session(record)).flatten(),
            service: (class == Class::Authentication).then(|| Service { name: source.clone() }),
            policy: (class == Class::AccountChange).then(|| policy(record)).flatten(),
            dst_endpoint: (class != Class::AccountChange)
                .then(|| Endpoint { svc_name: Some(source.clone()), ..Endpoint::default() }),
            http_request: text(&record["userAgent"]).map(|user_agent| HttpRequest { user_agent: Some(user_agent) }),
            user,
            api,
            actor,
            src_endpoint,
            resources,
            observables: Vec::new(),
            unmapped: unmapped::fields(record, class),
            raw_data: raw,
        };
        event.observables = observables(&event);
        event
    }
}

/// A field's text; what is null, empty or no scalar is absent.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        _ => None,
    }
}

/// A sub-document as JSON text, the form in which Security Lake keeps request and response.
fn json_text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// The event's id as findings and the lake know it: the record's `eventID`, else `sha256:` and the digest of its bytes.
pub fn event_uid<'a>(record: &'a Value, raw: &[u8]) -> Cow<'a, str> {
    match record.get("eventID") {
        Some(Value::String(id)) if !id.is_empty() => Cow::Borrowed(id),
        _ => Cow::Owned(format!("sha256:{}", hex::encode(Sha256::digest(raw)))),
    }
}

fn metadata<'a>(record: &'a Value, raw: &str) -> Metadata<'a> {
    Metadata {
        product: Product {
            name: "CloudTrail",
            vendor_name: "AWS",
            version: text(&record["eventVersion"]),
            feature: text(&record["eventCategory"]).map(|name| Feature { name }),
        },
        event_code: text(&record["eventType"]),
        uid: event_uid(record, raw.as_bytes()),
        correlation_uid: text(&record["sharedEventID"]),
        version: VERSION,
        profiles: ["cloud", "datetime"],
    }
}

fn cloud(record: &Value) -> Cloud<'_> {
    Cloud { provider: "AWS", region: text(&record["awsRegion"]), account: account(&record["recipientAccountId"]) }
}

fn account(id: &Value) -> Option<Account<'_>> {
    text(id).map(|uid| Account { uid, kind: "AWS Account", type_id: 10 })
}

fn api<'a>(record: &'a Value, source: &Cow<'a, str>, name: &Cow<'a, str>) -> Api<'a> {
    let response = Response {
        error: text(&record["errorCode"]),
        message: text(&record["errorMessage"]),
        data: json_text(&record["responseElements"]),
    };
    Api {
        operation: name.clone(),
        version: text(&record["apiVersion"]),
        service: Service { name: source.clone() },
        // OCSF has no request without an id; parameters without one are in `unmapped`.
        request: text(&record["requestID"]).map(|uid| Request { uid, data: json_text(&record["requestParameters"]) }),
        response: (response != Response::default()).then_some(response),
    }
}

/// Where a call came from: an address, the AWS service that made it, or, for what a service did by itself, that
/// service.
fn src_endpoint<'a>(record: &'a Value, source: &Cow<'a, str>) -> Endpoint<'a> {
    let mut endpoint = Endpoint { uid: text(&record["vpcEndpointId"]), ..Endpoint::default() };
    match text(&record["sourceIPAddress"]) {
        Some(address) if address.len() <= 40 && address.parse::<IpAddr>().is_ok() => endpoint.ip = Some(address),
        Some(name) if name.ends_with(".amazonaws.com") => endpoint.domain = Some(name),
        Some(name) => endpoint.name = Some(name),
        None if endpoint.uid.is_none() => endpoint.svc_name = Some(source.clone()),
        None => {}
    }
    endpoint
}

fn resources(record: &Value) -> Vec<Resource<'_>> {
    let Some(list) = record["resources"].as_array() else { return Vec::new() };
    list.iter()
        .filter_map(|entry| {
            let field = |names: [&str; 2]| names.into_iter().find_map(|name| entry.get(name).and_then(text));
            let uid = field(["ARN", "arn"]).or_else(|| field(["ARNPrefix", "arnPrefix"]))?;
            let account = entry.get("accountId").and_then(account);
            Some(Resource { uid, kind: field(["type", "Type"]), owner: account.map(|account| Owner { account }) })
        })
        .collect()
}

/// The policy that an account change attaches, detaches, writes or deletes.
fn policy(record: &Value) -> Option<Policy<'_>> {
    let request = &record["requestParameters"];
    let (uid, name) = (text(&request["policyArn"]), text(&request["policyName"]));
    (uid.is_some() || name.is_some()).then_some(Policy { uid, name })
}

fn status(record: &Value) -> (i32, &'static str) {
    // A failed sign-in carries no error code; its answer, under the event's own name, is the only place that says so.
    let refused = record["eventName"].as_str().is_some_and(|name| record["responseElements"][name] == "Failure");
    if record["errorCode"].is_null() && !refused { (1, "Success") } else { (2, "Failure") }
}

/// What an analyst pivots on, once each; type ids are OCSF's.
fn observables<'a>(event: &Event<'a>) -> Vec<Observable<'a>> {
    let mut found: Vec<Observable<'a>> = Vec::new();
    let mut add = |name: &'static str, type_id: i32, kind: &'static str, value: &Option<Cow<'a, str>>| {
        if let Some(value) = value {
            found.push(Observable { name, type_id, kind, value: value.clone() });
        }
    };
    add("src_endpoint.ip", 2, "IP Address", &event.src_endpoint.ip);
    add("src_endpoint.domain", 1, "Hostname", &event.src_endpoint.domain);
    add("src_endpoint.uid", 48, "Network Endpoint Object: uid", &event.src_endpoint.uid);
    if let Some(user) = &event.actor.user {
        add("actor.user.name", 4, "User Name", &user.name);
        add("actor.user.uid", 31, "User Object: uid", &user.uid);
        add("actor.user.credential_uid", 19, "User Credential ID", &user.credential_uid);
    }
    if let Some(user) = &event.user {
        add("user.name", 4, "User Name", &user.name);
        add("user.uid", 31, "User Object: uid", &user.uid);
        add("user.credential_uid", 19, "User Credential ID", &user.credential_uid);
    }
    for resource in &event.resources {
        add("resources[].uid", 10, "Resource UID", &Some(resource.uid.clone()));
    }
    if let Some(account) = &event.cloud.account {
        add("cloud.account.uid", 35, "Account Object: uid", &Some(account.uid.clone()));
    }
    if let Some(request) = &event.http_request {
        add("http_request.user_agent", 16, "HTTP User-Agent", &request.user_agent);
    }
    found
}
