//! Applies a plan and takes it back, so that it can be killed at any moment and gone on with.

use crate::{
    Error, Plan, PlannedCall, Playbook, Run, Status, Subject, differences,
    journal::Journal,
    plan::{is_between, observe_again},
};
use serde_json::Value;
use yagura_aws::{Api, CallError};
use yagura_state::State;

/// How often a result is read back before it counts as wrong; AWS may show an old state for some seconds.
const READS: u32 = 4;

/// Makes plans, applies and undoes them.
pub struct Responder<'a> {
    api: &'a dyn Api,
    journal: Journal<'a>,
    now: fn() -> String,
    /// Waits between two readings of a state.
    pause: std::time::Duration,
}

/// What an apply or undo came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub run: String,
    /// Calls that were made now.
    pub calls: usize,
    /// An earlier, interrupted attempt was gone on with.
    pub resumed: bool,
}

impl<'a> Responder<'a> {
    pub fn new(api: &'a dyn Api, state: &'a State, now: fn() -> String) -> Responder<'a> {
        Responder { api, journal: Journal::new(state), now, pause: std::time::Duration::from_secs(2) }
    }

    /// Makes a plan and keeps it. An interrupted run of the same finding is given instead, to be gone on with.
    ///
    /// # Errors
    /// See [`Plan::make`]; the journal's.
    pub async fn plan(&self, playbook: &Playbook, subject: &Subject<'_>) -> Result<Run, Error> {
        match self.journal.last(&subject.finding.id).await? {
            Some(run) if run.status == Status::Applying => return Ok(run),
            Some(run) if run.status == Status::Undoing => return Err(Error::HalfUndone(run.id)),
            _ => {}
        }
        let plan = Plan::make(self.api, playbook, subject).await?;
        self.journal.plan(&plan, &(self.now)()).await
    }

    /// Applies the plan that was last shown for a finding, or a new one when none was. Refuses when a plan that was made
    /// now would be another, and when somebody has changed the thing since an interrupted attempt.
    ///
    /// # Errors
    /// [`Error::Drifted`], with the new plan kept; [`Error::GivenUp`]; [`Error::Busy`]; failed calls; a result that can't
    /// be read back.
    pub async fn apply(&self, playbook: &Playbook, subject: &Subject<'_>) -> Result<(Run, Applied), Error> {
        let _alone = self.journal.alone()?;
        let shown = self.journal.last(&subject.finding.id).await?;
        let mut run = match shown {
            Some(run) if run.status == Status::Applying => {
                if let Some(what) = self.strayed(playbook, &run.plan).await? {
                    self.journal.set(&run.id, Status::GivenUp, None, &(self.now)()).await?;
                    let Plan { finding, target, .. } = run.plan;
                    return Err(Error::GivenUp { run: run.id, finding, target, what });
                }
                run
            }
            Some(run) if run.status == Status::Planned => {
                let fresh = Plan::make(self.api, playbook, subject).await?;
                if fresh != run.plan {
                    let before = |plan: &Plan| plan.states.iter().map(|s| s.before.clone()).collect::<Vec<_>>();
                    let what = match unequal(&before(&run.plan), &before(&fresh)) {
                        text if text.is_empty() => "what the playbook would do is another thing now".to_owned(),
                        text => text,
                    };
                    self.journal.plan(&fresh, &(self.now)()).await?;
                    return Err(Error::Drifted { run: run.id, target: run.plan.target, what });
                }
                run
            }
            _ => self.plan(playbook, subject).await?,
        };
        let applied = self.carry_out(playbook, &run).await?;
        run.status = Status::Applied;
        Ok((run, applied))
    }

    async fn carry_out(&self, playbook: &Playbook, run: &Run) -> Result<Applied, Error> {
        let resumed = run.status == Status::Applying;
        let (_, done) = self.journal.begun(&run.id, "apply").await?;
        self.journal.set(&run.id, Status::Applying, None, &(self.now)()).await?;
        let mut calls = 0;
        for (seq, call) in run.plan.calls.iter().enumerate().filter(|(seq, _)| !done.contains(seq)) {
            self.call(&run.id, "apply", seq, call, &run.plan).await.map_err(|e| match e {
                Failed::Call(source) => Error::Call { run: run.id.clone(), number: seq + 1, source },
                Failed::Other(error) => error,
            })?;
            calls += 1;
        }
        let want: Vec<Value> = run.plan.states.iter().map(|s| s.want.clone()).collect();
        let after = self.settle(playbook, &run.plan, &want).await?;
        self.journal.set(&run.id, Status::Applied, Some(&after), &(self.now)()).await?;
        if after != want {
            return Err(Error::NotVerified { run: run.id.clone(), what: unequal(&want, &after) });
        }
        Ok(Applied { run: run.id.clone(), calls, resumed })
    }

    /// A run that an undo would take back.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::NothingToUndo`].
    pub async fn run(state: &State, id: &str) -> Result<Run, Error> {
        let run = Journal::new(state).run(id).await?;
        match run.status {
            Status::Applied | Status::Applying | Status::Undoing => Ok(run),
            Status::Planned | Status::Undone | Status::GivenUp => {
                Err(Error::NothingToUndo { run: run.id, status: run.status.as_str() })
            }
        }
    }

    /// Restores the state before a run.
    ///
    /// # Errors
    /// [`Error::ChangedSince`] when somebody else has changed the thing; [`Error::Busy`]; failed calls.
    pub async fn undo(&self, playbook: &Playbook, id: &str) -> Result<Applied, Error> {
        let _alone = self.journal.alone()?;
        let run = Responder::run(self.journal.state(), id).await?;
        let verified = run.after.as_ref().is_some_and(|after| after.iter().eq(run.plan.states.iter().map(|s| &s.want)));
        // Only a run that was verified is known to have left what it wanted; any other is somewhere between.
        let changed = if run.status == Status::Applied && verified {
            let want: Vec<Value> = run.plan.states.iter().map(|s| s.want.clone()).collect();
            let now = observe_again(self.api, playbook, &run.plan).await?;
            (now != want).then(|| unequal(&want, &now))
        } else {
            self.strayed(playbook, &run.plan).await?
        };
        if let Some(what) = changed {
            return Err(Error::ChangedSince { run: run.id, target: run.plan.target, what });
        }
        let resumed = run.status == Status::Undoing;
        let (begun, _) = self.journal.begun(&run.id, "apply").await?;
        let (_, undone) = self.journal.begun(&run.id, "undo").await?;
        self.journal.set(&run.id, Status::Undoing, None, &(self.now)()).await?;
        let back = run.plan.calls.iter().enumerate().filter(|(seq, _)| begun.contains(seq)).rev();
        let steps: Vec<&PlannedCall> = back.flat_map(|(_, call)| &call.undo).collect();
        let mut calls = 0;
        for (seq, call) in steps.into_iter().enumerate().filter(|(seq, _)| !undone.contains(seq)) {
            self.call(&run.id, "undo", seq, call, &run.plan).await.map_err(|e| match e {
                Failed::Call(source) => Error::Call { run: run.id.clone(), number: seq + 1, source },
                Failed::Other(error) => error,
            })?;
            calls += 1;
        }
        let before: Vec<Value> = run.plan.states.iter().map(|s| s.before.clone()).collect();
        let now = self.settle(playbook, &run.plan, &before).await?;
        if now != before {
            return Err(Error::NotVerified { run: run.id, what: unequal(&before, &now) });
        }
        self.journal.set(&run.id, Status::Undone, None, &(self.now)()).await?;
        Ok(Applied { run: run.id, calls, resumed })
    }

    /// What of the states a plan's calls can't have left behind.
    async fn strayed(&self, playbook: &Playbook, plan: &Plan) -> Result<Option<String>, Error> {
        let now = observe_again(self.api, playbook, plan).await?;
        let want: Vec<Value> = plan.states.iter().map(|s| s.want.clone()).collect();
        let strayed = plan.states.iter().zip(&now).any(|(s, now)| !is_between(now, &s.before, &s.want));
        Ok(strayed.then(|| unequal(&want, &now)))
    }

    async fn call(&self, run: &str, phase: &str, seq: usize, call: &PlannedCall, plan: &Plan) -> Result<(), Failed> {
        self.journal.intend(run, phase, seq, call, &(self.now)()).await.map_err(Failed::Other)?;
        let answer = self.api.call(&call.call(&plan.region, plan.role_of.as_deref())).await;
        let error = answer.err().filter(|e| !call.fine.contains(&e.code));
        let note = error.as_ref().map(ToString::to_string);
        self.journal.close(run, phase, seq, note.as_deref(), &(self.now)()).await.map_err(Failed::Other)?;
        error.map_or(Ok(()), |e| Err(Failed::Call(e)))
    }

    /// Reads the states until they are as expected, or for as long as it is worth.
    async fn settle(&self, playbook: &Playbook, plan: &Plan, expected: &[Value]) -> Result<Vec<Value>, Error> {
        let mut states = observe_again(self.api, playbook, plan).await?;
        for _ in 1..READS {
            if states == expected {
                break;
            }
            tokio::time::sleep(self.pause).await;
            states = observe_again(self.api, playbook, plan).await?;
        }
        Ok(states)
    }
}

enum Failed {
    Call(CallError),
    Other(Error),
}

/// The differences in a few words.
fn unequal(expected: &[Value], found: &[Value]) -> String {
    let lines: Vec<String> = expected
        .iter()
        .zip(found)
        .flat_map(|(a, b)| differences(a, b))
        .map(|(path, a, b)| format!("{}{a} is now {b}", if path.is_empty() { path } else { format!("{path} ") }))
        .collect();
    let text = lines.join("; ");
    if text.chars().count() > 600 { text.chars().take(600).chain(['…']).collect() } else { text }
}
