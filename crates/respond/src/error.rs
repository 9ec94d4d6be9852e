use yagura_aws::CallError;

/// Why nothing, or not everything, was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no playbook answers `{0}` yet: `yagura explain {0}` says how to fix it by hand")]
    NoPlaybook(String),
    #[error(
        "playbook `{playbook}` can't tell what to change: {message}: fix it by hand, `yagura explain {playbook}` says how"
    )]
    NoTarget { playbook: String, message: String },
    #[error("`{target}` is left alone: {why}")]
    LeftAlone { target: String, why: String },
    #[error("reading the state before: {0}: the plan's permissions are listed by `yagura explain`")]
    Read(CallError),
    #[error("`{target}` has changed since plan {run} was shown: {what}: look at the new plan, then apply it")]
    Drifted { run: String, target: String, what: String },
    #[error(
        "call {number} of run {run} failed: {source}: run `yagura undo {run}` to restore the state before, or fix the cause and run `yagura fix` again to go on"
    )]
    Call { run: String, number: usize, source: CallError },
    #[error(
        "run {run} called everything, but reading back shows another state: {what}: look at it, then run `yagura undo {run}`"
    )]
    NotVerified { run: String, what: String },
    #[error("no run `{0}`: `yagura fix` prints a run's id when it is applied")]
    NoRun(String),
    #[error("run {run} is {status}: there is nothing to undo")]
    NothingToUndo { run: String, status: &'static str },
    #[error(
        "`{target}` has changed since run {run}: {what}: an undo would destroy that change, so nothing was done; change it by hand"
    )]
    ChangedSince { run: String, target: String, what: String },
    #[error(
        "run {run} was interrupted, and `{target}` has changed since: {what}: the run is given up; `yagura fix {finding}` makes a new plan"
    )]
    GivenUp { run: String, finding: String, target: String, what: String },
    #[error("the undo of run {0} was interrupted: run `yagura undo {0}` to its end first")]
    HalfUndone(String),
    #[error("another fix or undo is under way with this data directory: wait until it has ended")]
    Busy,
    #[error("`{path}` can't be locked: {source}: check the data directory's permissions")]
    Lock { path: String, source: std::io::Error },
    #[error("a stored run can't be read: {0}: it was written by another version")]
    Stored(#[from] serde_json::Error),
    #[error("the journal: {0}: check the data directory's disk")]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    State(#[from] yagura_state::StateError),
    #[error(transparent)]
    Hub(#[from] yagura_hub::Error),
    #[error("notifier `{name}`: {message}")]
    Notifier { name: String, message: String },
}
