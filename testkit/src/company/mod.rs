//! 株式会社みなと商会: a wholesaler with an online shop, two hundred employees and a cloud that grew over the years.
//!
//! Fourteen days of its CloudTrail and two AWS Config snapshots, a week apart. Work is made day by day, each day from
//! a stream of chance of its own, so that days can be made on any thread and none is kept in memory.

mod attack;
mod calls;
mod delivery;
mod event;
pub(crate) mod flaws;
mod identity;
mod organization;
pub(crate) mod people;
mod routine;
mod workday;
pub(crate) mod world;

pub(crate) use attack::outside_policy;
pub(crate) use delivery::compress;
pub(crate) use identity::unique_id;

use crate::{
    config::{self, Moment},
    random::Random,
};
use chrono::{DateTime, Duration, NaiveTime, SecondsFormat, Utc};
use delivery::Delivered;
use event::Log;
use std::{
    fs, io,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};
use world::World;

/// Days of log.
const DAYS: i64 = 14;

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub seed: u64,
    /// 1 gives over 400 resources and 200,000 events; events grow in proportion, resources too (from a tenth up).
    /// The attack is the same at any scale.
    pub scale: f64,
    /// The moment of the newer snapshot; the log ends here.
    pub end: DateTime<Utc>,
}

/// One call of the attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttackEvent {
    pub event_id: String,
    pub time: DateTime<Utc>,
    pub account: String,
    pub region: String,
    pub event_name: String,
    /// What the call is for, in English and in Japanese.
    pub en: &'static str,
    pub ja: &'static str,
}

/// How far [`Company::write_cloudtrail`] is: days of work done, of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub all: usize,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub resources: u64,
    pub cloudtrail_files: u64,
    pub config_files: u64,
    pub events: u64,
    /// CloudTrail's JSON before compression, and after.
    pub inflated_bytes: u64,
    pub stored_bytes: u64,
}

pub struct Company {
    options: Options,
    world: World,
}

/// The file of [`Company::organization`].
pub const ORGANIZATION: &str = "organization.ndjson";

/// One day of one part of the company; parts keep a day's events small at scales above 1.
struct Task {
    midnight: DateTime<Utc>,
    part: usize,
}

impl Company {
    pub fn new(options: Options) -> Self {
        let world = World::new(options.seed, options.scale.clamp(0.0, 1.0));
        Self { options, world }
    }

    /// The accounts' numbers and names.
    pub fn accounts() -> [(&'static str, &'static str); 3] {
        world::ACCOUNTS.map(|a| (a.id, a.env))
    }

    /// When the snapshots were taken, older first: a week before the end, and at the end.
    pub fn snapshot_times(&self) -> [DateTime<Utc>; 2] {
        [self.options.end - Duration::days(7), self.options.end]
    }

    /// The AWS Config snapshots of `day`, an index into [`Self::snapshot_times`], as the paths and bytes that AWS
    /// delivers; none for another index.
    ///
    /// # Errors
    /// When a snapshot can't be compressed.
    pub fn config_snapshots(&self, day: usize) -> io::Result<Vec<(String, Vec<u8>)>> {
        let times = self.snapshot_times();
        let Some(taken) = times.get(day) else { return Ok(Vec::new()) };
        config::snapshots(&self.world, Moment { end: self.options.end, first: day == 0 }, *taken)
    }

    /// What `yagura scan --resources` tells of the company's organization, one resource a line.
    pub fn organization(&self) -> String {
        organization::lines()
    }

    /// The calls of the attack, in their order.
    pub fn attack(&self) -> Vec<AttackEvent> {
        let mut log = Log::new(&self.world, attack::chance(&self.world));
        attack::write(&mut log, self.attack_start())
    }

    /// Resources in the newer snapshot.
    pub fn resource_count(&self) -> usize {
        config::items(&self.world, Moment { end: self.options.end, first: false }).len()
    }

    /// Writes everything below `dir`: `config/AWSLogs/…` and `cloudtrail/AWSLogs/…`, as two delivery buckets, and
    /// [`ORGANIZATION`].
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, dir: &Path, progress: &mut dyn FnMut(Progress)) -> io::Result<Summary> {
        let mut config_files = 0;
        for day in 0..self.snapshot_times().len() {
            for (path, bytes) in self.config_snapshots(day)? {
                let path = dir.join("config").join(path);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(path, bytes)?;
                config_files += 1;
            }
        }
        fs::write(dir.join(ORGANIZATION), self.organization())?;
        let written = self.write_cloudtrail(&dir.join("cloudtrail"), progress)?;
        Ok(Summary { resources: self.resource_count() as u64, config_files, ..written })
    }

    /// Writes only the log, as `AWSLogs/…` below `dir`. At scale 1 it inflates to about 0.3 GB.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write_cloudtrail(&self, dir: &Path, progress: &mut dyn FnMut(Progress)) -> io::Result<Summary> {
        let tasks = self.tasks();
        let (next, (send, receive)) = (AtomicUsize::new(0), mpsc::channel());
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(tasks.len());
        let mut summary = Summary::default();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (send, next, tasks) = (send.clone(), &next, &tasks);
                scope.spawn(move || {
                    while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // Nobody listens any more after an error.
                        if send.send(self.run(task, dir)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            let receive = receive;
            for (done, delivered) in receive.iter().enumerate() {
                let delivered: Delivered = delivered?;
                summary.cloudtrail_files += delivered.files;
                summary.events += delivered.events;
                summary.inflated_bytes += delivered.inflated_bytes;
                summary.stored_bytes += delivered.stored_bytes;
                progress(Progress { done: done + 1, all: tasks.len() });
            }
            Ok(summary)
        })
    }

    fn begin(&self) -> DateTime<Utc> {
        self.options.end - Duration::days(DAYS)
    }

    /// The night before the end, so that the attack is fresh when it is found.
    fn attack_start(&self) -> DateTime<Utc> {
        midnight(self.options.end) - Duration::hours(8) + Duration::minutes(12)
    }

    fn tasks(&self) -> Vec<Task> {
        let parts = self.options.scale.ceil().max(1.0) as usize;
        let first = midnight(self.begin());
        let days = (0..=DAYS).map(|day| first + Duration::days(day)).filter(|m| *m < self.options.end);
        days.flat_map(|midnight| (0..parts).map(move |part| Task { midnight, part })).collect()
    }

    fn run(&self, task: &Task, dir: &Path) -> io::Result<Delivered> {
        let parts = self.options.scale.ceil().max(1.0);
        let scale = self.options.scale.max(0.0) / parts;
        let stream = [task.midnight.to_rfc3339(), task.part.to_string()];
        let mut log = Log::new(&self.world, Random::of(self.options.seed, &["day", &stream[0], &stream[1]]));
        routine::day(&mut log, task.midnight, scale);
        workday::day(&mut log, task.midnight, scale);
        if task.part == 0 && midnight(self.attack_start()) == task.midnight {
            let daily = std::mem::replace(&mut log.random, attack::chance(&self.world));
            attack::write(&mut log, self.attack_start());
            log.random = daily;
        }
        delivery::write(&mut log, self.begin(), self.options.end, dir)
    }
}

fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// A moment as AWS writes it, to the second.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The id of GuardDuty's detector: one for each account and Region.
pub(crate) fn detector(account: &str, region: &str) -> String {
    Random::of(0, &["detector", account, region]).hex(32)
}
