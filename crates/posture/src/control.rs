use crate::rule::Program;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{Severity, Text};

/// Makes an enum whose members are lower-case words in a control's head.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$member_doc])* $member),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$member),+];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$member => $word),+ }
            }
        }
    };
}

words!(
    /// Where a control stands on the roadmap.
    Stage {
        /// What every account needs today.
        Minimum = "minimum",
        /// What a well-run account has.
        Standard = "standard",
        Hardened = "hardened",
    }
);

words!(
    /// Which line of defence a control belongs to.
    Layer {
        Identity = "identity",
        Network = "network",
        Data = "data",
        Logging = "logging",
        Compute = "compute",
        Account = "account",
        Detection = "detection",
    }
);

words!(
    /// What the fix costs on the AWS bill.
    Cost {
        Free = "free",
        Low = "low",
        /// Grows with use.
        Usage = "usage",
    }
);

words!(
    /// How easily the fix breaks production.
    Risk {
        None = "none",
        Low = "low",
        Medium = "medium",
        High = "high",
    }
);

/// One control of the content, ready to run.
#[derive(Debug)]
pub struct Control {
    /// Security Hub's id (`S3.8`), else `CIS-5.0/1.1`, else `YG-…`.
    pub id: String,
    pub severity: Severity,
    /// The resource types it judges; most have one.
    pub resources: Vec<String>,
    pub stage: Stage,
    pub layer: Layer,
    /// Framework or tool to its names for this control: `cis-aws-5_0`, `fsbp`, `config-rule`, `prowler`, …
    pub maps: BTreeMap<String, Vec<String>>,
    pub playbook: Option<String>,
    /// How long the fix takes a person.
    pub minutes: u32,
    pub cost: Cost,
    pub risk: Risk,
    pub title: Text,
    /// Markdown: why, and how to fix it.
    pub body: Text,
    pub file: String,
    /// Reads what only a live account can tell, so it is `NOT_APPLICABLE` on a template.
    pub live_only: bool,
    /// The types of other resources that its rule looks at.
    pub looks_at: BTreeSet<String>,
    pub(crate) when: Option<Program>,
    pub(crate) rule: Program,
}

/// A control file's head as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub id: String,
    pub severity: Severity,
    pub resource: Types,
    pub stage: Stage,
    pub layer: Layer,
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<String>>,
    pub playbook: Option<String>,
    pub minutes: u32,
    pub cost: Cost,
    pub risk: Risk,
}

/// One resource type, or several that have what the rule reads in common.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Types {
    One(String),
    Several(Vec<String>),
}

impl Types {
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Types::One(kind) => vec![kind],
            Types::Several(kinds) => kinds,
        }
    }
}
