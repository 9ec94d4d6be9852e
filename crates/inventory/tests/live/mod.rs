//! A live account read through the seam to AWS, against answers made here. `tests/e2e` reads a whole one over HTTP.

mod collect;
mod fake;
