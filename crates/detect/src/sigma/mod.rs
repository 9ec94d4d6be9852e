//! Sigma rules (specification 2.1) from YAML to something that can be run: detections become numbered [`Item`]s and an
//! [`Expr`] over them, so that many rules share fields, and a mistake is named with its line.

mod condition;
mod correlation;
mod detection;
mod modifier;
mod text;
mod value;

pub(crate) use condition::Expr;
pub(crate) use correlation::{Aggregate, Correlation};
pub(crate) use detection::{Item, Items};
pub(crate) use value::{Order, Test, event_text};

use std::collections::BTreeMap;
use yagura_model::yaml::{Data, Node};

/// What is wrong with a rule, and where; lines count from 1 in the text that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn at(node: &Node, message: impl Into<String>) -> Fault {
        Fault { line: node.line as usize, message: message.into() }
    }
}

/// One YAML document of a rule file.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) tags: Vec<String>,
    /// A field of ours: events that a service made for itself count, too.
    pub(crate) service_made: bool,
    pub(crate) line: usize,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Match(Expr),
    Correlation(Correlation),
    /// A filter's condition, and the rules (ids or names, `any` for all) that it is added to.
    Filter {
        rules: Vec<String>,
        keep: Expr,
    },
    /// For another product's events.
    Elsewhere(String),
}

/// Reads every document of a rule file.
pub(crate) fn read(text: &str, items: &mut Items) -> Vec<Result<Rule, Fault>> {
    match yagura_model::yaml::parse(text) {
        Err(e) => vec![Err(Fault { line: e.line as usize, message: e.message })],
        Ok(documents) if documents.is_empty() => {
            vec![Err(Fault { line: 1, message: "the file holds no rule".to_owned() })]
        }
        Ok(documents) => documents.iter().map(|d| read_rule(d, items)).collect(),
    }
}

fn read_rule(doc: &Node, items: &mut Items) -> Result<Rule, Fault> {
    if doc.entries().is_empty() {
        return Err(Fault::at(doc, "a Sigma rule is a mapping with `title`, `logsource` and `detection`"));
    }
    let text = |key: &str| doc.get(key).and_then(Node::as_str).map(str::to_owned).filter(|t| !t.is_empty());
    let body = if let Some(correlation) = doc.get("correlation") {
        Body::Correlation(correlation::read(correlation)?)
    } else if let Some(other) = other_product(doc.get("logsource")) {
        Body::Elsewhere(other)
    } else if let Some(filter) = doc.get("filter") {
        read_filter(filter, items)?
    } else {
        let detection = doc.get("detection").ok_or_else(|| Fault::at(doc, "the rule has no `detection`"))?;
        if doc.get("logsource").is_none() {
            return Err(Fault::at(doc, "the rule has no `logsource`"));
        }
        Body::Match(read_detection(detection, items)?)
    };
    Ok(Rule {
        id: text("id"),
        name: text("name"),
        title: text("title"),
        level: text("level"),
        tags: doc.get("tags").map(strings).unwrap_or_default(),
        service_made: text("service_made").as_deref() == Some("true"),
        line: doc.line as usize,
        body,
    })
}

/// What a rule is for when it isn't CloudTrail.
fn other_product(logsource: Option<&Node>) -> Option<String> {
    let logsource = logsource?;
    let part = |key: &str| logsource.get(key).and_then(Node::as_str).map(str::to_ascii_lowercase);
    let fits = |part: &Option<String>, wanted: &str| part.as_deref().is_none_or(|p| p == wanted);
    let (product, service, category) = (part("product"), part("service"), part("category"));
    let names_it = product.as_deref() == Some("aws") || service.as_deref() == Some("cloudtrail");
    if names_it && fits(&product, "aws") && fits(&service, "cloudtrail") && category.is_none() {
        return None;
    }
    let parts: Vec<String> = [product, service, category].into_iter().flatten().collect();
    Some(if parts.is_empty() { "nothing in particular".to_owned() } else { parts.join("/") })
}

/// Named detections and the condition over them; a list of conditions is their disjunction.
fn read_detection(detection: &Node, items: &mut Items) -> Result<Expr, Fault> {
    let mut names = BTreeMap::new();
    for (key, value) in detection.entries() {
        let name = key.as_str().ok_or_else(|| Fault::at(key, "a detection's name must be a string"))?;
        if !matches!(name, "condition" | "rules" | "timeframe") {
            names.insert(name.to_owned(), items.read(value)?);
        }
    }
    let condition =
        detection.get("condition").ok_or_else(|| Fault::at(detection, "the detection has no `condition`"))?;
    let texts = strings(condition);
    if texts.is_empty() {
        return Err(Fault::at(condition, "`condition` must be a string or a list of strings"));
    }
    let mut any = Vec::new();
    for text in texts {
        any.push(condition::parse(&text, &names).map_err(|message| Fault::at(condition, message))?);
    }
    Ok(if any.len() == 1 { any.remove(0) } else { Expr::Any(any) })
}

fn read_filter(filter: &Node, items: &mut Items) -> Result<Body, Fault> {
    let rules = filter.get("rules").map(strings).unwrap_or_default();
    if rules.is_empty() {
        return Err(Fault::at(filter, "the filter names no `rules`"));
    }
    Ok(Body::Filter { rules, keep: read_detection(filter, items)? })
}

/// A string, or all strings of a list.
fn strings(node: &Node) -> Vec<String> {
    match &node.data {
        Data::Seq(items) => items.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect(),
        _ => node.as_str().filter(|t| !t.is_empty()).map(str::to_owned).into_iter().collect(),
    }
}
