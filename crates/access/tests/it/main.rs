//! Everything that holds of the evaluator, in one binary.

#![expect(clippy::needless_pass_by_value, reason = "JSON literals read better without a borrow")]

mod ask;
mod catalogue;
mod change;
mod conditional;
mod conditions;
mod differences;
mod entries;
mod escalate;
mod estate;
mod exposure;
mod hostile;
mod insiders;
mod known;
mod laws;
mod layers;
mod lint;
mod naive;
mod ordinary;
mod overload;
mod pairs;
mod resources;
mod strangers;
mod usage;
