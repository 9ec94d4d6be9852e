//! Reads the logs that say what happened: CloudTrail files, folders and streams into records, with caps on everything.
//!
//! Logs are hostile input. Whatever comes, memory stays bounded, nothing panics, what can be read of a damaged file is
//! read, and every input that is not fine is named once with what to do about it.

mod digest;
mod inflate;
pub mod json;
mod problem;
mod read;
mod record;
mod run;
mod split;
mod walk;

pub use digest::{Digests, KeyError, Keys, Verified};
pub use problem::{Level, Problem};
pub use read::{Options, Sink};
pub use record::{Layout, Record, format_time, parse_time};
pub use run::{Error, Outcome, read_inputs, read_one, read_paths};
pub use split::{Bad, Found, RecordLimits, Seen, Splitter};
pub use walk::{Claim, Input, Object, Opener, inputs};
