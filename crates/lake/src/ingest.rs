//! Logs into the lake, each event once.
//!
//! Objects are read one after the other, their new events gathered into a batch, and a batch becomes visible in one SQL
//! transaction: the catalog's pointer, the ledger's rows and the findings. Before it nothing refers to the batch's
//! files, after it nothing about the batch is left to do. A kill at any moment therefore leaves whole batches and
//! orphaned files, which the next run sweeps; what was not committed is read again, and an event that is in the table
//! already is recognised by its id.

use crate::batch::Batch;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::ledger::{self, Entry, Known, Name, Status};
use crate::record::{Partition, record_key};
use crate::seen::Seen;
use crate::writer::Writer;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use yagura_logs::{Bad, Claim, Found, Input, Object, Outcome, Problem, Record};
use yagura_state::Tx;

/// What may go wrong while findings are stored.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Judges events in the pass that ingests them.
pub trait Judge: Send {
    /// An event that the lake did not have, with its time in microseconds since 1970. Each comes once.
    fn event(&mut self, record: &Record<'_>, time: i64);

    /// The events since the last commit become visible with `tx`; whatever was found in them belongs into it, too.
    fn commit(&mut self, tx: &mut Tx) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// Ingests without judging.
impl Judge for () {
    fn event(&mut self, _: &Record<'_>, _: i64) {}

    async fn commit(&mut self, _: &mut Tx) -> Result<(), SinkError> {
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub struct IngestOptions {
    pub logs: yagura_logs::Options,
    /// Read objects that the ledger knows once more: with other caps, say. Events that the lake has stay single.
    pub again: bool,
    /// Raw bytes of new events after which a batch is committed.
    pub batch_bytes: usize,
    /// Objects after which a batch is committed.
    pub batch_objects: usize,
    /// Small files in one partition after which they become one.
    pub merge_files: usize,
}

impl Default for IngestOptions {
    fn default() -> IngestOptions {
        IngestOptions {
            logs: yagura_logs::Options::default(),
            again: false,
            batch_bytes: 64 << 20,
            batch_objects: 500,
            merge_files: 32,
        }
    }
}

/// What an ingest did.
#[derive(Clone, Debug, Default)]
pub struct Ingested {
    /// Files, records and problems of the objects that were read.
    pub logs: Outcome,
    /// The lake held no events before.
    pub first: bool,
    /// Events that are new in the lake.
    pub events: u64,
    /// Records whose event the lake had, or that came more than once.
    pub repeated: u64,
    /// Objects that were in the ledger, under this or another key, and were not read.
    pub known_objects: u64,
    pub quarantined_objects: u64,
    pub commits: u64,
    /// Small files were merged after the last commit.
    pub compacted: bool,
    /// Files that nothing refers to, of a killed run or of old metadata, that were removed.
    pub swept: u64,
}

impl Ingested {
    /// Puts what a second pass did to it.
    pub fn add(&mut self, other: Ingested) {
        self.logs.merge(other.logs);
        self.events += other.events;
        self.repeated += other.repeated;
        self.known_objects += other.known_objects;
        self.quarantined_objects += other.quarantined_objects;
        self.commits += other.commits;
        self.compacted |= other.compacted;
        self.swept += other.swept;
    }
}

impl Lake {
    /// Reads files, folders and `-` (standard input) into the lake. Needs a multi-threaded runtime.
    ///
    /// # Errors
    /// Nothing of the batch in the making is visible then; batches before it are. Running again completes the work.
    pub async fn ingest(
        &self,
        paths: &[PathBuf],
        options: &IngestOptions,
        judge: &mut impl Judge,
    ) -> Result<Ingested, LakeError> {
        let (inputs, problems) = yagura_logs::inputs(paths).map_err(|path| LakeError::Missing { path })?;
        self.ingest_inputs(&inputs, problems, options, judge).await
    }

    /// Reads inputs of any source, a bucket's objects say, in the order given; `problems` are what was wrong on the way to
    /// them. An object whose version the ledger has is not opened.
    ///
    /// # Errors
    /// As those of [`Lake::ingest`]. An input that can't be opened or read is a problem of the outcome.
    pub async fn ingest_inputs(
        &self,
        inputs: &[Input<'_>],
        problems: Vec<Problem>,
        options: &IngestOptions,
        judge: &mut impl Judge,
    ) -> Result<Ingested, LakeError> {
        self.run(options, judge, |run| {
            run.done.logs.problems_of(problems);
            inputs.iter().try_for_each(|input| run.input(input))
        })
    }

    /// Reads what is in quarantine again: after a fix of Yagura's, or with other caps. What can be read now is in the
    /// lake then.
    ///
    /// # Errors
    /// As those of [`Lake::ingest`].
    pub async fn replay_quarantine(
        &self,
        options: &IngestOptions,
        judge: &mut impl Judge,
    ) -> Result<Ingested, LakeError> {
        let kept = ledger::kept(self.state.pool()).await.map_err(|error| self.state.error("read", error))?;
        self.run(options, judge, |run| {
            for object in kept {
                let path = self.quarantine().join(&object.file);
                let size = u64::try_from(object.size).unwrap_or_default();
                let shown = object.name.shown();
                run.read(Entry::new(object.name, object.digest, size, Status::Ingested), &shown, &path, Claim::Hand)?;
            }
            Ok(())
        })
    }

    /// Does `work` as the one writer, in a lake that is swept, and commits what is left of it at the end.
    fn run<'a, J: Judge>(
        &'a self,
        options: &'a IngestOptions,
        judge: &'a mut J,
        work: impl FnOnce(&mut Run<'a, J>) -> Result<(), LakeError>,
    ) -> Result<Ingested, LakeError> {
        tokio::task::block_in_place(|| {
            let handle = Handle::current();
            let lock = self.lock()?;
            let table = handle.block_on(self.table_or_new())?;
            let (seen, swept) = handle.block_on(self.sweep(&table, &lock))?;
            let writer = Writer::new(&table)?;
            let mut run = Run {
                lake: self,
                handle,
                options,
                judge,
                writer,
                done: Ingested { first: seen.is_empty(), swept, ..Ingested::default() },
                seen,
                batch: Batch::default(),
                object: Counts::default(),
                failed: None,
            };
            work(&mut run)?;
            run.flush()?;
            if run.done.commits > 0 {
                run.done.compacted = run.handle.block_on(self.compact(&run.writer, options.merge_files, &lock))?;
            }
            run.done.logs.problems.sort_by(|a, b| a.file.cmp(&b.file));
            Ok(run.done)
        })
    }
}

/// What one object came to so far.
#[derive(Default)]
struct Counts {
    records: u64,
    events: u64,
}

struct Run<'a, J> {
    lake: &'a Lake,
    handle: Handle,
    options: &'a IngestOptions,
    judge: &'a mut J,
    writer: Writer,
    seen: Seen,
    batch: Batch,
    done: Ingested,
    object: Counts,
    /// Why the object that is being read can't be finished.
    failed: Option<LakeError>,
}

impl<J: Judge> Run<'_, J> {
    fn unreadable(&mut self, name: &str, error: &std::io::Error) {
        self.done.logs.problems_of([Problem::unreadable(name, error)]);
    }

    fn input(&mut self, input: &Input<'_>) -> Result<(), LakeError> {
        match input {
            Input::File { path, claim } => self.file(Name::of_file(path), &input.name(), path, *claim),
            Input::Stdin => self.stream(Name::stdin(), &mut std::io::stdin().lock(), Claim::Hand),
            Input::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &Object<'_>) -> Result<(), LakeError> {
        let Object { source, key, etag, open } = object;
        let name = Name { source: source.clone(), key: key.clone(), etag: etag.clone() };
        let known = !self.options.again
            && self
                .handle
                .block_on(ledger::has_version(self.lake.state.pool(), &name))
                .map_err(|error| self.lake.state.error("read", error))?;
        if known {
            self.done.known_objects += 1;
            return Ok(());
        }
        match open() {
            Ok(mut input) => self.stream(name, &mut *input, Claim::of_name(key)),
            Err(error) => {
                self.unreadable(&name.shown(), &error);
                Ok(())
            }
        }
    }

    /// The ledger wants a digest before the first event, so a stream is put down first.
    fn stream(&mut self, name: Name, input: &mut dyn Read, claim: Claim) -> Result<(), LakeError> {
        let shown = name.shown();
        let path = self.lake.spool()?;
        let mut file = File::create(&path).map_err(LakeError::io("create", &path))?;
        let result = match std::io::copy(input, &mut file) {
            Ok(_) => self.file(name, &shown, &path, claim),
            Err(error) => {
                self.unreadable(&shown, &error);
                Ok(())
            }
        };
        std::fs::remove_file(&path).map_err(LakeError::io("remove", &path))?;
        result
    }

    /// Reads the object `name`, whose bytes are at `path`, unless it is known.
    fn file(&mut self, name: Name, shown: &str, path: &Path, claim: Claim) -> Result<(), LakeError> {
        let (digest, size) = match digest(path) {
            Ok(found) => found,
            Err(error) => {
                self.unreadable(shown, &error);
                return Ok(());
            }
        };
        if !self.options.again {
            let known = match self.batch.knows(&name, &digest) {
                Known::No => self
                    .handle
                    .block_on(ledger::look_up(self.lake.state.pool(), &name, &digest))
                    .map_err(|error| self.lake.state.error("read", error))?,
                known => known,
            };
            self.done.known_objects += u64::from(known != Known::No);
            match known {
                Known::Object => return Ok(()),
                Known::Bytes => return self.finish(Entry::new(name, digest, size, Status::Duplicate)),
                Known::No => {}
            }
        }
        self.read(Entry::new(name, digest, size, Status::Ingested), shown, path, claim)
    }

    fn read(&mut self, mut entry: Entry, shown: &str, path: &Path, claim: Claim) -> Result<(), LakeError> {
        let mut file = match File::open(path) {
            Ok(file) => Hashing { file, hash: Sha256::new() },
            Err(error) => {
                self.unreadable(shown, &error);
                return Ok(());
            }
        };
        self.object = Counts::default();
        let options = self.options.logs.clone();
        let outcome = yagura_logs::read_one(shown, &mut file, claim, &options, self);
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let bad = outcome.bad_records;
        let no_log = outcome.files == 0 && outcome.digests.is_empty();
        let reason = outcome.problems.iter().find(|p| p.level == yagura_logs::Level::Damage).map(|p| p.what.en.clone());
        self.done.logs.merge(outcome);
        if file.finish().map_err(LakeError::io("read", path))? != entry.digest {
            // It is being written to: its records are taken, and the whole of it next time.
            return Ok(());
        }
        // What is no log leaves no trace: it may become one, and the next run says the same of it.
        if no_log {
            return Ok(());
        }
        (entry.records, entry.events, entry.bad_records) = (self.object.records, self.object.events, bad);
        if let Some(reason) = reason {
            entry.status = if self.object.records == 0 { Status::Quarantined } else { Status::Partial };
            entry.file = Some(self.lake.keep_aside(path, &entry.digest)?);
            entry.reason = Some(reason);
            self.done.quarantined_objects += 1;
        }
        self.finish(entry)
    }

    /// The object is done; its row goes with the batch that holds its last events.
    fn finish(&mut self, entry: Entry) -> Result<(), LakeError> {
        self.batch.objects.push(entry);
        if self.batch.objects.len() >= self.options.batch_objects { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), LakeError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let events = batch.events;
        let files = self.handle.block_on(batch.commit(self.lake, &self.writer, self.judge))?;
        for file in &files {
            self.seen.add_file(file);
        }
        self.seen.trim();
        self.done.events += events;
        self.done.commits += 1;
        Ok(())
    }

    fn take(&mut self, record: &Record<'_>, time: i64, partition: Partition) -> Result<(), LakeError> {
        if !self.seen.insert(&partition, record_key(record))? {
            self.done.repeated += 1;
            return Ok(());
        }
        self.object.events += 1;
        self.judge.event(record, time);
        self.batch.push(partition, time, record.raw());
        if self.batch.bytes >= self.options.batch_bytes { self.flush() } else { Ok(()) }
    }
}

impl<J: Judge> Found for Run<'_, J> {
    fn record(&mut self, record: &Record<'_>, time: i64) {
        if self.failed.is_some() {
            return;
        }
        self.object.records += 1;
        let partition = Partition::of(record, time);
        if let Err(error) = self.take(record, time, partition) {
            self.failed = Some(error);
        }
    }

    fn bad(&mut self, _: &[u8], _: Bad) {}
}

impl<J: Judge> yagura_logs::Sink for Run<'_, J> {}

impl Lake {
    /// Copies an object into quarantine under its digest; the name there.
    fn keep_aside(&self, path: &Path, digest: &str) -> Result<String, LakeError> {
        let target = self.quarantine().join(digest);
        if !target.exists() {
            crate::durable::copy(path, &target).map_err(LakeError::io("copy to quarantine", path))?;
        }
        Ok(digest.to_owned())
    }

    /// A place for a stream's bytes until they are read.
    fn spool(&self) -> Result<PathBuf, LakeError> {
        std::fs::create_dir_all(self.quarantine()).map_err(LakeError::io("create the folder", self.quarantine()))?;
        Ok(self.quarantine().join("spooled.tmp"))
    }
}

/// Reads a file and takes its digest on the way.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

impl Hashing {
    /// The digest of the whole file, whatever was read of it.
    fn finish(mut self) -> std::io::Result<String> {
        std::io::copy(&mut self.file, &mut self.hash)?;
        Ok(hex::encode(self.hash.finalize()))
    }
}

fn digest(path: &Path) -> std::io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let size = std::io::copy(&mut File::open(path)?, &mut hash)?;
    Ok((hex::encode(hash.finalize()), size))
}
