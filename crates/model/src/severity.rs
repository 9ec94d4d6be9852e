use crate::Lang;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How much a finding matters, in AWS Security Hub's five labels. Ordered: `Informational < … < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 5] =
        [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The label as it stands in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The word for a person.
    pub fn word(self, lang: Lang) -> &'static str {
        let words = match lang {
            Lang::En => ["Info", "Low", "Medium", "High", "Critical"],
            Lang::Ja => ["情報", "低", "中", "高", "緊急"],
        };
        words[self as usize]
    }

    /// OCSF `severity_id` (1 informational … 5 critical).
    pub fn ocsf_id(self) -> u8 {
        self as u8 + 1
    }

    /// ASFF `Severity.Normalized` of the label (0, 1, 40, 70, 90): Security Hub user guide, "Severity".
    pub fn normalized(self) -> u8 {
        [0, 1, 40, 70, 90][self as usize]
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Severity::ALL
            .into_iter()
            .find(|v| v.as_str().eq_ignore_ascii_case(s))
            .ok_or_else(|| format!("`{s}` is no severity: use one of informational, low, medium, high, critical"))
    }
}
