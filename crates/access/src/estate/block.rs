//! S3's block of public access, where it takes away what a bucket's policy gives.
//!
//! With `RestrictPublicBuckets`, of the bucket or of its account, a public policy lets in nobody but AWS's services and the
//! owner's own principals (`docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html`).
//! `IgnorePublicAcls` is the affair of the resource's own policies, which then have no access control list.

use super::{Estate, Held};
use crate::outside::{Zone, is_public};
use crate::policy::{Effect, Kind};
use crate::principal::{Entry, Principals};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use yagura_model::{ACCOUNT_TYPE, Resource, unknown_reason};

const RESTRICT: &str = "RestrictPublicBuckets";

/// Adds to each bucket's policies what its block denies.
pub(super) fn restrict(estate: &mut Estate, resources: &[Resource]) {
    let accounts: BTreeMap<&str, &Json> = resources
        .iter()
        .filter(|r| r.kind == ACCOUNT_TYPE)
        .map(|r| (r.id.as_str(), &r.observed["S3PublicAccessBlock"]))
        .collect();
    for resource in resources.iter().filter(|r| r.kind == "AWS::S3::Bucket" || r.kind == "AWS::S3::AccessPoint") {
        let Some(guarded) = resource.arn.as_ref().and_then(|arn| estate.guarded.get_mut(arn)) else { continue };
        if !guarded.policies.iter().any(names_anyone) {
            continue;
        }
        let own = &resource.properties["PublicAccessBlockConfiguration"];
        let blocks: Vec<&Json> = accounts.get(guarded.account.as_str()).copied().into_iter().chain([own]).collect();
        let is_restricted = blocks.iter().any(|block| block[RESTRICT] == json!(true));
        let unknown =
            blocks.iter().find_map(|block| unknown_reason(block).or_else(|| unknown_reason(&block[RESTRICT])));
        let zone = Zone { owner: guarded.account.clone(), ..Zone::default() };
        let is_public = guarded.policies.iter().map(|held| match held {
            Held::Read(policy) => is_public(policy, &zone).ok(),
            Held::Unread(_) | Held::Doubt(_) => None,
        });
        let is_public: Vec<Option<bool>> = is_public.collect();
        let denial = match (is_restricted, unknown, is_public.contains(&Some(true)), is_public.contains(&None)) {
            (true, _, true, _) => Held::of(&denial(&guarded.account), "block-public-access", Kind::Resource),
            (true, _, false, true) => Held::Doubt(format!("{RESTRICT} (whether the policy is public)")),
            (false, Some(reason), true, _) | (false, Some(reason), false, true) => {
                Held::Doubt(format!("{RESTRICT} ({reason})"))
            }
            _ => continue,
        };
        guarded.policies.push(denial);
    }
}

/// Whether a policy has an Allow for everybody, without which none is public.
fn names_anyone(held: &Held) -> bool {
    let Held::Read(policy) = held else { return false };
    policy.statements.iter().filter(|s| s.effect == Effect::Allow).any(|s| match &s.principals {
        Principals::These(entries) => entries.contains(&Entry::Anyone),
        Principals::NotThese(_) => true,
        Principals::Attached | Principals::Nobody => false,
    })
}

fn denial(owner: &str) -> Json {
    json!({"Statement": {
        "Sid": RESTRICT, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:PrincipalAccount": owner},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }})
}
