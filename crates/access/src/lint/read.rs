//! The document as the checks see it: every statement with the places of its parts, and what can't be read.

use super::{PolicyType, Remark};
use crate::catalogue::{self, Action};
use crate::condition::Clause;
use crate::error::Error;
use crate::policy::{Effect, Policy, Statement};
use crate::principal::Principals;
use serde_json::{Map, Value as Json, json};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use yagura_model::{Severity, Text};

/// A text of the document with its place.
pub struct Part {
    pub at: String,
    pub text: String,
}

/// A condition with its place.
pub struct Condition {
    pub at: String,
    pub clause: Clause,
    /// The operator as the document has it.
    pub operator: String,
    /// Whether the values are a list.
    pub list: bool,
}

impl Condition {
    /// The place of an operand.
    pub fn at_operand(&self, i: usize) -> String {
        if self.list { format!("{}[{i}]", self.at) } else { self.at.clone() }
    }

    /// Whether only requests that have the key with one of the values can meet it.
    pub fn is_positive(&self) -> bool {
        !self.clause.negated
            && !self.clause.if_exists
            && self.clause.quantifier != crate::condition::Quantifier::All
            && self.clause.family != crate::condition::Family::Null
    }
}

/// A statement.
pub struct View {
    pub at: String,
    /// Its Sid, or its number from 1.
    pub label: String,
    pub sid: Option<String>,
    pub effect: Effect,
    pub principals: Principals,
    pub actions: Vec<Part>,
    pub not_action: bool,
    pub resources: Vec<Part>,
    pub not_resource: bool,
    /// Whether it names resources.
    pub names_resources: bool,
    pub conditions: Vec<Condition>,
    pub statement: Statement,
    covered: OnceCell<Vec<&'static Action>>,
    open: OnceCell<bool>,
    keys: OnceCell<HashSet<&'static str>>,
}

impl View {
    pub fn remark(&self, code: &'static str, severity: Severity, at: &str, text: Text) -> Remark {
        Remark { code, severity, at: at.to_owned(), place: None, statement: Some(self.label.clone()), text }
    }

    pub fn allows(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// The actions that its `Action` covers; none for a `NotAction`.
    pub fn covered(&self) -> &[&'static Action] {
        self.covered.get_or_init(|| {
            let patterns = self.actions.iter().filter(|_| !self.not_action);
            let mut found: Vec<&Action> = patterns.flat_map(|p| catalogue::expand(&p.text)).collect();
            found.sort_by_key(|a| (a.service, a.name));
            found.dedup_by_key(|a| (a.service, a.name));
            found
        })
    }

    /// Whether what it covers can't be told from the catalogue: everything, everything but, or what isn't in it.
    pub fn is_open(&self) -> bool {
        *self.open.get_or_init(|| {
            let unknown = |text: &str| text == "*" || text == "*:*" || catalogue::expand(text).is_empty();
            self.not_action || self.actions.iter().any(|p| unknown(&p.text))
        })
    }

    /// The condition keys that the actions set, beside the global ones.
    pub fn keys(&self) -> &HashSet<&'static str> {
        self.keys.get_or_init(|| self.covered().iter().flat_map(|action| action.keys()).collect())
    }

    /// The element that names principals.
    pub fn at_principal(&self) -> String {
        let name = if matches!(self.principals, Principals::NotThese(_)) { "NotPrincipal" } else { "Principal" };
        format!("{}.{name}", self.at)
    }

    /// The element that names actions.
    pub fn at_action(&self) -> String {
        format!("{}.{}", self.at, if self.not_action { "NotAction" } else { "Action" })
    }
}

