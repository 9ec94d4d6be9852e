//! AWS Config snapshots, history files and API answers: `{"configurationItems": […]}`, read one item at a time.

use super::{
    Options, Problem, body,
    fold::{self, Draft, Owners, Part},
    kind::ITEM_KEYS,
    problem::{Words, words},
    scan,
};
use crate::mapping::Place;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::{collections::HashMap, io::BufRead};
use yagura_content::shapes;
use yagura_model::{Origin, Resource, Source, partition_of};

/// Nesting that JSON inside a string may have, string in string.
const MAX_ENCODED: usize = 3;

/// What Config says of each resource, newest first. A resource that was deleted is kept as such, so that an older
/// item in a later file doesn't bring it back.
#[derive(Default)]
pub(super) struct Items {
    newest: HashMap<Key, Newest>,
    arrivals: usize,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: String,
    id: String,
    account: Option<String>,
    region: Option<String>,
}

struct Newest {
    captured: (Option<DateTime<Utc>>, u64),
    arrival: usize,
    resource: Option<Resource>,
    /// The item itself, of a type that is folded into others.
    part: Option<Value>,
}

impl Items {
    /// Reads a file's items; false when it held none that could be read.
    pub fn read(
        &mut self,
        file: &str,
        reader: &mut dyn BufRead,
        options: &Options<'_>,
        problems: &mut Vec<Problem>,
    ) -> bool {
        let (mut good, mut bad, mut first_error) = (0usize, 0usize, None);
        let mut reader = reader;
        let outcome = scan::elements(&mut reader, ITEM_KEYS, &mut |bytes| match self.item(file, bytes, options) {
            Ok(()) => good += 1,
            Err(e) => {
                bad += 1;
                first_error.get_or_insert(e);
            }
        });
        let (error, seen) = match outcome {
            Ok(seen) => (None, seen),
            Err((e, seen)) => (Some(body::describe(&e)), seen),
        };
        let mut tell = |message: Words, hint: (&str, &str)| problems.push(Problem::new(file, message, hint));
        let again = (
            "get the file again; the items before the damage were judged",
            "取得し直してください。破損より前の項目は判定しました",
        );
        if let Some(error) = error {
            tell(error, again);
        } else if seen.end == scan::End::CutOff {
            let what = words(
                format!("is cut off after {} configuration items", seen.elements),
                format!("設定項目 {} 件の後で切れています", seen.elements),
            );
            tell(what, again);
        }
        if let Some(e) = first_error {
            tell(
                words(
                    format!("{bad} configuration items can't be read ({e})"),
                    format!("設定項目 {bad} 件を読み取れません（{e}）"),
                ),
                ("get the file again; the others were judged", "取得し直してください。ほかの項目は判定しました"),
            );
        }
        if seen.too_long > 0 {
            let what = words(
                format!("{} configuration items are longer than 16 MiB", seen.too_long),
                format!("16 MiB を超える設定項目が {} 件あります", seen.too_long),
            );
            tell(what, ("check them by hand", "手作業で確認してください"));
        }
        good > 0 || (seen.end == scan::End::Closed && bad == 0)
    }

    fn item(&mut self, file: &str, bytes: &[u8], options: &Options<'_>) -> Result<(), String> {
        let mut item: Value = match serde_json::from_slice(bytes) {
            Ok(item) => item,
            Err(e) if std::str::from_utf8(bytes).is_err() => {
                serde_json::from_str(&String::from_utf8_lossy(bytes)).map_err(|_| e.to_string())?
            }
            Err(e) => return Err(e.to_string()),
        };
        let text = |item: &Value, keys: &[&str]| {
            keys.iter().find_map(|key| item.get(key)?.as_str()).filter(|s| !s.is_empty()).map(str::to_owned)
        };
        let kind = text(&item, &["resourceType"]).ok_or("no `resourceType`")?;
        let id = text(&item, &["resourceId", "resourceName", "ARN", "arn"]).ok_or("no `resourceId`")?;
        let key =
            Key { account: text(&item, &["awsAccountId", "accountId"]), region: text(&item, &["awsRegion"]), kind, id };
        let captured = (captured(&item), state_id(&item));
        if self.newest.get(&key).is_some_and(|known| known.captured > captured) {
            return Ok(());
        }
        let status = item.get("configurationItemStatus").and_then(Value::as_str).unwrap_or("OK");
        let gone = status.starts_with("ResourceDeleted") || status == "ResourceNotRecorded";
        let resource = if gone { None } else { resource(file, &key, &mut item, options)? };
        let is_part = !gone && options.catalog.folds(Source::Config, &key.kind).next().is_some();
        self.arrivals += 1;
        let newest = Newest { captured, arrival: self.arrivals, resource, part: is_part.then_some(item) };
        self.newest.insert(key, newest);
        Ok(())
    }

