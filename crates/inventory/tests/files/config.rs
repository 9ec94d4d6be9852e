//! AWS Config's files: which items count.

use super::{find, no_problems, options, read, read_bytes};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::io::Write;
use yagura_inventory::files::{self, Input};
use yagura_model::{Source, unknown};

fn item(id: &str, captured: &str, status: &str, versioning: &str) -> Value {
    json!({"resourceType": "AWS::S3::Bucket", "resourceId": id, "resourceName": id, "awsAccountId": "111122223333",
        "awsRegion": "eu-west-1", "ARN": format!("arn:aws:s3:::{id}"), "configurationItemStatus": status,
        "configurationItemCaptureTime": captured, "configuration": "{\"name\":\"x\"}", "tags": {"k": "v"},
        "supplementaryConfiguration": {"BucketVersioningConfiguration": format!("{{\"status\":\"{versioning}\"}}")}})
}

fn snapshot(items: &[Value]) -> String {
    json!({"fileVersion": "1.0", "configSnapshotId": "x", "configurationItems": items}).to_string()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn the_newest_item_holds_whichever_file_it_is_in() {
    let older = snapshot(&[
        item("b", "2026-01-01T00:00:00.9Z", "OK", "Suspended"),
        item("gone", "2026-01-01T00:00:00Z", "OK", "Off"),
    ]);
    let newer = snapshot(&[
        item("b", "2026-01-01T00:00:01Z", "OK", "Enabled"),
        item("gone", "2026-02-01T00:00:00Z", "ResourceDeleted", "Off"),
        item("unrecorded", "2026-02-01T00:00:00Z", "ResourceNotRecorded", "Off"),
    ]);
    for order in [[&older, &newer], [&newer, &older]] {
        let inputs = order.map(|text| Input::Bytes("f".to_owned(), text.clone().into_bytes()));
        let result = files::read(&inputs, &options());
        no_problems(&result);
        assert_eq!(result.files_read, 2);
        assert_eq!(result.inventory.resources.len(), 1);
        let bucket = find(&result, "b");
        assert_eq!(bucket.properties["VersioningConfiguration"], json!({"Status": "Enabled"}));
        assert_eq!((bucket.account.as_deref(), bucket.region.as_deref()), (Some("111122223333"), Some("eu-west-1")));
        assert_eq!((bucket.source, bucket.name()), (Source::Config, "arn:aws:s3:::b"));
        assert_eq!(bucket.properties["OwnershipControls"], unknown("not recorded by AWS Config"));
    }
}

#[test]
fn reads_types_that_are_recorded_in_the_schemas_shape() {
    let text = json!({"configurationItems": [{"resourceType": "AWS::Athena::WorkGroup", "resourceId": "w",
        "configuration": {"Name": "w", "State": "ENABLED", "Tags": [{"Key": "a", "Value": "b"}]}}]});
    let result = read(&text.to_string());
    assert_eq!(find(&result, "w").properties["State"], "ENABLED");
}

#[test]
fn judges_what_stands_before_and_around_damage() {
    let good =
        snapshot(&[item("a", "2026-01-01T00:00:00Z", "OK", "Off"), item("b", "2026-01-01T00:00:00Z", "OK", "Off")]);
    let cut = &good[..good.len() - 40];
    let result = read(cut);
    find(&result, "a");
    assert!(result.problems[0].message.en.contains("cut off after 1 configuration items"), "{}", result.problems[0]);

    let many: Vec<Value> = (0..500).map(|i| item(&format!("b{i}"), "2026-01-01T00:00:00Z", "OK", "Off")).collect();
    let packed = gzip(snapshot(&many).as_bytes());
    let result = read_bytes(packed[..packed.len() * 2 / 3].to_vec());
    assert!(result.inventory.resources.len() > 10, "{}", result.inventory.resources.len());
    assert!(result.problems[0].message.en.contains("cut off"), "{}", result.problems[0]);

    let deep = format!("{{\"resourceType\":\"x\",\"resourceId\":\"y\",\"configuration\":{}", "[".repeat(1_000_000));
    let broken = good.replacen("[{", &format!("[{deep}{}}},{{", "]".repeat(1_000_000)), 1);
    let result = read(&broken);
    find(&result, "a");
    find(&result, "b");
    assert!(result.problems[0].message.en.starts_with("1 configuration items can't be read"), "{}", result.problems[0]);

    let mut two = gzip(good.as_bytes());
    two.extend(gzip(good.as_bytes()));
    assert!(read_bytes(two).problems[0].message.en.contains("after its first gzip member"));
}
