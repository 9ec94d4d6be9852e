//! CloudFormation and SAM templates: what a stack made from one will have, as far as the template tells.

mod cidr;
mod condition;
mod cycle;
mod evaluate;
mod foreach;
mod functions;
mod sam;
mod template;
mod typed;

use super::{
    Options, Problem,
    fold::{self, Draft, Owners, Part},
    parameters::Parameters,
    problem::words,
};
use crate::mapping::{Mapped, Place as MappingPlace};
use evaluate::{Evaluator, Mode, Place, Truth};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use template::{Complaint, Template};
use yagura_content::shapes;
use yagura_model::{
    Origin, Relation, Resource, Source,
    yaml::{Data, Node},
};

/// Transforms that are understood, or that change nothing a rule reads.
const KNOWN_TRANSFORMS: &[&str] = &[
    "AWS::Serverless-2016-10-31",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
];

const PROCESSED: (&str, &str) = (
    "give the processed template (`aws cloudformation get-template --template-stage Processed`)",
    "処理後のテンプレート（`aws cloudformation get-template --template-stage Processed`）を指定してください",
);

/// Something that the template makes, evaluated.
struct Item<'t> {
    id: String,
    kind: String,
    properties: Value,
    /// Where its properties are written, when they are its own.
    node: Option<&'t Node>,
    origin: Origin,
    references: Vec<&'t str>,
    /// The condition on which it hangs, when nobody knows what that comes to, and why.
    maybe: Option<(&'t str, String)>,
}

/// Reads a template; `None` when it holds none.
pub(super) fn read(
    file: &str,
    text: &str,
    options: &Options<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Resource>> {
    let mut template = match Template::parse(text) {
        Ok(template) => template,
        Err((message, hint)) => {
            problems.push(Problem::new(file, message, hint));
            return None;
        }
    };
    let place = Place { account: options.account.clone(), region: options.region.clone() };
    let mut complaints = unroll(&mut template, &options.parameters, &place);
    let mut evaluator = Evaluator::new(&template, &options.parameters, place);
    complaints.extend(macros(&template));
    let items = items(file, &template, &mut evaluator);
    complaints.extend(circle(&template, &items));
    let resources = resources(&items, &mut evaluator, options, problems);
    complaints.extend(evaluator.complaints);
    problems.extend(complaints.into_iter().map(|c| Problem::new(file, c.message, c.hint)));
    Some(resources)
}

/// Whether a text that can't be read was meant as a template.
pub(super) fn looks_like_one(text: &str) -> bool {
    text.contains("AWSTemplateFormatVersion") || text.contains("AWS::")
}

/// Expands the template's loops.
fn unroll(template: &mut Template, given: &Parameters, place: &Place) -> Vec<Complaint> {
    let parameters: BTreeMap<String, Value> = Evaluator::new(template, given, place.clone())
        .parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mappings = template.section("Mappings").map(Node::to_json).unwrap_or_default();
    let mut loops = foreach::Loops::new(parameters, mappings);
    loops.expand(template.root_mut());
    loops.complaints
}

/// A macro may change anything; the template is judged as it is written.
fn macros(template: &Template) -> Vec<Complaint> {
    let unknown = template.transforms().into_iter().filter(|name| !KNOWN_TRANSFORMS.contains(name));
    unknown
        .map(|name| Complaint {
            message: words(
                format!("the macro `{name}` only runs in AWS; the template was judged as written"),
                format!("マクロ `{name}` は AWS でしか動かないため、書かれたままのテンプレートを判定しました"),
            ),
            hint: PROCESSED.into(),
        })
        .collect()
}

fn items<'t>(file: &str, template: &'t Template, evaluator: &mut Evaluator<'t>) -> Vec<Item<'t>> {
    let globals = template.section("Globals").and_then(|node| evaluator.value(node, None)).unwrap_or_default();
    let last = template.entries("Resources");
    let entries = template.section("Resources").map_or(&[][..], Node::entries);
    let mut items = Vec::new();
    for (key, node) in entries {
        let Some(id) = key.as_str() else { continue };
        // A key that stands twice: the last one holds.
        if !last.get(id).is_some_and(|(_, holds)| std::ptr::eq(*holds, node)) {
            continue;
        }
        let origin = Origin { file: file.to_owned(), line: Some(key.line), column: Some(key.column) };
        items.extend(item(id, key, node, origin, &globals, evaluator));
    }
    items
}

fn item<'t>(
    id: &'t str,
    key: &Node,
    node: &'t Node,
    origin: Origin,
    globals: &Value,
    evaluator: &mut Evaluator<'t>,
) -> Vec<Item<'t>> {
    let Some(kind) = node.get("Type").and_then(Node::as_str) else {
        evaluator.complain(if id.starts_with("Fn::") {
            let what = (
                format!("`{id}` adds resources that only AWS knows"),
                format!("`{id}` が加えるリソースは AWS でしか分かりません"),
            );
            Complaint::at(key, what, PROCESSED)
        } else {
            let what = (format!("resource `{id}` has no `Type`"), format!("リソース `{id}` に `Type` がありません"));
            Complaint::at(key, what, ("add its type; it was left out", "`Type` を加えてください。判定から除きました"))
        });
        return Vec::new();
    };
    if kind.ends_with("::MODULE") {
        let what = (
            format!("`{id}` is a module, whose resources only AWS knows"),
            format!("`{id}` はモジュールで、含まれるリソースは AWS でしか分かりません"),
        );
        evaluator.complain(Complaint::at(key, what, PROCESSED));
    }
    let condition = node.get("Condition").and_then(|c| Some((c, c.as_str()?)));
    let maybe = match condition.map(|(node, name)| (name, evaluator.condition(node, name))) {
        Some((_, Truth::False)) => return Vec::new(),
        Some((name, Truth::Unknown(reason))) => Some((name, reason)),
        _ => None,
    };
    evaluator.references.clear();
    let properties_node = node.get("Properties");
    let properties = properties_node.and_then(|p| evaluator.value(p, shapes::of(kind)));
    let properties = properties.filter(|p| !p.is_null()).unwrap_or_else(|| json!({}));
    let mut references = std::mem::take(&mut evaluator.references);
    references.sort_unstable();
    references.dedup();
    let made = sam::transform(id, kind, &properties, globals);
    if made.is_empty() {
        return vec![Item {
            id: id.to_owned(),
            kind: kind.to_owned(),
            properties,
            node: properties_node,
            origin,
            references,
            maybe,
        }];
    }
    made.into_iter()
        .map(|made| Item {
            node: if made.id == id { properties_node } else { None },
            id: made.id,
            kind: made.kind.to_owned(),
            properties: made.properties,
            origin: origin.clone(),
            references: references.clone(),
            maybe: maybe.clone(),
        })
        .collect()
}

