//! Exit codes, as scripts rely on them.

use std::process::ExitCode;

/// Why a command stopped before it was done.
#[derive(Debug)]
pub struct Stop {
    pub code: u8,
    pub error: anyhow::Error,
}

impl Stop {
    /// 2: bad usage, configuration, or a path that does not exist.
    pub fn usage(error: impl Into<anyhow::Error>) -> Stop {
        Stop { code: 2, error: error.into() }
    }

    /// 3: nothing could be read, no credentials, no network.
    pub fn failed(error: impl Into<anyhow::Error>) -> Stop {
        Stop { code: 3, error: error.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::failed(error)
    }
}

/// What a finished command answers: 1 when something reached `--fail-on`, 4 when it had blind spots under `--strict`,
/// else 0. A finding outranks a blind spot, since it is what the caller must act on.
pub fn code(found: bool, blind: bool, strict: bool) -> ExitCode {
    ExitCode::from(match (found, blind && strict) {
        (true, _) => 1,
        (false, true) => 4,
        (false, false) => 0,
    })
}
