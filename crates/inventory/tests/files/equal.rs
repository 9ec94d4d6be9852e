//! One bucket, security group and role, as a template, a plan, a Config snapshot and a live account have them, are one
//! and the same to a control.

use super::{catalog, fixture, no_problems, read_fixture, without_nulls};
use serde_json::{Map, Value};
use std::fs;
use yagura_inventory::{files::FilesResult, mapping::Place};
use yagura_model::{Resource, is_unknown};

const KINDS: [&str; 3] = ["AWS::S3::Bucket", "AWS::EC2::SecurityGroup", "AWS::IAM::Role"];

/// The one resource of a type.
fn only<'r>(result: &'r FilesResult, kind: &str) -> &'r Resource {
    let mut found = result.inventory.resources.iter().filter(|r| r.kind == kind);
    let resource = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    resource
}

/// Properties without what only AWS gives and without AWS's defaults, lists in an order of their own.
fn comparable(properties: &Value) -> Map<String, Value> {
    let Value::Object(mut map) = without_nulls(properties) else { panic!("no object: {properties}") };
    for name in ["GroupId", "RoleId", "Arn", "Tags"] {
        map.remove(name);
    }
    map.retain(|name, value| !(name == "MaxSessionDuration" && *value == 3600 || *value == Value::Array(Vec::new())));
    for value in map.values_mut() {
        if let Value::Array(items) = value {
            items.sort_by_key(Value::to_string);
        }
    }
    map
}

#[test]
fn all_sources_give_the_same_properties() {
    let [template, plan, snapshot] =
        ["equal/template.yaml", "equal/plan.json", "equal/snapshot.json"].map(read_fixture);
    for result in [&template, &plan, &snapshot] {
        no_problems(result);
        assert_eq!(only(result, "AWS::S3::Bucket").tags.get("Owner").map(String::as_str), Some("security"));
    }
    for kind in KINDS {
        let [template, plan, snapshot] = [&template, &plan, &snapshot].map(|r| comparable(&only(r, kind).properties));
        assert!(template.len() >= 4, "{kind}: {template:?}");
        assert_eq!(template, plan, "{kind} in template and plan");
        assert_eq!(template, live(kind), "{kind} in template and account");
        for (name, value) in &template {
            assert_eq!(Some(value), snapshot.get(name), "{kind}.{name} in template and snapshot");
        }
        for (name, value) in &snapshot {
            assert!(template.contains_key(name) || is_unknown(value), "{kind}.{name} {value} in the snapshot alone");
        }
    }
}

/// What the API's answers about the same thing become.
fn live(kind: &str) -> Map<String, Value> {
    let answers = fs::read(fixture("equal/live.json")).expect("reads");
    let answers: Value = serde_json::from_slice(&answers).expect("JSON");
    let place = Place {
        partition: "aws".to_owned(),
        account: Some("111122223333".to_owned()),
        region: Some("ap-northeast-1".to_owned()),
    };
    let (item, calls) = (&answers[kind]["item"], &answers[kind]["calls"]);
    let mapped = catalog().get(kind).expect("a type").map_live(item, calls, &place).expect("maps").expect("an item");
    comparable(&mapped.properties)
}
