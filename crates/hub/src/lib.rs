//! The memory of what was judged: findings that keep one id over all runs, open and resolve by themselves, and are
//! suppressed with a reason and an expiry; what existed when; the score; and the three things to do today.
//!
//! Everything here is one SQL transaction at a time. Callers give the time, so that a run can be replayed.

mod catalog;
mod detections;
mod error;
mod inventory;
mod read;
mod record;
mod rows;
mod standing;
mod today;
mod workflow;

pub use catalog::{Catalog, Topic};
pub use error::Error;
pub use inventory::{ResourceRow, Version};
pub use read::{Filter, Group, HistoryEntry, Page};
pub use record::{Outcome, Scope};
pub use standing::{Blind, ControlCounts, Coverage, Standing};
pub use today::{Reason, Today};

use yagura_model::Severity;
use yagura_state::State;

/// A notifier that wants to hear of new findings at or above a severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub notifier: String,
    pub min_severity: Severity,
}

/// The findings database.
#[derive(Clone, Debug)]
pub struct Hub {
    state: State,
    routes: Vec<Route>,
}

impl Hub {
    /// A hub over an opened state database, which queues a notice for each of `routes` that a new finding reaches.
    pub fn new(state: State, routes: Vec<Route>) -> Hub {
        Hub { state, routes }
    }

    pub fn state(&self) -> &State {
        &self.state
    }
}
