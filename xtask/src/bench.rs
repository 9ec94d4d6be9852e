//! Measures; every figure is a ratio within one run, or names the machine's cores.

use crate::shell::{self, cargo};
use anyhow::Result;

/// # Errors
/// When the measured program fails.
pub fn run(args: &[String]) -> Result<()> {
    shell::run(cargo(&["run", "--release", "--quiet", "--package", "yagura", "--bin", "yagura-bench", "--"]).args(args))
}
