//! A live account, read by calling AWS as the resource files say.
//!
//! Every type is listed once in each Region (or once, where it is global), types and Regions at the same time; an
//! answer that several types need is asked for once. What is denied or fails is never silent: a listing becomes a
//! [`Gap`], a detail becomes an unknown marker at exactly the properties that are made from it.

mod calls;
mod csv;
mod items;

use crate::mapping::{Catalog, Place, Scope, Type};
use calls::Calls;
use items::Reading;
use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use yagura_aws::{Api, enabled_regions};
use yagura_content::Library;
use yagura_model::{Gap, Inventory};

/// A way to wait, so that nothing here knows the clock.
pub type Pause = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What to read.
#[derive(Clone)]
pub struct Options {
    /// The account that is read, 12 digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Only these Regions, for regional resources and for what lives in a Region though it is listed globally; empty:
    /// all that are enabled.
    pub regions: Vec<String>,
    /// Only these services (the `service` of resource files); empty: all.
    pub services: Vec<String>,
    /// Only these resource types; empty: all.
    pub types: Vec<String>,
    /// Calls at the same time.
    pub concurrency: usize,
    /// The account whose credentials [`yagura_aws::Call::account`] names; `None` is the caller's own.
    pub credentials: Option<String>,
    /// What is read only if it is asked for, by the names of resource files.
    pub extras: Vec<String>,
    /// How to wait for jobs that AWS does first (the credential report).
    pub pause: Pause,
}

impl Options {
    /// Everything in an account, 32 calls at a time.
    pub fn new(account: impl Into<String>, partition: impl Into<String>) -> Options {
        Options {
            account: account.into(),
            partition: partition.into(),
            regions: Vec::new(),
            services: Vec::new(),
            types: Vec::new(),
            concurrency: 32,
            credentials: None,
            extras: Vec::new(),
            pause: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
        }
    }

    fn wants(&self, kind: &Type) -> bool {
        (self.services.is_empty() || self.services.contains(&kind.service))
            && (self.types.is_empty() || self.types.contains(&kind.kind))
    }
}

/// How far a reading has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
    /// What was read last; empty before the first is done.
    pub kind: String,
    pub region: String,
    /// Resources read so far, of all types.
    pub resources: usize,
}

/// Is told at the beginning, and after each type and Region.
pub type OnProgress<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

/// The Region that stands for "global" in a partition.
pub fn global_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// Reads the account. Resources and gaps come sorted by type, Region and id; the run never fails as a whole.
pub async fn collect(api: Arc<dyn Api>, library: &Library, options: &Options, progress: OnProgress<'_>) -> Inventory {
    let catalog = Arc::new(Catalog::read(library).0);
    let mut inventory = Inventory::default();
    let regions = regions(api.as_ref(), &catalog, options, &mut inventory.gaps).await;
    let calls = Arc::new(Calls::new(api, options.credentials.clone(), options.concurrency, Arc::clone(&options.pause)));
    let (mut tasks, mut started) = (JoinSet::new(), HashMap::new());
    for (kind, region) in readings(&catalog, options, &regions) {
        let (catalog, calls) = (Arc::clone(&catalog), Arc::clone(&calls));
        let (regions, only_regions, extras) = (regions.clone(), options.regions.clone(), options.extras.clone());
        let place = Place {
            partition: options.partition.clone(),
            account: Some(options.account.clone()),
            region: Some(region.clone()),
        };
        let name = kind.clone();
        let task = tasks.spawn(async move {
            match catalog.get(&name) {
                Some(kind) => {
                    let reading = Reading {
                        kind,
                        calls: &calls,
                        place: &place,
                        regions: &regions,
                        only_regions: &only_regions,
                        extras: &extras,
                    };
                    reading.run().await
                }
                None => Inventory::default(),
            }
        });
        started.insert(task.id(), (kind, region));
    }
    let (mut done, total) = (0, tasks.len());
    progress(&Progress { total, ..Progress::default() });
    while let Some(joined) = tasks.join_next_with_id().await {
        done += 1;
        let id = joined.as_ref().map_or_else(tokio::task::JoinError::id, |(id, _)| *id);
        let Some((kind, region)) = started.remove(&id) else { continue };
        match joined {
            Ok((_, read)) => {
                inventory.resources.extend(read.resources);
                inventory.gaps.extend(read.gaps);
            }
            // A bug of ours; the others' evidence is still good, and this type's is not silently missing.
            Err(_) => inventory.gaps.push(Gap {
                kind: kind.clone(),
                account: Some(options.account.clone()),
                region: Some(region.clone()),
                action: String::new(),
                reason: "internal error while reading".to_owned(),
            }),
        }
        progress(&Progress { done, total, kind, region, resources: inventory.resources.len() });
    }
    inventory.resources.sort_by(|a, b| (&a.kind, &a.region, &a.id).cmp(&(&b.kind, &b.region, &b.id)));
    inventory
        .gaps
        .sort_by(|a, b| (&a.kind, &a.region, &a.action, &a.reason).cmp(&(&b.kind, &b.region, &b.action, &b.reason)));
    inventory.gaps.dedup();
    inventory
}

async fn regions(api: &dyn Api, catalog: &Catalog, options: &Options, gaps: &mut Vec<Gap>) -> Vec<String> {
    let regional = |kind: &&Type| kind.scope == Scope::Regional && options.wants(kind);
    if !options.regions.is_empty() || !catalog.types().any(|t| regional(&t)) {
        return options.regions.clone();
    }
    match enabled_regions(api, global_region(&options.partition), options.credentials.as_deref()).await {
        Ok(regions) => regions,
        Err(e) => {
            // Which Regions there are isn't known, so no regional type is read completely.
            gaps.extend(catalog.types().filter(regional).map(|t| Gap {
                kind: t.kind.clone(),
                account: Some(options.account.clone()),
                region: None,
                action: "ec2:DescribeRegions".to_owned(),
                reason: e.code.clone(),
            }));
            vec![global_region(&options.partition).to_owned()]
        }
    }
}

fn readings(catalog: &Catalog, options: &Options, regions: &[String]) -> Vec<(String, String)> {
    let mut readings = Vec::new();
    for kind in catalog.types().filter(|t| options.wants(t)) {
        match kind.scope {
            Scope::Global => readings.push((kind.kind.clone(), global_region(&options.partition).to_owned())),
            Scope::Regional => readings.extend(regions.iter().map(|r| (kind.kind.clone(), r.clone()))),
        }
    }
    readings
}
