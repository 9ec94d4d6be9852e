//! Who can do what to what: evaluates requests against AWS policies, each answer with the statement that decides it.
//!
//! A [`Case`] holds a request and every policy that could bear on it; [`Case::judge`] answers as AWS would, by the order
//! of the IAM user guide's "policy evaluation logic". What is not known of a request can be left open: the answer is then
//! `Conditional` exactly if some completion allows and some denies, and comes with one that allows.
//!
//! Of policies without a request, [`diff`] tells whether one allows more than another, and [`public`] and [`outside`]
//! whether strangers are let in; each yes comes with a request that the evaluator confirms.
//!
//! Of a document alone, [`lint::lint`] tells what AWS would refuse, what never matches and what allows more than it is
//! likely to be meant to, by the [`catalogue`] of AWS's actions.
//!
//! Of what principals did, by CloudTrail's records, [`usage`] makes the least policies that allow it.
//!
//! No I/O happens here. Policies are hostile input: every step takes bounded time, and what can't be decided within the
//! bounds is an error, never a guess.

mod assign;
mod because;
mod bits;
mod candidates;
mod case;
pub mod catalogue;
mod coarse;
mod condition;
mod confirm;
mod context;
mod diff;
mod error;
pub mod escalate;
mod estate;
mod evaluate;
mod exposure;
mod glob;
mod insiders;
pub mod lint;
mod operand;
mod outside;
mod people;
mod policy;
mod polish;
mod principal;
mod quest;
mod reach;
mod scene;
mod search;
mod shadow;
mod strangers;
mod template;
mod trust;
mod unknown;
pub mod usage;
mod witness;

pub use case::{Answer, Case, cases};
pub use confirm::{Document, Probe};
pub use diff::{NewAccess, PolicyKind, diff};
pub use error::Error;
pub use estate::{Asked, Changed, Estate, Guard, Permission, Told};
pub use evaluate::{Layer, Outcome};
pub use exposure::{Exposure, Outsider};
pub use glob::overlap;
pub use insiders::{DataAccess, Inside, Insider, Reached};
pub use outside::{OpenTo, Zone, outside, public};
pub use policy::size;
pub use trust::{Archive, Critical, Partner, Trust};
pub use witness::Witness;
