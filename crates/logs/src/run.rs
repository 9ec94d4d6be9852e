//! Reads many inputs on many threads.

use crate::digest::{Digests, Verified};
use crate::problem::{Level, Problem};
use crate::read::{Budget, Options, Reader, Sink};
use crate::split::Seen;
use crate::walk::{self, Claim, Input};
use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
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
    /// CloudTrail digest files, by which [`Outcome::verify`] judges the logs.
    pub digests: Digests,
    /// What came of that.
    pub verified: Verified,
    /// At most one for each input, by its name.
    pub problems: Vec<Problem>,
}

impl Outcome {
    fn add(&mut self, seen: &Seen, problem: Option<Problem>) {
        let level = problem.as_ref().map(|p| p.level);
        if level != Some(Level::Note) && (seen.digests == 0 || seen.records > 0) {
            self.files += 1;
            self.bad_records += seen.bad;
        }
        self.records += seen.records;
        self.problems_of(problem);
    }

    /// Counts files that are not as they should be, each with its one problem.
    pub fn problems_of(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.bad_files += u64::from(problem.level > Level::Note);
            self.problems.push(problem);
        }
    }

    /// As [`Outcome::problems_of`], for files that may have a problem already: a file is named once.
    pub(crate) fn more_problems(&mut self, problems: Vec<Problem>) {
        let mut known: HashMap<String, usize> =
            self.problems.iter().enumerate().map(|(i, p)| (p.file.clone(), i)).collect();
        for problem in problems {
            match known.get(&problem.file) {
                Some(&at) => {
                    let was = self.problems[at].level;
                    self.problems[at].join(problem);
                    self.bad_files += u64::from(was == Level::Note && self.problems[at].level > was);
                }
                None => {
                    known.insert(problem.file.clone(), self.problems.len());
                    self.problems_of([problem]);
                }
            }
        }
        self.problems.sort_by(|a, b| a.file.cmp(&b.file));
    }

    /// Puts what two workers read together.
    pub fn merge(&mut self, other: Outcome) {
        self.files += other.files;
        self.bad_files += other.bad_files;
        self.records += other.records;
        self.bad_records += other.bad_records;
        self.digests.merge(other.digests);
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
    Ok(read_inputs(&inputs, problems, options, sinks))
}

/// [`read_paths`] for inputs that are known, and what was wrong on the way to them.
pub fn read_inputs<S: Sink + Send>(
    inputs: &[Input<'_>],
    problems: Vec<Problem>,
    options: &Options,
    sinks: impl Fn() -> S + Sync,
) -> (Vec<S>, Outcome) {
    let mut outcome = Outcome::default();
    outcome.problems_of(problems);
    let budget = Budget::new();
    let next = AtomicUsize::new(0);
    let done = on_threads(options.jobs, inputs.len(), || {
        let (mut sink, mut mine) = (sinks(), Outcome::default());
        let mut reader = Reader::new(options, &budget);
        while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (seen, problem) = read_input(&mut reader, input, &mut sink);
            mine.add(&seen, problem);
        }
        mine.digests = reader.digests;
        (sink, mine)
    });
    let mut out = Vec::new();
    for (sink, mine) in done {
        outcome.merge(mine);
        out.push(sink);
    }
    outcome.problems.sort_by(|a, b| a.file.cmp(&b.file));
    (out, outcome)
}

/// What `work` comes to on each of as many threads as `jobs` says (0: as there are cores), at most one for each of
/// `most` things to do.
pub(crate) fn on_threads<T: Send>(jobs: usize, most: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if jobs == 0 { cores() } else { jobs };
    let jobs = jobs.clamp(1, most.max(1));
    if jobs == 1 {
        return vec![work()];
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(&work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, T>| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().map(join).collect()
    })
}

fn read_input(reader: &mut Reader<'_>, input: &Input<'_>, sink: &mut impl Sink) -> (Seen, Option<Problem>) {
    let name = input.name();
    match input.open() {
        Ok(mut opened) => reader.read(&name, &mut opened, input.claim(), sink),
        Err(e) => (Seen::default(), Some(Problem::unreadable(&name, &e))),
    }
}

/// Reads one input that is at hand as bytes or a stream.
pub fn read_one(name: &str, input: &mut dyn Read, claim: Claim, options: &Options, sink: &mut impl Sink) -> Outcome {
    let budget = Budget::new();
    let mut reader = Reader::new(options, &budget);
    let (seen, problem) = reader.read(name, input, claim, sink);
    let mut outcome = Outcome { digests: reader.digests, ..Outcome::default() };
    outcome.add(&seen, problem);
    outcome
}