/// Resources that need each other, `DependsOn` included.
fn circle(template: &Template, items: &[Item<'_>]) -> Option<Complaint> {
    let entries = template.entries("Resources");
    let ids: BTreeSet<&str> = entries.keys().copied().collect();
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in items {
        let Some((_, node)) = entries.get(item.id.as_str()) else { continue };
        // A serverless resource becomes several, of which one may refer to what refers to another.
        if node.get("Type").and_then(Node::as_str).is_some_and(|kind| kind.starts_with("AWS::Serverless::")) {
            continue;
        }
        let depends = node.get("DependsOn");
        let one = depends.and_then(Node::as_str).into_iter();
        let many = depends.map_or(&[][..], Node::items).iter().filter_map(Node::as_str);
        let all = item.references.iter().copied().chain(one).chain(many).filter(|id| ids.contains(id)).collect();
        needs.insert(item.id.as_str(), all);
    }
    let circle = cycle::find(&needs)?;
    let (key, _) = entries.get(circle.first()?)?;
    let circle = circle.join(" → ");
    let what =
        (format!("resources that need each other: {circle}"), format!("リソースが互いに参照し合っています: {circle}"));
    let hint = (
        "break the circle: CloudFormation can't create them",
        "循環を解消してください。CloudFormation では作成できません",
    );
    Some(Complaint::at(key, what, hint))
}

/// The items as resources, with parts folded into their owners.
fn resources<'t>(
    items: &[Item<'t>],
    evaluator: &mut Evaluator<'t>,
    options: &Options<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Resource> {
    let place =
        MappingPlace { partition: "aws".to_owned(), account: options.account.clone(), region: options.region.clone() };
    let mut drafts: Vec<Draft> = Vec::new();
    for item in items {
        drafts.push(Draft {
            resource: resource(item, options, &place, problems),
            names: names(item, evaluator, options),
            condition: item.maybe.as_ref().map(|(name, _)| (*name).to_owned()),
            open_parts: 0,
        });
    }
    let parts: Vec<Part<'_>> = items.iter().map(part).collect();
    let mut owners = |i: usize, property: &str| Owners { names: called(&items[i], property, evaluator), certain: true };
    fold::fold(Source::CloudFormation, &mut drafts, &parts, &mut owners, options.catalog, &place, problems);
    drafts.into_iter().map(|draft| draft.resource).collect()
}

fn part<'i>(item: &'i Item<'_>) -> Part<'i> {
    let maybe = item.maybe.as_ref().map(|(name, reason)| (*name, reason.as_str()));
    Part { kind: &item.kind, id: &item.id, properties: &item.properties, maybe }
}

fn resource(item: &Item<'_>, options: &Options<'_>, place: &MappingPlace, problems: &mut Vec<Problem>) -> Resource {
    let mapped = match options.catalog.get(&item.kind) {
        Some(kind) => kind.map_cloudformation(&item.properties, place).unwrap_or_else(|e| {
            problems.push(Problem::new(
                &item.origin.file,
                (
                    format!("resource `{}` can't be understood ({e})", item.id),
                    format!("リソース `{}` を解釈できません（{e}）", item.id),
                ),
                ("what is said of it stays unknown", "このリソースの判定は UNKNOWN になります"),
            ));
            Mapped { properties: yagura_model::unknown(e.to_string()), ..Mapped::default() }
        }),
        None => {
            Mapped { properties: item.properties.clone(), tags: super::tags(&item.properties), ..Mapped::default() }
        }
    };
    let relate = |id: &&str| Relation { kind: "refers-to".to_owned(), target: (*id).to_owned() };
    Resource {
        kind: item.kind.clone(),
        id: item.id.clone(),
        // What `Fn::GetAtt` of its ARN gives, so that rules can join on it.
        arn: Some(format!("${{{}.Arn}}", item.id)),
        account: options.account.clone(),
        region: match options.catalog.get(&item.kind) {
            Some(kind) => super::region_of(kind, options.region.clone()),
            None => options.region.clone(),
        },
        tags: mapped.tags,
        properties: mapped.properties,
        observed: Value::Null,
        relations: mapped.relations.into_iter().chain(item.references.iter().map(relate)).collect(),
        source: Source::CloudFormation,
        origin: Some(item.origin.clone()),
    }
}

/// What parts may call a resource: its logical id, its ARN, and what its naming properties say, known or not.
fn names<'t>(item: &Item<'t>, evaluator: &mut Evaluator<'t>, options: &Options<'_>) -> Vec<String> {
    let mut names = vec![item.id.clone()];
    let properties = options.catalog.get(&item.kind).map_or(&[][..], |kind| kind.names.as_slice());
    for property in properties {
        names.extend(symbols(item, property, evaluator));
    }
    names
}

/// What a part's property calls its owners.
fn called<'t>(item: &Item<'t>, property: &str, evaluator: &mut Evaluator<'t>) -> Vec<String> {
    symbols(item, property, evaluator)
        .into_iter()
        .map(|name| {
            // `${LogicalId.Attribute}` is the resource, whichever attribute it is.
            let inner = name.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            match inner.and_then(|inner| inner.split_once('.')) {
                Some((id, _)) if !id.contains('$') => id.to_owned(),
                _ => name,
            }
        })
        .collect()
}

/// A property's texts, in which what isn't known is named.
fn symbols<'t>(item: &Item<'t>, property: &str, evaluator: &mut Evaluator<'t>) -> Vec<String> {
    let node = item.node.filter(|n| matches!(n.data, Data::Map(_))).and_then(|n| n.get(property));
    let value = match node {
        Some(node) => evaluator.in_mode(Mode::Symbol, |e| e.value(node, None)),
        None => item.properties.get(property).cloned(),
    };
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Array(items)) => items.into_iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}
