use thiserror::Error;

/// What can't be read or decided, where it is, and what to do.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum Error {
    #[error("not JSON: {0}: correct the file")]
    Json(String),
    #[error("`{at}` is {found}: it must be {wanted}")]
    Shape { at: String, found: &'static str, wanted: &'static str },
    #[error("`{at}` is missing: add it")]
    Missing { at: String },
    #[error("`{element}` of {at} is no element of a policy: correct its name or remove it")]
    Element { at: String, element: String },
    #[error("{at} can't have `{element}`: {why}")]
    Refused { at: String, element: String, why: &'static str },
    #[error("`{value}` of {at} is not valid: {wanted}")]
    Value { at: String, value: String, wanted: &'static str },
    #[error("`{at}` has {length} characters: AWS's limit is far below the {limit} that are read")]
    Long { at: String, length: usize, limit: usize },
    #[error("the wildcards of {at} overlap in too many ways to be decided exactly: ask about a narrower resource")]
    Overlap { at: String },
    #[error("{keys} unknown keys have too many combinations to be decided exactly: give a value to some of {names}")]
    Combinations { keys: usize, names: String },
}
