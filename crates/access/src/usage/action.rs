//! Which actions an event took.

use super::exceptions::{ACTIONS, FREE, PREFIXES, VERSIONED};
use super::target::{get, text};
use crate::catalogue::{self, Action};
use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

static EXCEPTIONS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| ACTIONS.iter().copied().collect());

/// What an event needs.
#[derive(Clone, Debug)]
pub enum Taken {
    /// All of these actions.
    Actions(Vec<&'static Action>),
    /// No permission.
    Nothing,
    /// It is no event that AWS's catalogue has an action for.
    Unknown,
}

/// The actions of an event: its source is a host such as `s3.amazonaws.com`.
pub fn taken(source: &str, event: &str, parameters: &Json) -> Taken {
    let host = source.trim_end_matches(".cn").strip_suffix(".amazonaws.com").unwrap_or(source);
    let places = PREFIXES.binary_search_by_key(&host, |(host, _)| host);
    let own = [host];
    let mut prefixes: Vec<&str> = places.map_or(&own[..], |at| PREFIXES[at].1).to_vec();
    // Events that both scalers know by the same name.
    if prefixes.len() > 1 && get(parameters, "serviceNamespace").is_some() {
        prefixes.swap(0, 1);
    }
    for prefix in prefixes {
        if FREE.contains(&format!("{prefix}:{event}").as_str()) {
            return Taken::Nothing;
        }
        let found = of_service(prefix, event, parameters);
        if !found.is_empty() {
            return Taken::Actions(found);
        }
    }
    if host == "signin" { Taken::Nothing } else { Taken::Unknown }
}

fn of_service(prefix: &str, event: &str, parameters: &Json) -> Vec<&'static Action> {
    let mut found = plain(prefix, event);
    if found.is_empty() {
        found = plain(prefix, without_version(event));
    }
    if found.is_empty() {
        found = match prefix {
            "apigateway" => methods(event).iter().filter_map(|method| full(prefix, method)).collect(),
            "dynamodb" => statements(event, parameters),
            _ => found,
        };
    }
    if prefix == "s3" && get(parameters, "versionId").is_some_and(|v| v.as_str() != Some("null")) {
        found.iter_mut().for_each(versioned);
    }
    found
}

/// The actions of an event by the table of exceptions, or the action of its name.
fn plain(prefix: &str, event: &str) -> Vec<&'static Action> {
    let name = format!("{prefix}:{event}");
    match EXCEPTIONS.get(name.as_str()) {
        Some(actions) => actions.split(' ').filter_map(|action| full(prefix, action)).collect(),
        None => catalogue::action(&name).into_iter().collect(),
    }
}

fn full(prefix: &str, action: &str) -> Option<&'static Action> {
    match action.contains(':') {
        true => catalogue::action(action),
        false => catalogue::action(&format!("{prefix}:{action}")),
    }
}

/// An event's name without the version of the API that Lambda and CloudFront end it with: `Invoke20150331v2`,
/// `CreateInvalidation2020_05_31`.
fn without_version(event: &str) -> &str {
    let version = event.trim_start_matches(|c: char| !c.is_ascii_digit());
    let is_version = version.len() >= 8
        && version.starts_with("20")
        && version.bytes().all(|b| b.is_ascii_digit() || b == b'_' || b == b'v');
    if is_version { &event[..event.len() - version.len()] } else { event }
}

fn versioned(action: &mut &'static Action) {
    let of_version = VERSIONED.iter().find(|(plain, _)| *plain == action.name).map(|(_, versioned)| versioned);
    if let Some(versioned) = of_version.and_then(|name| catalogue::action(&format!("s3:{name}"))) {
        *action = versioned;
    }
}

/// API Gateway's actions are the methods of HTTP that its operations are called by
/// (`docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html`), as the service's models
/// bind them (botocore's `apigateway` and `apigatewayv2`).
fn methods(event: &str) -> &'static [&'static str] {
    let verbs: [(&str, &[&str]); 17] = [
        // Both APIs log it, and each by a method of its own.
        ("TagResource", &["PUT", "POST"]),
        ("ImportDocumentationParts", &["PUT"]),
        ("ImportApi", &["PUT"]),
        ("ReimportApi", &["PUT"]),
        ("Create", &["POST"]),
        ("Delete", &["DELETE"]),
        ("Export", &["GET"]),
        ("Flush", &["DELETE"]),
        ("Generate", &["POST"]),
        ("Get", &["GET"]),
        ("Import", &["POST"]),
        ("Put", &["PUT"]),
        ("Reject", &["POST"]),
        ("Reset", &["DELETE"]),
        ("Test", &["POST"]),
        ("Untag", &["DELETE"]),
        ("Update", &["PATCH"]),
    ];
    // Neither API pairs `ImportApi` with what it begins.
    let is = |verb: &str| if verb == "ImportApi" { event == verb } else { event.starts_with(verb) };
    verbs.iter().find(|(verb, _)| is(verb)).map_or(&[], |(_, methods)| methods)
}

/// The actions of DynamoDB's transactions and of its PartiQL, as far as the parameters tell
/// (`docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html`, `ql-iam.html`).
fn statements(event: &str, parameters: &Json) -> Vec<&'static Action> {
    let list = |key: &str| get(parameters, key).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let names: Option<BTreeSet<&str>> = match event {
        "TransactWriteItems" => list("transactItems").iter().map(write).collect(),
        "ExecuteStatement" => Some(parameters).iter().map(|p| partiql(p)).collect(),
        "BatchExecuteStatement" => list("statements").iter().map(partiql).collect(),
        "ExecuteTransaction" => list("transactStatements").iter().map(partiql).collect(),
        _ => None,
    };
    let names = names.unwrap_or_default();
    names.into_iter().filter_map(|name| catalogue::action(&format!("dynamodb:{name}"))).collect()
}

fn write(item: &Json) -> Option<&'static str> {
    let names = [
        ("conditionCheck", "ConditionCheckItem"),
        ("delete", "DeleteItem"),
        ("put", "PutItem"),
        ("update", "UpdateItem"),
    ];
    names.iter().find(|(key, _)| get(item, key).is_some_and(Json::is_object)).map(|(_, action)| *action)
}

fn partiql(statement: &Json) -> Option<&'static str> {
    let first = text(statement, "statement")?.split_whitespace().next()?;
    let names = [
        ("SELECT", "PartiQLSelect"),
        ("INSERT", "PartiQLInsert"),
        ("UPDATE", "PartiQLUpdate"),
        ("DELETE", "PartiQLDelete"),
    ];
    names.iter().find(|(word, _)| first.eq_ignore_ascii_case(word)).map(|(_, action)| *action)
}
