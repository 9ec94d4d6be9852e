use crate::{Severity, Text};

/// Whether a match is worth a person's minute on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DetectionKind {
    Alert,
    Signal,
}

impl DetectionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            DetectionKind::Alert => "alert",
            DetectionKind::Signal => "signal",
        }
    }
}

/// One finding line of `hunt` and `ingest`: all matches of a detection by one principal on one target in one UTC day.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The detection's id (a file's stem, or a foreign Sigma rule's `id`).
    pub detection: String,
    pub kind: DetectionKind,
    pub title: Text,
    pub severity: Severity,
    /// First and last event, RFC 3339 UTC as CloudTrail writes it.
    pub time: String,
    pub last_time: String,
    pub account: Option<String>,
    pub region: Option<String>,
    pub principal: Option<String>,
    pub session: Option<String>,
    pub target: Option<String>,
    pub source_ip: Option<String>,
    /// Distinct events.
    pub count: u64,
    /// Sorted by (time, id), at most 1,000.
    pub event_ids: Vec<String>,
    pub truncated: bool,
    pub guardduty: Vec<String>,
    pub attack: Vec<String>,
}
