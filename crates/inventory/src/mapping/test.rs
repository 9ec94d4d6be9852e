//! Runs what resource files say about themselves: every block compiles, every `case` gives what it says, and a live
//! case names every key of the sample.

use super::{Catalog, Jq, Mapped, MappingError, Place, Type};
use serde::Deserialize;
use serde_json::{Value, json};
use yagura_content::{
    Document, Error, Kind, Library,
    shapes::{self, Shape, ShapeKind},
};
use yagura_model::{Resource, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    region: Option<String>,
    input: Value,
    /// What is folded in, in order, for templates and Config.
    #[serde(default)]
    parts: Vec<(String, Value)>,
    /// Terraform: the attributes that the configuration sets.
    #[serde(default)]
    configured: Option<Vec<String>>,
    /// `null`: the block leaves the input out.
    output: Value,
}

/// Everything that is wrong with the resource files; empty when all is well.
pub fn test(library: &Library) -> Vec<Error> {
    let (catalog, mut errors) = Catalog::read(library);
    for kind in catalog.types() {
        let Some(document) = library.get(Kind::Resource, &kind.kind) else { continue };
        for step in &kind.steps {
            let start = step.start.as_ref().map(|s| (s.service.as_str(), s.operation.as_str()));
            for (service, operation) in start.into_iter().chain([(step.service.as_str(), step.operation.as_str())]) {
                if !yagura_aws::knows(service, operation) {
                    let message = format!("`{service}:{operation}` is no operation that the AWS client knows");
                    errors.push(document.error(2, message));
                }
            }
        }
        for jq in filters(kind) {
            if let Err((line, message)) = jq.check() {
                errors.push(document.error(line, message));
            }
        }
        if !kind.sample.get("properties").is_some_and(Value::is_object) {
            errors.push(document.error(2, "no sample: write a ```sample block with every path a control may read"));
        }
        for block in document.blocks("case") {
            if let Err(message) = run_case(kind, &block.label, &block.text) {
                errors.push(document.error(block.line, message));
            }
        }
        errors.extend(missing_cases(kind, document));
    }
    errors
}

fn filters(kind: &Type) -> impl Iterator<Item = &Jq> {
    let steps = kind.steps.iter().flat_map(|s| [&s.params, &s.each, &s.over, &s.when]).flatten();
    let joins = kind.steps.iter().filter_map(|s| s.join.as_ref()).flat_map(|j| [&j.rows, &j.by, &j.key]);
    let blocks =
        [&kind.live, &kind.config, &kind.cloudformation, &kind.policies, &kind.item_region].into_iter().flatten();
    steps.chain(joins).chain(blocks).chain(&kind.terraform_blocks).chain(kind.folds.iter().map(|f| &f.jq))
}

fn missing_cases(kind: &Type, document: &Document) -> Vec<Error> {
    let has = |word: &str| document.blocks("case").any(|b| b.label.split_whitespace().next() == Some(word));
    let needed = [
        ("live", kind.live.is_some()),
        ("config", kind.config.is_some()),
        ("terraform", !kind.terraform.is_empty()),
        ("policy", kind.policies.is_some()),
    ];
    needed
        .into_iter()
        .filter(|(word, needed)| *needed && !has(word))
        .map(|(word, _)| document.error(2, format!("no case for `{word}`: write a ```case {word} block")))
        .collect()
}

fn run_case(kind: &Type, label: &str, text: &str) -> Result<(), String> {
    let case: Case = serde_json::from_str(text).map_err(|e| format!("the case can't be read: {e}"))?;
    let place = Place {
        partition: "aws".to_owned(),
        account: case.account.clone().or_else(|| Some("111122223333".to_owned())),
        region: case.region.clone().or_else(|| Some("us-east-1".to_owned())),
    };
    let mut words = label.split_whitespace();
    let source = words.next().unwrap_or_default();
    let input = |key: &str| case.input.get(key).cloned().unwrap_or(Value::Null);
    let told = |e: MappingError| format!("the block failed: {e}");
    if source == "policy" {
        return run_policy(kind, &case, &place);
    }
    let (mapped, parts_of) = match source {
        "live" => (kind.map_live(&input("item"), &input("calls"), &place).map_err(told)?, Source::Live),
        "config" => (kind.map_config(&case.input, &place).map_err(told)?, Source::Config),
        "cloudformation" => (Some(kind.map_cloudformation(&case.input, &place).map_err(told)?), Source::CloudFormation),
        "terraform" => {
            let terraform =
                words.next().or_else(|| kind.terraform.first().map(|(t, _)| t.as_str())).unwrap_or_default();
            (
                kind.map_terraform(terraform, "aws_x.y", &case.input, case.configured.as_deref(), &place)
                    .map_err(told)?,
                Source::Terraform,
            )
        }
        other => {
            return Err(format!("`{other}` is no source: write live, config, terraform, cloudformation or policy"));
        }
    };
    let Some(mut mapped) = mapped else {
        return if case.output.is_null() { Ok(()) } else { Err("the block leaves the input out".to_owned()) };
    };
    for (part, value) in &case.parts {
        let fold = kind.folds.iter().find(|f| f.source == parts_of && f.part == *part);
        let fold = fold.ok_or_else(|| format!("`{part}` has no `[[fold]]` for {source}"))?;
        mapped.properties = fold.apply(&mapped.properties, value, &place).map_err(told)?;
    }
    compare(&mapped, &case.output)?;
    if let Some(shape) = shapes::of(&kind.kind) {
        fits("properties", &mapped.properties, shape)?;
    }
    if source == "live" { names_the_sample(kind, &mapped) } else { Ok(()) }
}

