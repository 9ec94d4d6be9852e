use crate::{Severity, Source, Text};
use serde_json::Value;

/// What a control says of a resource. Denied, unread or unknown is `Unknown`, never `Pass` or `Fail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Pass,
    Fail,
    NotApplicable,
    Unknown,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::NotApplicable => "NOT_APPLICABLE",
            Verdict::Unknown => "UNKNOWN",
        }
    }
}

impl std::str::FromStr for Verdict {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        [Verdict::Pass, Verdict::Fail, Verdict::NotApplicable, Verdict::Unknown]
            .into_iter()
            .find(|v| v.as_str() == s)
            .ok_or_else(|| format!("`{s}` is no verdict"))
    }
}

/// One verdict line of `scan` and `check`: a control applied to a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Control id, `S3.8`.
    pub control: String,
    pub verdict: Verdict,
    /// ARN, the type's own id, logical id or Terraform address; see [`crate::Resource::name`].
    pub resource: String,
    /// CloudFormation type, with Region-wide lines under `AWS::::Account`.
    pub kind: String,
    pub account: Option<String>,
    pub region: Option<String>,
    pub severity: Severity,
    pub title: Text,
    pub reason: Text,
    /// The fields that the rule read, by path, with their values.
    pub evidence: Value,
    pub source: Source,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
}
