//! The hub as its callers see it: what a finding lives through, and the score that comes of the verdicts.

mod lifecycle;
mod score;

use serde_json::json;
use tempfile::TempDir;
use yagura_hub::{Hub, Outcome, Scope};
use yagura_model::{Inventory, Judgement, Resource, Severity, Source, Text, Verdict};
use yagura_state::State;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "ap-northeast-1";
const BUCKET: &str = "AWS::S3::Bucket";

/// A hub over a new database, which is gone with the folder.
async fn hub() -> (TempDir, Hub) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = State::open_in(folder.path()).await.expect("a database");
    (folder, Hub::new(state, Vec::new()))
}

fn arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

fn judged(control: &str, name: &str, verdict: Verdict) -> Judgement {
    Judgement {
        control: control.to_owned(),
        verdict,
        resource: arn(name),
        kind: BUCKET.to_owned(),
        account: Some(ACCOUNT.to_owned()),
        region: Some(REGION.to_owned()),
        severity: Severity::High,
        title: Text::new("The bucket is open", "バケットが公開されています"),
        reason: Text::new("it is", "公開"),
        evidence: json!({"resource.Public": true}),
        source: Source::Config,
        file: None,
        line: None,
        column: None,
    }
}

fn bucket(name: &str, open: bool) -> Resource {
    Resource {
        kind: BUCKET.to_owned(),
        id: name.to_owned(),
        arn: Some(arn(name)),
        account: Some(ACCOUNT.to_owned()),
        region: Some(REGION.to_owned()),
        tags: [("Owner".to_owned(), "suzuki".to_owned())].into(),
        properties: json!({"Public": open}),
        observed: json!(null),
        relations: Vec::new(),
        source: Source::Config,
        origin: None,
    }
}

/// Records one run over the buckets that the verdicts name.
async fn run(hub: &Hub, now: &str, verdicts: &[Judgement]) -> Outcome {
    let mut inventory = Inventory::default();
    for j in verdicts {
        let name = j.resource.trim_start_matches("arn:aws:s3:::");
        if !inventory.resources.iter().any(|r| r.id == name) {
            inventory.resources.push(bucket(name, j.verdict == Verdict::Fail));
        }
    }
    let mut scope = Scope::of(&inventory);
    scope.add(Some(ACCOUNT), Some(REGION), BUCKET);
    hub.record("scan", &scope, &inventory, verdicts, now).await.expect("recorded")
}
