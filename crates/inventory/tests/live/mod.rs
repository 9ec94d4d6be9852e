//! A live account read through the seam to AWS: against answers made here, and, by hand, against an endpoint.

mod collect;
mod endpoint;
mod fake;
