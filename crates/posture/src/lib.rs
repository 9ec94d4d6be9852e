//! Controls over resources: what each control of the content says of each resource of an inventory, with the values it
//! read, and what follows from all verdicts together (score, roadmap, frameworks).
//!
//! A rule is CEL. It is parsed by the `cel` crate and run by an evaluator of our own ([`rule`]), because three things
//! must hold that an ordinary interpreter doesn't give: a value that is not known never becomes PASS or FAIL, an absent
//! property reads as null, and every verdict can show what it read. No I/O; the time comes in as a parameter.

mod access;
mod blur;
mod bucket;
mod control;
mod fixture;
mod framework;
mod judge;
mod known;
mod network;
mod policy;
mod reason;
mod rule;
mod rulebook;
mod schema;
mod score;
mod world;

pub use access::{AccessFact, Derive, Derived, Deriver, Evidence, FUNCTION, PRINCIPALS};
pub use control::{Control, Cost, Layer, Risk, Stage};
pub use fixture::FIXTURE_NOW;
pub use framework::{Framework, Item};
pub use rulebook::Rulebook;
pub use score::{ControlStatus, Roadmap, Score, StageCounts, VerdictRow};