/// The statements that can be read; remarks on the others and on the document.
pub fn views(document: &Json, kind: PolicyType, remarks: &mut Vec<Remark>) -> Vec<View> {
    let policy = kind.kind();
    let Some(object) = document.as_object() else {
        if let Err(error) = Policy::read(document, "", policy, "policy") {
            remarks.push(unreadable(error, "policy", "", document, None));
        }
        return Vec::new();
    };
    let mut frame = object.clone();
    if frame.contains_key("Statement") {
        frame.insert("Statement".to_owned(), json!([]));
    }
    if let Err(error) = Policy::read(&Json::Object(frame), "", policy, "policy") {
        remarks.push(unreadable(error, "policy", "", document, None));
    }
    let (statements, listed) = match object.get("Statement") {
        None => return Vec::new(),
        Some(Json::Array(statements)) => (statements.as_slice(), true),
        Some(one) => (std::slice::from_ref(one), false),
    };
    if statements.is_empty() {
        remarks.push(empty("Statement", None));
    }
    let version = object.get("Version").filter(|v| v.as_str().is_some_and(|v| v.starts_with("20"))).cloned();
    let mut views = Vec::new();
    for (i, statement) in statements.iter().enumerate() {
        let at = if listed { format!("Statement[{i}]") } else { "Statement".to_owned() };
        let sid = statement.get("Sid").and_then(Json::as_str).filter(|s| !s.is_empty());
        let label = sid.map_or_else(|| (i + 1).to_string(), str::to_owned);
        let mut single = Map::from_iter([("Statement".to_owned(), statement.clone())]);
        if let Some(version) = version.clone().filter(|v| v == "2012-10-17" || v == "2008-10-17") {
            single.insert("Version".to_owned(), version);
        }
        match Policy::read(&Json::Object(single), "", policy, "policy") {
            Err(error) => remarks.push(unreadable(error, "policy.Statement", &at, document, Some(label))),
            Ok(mut read) => {
                if let (Some(read), Some(object)) = (read.statements.pop(), statement.as_object()) {
                    views.push(view(object, read, at, label, sid, remarks));
                }
            }
        }
    }
    views
}

fn view(
    object: &Map<String, Json>,
    statement: Statement,
    at: String,
    label: String,
    sid: Option<&str>,
    remarks: &mut Vec<Remark>,
) -> View {
    let mut texts = |plain: &str, not: &str| -> (Vec<Part>, bool, bool) {
        let (name, value) = match (object.get(plain), object.get(not)) {
            (Some(value), _) => (plain, value),
            (None, Some(value)) => (not, value),
            (None, None) => return (Vec::new(), false, false),
        };
        let at = format!("{at}.{name}");
        let parts: Vec<Part> = match value {
            Json::Array(values) => {
                let part =
                    |(i, v): (usize, &Json)| Some(Part { at: format!("{at}[{i}]"), text: v.as_str()?.to_owned() });
                values.iter().enumerate().filter_map(part).collect()
            }
            one => one.as_str().map(|text| Part { at: at.clone(), text: text.to_owned() }).into_iter().collect(),
        };
        if parts.is_empty() {
            remarks.push(empty(&at, Some(label.clone())));
        }
        (parts, name == not, true)
    };
    let (actions, not_action, _) = texts("Action", "NotAction");
    let (resources, not_resource, names_resources) = texts("Resource", "NotResource");
    let mut clauses = statement.clauses.iter();
    let mut conditions = Vec::new();
    for (operator, keys) in object.get("Condition").and_then(Json::as_object).into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let at = format!("{at}.Condition.{operator}.{key}");
            if values.as_array().is_some_and(Vec::is_empty) {
                remarks.push(empty(&at, Some(label.clone())));
            }
            // The clauses were read in this order.
            if let Some(clause) = clauses.next().cloned() {
                conditions.push(Condition { at, clause, operator: operator.clone(), list: values.is_array() });
            }
        }
    }
    View {
        sid: sid.map(str::to_owned),
        effect: statement.effect,
        principals: statement.principals.clone(),
        actions,
        not_action,
        resources,
        not_resource,
        names_resources,
        conditions,
        statement,
        covered: OnceCell::new(),
        open: OnceCell::new(),
        keys: OnceCell::new(),
        at,
        label,
    }
}