/// The input is a resource, of which the place is filled in.
fn run_policy(kind: &Type, case: &Case, place: &Place) -> Result<(), String> {
    let id = case.input["id"].as_str().unwrap_or("x").to_owned();
    let resource = Resource {
        kind: kind.kind.clone(),
        arn: kind.arn_of(&id, place.region.as_deref(), place),
        id,
        account: place.account.clone(),
        region: place.region.clone(),
        properties: case.input["properties"].clone(),
        observed: case.input["observed"].clone(),
        ..Resource::default()
    };
    let found = Value::Object(kind.policies(&resource).into_iter().collect());
    difference("policy", &case.output, &found).map_or(Ok(()), Err)
}

/// A value must have the type that CloudFormation gives its property; what CloudFormation doesn't have is free.
fn fits(path: &str, value: &Value, shape: Shape) -> Result<(), String> {
    let wrong = match (value, shape.kind()) {
        (Value::String(_), ShapeKind::Integer | ShapeKind::Number | ShapeKind::Boolean | ShapeKind::Array) => true,
        (Value::Number(_) | Value::Bool(_), ShapeKind::String | ShapeKind::Array | ShapeKind::Object) => true,
        (Value::Array(_), kind) => matches!(kind, ShapeKind::String | ShapeKind::Boolean | ShapeKind::Object),
        _ => false,
    };
    if wrong {
        return Err(format!("`{path}`: CloudFormation has {:?} here, got {value}", shape.kind()));
    }
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, value)| match shape.child(key) {
            Some(child) => fits(&format!("{path}.{key}"), value, child),
            None => Ok(()),
        }),
        Value::Array(items) => items.iter().try_for_each(|item| match shape.element() {
            Some(element) => fits(&format!("{path}[]"), item, element),
            None => Ok(()),
        }),
        _ => Ok(()),
    }
}

/// Keys that the case doesn't name are not compared.
fn compare(mapped: &Mapped, expected: &Value) -> Result<(), String> {
    let got = json!({
        "id": mapped.id, "arn": mapped.arn, "region": mapped.region, "tags": mapped.tags,
        "properties": mapped.properties, "observed": mapped.observed, "relations": mapped.relations,
    });
    let expected = expected.as_object().ok_or_else(|| format!("expected {expected}, got {got}"))?;
    for (key, value) in expected {
        let found = got.get(key).ok_or_else(|| format!("`{key}` is no key of a resource"))?;
        if let Some(difference) = difference(key, value, found) {
            return Err(difference);
        }
    }
    Ok(())
}

/// The first place where two values differ.
fn difference(path: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(e), Value::Object(f)) => {
            let extra = f.keys().find(|k| !e.contains_key(*k)).map(|k| format!("`{path}.{k}` is not expected"));
            e.iter()
                .find_map(|(k, v)| difference(&format!("{path}.{k}"), v, f.get(k).unwrap_or(&Value::Null)))
                .or(extra)
        }
        (Value::Array(e), Value::Array(f)) if e.len() == f.len() => {
            e.iter().zip(f).enumerate().find_map(|(i, (e, f))| difference(&format!("{path}[{i}]"), e, f))
        }
        _ if expected == found => None,
        _ => Some(format!("`{path}`: expected {expected}, got {found}")),
    }
}

/// A live account tells everything, so a live output that lacks a key of the sample has forgotten it.
fn names_the_sample(kind: &Type, mapped: &Mapped) -> Result<(), String> {
    for (part, value) in [("properties", &mapped.properties), ("observed", &mapped.observed)] {
        let sample = kind.sample.get(part).and_then(Value::as_object);
        for key in sample.into_iter().flat_map(|s| s.keys()) {
            if value.get(key).is_none() {
                return Err(format!("the sample has `{part}.{key}`, the `live` block doesn't give it"));
            }
        }
    }
    Ok(())
}
