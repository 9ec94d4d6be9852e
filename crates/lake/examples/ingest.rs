//! `ingest DATA PATH…`: the smallest program that ingests. The kill test and the measurements in `tests/` drive it.

use std::io::Write;
use std::path::PathBuf;
use yagura_lake::{IngestOptions, Judge, Lake, SinkError};
use yagura_logs::Record;
use yagura_state::{State, Tx};

/// Stands for findings: one row a batch, which must be there exactly when the batch is.
#[derive(Default)]
struct Counter(i64);

impl Judge for Counter {
    fn event(&mut self, _: &Record<'_>, _: i64) {
        self.0 += 1;
    }

    async fn commit(&mut self, tx: &mut Tx) -> Result<(), SinkError> {
        sqlx::query("CREATE TABLE IF NOT EXISTS judged (events INTEGER NOT NULL)").execute(&mut **tx).await?;
        sqlx::query("INSERT INTO judged VALUES (?)").bind(std::mem::take(&mut self.0)).execute(&mut **tx).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let data = args.next().ok_or("usage: ingest DATA PATH…")?;
    let mut options = IngestOptions::default();
    if let Some(bytes) = std::env::var("BATCH_BYTES").ok().and_then(|text| text.parse().ok()) {
        options.batch_bytes = bytes;
    }
    if let Some(files) = std::env::var("MERGE_FILES").ok().and_then(|text| text.parse().ok()) {
        options.merge_files = files;
    }
    let state = State::open_in(&data).await?;
    let lake = Lake::open(&data, &state).await?;
    let done = lake.ingest(&args.collect::<Vec<_>>(), &options, &mut Counter::default()).await?;
    state.close().await;
    writeln!(
        std::io::stdout(),
        "{} events, {} repeated, {} files read, {} known, {} bad, {} commits, {} swept",
        done.events,
        done.repeated,
        done.logs.files,
        done.known_objects,
        done.logs.bad_records,
        done.commits,
        done.swept
    )?;
    Ok(())
}
