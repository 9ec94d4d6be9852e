//! The company as its readers meet it: files on disk.

use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use testkit::{Company, Options};

fn end() -> DateTime<Utc> {
    "2026-03-20T05:30:00Z".parse().expect("a time")
}

fn company(scale: f64) -> Company {
    Company::new(Options { seed: 7, scale, end: end() })
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
    out.sort();
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    // gzip's last four bytes are the length.
    let size = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().expect("four bytes")) as usize;
    let mut out = vec![0; size];
    libdeflater::Decompressor::new().gzip_decompress(bytes, &mut out).expect("gzip");
    out
}

fn records(path: &Path) -> Vec<Value> {
    let file: Value = serde_json::from_slice(&inflate(&fs::read(path).expect("a file"))).expect("JSON");
    file["Records"].as_array().expect("records").clone()
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let trees = [(), ()].map(|()| {
        let dir = tempfile::tempdir().expect("a folder");
        company(0.02).write(dir.path(), &mut |_| {}).expect("written");
        let mut paths = Vec::new();
        files(dir.path(), &mut paths);
        let read = |p: &PathBuf| (p.strip_prefix(dir.path()).expect("inside").to_owned(), fs::read(p).expect("a file"));
        paths.iter().map(read).collect::<BTreeMap<_, _>>()
    });
    assert!(trees[0].len() > 100, "only {} files", trees[0].len());
    assert!(trees[0] == trees[1]);
    let other = Company::new(Options { seed: 8, scale: 0.02, end: end() });
    assert_ne!(other.config_snapshots(1).expect("snapshots"), company(0.02).config_snapshots(1).expect("snapshots"));
}

#[test]
fn scale_one_has_the_promised_size() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut seen = 0;
    let summary = company(1.0).write(dir.path(), &mut |p| seen = p.done.max(seen)).expect("written");
    assert!(summary.resources >= 400, "{summary:?}");
    assert!((200_000..320_000).contains(&summary.events), "{summary:?}");
    assert_eq!(summary.config_files, 12);
    assert_eq!(seen, 15, "15 calendar days touch 14 days that end in the morning");
}

#[test]
fn every_event_is_whole_and_in_the_log_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let company = company(0.05);
    let summary = company.write_cloudtrail(dir.path(), &mut |_| {}).expect("written");
    let (mut paths, mut ids, mut events) = (Vec::new(), BTreeSet::new(), 0);
    files(dir.path(), &mut paths);
    let (from, until) = (end() - chrono::Duration::days(14), end());
    for path in &paths {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        for record in records(path) {
            let at: DateTime<Utc> = record["eventTime"].as_str().and_then(|t| t.parse().ok()).expect("a time");
            assert!(at >= from && at < until, "{record}");
            let (account, region) = (record["recipientAccountId"].as_str(), record["awsRegion"].as_str());
            let expected = format!("{}_CloudTrail_{}_", account.expect("account"), region.expect("Region"));
            assert!(name.starts_with(&expected), "{name} holds {record}");
            assert!(record["userIdentity"].is_object() && record["eventName"].is_string(), "{record}");
            assert!(!record.to_string().contains("unknown"), "{record}");
            ids.insert(record["eventID"].as_str().expect("an id").to_owned());
            events += 1;
        }
    }
    assert_eq!(events, summary.events);
    assert_eq!(ids.len() as u64, summary.events);
    let attack = company.attack();
    assert!(attack.len() > 200);
    assert!(attack.iter().all(|step| ids.contains(&step.event_id)));
    assert!(attack.windows(2).all(|pair| pair[0].time < pair[1].time));
    let accounts: BTreeSet<&str> = attack.iter().map(|step| step.account.as_str()).collect();
    assert_eq!(accounts.len(), 2, "it crosses from one account into another");
}

#[test]
fn the_snapshots_differ_in_a_few_resources() {
    let company = company(1.0);
    let [older, newer] = [0, 1].map(|day| {
        let mut items = BTreeMap::new();
        for (path, bytes) in company.config_snapshots(day).expect("snapshots") {
            assert!(path.contains("/ConfigSnapshot/"), "{path}");
            let file: Value = serde_json::from_slice(&inflate(&bytes)).expect("JSON");
            for item in file["configurationItems"].as_array().expect("items") {
                let what =
                    (item["configuration"].clone(), item["supplementaryConfiguration"].clone(), item["tags"].clone());
                let key = format!("{} {} {}", item["awsAccountId"], item["ARN"], item["resourceType"]);
                assert!(items.insert(key.clone(), what).is_none(), "{key} twice");
            }
        }
        items
    });
    assert!(older.keys().all(|key| newer.contains_key(key)), "nothing vanished");
    let came = newer.keys().filter(|key| !older.contains_key(*key)).count();
    assert!((1..60).contains(&came), "{came} came");
    let bucket = r#""111122223333" "arn:aws:s3:::minato-prod-ec-campaign-members" "AWS::S3::Bucket""#;
    assert_ne!(older[bucket].1, newer[bucket].1);
    assert!(company.config_snapshots(2).expect("none").is_empty());
}

#[test]
fn bulk_resources_are_whole_and_distinct() {
    let all = testkit::resources(5_000, 1);
    let arns: BTreeSet<&str> = all.iter().filter_map(|r| r["arn"].as_str()).collect();
    assert_eq!(arns.len(), 5_000);
    let kinds: BTreeSet<&str> = all.iter().filter_map(|r| r["type"].as_str()).collect();
    assert_eq!(kinds.len(), 11);
    assert_eq!(all, testkit::resources(5_000, 1));
}
