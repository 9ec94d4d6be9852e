//! Does what a finding asks for, and takes it back; tells people that there is something to do.
//!
//! A playbook is content: which states it reads, what they should become, which calls get there and which lead back.
//! What always holds: nothing is called without a plan that was made from states read just before; a journal row is
//! durable before each call; a result counts only when it was read back; an undo restores what was read before, and
//! refuses when somebody else has changed the thing since.

mod engine;
mod error;
mod fixture;
mod journal;
mod notify;
mod plan;
mod playbook;
mod slack;

pub use engine::{Applied, Responder};
pub use error::Error;
pub use fixture::test;
pub use journal::{Run, Status};
pub use notify::{Delivery, Notifier, deliver};
pub use plan::{Plan, PlannedCall, State, Subject, differences};
pub use playbook::{Playbook, Playbooks};
