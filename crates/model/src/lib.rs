//! The nouns that every other crate speaks: what exists ([`Resource`]), what a rule says of it ([`Verdict`],
//! [`Judgement`]), what happened ([`Detection`]), and what is carried to a person ([`Finding`]).
//!
//! No I/O happens here, and nothing here knows where evidence came from or where it goes.

mod address;
mod arn;
mod detection;
mod finding;
mod resource;
mod severity;
mod text;
mod unknown;
mod verdict;
pub mod yaml;

pub use address::AddressRange;
pub use arn::{Arn, is_account_id, partition_of};
pub use detection::{Detection, DetectionKind};
pub use finding::{Finding, FindingClass, Status};
pub use resource::{ACCOUNT_TYPE, Gap, Inventory, Origin, REGION_TYPE, Relation, Resource, Source};
pub use severity::Severity;
pub use text::{Lang, Text};
pub use unknown::{UNKNOWN_KEY, is_unknown, member, unknown, unknown_in, unknown_reason, unknown_within};
pub use verdict::{Judgement, Verdict};