    /// All resources, in the order of reading.
    pub fn finish(self, options: &Options<'_>, problems: &mut Vec<Problem>) -> Vec<Resource> {
        let mut newest: Vec<(Key, Newest)> = self.newest.into_iter().collect();
        newest.sort_by_key(|(_, n)| n.arrival);
        let (mut drafts, mut parts) = (Vec::new(), Vec::new());
        for (key, newest) in newest {
            drafts.extend(newest.resource.map(draft));
            parts.extend(newest.part.map(|item| (key, item)));
        }
        let shown: Vec<Part<'_>> = parts
            .iter()
            .map(|(key, item)| Part { kind: &key.kind, id: &key.id, properties: item, maybe: None })
            .collect();
        let mut owners = |i: usize, path: &str| {
            let (key, item) = &parts[i];
            let name = path.split('.').try_fold(item, |value, step| value.get(step)).and_then(Value::as_str);
            Owners { names: name.map(|n| in_account(key.account.as_deref(), n)).into_iter().collect(), certain: true }
        };
        let place = Place { partition: "aws".to_owned(), account: None, region: None };
        fold::fold(Source::Config, &mut drafts, &shown, &mut owners, options.catalog, &place, problems);
        drafts.into_iter().map(|draft| draft.resource).collect()
    }
}

/// A name that is only one resource's: two accounts may both have a role `admin`.
fn in_account(account: Option<&str>, name: &str) -> String {
    format!("{} {name}", account.unwrap_or_default())
}

fn draft(resource: Resource) -> Draft {
    let names = [Some(&resource.id), resource.arn.as_ref()].into_iter().flatten();
    let names = names.map(|name| in_account(resource.account.as_deref(), name)).collect();
    Draft { names, resource, condition: None, open_parts: 0 }
}

fn captured(item: &Value) -> Option<DateTime<Utc>> {
    let value = item.get("configurationItemCaptureTime")?;
    match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|t| t.with_timezone(&Utc)),
        // The CLI's older output writes seconds.
        Value::Number(n) => DateTime::from_timestamp_millis((n.as_f64()? * 1000.0) as i64),
        _ => None,
    }
}

/// Grows with each item of a recorder: settles what the time leaves open.
fn state_id(item: &Value) -> u64 {
    match item.get("configurationStateId") {
        Some(Value::Number(n)) => n.as_u64().unwrap_or(0),
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

/// The resource that an item describes; `None` when Config's word for the type isn't understood.
fn resource(file: &str, key: &Key, item: &mut Value, options: &Options<'_>) -> Result<Option<Resource>, String> {
    decode_texts(item);
    let partition = partition_of(key.region.as_deref().unwrap_or_default());
    let place = Place { partition: partition.to_owned(), account: key.account.clone(), region: key.region.clone() };
    let mut resource = Resource {
        kind: key.kind.clone(),
        id: key.id.clone(),
        arn: item.get("ARN").or_else(|| item.get("arn")).and_then(Value::as_str).map(str::to_owned),
        account: key.account.clone(),
        region: key.region.clone(),
        tags: Default::default(),
        properties: Value::Null,
        observed: Value::Null,
        relations: Vec::new(),
        source: Source::Config,
        origin: Some(Origin { file: file.to_owned(), line: None, column: None }),
    };
    let known = options.catalog.by_config(&key.kind);
    if let Some(known) = known {
        resource.kind.clone_from(&known.kind);
    }
    let mapped = known.map(|kind| kind.map_config(item, &place)).transpose();
    match mapped.map_err(|e| format!("`{}`: {e}", key.id))?.flatten() {
        Some(mapped) => {
            resource.id = mapped.id.unwrap_or(resource.id);
            resource.arn = mapped.arn.or(resource.arn);
            resource.region = mapped.region.or(resource.region);
            resource.tags = mapped.tags;
            resource.properties = mapped.properties;
            resource.observed = mapped.observed;
            resource.relations = mapped.relations;
        }
        None => match in_schema(&key.kind, item) {
            Some(properties) => {
                resource.tags = super::tags(&properties);
                resource.properties = properties;
            }
            None => return Ok(None),
        },
    }
    if resource.region.as_deref() == Some("global") {
        resource.region = Some("us-east-1".to_owned());
    }
    Ok(Some(resource))
}

/// The types that Config took over from CloudFormation's registry are recorded in the schema's own shape.
fn in_schema(kind: &str, item: &Value) -> Option<Value> {
    let shape = shapes::of(kind)?;
    let configuration = item.get("configuration")?.as_object()?;
    let fits = !configuration.is_empty() && configuration.keys().all(|key| starts_upper(key));
    (fits && configuration.keys().any(|key| shape.child(key).is_some())).then(|| Value::Object(configuration.clone()))
}

fn starts_upper(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Config writes `configuration` and each of `supplementaryConfiguration` as objects, as JSON in a string, or as that
/// in a string again.
fn decode_texts(item: &mut Value) {
    let Some(item) = item.as_object_mut() else { return };
    for key in ["configuration", "supplementaryConfiguration"] {
        if let Some(value) = item.get_mut(key) {
            decode(value, 0);
        }
    }
    if let Some(Value::Object(parts)) = item.get_mut("supplementaryConfiguration") {
        decode_all(parts);
    }
}

fn decode_all(parts: &mut Map<String, Value>) {
    for value in parts.values_mut() {
        decode(value, 0);
    }
}

fn decode(value: &mut Value, depth: usize) {
    let Value::String(text) = value else { return };
    let trimmed = text.trim_start();
    if depth >= MAX_ENCODED || !trimmed.starts_with(['{', '[', '"']) {
        return;
    }
    if let Ok(mut inner) = serde_json::from_str::<Value>(trimmed) {
        decode(&mut inner, depth + 1);
        *value = inner;
    }
}
