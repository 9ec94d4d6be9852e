//! A plan as Terraform 1.11 with the AWS provider 5.100 writes it (`tests/files/plan.json`), and states.

use super::{find, no_problems, read, read_fixture, without_nulls};
use serde_json::{Value, json};
use yagura_model::{Source, unknown};

fn after_apply() -> Value {
    unknown("known after apply")
}

#[test]
fn folds_satellites_by_reference_and_keeps_what_is_not_known() {
    let result = read_fixture("plan.json");
    no_problems(&result);
    let good = find(&result, "aws_s3_bucket.good");
    assert_eq!(good.source, Source::Terraform);
    assert_eq!(good.region.as_deref(), Some("ap-northeast-1"));
    let topic = result.inventory.resources.iter().find(|r| r.id == "aws_sns_topic.t").expect("a topic");
    assert_eq!(topic.relations.iter().map(|r| r.target.as_str()).collect::<Vec<_>>(), ["aws_kms_key.k"]);
    let properties = without_nulls(&good.properties);
    assert_eq!(properties["VersioningConfiguration"], json!({"Status": "Enabled"}));
    assert_eq!(properties["PublicAccessBlockConfiguration"]["BlockPublicAcls"], true);
    let default =
        &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"];
    assert_eq!(*default, json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": after_apply()}));
    // The policy waits for the bucket's ARN; everything else of it is in the plan.
    let statement = &properties["PolicyDocument"]["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")));
    assert_eq!(statement["Resource"], json!([after_apply(), after_apply()]));
}

#[test]
fn leaves_out_what_the_configuration_leaves_out() {
    let result = read_fixture("plan.json");
    let plain = without_nulls(&find(&result, "aws_s3_bucket.plain").properties);
    assert_eq!(plain["BucketName"], "plain-bucket");
    for name in ["VersioningConfiguration", "BucketEncryption", "PolicyDocument", "LoggingConfiguration"] {
        assert_eq!(plain.get(name), None, "{name}");
    }
}

#[test]
fn follows_references_through_modules() {
    let result = read_fixture("plan.json");
    for key in ["a", "b"] {
        let bucket = find(&result, &format!("module.m[\"{key}\"].aws_s3_bucket.b"));
        assert_eq!(bucket.properties["BucketName"], format!("mod-{key}"));
        assert_eq!(bucket.properties["VersioningConfiguration"], json!({"Status": "Enabled"}), "through an output");
        assert_eq!(bucket.properties["PublicAccessBlockConfiguration"]["BlockPublicAcls"], true, "through variables");
    }
    // Both instances of the module put an ACL on a bucket outside.
    assert_eq!(find(&result, "aws_s3_bucket.plain").properties["AccessControl"], "PublicRead");
}

#[test]
fn gives_a_part_to_all_that_may_own_it_when_the_plan_does_not_say() {
    let bucket = |name: &str| {
        json!({"address": format!("aws_s3_bucket.{name}"), "mode": "managed", "type": "aws_s3_bucket", "name": name,
               "change": {"actions": ["create"], "after": {"bucket": name}, "after_unknown": {"id": true}}})
    };
    let config = |kind: &str, name: &str, expressions: Value| json!({"mode": "managed", "type": kind, "name": name, "expressions": expressions});
    let versioning = json!({"address": "aws_s3_bucket_versioning.v", "mode": "managed", "type": "aws_s3_bucket_versioning",
        "name": "v", "change": {"actions": ["create"], "after": {"versioning_configuration": [{"status": "Enabled"}]},
        "after_unknown": {"bucket": true}}});
    for (names, want) in [
        (vec!["a", "b"], json!({"a": after_apply(), "b": after_apply()})),
        (vec!["a"], json!({"a": {"Status": "Enabled"}})),
    ] {
        let mut changes: Vec<Value> = names.iter().map(|n| bucket(n)).collect();
        changes.push(versioning.clone());
        let mut resources: Vec<Value> =
            names.iter().map(|n| config("aws_s3_bucket", n, json!({"bucket": {}}))).collect();
        resources.push(config("aws_s3_bucket_versioning", "v", json!({"bucket": {"references": ["local.bucket"]}})));
        let plan = json!({"format_version": "1.2", "resource_changes": changes,
            "configuration": {"root_module": {"resources": resources}}});
        let result = read(&plan.to_string());
        no_problems(&result);
        for name in names {
            let got = &find(&result, &format!("aws_s3_bucket.{name}")).properties["VersioningConfiguration"];
            assert_eq!(*got, want[name], "{name}");
        }
    }
}

#[test]
fn gives_each_instance_its_own_parts() {
    let result = read_fixture("indexed.json");
    no_problems(&result);
    for (address, name, want) in [
        ("aws_s3_bucket.each[\"x\"]", "VersioningConfiguration", json!({"Status": "Enabled"})),
        ("aws_s3_bucket.each[\"y\"]", "VersioningConfiguration", json!({"Status": "Suspended"})),
        ("aws_s3_bucket.each[\"x\"]", "AccessControl", json!("PublicRead")),
        ("aws_s3_bucket.each[\"y\"]", "AccessControl", json!("Private")),
        ("aws_s3_bucket.counted[0]", "LoggingConfiguration", Value::Null),
        (
            "aws_s3_bucket.counted[1]",
            "LoggingConfiguration",
            json!({"DestinationBucketName": "logs", "LogFilePrefix": "p"}),
        ),
    ] {
        assert_eq!(find(&result, address).properties[name], want, "{address} {name}");
    }
    for (address, want) in [("aws_s3_bucket.counted[0]", true), ("aws_s3_bucket.counted[1]", false)] {
        let block = &find(&result, address).properties["PublicAccessBlockConfiguration"];
        assert_eq!(block["BlockPublicAcls"], want, "{address}");
    }
}

#[test]
fn reads_a_state() {
    let state = json!({"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {
        "child_modules": [{"address": "module.m", "resources": [
            {"address": "module.m.aws_s3_bucket.b", "mode": "managed", "type": "aws_s3_bucket", "name": "b",
             "values": {"bucket": "b", "id": "b", "arn": "arn:aws:s3:::b", "region": "eu-west-1"}},
            {"address": "module.m.aws_s3_bucket_versioning.v", "mode": "managed", "type": "aws_s3_bucket_versioning",
             "name": "v", "values": {"bucket": "b", "versioning_configuration": [{"status": "Suspended"}]}}]}]}}});
    let result = read(&state.to_string());
    no_problems(&result);
    let bucket = find(&result, "module.m.aws_s3_bucket.b");
    assert_eq!(bucket.properties["VersioningConfiguration"], json!({"Status": "Suspended"}));
    assert_eq!((bucket.region.as_deref(), bucket.name()), (Some("eu-west-1"), "module.m.aws_s3_bucket.b"));
}
