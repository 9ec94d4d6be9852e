//! Reads many inputs on many threads.

use crate::problem::{Level, Problem};
use crate::read::{Budget, Options, Reader, Sink};
use crate::split::Seen;
use crate::walk::{self, Input};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What reading can fail with as a whole; whatever is wrong with single inputs is a [`Problem`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` does not exist: check the path")]
    Missing(PathBuf),
}

/// What was read, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Logs read, damaged ones included; what is no log doesn't count.
    pub files: u64,
    pub bad_files: u64,
    pub records: u64,
    pub bad_records: u64,
    /// CloudTrail digest files, recognised and not judged.
    pub digests: u64,
    /// At most one for each input, by its name.
    pub problems: Vec<Problem>,
}

impl Outcome {
    fn add(&mut self, seen: &Seen, problem: Option<Problem>) {
        let level = problem.as_ref().map(|p| p.level);
        self.digests += seen.digests;
        if level != Some(Level::Note) && (seen.digests == 0 || seen.records > 0) {
            self.files += 1;
            self.bad_records += seen.bad;
        }
        self.bad_files += u64::from(level > Some(Level::Note));
        self.records += seen.records;
        self.problems.extend(problem);
    }

    /// Puts what two workers read together.
    pub fn merge(&mut self, other: Outcome) {
        self.files += other.files;
        self.bad_files += other.bad_files;
        self.records += other.records;
        self.bad_records += other.bad_records;
        self.digests += other.digests;
        self.problems.extend(other.problems);
    }

    /// Whether anything that should have been judged was not.
    pub fn has_blind_spots(&self) -> bool {
        self.problems.iter().any(|p| p.level == Level::Damage)
    }
}

/// Reads files, folders and `-` (standard input), each worker into a sink of its own from `sinks`. Which worker reads
/// which input is left to chance: sinks must come to the same whatever the order.
///
/// # Errors
/// A path that doesn't exist; nothing has been read then.
pub fn read_paths<S: Sink + Send>(
    paths: &[PathBuf],
    options: &Options,
    sinks: impl Fn() -> S + Sync,
) -> Result<(Vec<S>, Outcome), Error> {
    let (inputs, problems) = walk::inputs(paths).map_err(Error::Missing)?;
    let mut outcome = Outcome::default();
    for problem in problems {
        outcome.bad_files += u64::from(problem.level > Level::Note);
        outcome.problems.push(problem);
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if options.jobs == 0 { cores() } else { options.jobs };
    let jobs = jobs.clamp(1, inputs.len().max(1));
    let (next, budget) = (AtomicUsize::new(0), Budget::new());
    let work = || {
        let (mut sink, mut mine) = (sinks(), Outcome::default());
        let mut reader = Reader::new(options, &budget);
        while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (seen, problem) = read_input(&mut reader, input, &mut sink);
            mine.add(&seen, problem);
        }
        (sink, mine)
    };
    let mut done = Vec::new();
    if jobs == 1 {
        done.push(work());
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                match worker.join() {
                    Ok(result) => done.push(result),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }
    let mut out = Vec::new();
    for (sink, mine) in done {
        outcome.merge(mine);
        out.push(sink);
    }
    outcome.problems.sort_by(|a, b| a.file.cmp(&b.file));
    Ok((out, outcome))
}

fn read_input(reader: &mut Reader<'_>, input: &Input, sink: &mut impl Sink) -> (Seen, Option<Problem>) {
    match input {
        Input::Stdin => reader.read("-", &mut std::io::stdin().lock(), true, sink),
        Input::File { path, claims } => match File::open(path) {
            Ok(mut file) => reader.read(&path.display().to_string(), &mut file, *claims, sink),
            Err(e) => (Seen::default(), Some(walk::unreadable(Path::new(path), &e))),
        },
    }
}

/// Reads one input that is at hand as bytes or a stream: an object from S3, say. `claims` says that somebody expects a log
/// in it, so that it is damage and no note when there is none.
pub fn read_one(name: &str, input: &mut dyn Read, claims: bool, options: &Options, sink: &mut impl Sink) -> Outcome {
    let budget = Budget::new();
    let (seen, problem) = Reader::new(options, &budget).read(name, input, claims, sink);
    let mut outcome = Outcome::default();
    outcome.add(&seen, problem);
    outcome
}
