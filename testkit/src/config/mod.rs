//! AWS Config snapshots as AWS delivers them: each item in the shape that Config records for its type, which differs
//! from type to type (lower camel case for the old ones, the CloudFormation schema's for those that came later).

mod compute;
mod identity;
mod network;
mod stores;

use crate::{
    company::{
        compress, stamp,
        world::{Asset, Place, TOKYO, World},
    },
    random::Random,
};
use chrono::{DateTime, Duration, Utc};
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Map, Value, json};
use std::io;

/// What differs from item to item; the rest of an item follows from its place.
pub(crate) struct Recorded {
    pub kind: &'static str,
    pub id: String,
    pub name: Option<String>,
    pub arn: String,
    pub tags: Value,
    pub configuration: Value,
    pub supplementary: Value,
    /// `(kind, id, relation)`, as Config words them: "Is contained in Vpc".
    pub relations: Vec<(&'static str, String, &'static str)>,
    pub global: bool,
}

impl Recorded {
    fn new(kind: &'static str, id: &str, arn: String, configuration: Value) -> Self {
        let (tags, supplementary) = (json!({}), json!({}));
        Self {
            kind,
            id: id.to_owned(),
            name: None,
            arn,
            tags,
            configuration,
            supplementary,
            relations: Vec::new(),
            global: false,
        }
    }

    fn of(kind: &'static str, asset: &Asset, place: &Place, arn: String, configuration: Value) -> Self {
        let tags = json!({"Name": asset.name, "Team": asset.team, "Owner": asset.owner, "Env": place.account.env});
        Self { name: Some(asset.name.clone()), tags, ..Self::new(kind, &asset.id, arn, configuration) }
    }

    fn with(mut self, supplementary: Value) -> Self {
        self.supplementary = supplementary;
        self
    }

    fn in_vpc(mut self, vpc: &str) -> Self {
        self.relations.push(("AWS::EC2::VPC", vpc.to_owned(), "Is contained in Vpc"));
        self
    }
}

/// What the company is like at the first snapshot, or at the second.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// The end of the story: dates count back from it, so that they are the same in both snapshots.
    pub end: DateTime<Utc>,
    pub first: bool,
}

/// All items of the company, each with the index of its place.
pub(crate) fn items(world: &World, moment: Moment) -> Vec<(usize, Recorded)> {
    let mut all = Vec::new();
    for (index, place) in world.places.iter().enumerate() {
        let mut add = |items: Vec<Recorded>| all.extend(items.into_iter().map(|item| (index, item)));
        add(network::items(place, moment));
        add(compute::items(place, moment));
        add(stores::items(place, moment));
        add(stores::guards(place, moment));
        if place.region == TOKYO {
            add(identity::items(place, moment));
        }
    }
    all
}

/// The snapshot files of all accounts and Regions, with their paths in the delivery bucket.
pub(crate) fn snapshots(world: &World, moment: Moment, taken: DateTime<Utc>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let items = items(world, moment);
    let mut gzip = Compressor::new(CompressionLvl::default());
    let mut files = Vec::new();
    for (index, place) in world.places.iter().enumerate() {
        let mut random = Random::of(world.seed, &["snapshot", place.account.id, place.region, &stamp(taken)]);
        let id = random.uuid();
        let here = items.iter().filter(|(place, _)| *place == index);
        let rendered: Vec<Value> = here.map(|(_, item)| render(item, place, moment.end, taken)).collect();
        let snapshot = json!({"fileVersion": "1.0", "configSnapshotId": id, "configurationItems": rendered});
        let bytes = compress(&mut gzip, snapshot.to_string().as_bytes())?;
        let (account, region) = (place.account.id, place.region);
        let path = format!(
            "AWSLogs/{account}/Config/{region}/{}/ConfigSnapshot/{account}_Config_{region}_ConfigSnapshot_{}_{id}.json.gz",
            taken.format("%Y/%-m/%-d"),
            taken.format("%Y%m%dT%H%M%SZ")
        );
        files.push((path, bytes));
    }
    Ok(files)
}

fn render(item: &Recorded, place: &Place, end: DateTime<Utc>, taken: DateTime<Utc>) -> Value {
    let mut out = Map::new();
    let mut random = Random::of(0, &["item", &item.arn]);
    let captured = taken - Duration::minutes(3 + random.below(50) as i64);
    let created = end - Duration::days(40 + random.below(900) as i64);
    let relations: Vec<Value> = item
        .relations
        .iter()
        .map(|(kind, id, name)| json!({"resourceId": id, "resourceType": kind, "name": name}))
        .collect();
    let fields = [
        ("configurationItemVersion", json!("1.3")),
        ("configurationItemCaptureTime", json!(millis(captured))),
        ("configurationItemStatus", json!("OK")),
        ("configurationStateId", json!(captured.timestamp_millis())),
        ("awsAccountId", json!(place.account.id)),
        ("resourceType", json!(item.kind)),
        ("resourceId", json!(item.id)),
        ("ARN", json!(item.arn)),
        ("awsRegion", json!(if item.global { "global" } else { place.region })),
        ("availabilityZone", json!(if item.global { "Not Applicable" } else { "Regional" })),
        ("resourceCreationTime", json!(millis(created))),
        ("tags", item.tags.clone()),
        ("relatedEvents", json!([])),
        ("relationships", json!(relations)),
        ("configuration", item.configuration.clone()),
        ("supplementaryConfiguration", item.supplementary.clone()),
    ];
    out.extend(fields.map(|(key, value)| (key.to_owned(), value)));
    if let Some(name) = &item.name {
        out.insert("resourceName".to_owned(), json!(name));
    }
    Value::Object(out)
}

/// A moment as Config writes it.
pub(crate) fn millis(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Those that exist at the moment of the snapshot.
pub(crate) fn existing<'p>(place: &'p Place, kind: &str, moment: Moment) -> impl Iterator<Item = &'p Asset> {
    place.all(kind).iter().filter(move |asset| !(moment.first && asset.new))
}

/// The `n`-th thing's id in the place, round and round.
pub(crate) fn id_of(place: &Place, kind: &str, n: usize) -> String {
    place.nth(kind, n).map_or_else(String::new, |a| a.id.clone())
}

/// The ARN of a key of the place.
pub(crate) fn key_arn(place: &Place, n: usize) -> String {
    place.arn("kms", &format!("key/{}", id_of(place, "key", n)))
}
