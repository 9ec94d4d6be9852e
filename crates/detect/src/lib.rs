//! Judges what happened: Sigma rules and correlations over CloudTrail records.
//!
//! Detections are content ([`RuleSet`] compiles them, and other people's plain Sigma rules beside them); a [`Hunt`] takes
//! records and tells what was found. No I/O happens here, and a record is looked into only as far as a rule that can
//! still match it asks.

mod correlate;
mod dispatch;
mod fixtures;
mod hash;
mod hits;
mod hunt;
mod identity;
mod ruleset;
mod shape;
mod sigma;
mod target;
mod view;

pub use hunt::{Filter, Hunt, Report};
pub use identity::Actor;
pub use ruleset::{Foreign, Loaded, Meta, RuleSet};
