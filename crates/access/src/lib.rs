//! Who can do what to what: evaluates requests against AWS policies, each answer with the statement that decides it.
//!
//! A [`Case`] holds a request and every policy that could bear on it; [`Case::judge`] answers as AWS would, by the order
//! of the IAM user guide's "policy evaluation logic". What is not known of a request can be left open: the answer is then
//! `Conditional` exactly if some completion allows and some denies, and comes with one that allows.
//!
//! No I/O happens here. Policies are hostile input: every step takes bounded time, and what can't be decided within the
//! bounds is an error, never a guess.

mod because;
mod candidates;
mod case;
mod condition;
mod context;
mod error;
mod evaluate;
mod glob;
mod operand;
mod policy;
mod principal;
mod template;
mod unknown;

pub use case::{Answer, Case, cases};
pub use error::Error;
pub use evaluate::{Layer, Outcome};
