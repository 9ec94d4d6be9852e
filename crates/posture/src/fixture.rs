//! Runs the fixtures of every control: a control file is its own test.

use crate::{
    access::{Deriver, Evidence},
    blur,
    control::Control,
    judge,
    rule::Eval,
    rulebook::{Rulebook, control},
    schema::{Below, Place, Schemas},
    world::World,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use yagura_content::{Block, Document, Error, Kind, Library};
use yagura_model::{ACCOUNT_TYPE, Inventory, Judgement, REGION_TYPE, Resource, Source, Verdict};

/// The day that fixtures are judged on unless they say `$now`, so that dates in them don't age.
pub const FIXTURE_NOW: &str = "2026-11-22T00:00:00Z";
const ACCOUNT: &str = "111122223333";

/// A fixture with more than properties.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// Which of the control's types it is; the first one when absent.
    #[serde(rename = "$type", default)]
    kind: Option<String>,
    #[serde(rename = "$properties", default)]
    properties: Option<Value>,
    #[serde(rename = "$observed", default)]
    observed: Option<Value>,
    #[serde(rename = "$tags", default)]
    tags: BTreeMap<String, String>,
    #[serde(rename = "$id", default)]
    id: Option<String>,
    #[serde(rename = "$arn", default)]
    arn: Option<String>,
    #[serde(rename = "$region", default)]
    region: Option<String>,
    #[serde(rename = "$now", default)]
    now: Option<DateTime<Utc>>,
    #[serde(rename = "$related", default)]
    related: Vec<Related>,
    /// What a person would configure, as `yagura.toml` says it.
    #[serde(rename = "$settings", default)]
    settings: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Related {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    arn: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    resource: Option<Value>,
    #[serde(default)]
    observed: Option<Value>,
}

impl Rulebook {
    /// Runs every fixture of every control, and reads every sample of every resource type. Also reports what
    /// [`Rulebook::compile`] would. Without a `deriver` the controls that look at what it derives are left out.
    pub fn test(library: &Library, deriver: Option<&Deriver>) -> Vec<Error> {
        let schemas = Schemas::new(library);
        let (_, mut errors) = Rulebook::compile(library);
        for document in library.of(Kind::Control) {
            if let Ok(control) = control(document, &schemas) {
                let derives = control.rule.derives || control.when.as_ref().is_some_and(|when| when.derives);
                if deriver.is_some() || !derives {
                    test_control(library, document, &control, (&schemas, deriver), &mut errors);
                }
            }
        }
        for document in library.of(Kind::Resource) {
            for block in document.blocks("sample") {
                if let Err(e) = serde_json::from_str::<Value>(&block.text) {
                    errors.push(json_error(document, block, &e));
                }
            }
        }
        errors.sort();
        errors
    }
}

fn test_control(
    library: &Library,
    document: &Document,
    control: &Control,
    (schemas, deriver): (&Schemas, Option<&Deriver>),
    errors: &mut Vec<Error>,
) {
    for word in ["pass", "fail"] {
        if document.blocks(word).next().is_none() {
            errors.push(document.error(1, format!("the control has no ```{word} fixture: add one")));
        }
    }
    // Content of a user's own may come without playbooks; where there are some, a name must be one of them.
    if let Some(playbook) = control.playbook.as_ref().filter(|_| library.of(Kind::Playbook).next().is_some())
        && library.get(Kind::Playbook, playbook).is_none()
    {
        errors.push(document.error(1, format!("`{playbook}` is no playbook")));
    }
    let expected = [
        ("pass", Some(Verdict::Pass)),
        ("fail", Some(Verdict::Fail)),
        ("unknown", Some(Verdict::Unknown)),
        ("na", None),
    ];
    for (word, expected) in expected {
        for block in document.blocks(word) {
            let (inventory, now, settings) = match read(document, block, control) {
                Ok(read) => read,
                Err(e) => {
                    errors.push(e);
                    continue;
                }
            };
            for resource in &inventory.resources {
                errors.extend(misspelt(resource, schemas).into_iter().map(|m| document.error(block.line, m)));
            }
            let evidence = Evidence { inventory: &inventory, now, settings: settings.as_ref() };
            let judged = first_line(evidence, control, deriver);
            if expected == Some(Verdict::Fail) {
                errors.extend(trusting(evidence, control, deriver).map(|m| document.error(block.line, m)));
            }
            let verdict = judged.as_ref().map(|line| line.verdict);
            for (place, less) in blur::each(&inventory) {
                let blurred = first_line(Evidence { inventory: &less, ..evidence }, control, deriver);
                let blurred = blurred.map(|line| line.verdict);
                if blurred != verdict && blurred != Some(Verdict::Unknown) {
                    let gives = blurred.map_or("no line", Verdict::as_str);
                    errors.push(document.error(
                        block.line,
                        format!("with {place} not known this ```{word} fixture gives {gives}: it must stay as it is, or be UNKNOWN"),
                    ));
                }
            }
            if verdict != expected {
                let wanted = expected.map_or("no line", Verdict::as_str);
                let found = judged.map_or_else(
                    || "no line: `when` is false".to_owned(),
                    |j| format!("{}: {}", j.verdict.as_str(), j.reason.en),
                );
                errors.push(
                    document.error(block.line, format!("this ```{word} fixture must give {wanted}, but gives {found}")),
                );
            }
        }
    }
}

/// What the control says of an inventory's first resource.
fn first_line(evidence: Evidence<'_>, control: &Control, deriver: Option<&Deriver>) -> Option<Judgement> {
    let world = World::new(evidence, deriver);
    judge::verdict(&mut Eval::new(&world), &world, control, 0)
}

/// Observed facts of a failing inventory whose absence would let it pass: a live account that tells nothing of them has
/// not been seen to be right.
fn trusting(evidence: Evidence<'_>, control: &Control, deriver: Option<&Deriver>) -> impl Iterator<Item = String> {
    let mut mistakes = Vec::new();
    for (index, resource) in evidence.inventory.resources.iter().enumerate() {
        for name in resource.observed.as_object().into_iter().flat_map(|facts| facts.keys()) {
            let mut less = evidence.inventory.clone();
            if let Some(facts) = less.resources[index].observed.as_object_mut() {
                facts.remove(name);
            }
            let verdict =
                first_line(Evidence { inventory: &less, ..evidence }, control, deriver).map(|line| line.verdict);
            if !matches!(verdict, Some(Verdict::Fail | Verdict::Unknown)) {
                mistakes.push(format!(
                    "without `observed.{name}` this ```fail fixture gives {}: say unknown(\"…\") where it is null",
                    verdict.map_or("no line", Verdict::as_str)
                ));
            }
        }
    }
    mistakes.into_iter()
}

fn read(
    document: &Document,
    block: &Block,
    control: &Control,
) -> Result<(Inventory, DateTime<Utc>, Option<Value>), Error> {
    let value: Value = serde_json::from_str(&block.text).map_err(|e| json_error(document, block, &e))?;
    let is_plain =
        value.as_object().is_some_and(|map| !map.keys().any(|k| k.starts_with('$') && k != yagura_model::UNKNOWN_KEY));
    let fixture = if is_plain {
        Fixture { properties: Some(value), ..Fixture::default() }
    } else {
        serde_json::from_value(value).map_err(|e| {
            document.error(
                block.line,
                format!(
                    "{e}: a fixture has properties, or $type, $properties, $observed, $tags, $id, \
                $arn, $region, $now, $related and $settings"
                ),
            )
        })?
    };
    let now = match fixture.now {
        Some(now) => now,
        None => FIXTURE_NOW.parse().map_err(|_| document.error(block.line, "the fixtures' day is broken"))?,
    };
    let region = fixture.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let kind = fixture.kind.as_ref().or(control.resources.first()).map_or("", String::as_str);
    if !control.resources.iter().any(|k| k == kind) {
        return Err(document.error(block.line, format!("the control does not judge `{kind}`")));
    }
    let mut resources = vec![Resource {
        id: fixture.id.unwrap_or_else(|| default_id(kind, "fixture")),
        arn: fixture.arn.or_else(|| default_arn(kind)),
        tags: fixture.tags,
        ..resource(kind, &region, fixture.properties, fixture.observed)
    }];
    for (index, related) in fixture.related.into_iter().enumerate() {
        let region = related.region.as_deref().unwrap_or(&region);
        resources.push(Resource {
            id: related.id.unwrap_or_else(|| default_id(&related.kind, &format!("related-{index}"))),
            arn: related.arn.or_else(|| default_arn(&related.kind)),
            tags: related.tags,
            ..resource(&related.kind, region, related.resource, related.observed)
        });
    }
    Ok((Inventory { resources, gaps: Vec::new() }, now, fixture.settings))
}

pub(crate) fn resource(kind: &str, region: &str, properties: Option<Value>, observed: Option<Value>) -> Resource {
    let empty = || Value::Object(Default::default());
    Resource {
        kind: kind.to_owned(),
        id: String::new(),
        arn: None,
        account: Some(ACCOUNT.to_owned()),
        region: Some(region.to_owned()),
        tags: BTreeMap::new(),
        properties: properties.unwrap_or_else(empty),
        observed: observed.unwrap_or_else(empty),
        relations: Vec::new(),
        source: Source::Live,
        origin: None,
    }
}

fn default_id(kind: &str, name: &str) -> String {
    if matches!(kind, ACCOUNT_TYPE | REGION_TYPE) { format!("{ACCOUNT_TYPE}:{ACCOUNT}") } else { name.to_owned() }
}

fn default_arn(kind: &str) -> Option<String> {
    (kind == ACCOUNT_TYPE).then(|| format!("arn:aws:iam::{ACCOUNT}:root"))
}

fn json_error(document: &Document, block: &Block, e: &serde_json::Error) -> Error {
    document.error(block.line + e.line().saturating_sub(1), format!("this ```{} block is no JSON: {e}", block.word))
}

/// Names in a fixture that the type doesn't have: such a fixture would pass for the wrong reason.
fn misspelt(resource: &Resource, schemas: &Schemas) -> Vec<String> {
    let mut wrong = Vec::new();
    let places = [
        (schemas.properties(&resource.kind), &resource.properties),
        (schemas.observed(&resource.kind), &resource.observed),
    ];
    for (place, value) in places {
        if let Some(place) = place {
            check(&place, value, &mut wrong);
        }
    }
    wrong.dedup();
    wrong
}

fn check(place: &Place, value: &Value, wrong: &mut Vec<String>) {
    if yagura_model::is_unknown(value) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match place.child(name) {
                    Ok(Below::Place(below)) => check(&below, value, wrong),
                    Ok(Below::Any) => {}
                    Err(message) => wrong.push(message),
                }
            }
        }
        Value::Array(items) => {
            if let Below::Place(element) = place.element() {
                items.iter().for_each(|item| check(&element, item, wrong));
            }
        }
        _ => {}
    }
}
