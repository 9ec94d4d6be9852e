//! The rule language: CEL over resources. [`compile`] turns the parsed text into nodes with everything static resolved
//! (variables, property paths, functions, patterns) and checks paths against the type's shape; [`eval`] runs them.

mod call;
mod compile;
mod eval;
mod fold;
mod kind;
mod macros;
mod node;
mod operator;
mod trace;
mod value;

pub use compile::{Program, compile};
pub use eval::Eval;
pub use trace::Evidence;
pub use value::{Items, NOWHERE, Read, Val};
