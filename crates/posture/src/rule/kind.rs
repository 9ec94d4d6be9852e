//! What is known of an expression before it runs, so that a misspelt property is named when the content is loaded.

use crate::schema::Place;

/// The fields of what `related()` gives.
pub const THING_FIELDS: [&str; 7] = ["id", "arn", "region", "tags", "resource", "observed", "derived"];
/// The fields of a normalised policy statement.
pub const STATEMENT_FIELDS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing is known: everything is allowed.
    Any,
    /// A string, number or boolean: it has nothing inside.
    Scalar(&'static str),
    /// One of a few fixed strings.
    OneOf(Vec<String>),
    /// A place in a type's properties or observed facts.
    Place(Place),
    List(Box<Kind>),
    /// A resource of a type.
    Thing(String),
    /// The derived facts of a type.
    Derived(String),
    Statement,
}
