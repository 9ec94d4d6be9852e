use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Pseudo-type of the account as a whole (contacts, password policy, account-level S3 block, …).
pub const ACCOUNT_TYPE: &str = "AWS::::Account";
/// Pseudo-type of one Region of one account (EBS defaults, …). Its verdict lines carry [`ACCOUNT_TYPE`].
pub const REGION_TYPE: &str = "AWS::::Region";

/// Where a resource was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    #[default]
    Live,
    Config,
    #[serde(rename = "cloudformation")]
    CloudFormation,
    Terraform,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Live => "live",
            Source::Config => "config",
            Source::CloudFormation => "cloudformation",
            Source::Terraform => "terraform",
        }
    }

    pub fn is_live(&self) -> bool {
        *self == Source::Live
    }

    /// A template or plan: it says what will be, so nothing that is only observed can be in it.
    pub fn is_template(self) -> bool {
        matches!(self, Source::CloudFormation | Source::Terraform)
    }
}

/// The place in a file that a resource was read from; line and column count from 1, `None` where the format has none.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    pub file: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

/// A directed link to another resource, by ARN or id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// What the link means, for example `contained-in`, `attached-to`, `encrypted-by`, `assumes`.
    pub kind: String,
    pub target: String,
}

/// One thing that exists.
///
/// `properties` has the shape of the type's CloudFormation schema whatever it was read from; what no template can hold
/// is in `observed` (`Null` when the source can't tell). Any value inside either may be an unknown marker
/// ([`crate::unknown`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// CloudFormation type name, `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type's own identifier (bucket name, instance id), or the logical id or Terraform address in a template.
    pub id: String,
    pub arn: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    pub properties: Value,
    #[serde(default)]
    pub observed: Value,
    #[serde(default)]
    pub relations: Vec<Relation>,
    /// Written only where it is not the live account, so that a list of resources is judged as what it was made from.
    #[serde(default, skip_serializing_if = "Source::is_live")]
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Resource {
    /// What a verdict line names: the ARN where there is one, else the id. Templates name the logical id or address.
    pub fn name(&self) -> &str {
        match (&self.arn, self.source.is_template()) {
            (Some(arn), false) => arn,
            _ => &self.id,
        }
    }
}

/// Something that could not be read, so that the rules that need it must say `UNKNOWN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The resource type whose listing is incomplete.
    #[serde(rename = "type")]
    pub kind: String,
    pub account: Option<String>,
    pub region: Option<String>,
    /// The IAM action that was denied or failed, `ec2:DescribeInstances`.
    pub action: String,
    /// What came back, in a few words: `AccessDenied`, `endpoint not reachable`.
    pub reason: String,
}

impl Gap {
    /// Whether things of an account may be missing by it.
    pub fn bears_on(&self, account: Option<&str>) -> bool {
        self.account.is_none() || self.account.as_deref() == account
    }
}

/// All that one reading of the evidence gave.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub resources: Vec<Resource>,
    pub gaps: Vec<Gap>,
}
