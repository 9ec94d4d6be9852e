//! Evidence made to order: a fictional Japanese company, 株式会社みなと商会, with three AWS accounts, as AWS itself would
//! deliver it. The demo, the benchmarks and end-to-end tests live on it, because real accounts can't be shown around.
//!
//! What always holds: the same [`Options`] give the same bytes, on any machine and with any number of threads; nothing
//! is read from clock, environment or network; memory doesn't grow with the number of events.
//!
//! Account numbers are those of AWS's documentation, addresses are of the documentation ranges (RFC 5737), and nobody
//! named here exists.

mod bulk;
pub mod company;
mod config;
mod random;

pub use bulk::resources;
pub use company::{AttackEvent, Company, ORGANIZATION, Options, Progress, Summary};
