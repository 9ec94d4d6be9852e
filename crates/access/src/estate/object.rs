//! Access control lists of single objects. No inventory holds them, so where they count, what a bucket's policy doesn't allow
//! may be allowed all the same (`docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html`).

use super::Estate;
use crate::principal::{Requester, Sort};
use serde_json::json;
use yagura_model::{Resource, member};

/// What a grant on an object allows.
const GRANTED: [&str; 6] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAcl",
    "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
];

/// Whom a bucket's objects may let in by lists of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// Those whom a list names.
    Named,
    /// Everyone, too.
    Anyone,
}

impl Lists {
    /// `None` for a bucket in which no lists count; `account` is its account's block of public access.
    pub(super) fn of(bucket: &Resource, account: Option<&serde_json::Value>) -> Option<Lists> {
        let rules = member(&bucket.properties, "OwnershipControls")["Rules"].as_array();
        let enforced = |rule: &serde_json::Value| rule["ObjectOwnership"] == "BucketOwnerEnforced";
        if bucket.kind != "AWS::S3::Bucket" || rules.is_some_and(|rules| rules.iter().any(enforced)) {
            return None;
        }
        let own = member(&bucket.properties, "PublicAccessBlockConfiguration");
        let ignores = |block: &serde_json::Value| block["IgnorePublicAcls"] == json!(true);
        Some(if ignores(own) || account.is_some_and(ignores) { Lists::Named } else { Lists::Anyone })
    }
}

impl Estate {
    /// Whether a list of its own could let a principal do to one of a bucket's objects what nothing else allows. An account's
    /// own principals need a policy of theirs whatever a list says.
    pub(super) fn may_be_listed(&self, who: &Requester, action: &str, bucket: &str) -> bool {
        let Some(lists) = self.lists.get(bucket) else { return false };
        let owner = self.guarded.get(bucket).map(|guarded| guarded.account.as_str());
        let may = match who.sort {
            Sort::Anonymous => *lists == Lists::Anyone,
            _ => who.is_of_account() && Some(who.account.as_str()) != owner,
        };
        may && GRANTED.iter().any(|granted| granted.eq_ignore_ascii_case(action))
    }
}