fn empty(at: &str, statement: Option<String>) -> Remark {
    let text = Text::new(
        format!("`{at}` is an empty list, which matches nothing: fill it or remove it"),
        format!("`{at}` が空の配列です。何にも一致しないため、値を追加するか削除してください"),
    );
    Remark { code: "empty-list", severity: Severity::Medium, at: at.to_owned(), place: None, statement, text }
}

/// An error with its element: what was read as `from` stands at `to`.
fn unreadable(mut error: Error, from: &str, to: &str, document: &Json, statement: Option<String>) -> Remark {
    let mut at = to.to_owned();
    if let Some(place) = place_of(&mut error)
        && let Some(rest) = place.strip_prefix(from)
    {
        *place = format!("{to}{rest}").trim_start_matches('.').to_owned();
        at.clone_from(place);
        if place.is_empty() {
            "the policy".clone_into(place);
        }
    }
    let within = |at: String, name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match &error {
        Error::Element { element, .. } | Error::Refused { element, .. } => at = within(at, element),
        // A value stands in its element, as an item of a list, or as the name of an operator.
        Error::Value { value, .. } => match find(document, &at) {
            Some(Json::Array(items)) => {
                let is_it = |item: &Json| item.as_str().is_some_and(|text| text == value);
                if let Some(i) = items.iter().position(is_it) {
                    at = format!("{at}[{i}]");
                }
            }
            Some(Json::Object(object)) if object.contains_key(value) => at = within(at, value),
            _ => {}
        },
        Error::Shape { .. } => {
            if let Some(Json::Array(items)) = find(document, &at)
                && let Some(i) = items.iter().position(|item| !item.is_string())
            {
                at = format!("{at}[{i}]");
            }
        }
        _ => {}
    }
    let text = error.text();
    Remark { code: "unreadable", severity: Severity::High, at, place: None, statement, text }
}

fn place_of(error: &mut Error) -> Option<&mut String> {
    match error {
        Error::Shape { at, .. }
        | Error::Missing { at }
        | Error::Element { at, .. }
        | Error::Refused { at, .. }
        | Error::Value { at, .. } => Some(at),
        _ => None,
    }
}

/// The value at a path that holds no key with a dot.
fn find<'a>(document: &'a Json, at: &str) -> Option<&'a Json> {
    let pointer = at.replace('[', ".").replace(']', "");
    let mut value = document;
    for word in pointer.split('.').filter(|word| !word.is_empty()) {
        value = match value {
            Json::Array(items) => items.get(word.parse::<usize>().ok()?)?,
            other => other.get(word)?,
        };
    }
    Some(value)
}

/// Sids that stand twice, or that AWS refuses.
///
/// `docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html`: letters and digits in IAM's policies;
/// unique within a document.
pub fn sids(views: &[View], kind: PolicyType, remarks: &mut Vec<Remark>) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for view in views {
        let Some(sid) = &view.sid else { continue };
        let at = format!("{}.Sid", view.at);
        if let Some(first) = seen.insert(sid, &view.at) {
            let text = Text::new(
                format!("{first} has the Sid `{sid}`, too, and AWS refuses that: give each its own"),
                format!("Sid `{sid}` が {first} と重複しています。AWS に拒否されるため、一意の値にしてください"),
            );
            remarks.push(view.remark("duplicate-sid", Severity::Medium, &at, text));
        }
        let plain = sid.chars().all(|c| c.is_ascii_alphanumeric());
        if !plain && !matches!(kind, PolicyType::Resource | PolicyType::Endpoint) {
            let text = Text::new(
                format!("The Sid `{sid}` may hold only letters and digits here: take out the rest"),
                format!("ここでは Sid に英数字しか使えません。`{sid}` から他の文字を取り除いてください"),
            );
            remarks.push(view.remark("invalid-sid", Severity::Medium, &at, text));
        }
    }
}
