//! What principals really do, and what follows for their policies.
//!
//! [`Call`] reads a CloudTrail record as the permissions that it took. From calls come the least policies that would have
//! allowed them all ([`least()`]), with the proof that they would ([`replay()`]); what principals have and didn't use
//! ([`unused()`]); and groups for those that do much the same ([`propose()`]).
//!
//! Where a record doesn't tell what a call was about, nothing is guessed: the policy names `*` and says so.

mod accessed;
mod action;
mod arn;
mod call;
mod cluster;
mod ec2;
mod exceptions;
mod extra;
mod form;
mod least;
mod logged;
mod mining;
mod pack;
mod replay;
mod target;
mod unused;
mod widen;

pub use call::{Call, Skipped};
pub use least::{Least, Options, least};
pub use mining::{Covering, Member, MiningOptions, Proposal, propose};
pub use replay::{Replay, replay};
pub use unused::{Unused, UnusedService, Used, What, Window, note, unused, used_by};
pub use widen::{Why, Widened};
