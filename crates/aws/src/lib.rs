//! AWS as data: any operation of any service is called by name with JSON parameters, and answers JSON.
//!
//! Collectors, playbooks and the generated read policy share this one way to AWS. What operations there are is data
//! too (`api/`), so that a new one needs no code.
//!
//! Answers have the API's member names. Timestamps are RFC 3339 in UTC, blobs base64; IAM's policies, which come
//! percent-encoded, are objects; other services' policies are the text they send. Members that AWS left out are
//! absent.

mod api;
mod catalogue;
mod client;
mod clock;
mod credentials;
mod endpoint;
mod exchange;
mod kind;
mod pace;
mod pages;
mod protocol;
mod sign;
mod tape;
mod time;
mod who;
mod xml;

pub use api::{Api, Call, CallError, ErrorKind};
pub use catalogue::{knows, operations, services};
pub use client::{Client, Error, Options};
pub use clock::{Clock, SystemClock};
pub use credentials::Role;
pub use endpoint::is_region;
pub use tape::{Record, Replay};
pub use who::{Identity, enabled_regions, global_region, identity};
