//! CloudTrail's delivery: gzip files in an S3 bucket's layout, some minutes after the events.

use super::event::{Log, Record};
use chrono::{DateTime, Duration, Utc};
use libdeflater::{CompressionLvl, Compressor};
use std::{fs, io, path::Path};

/// Minutes that one file covers. CloudTrail delivers every five; fewer, larger files say the same.
const WINDOW: i64 = 30;
/// CloudTrail splits what is larger.
const MAX_RECORDS: usize = 2_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub files: u64,
    pub events: u64,
    pub inflated_bytes: u64,
    pub stored_bytes: u64,
}

/// Writes the events of `log` that are in `from..until` below `dir`.
pub(crate) fn write(log: &mut Log<'_>, from: DateTime<Utc>, until: DateTime<Utc>, dir: &Path) -> io::Result<Delivered> {
    let mut records = std::mem::take(&mut log.records);
    records.retain(|r| (from..until).contains(&r.at));
    records.sort_by_key(|r| (r.place, window(r), r.at));
    // The library's `fastest` doesn't compress at all.
    let level = CompressionLvl::new(1).unwrap_or_default();
    let (mut gzip, mut delivered) = (Compressor::new(level), Delivered::default());
    let mut text = String::new();
    for batch in records.chunk_by(|a, b| (a.place, window(a)) == (b.place, window(b))) {
        for part in batch.chunks(MAX_RECORDS) {
            text.clear();
            text.push_str("{\"Records\":[");
            for (i, record) in part.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(log.json(record));
            }
            text.push_str("]}");
            let bytes = compress(&mut gzip, text.as_bytes())?;
            let path = dir.join(path(log, &part[0]));
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, &bytes)?;
            delivered.files += 1;
            delivered.events += part.len() as u64;
            delivered.inflated_bytes += text.len() as u64;
            delivered.stored_bytes += bytes.len() as u64;
        }
    }
    Ok(delivered)
}

pub(crate) fn compress(gzip: &mut Compressor, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = vec![0; gzip.gzip_compress_bound(bytes.len())];
    let length = gzip.gzip_compress(bytes, &mut out).map_err(|e| io::Error::other(e.to_string()))?;
    out.truncate(length);
    Ok(out)
}

fn window(record: &Record) -> i64 {
    record.at.timestamp().div_euclid(WINDOW * 60)
}

fn path(log: &mut Log<'_>, record: &Record) -> String {
    let place = &log.world.places[record.place];
    let (account, region) = (place.account.id, place.region);
    let end = DateTime::from_timestamp((window(record) + 1) * WINDOW * 60, 0).unwrap_or(record.at);
    let named = end + Duration::minutes(5);
    let unique = log.random.mixed(16);
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}_{unique}.json.gz",
        named.format("%Y/%m/%d"),
        named.format("%Y%m%dT%H%MZ")
    )
}
