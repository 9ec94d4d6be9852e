//! AWS as data: any operation of any service is called by name with JSON parameters, and answers JSON.
//!
//! Collectors, playbooks and the generated read policy share this one way to AWS.

mod api;

pub use api::{Api, Call, CallError, ErrorKind};
