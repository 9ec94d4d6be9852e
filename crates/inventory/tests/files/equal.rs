//! One bucket, security group and role, written as a template, a plan and a Config snapshot, are one and the same to a
//! control.

use super::{no_problems, read_fixture, without_nulls};
use serde_json::{Map, Value};
use yagura_inventory::files::FilesResult;
use yagura_model::is_unknown;

/// The properties of the one resource of a type, without what only AWS gives it, lists in an order of their own.
fn properties(result: &FilesResult, kind: &str) -> Map<String, Value> {
    let mut found = result.inventory.resources.iter().filter(|r| r.kind == kind);
    let resource = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    let Value::Object(mut map) = without_nulls(&resource.properties) else { panic!("no object: {resource:?}") };
    for name in ["GroupId", "RoleId", "Arn", "Tags"] {
        map.remove(name);
    }
    for value in map.values_mut() {
        if let Value::Array(items) = value {
            items.sort_by_key(Value::to_string);
        }
    }
    map
}

#[test]
fn all_sources_give_the_same_properties() {
    let template = read_fixture("equal/template.yaml");
    let plan = read_fixture("equal/plan.json");
    let snapshot = read_fixture("equal/snapshot.json");
    for result in [&template, &plan, &snapshot] {
        no_problems(result);
    }
    for kind in ["AWS::S3::Bucket", "AWS::EC2::SecurityGroup", "AWS::IAM::Role"] {
        let [template, plan, snapshot] = [&template, &plan, &snapshot].map(|r| properties(r, kind));
        assert!(template.len() >= 4, "{kind}: {template:?}");
        assert_eq!(template, plan, "{kind} in template and plan");
        for (name, value) in &template {
            let recorded = snapshot.get(name);
            assert_eq!(Some(value), recorded, "{kind}.{name} in template and snapshot");
        }
        for (name, value) in &snapshot {
            assert!(
                template.contains_key(name) || is_unknown(value) || is_default(name, value),
                "{kind}.{name} {value}"
            );
        }
    }
    for result in [&template, &plan, &snapshot] {
        let bucket = result.inventory.resources.iter().find(|r| r.kind == "AWS::S3::Bucket").expect("a bucket");
        assert_eq!(bucket.tags.get("Owner").map(String::as_str), Some("security"));
    }
}

/// What AWS fills in by itself, and templates may leave out.
fn is_default(name: &str, value: &Value) -> bool {
    name == "MaxSessionDuration" && *value == 3600 || *value == Value::Array(Vec::new())
}
