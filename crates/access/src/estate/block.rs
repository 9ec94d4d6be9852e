//! S3's block of public access, where it takes away what a bucket's policy gives.
//!
//! With `IgnorePublicAcls` of the account, an access control list lets in nobody but those it names; the bucket's own is
//! known to whatever writes the list as a policy, named `acl`. With `RestrictPublicBuckets`, of the bucket or of its account,
//! a public policy lets in nobody but AWS's services and the owner's own principals
//! (`docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html`).

use super::{Estate, Guard, Held, object::Lists};
use crate::outside::{Zone, is_public};
use crate::policy::{Effect, Kind, Policy, Statement};
use crate::principal::{Entry, Principals};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc};
use yagura_model::{ACCOUNT_TYPE, Resource, member, unknown_reason};

const RESTRICT: &str = "RestrictPublicBuckets";
const UNSEEN: &str = "s3:GetAccountPublicAccessBlock";

/// Adds to each bucket's policies what its block denies, takes from them what it ignores, and notes whom lists of its objects
/// may let in.
pub(super) fn restrict(estate: &mut Estate, all: &[(&Resource, Option<&Guard>)]) {
    let accounts: BTreeMap<&str, &Json> = all
        .iter()
        .map(|(resource, _)| *resource)
        .filter(|r| r.kind == ACCOUNT_TYPE)
        .filter_map(|r| Some((r.account.as_deref()?, member(&r.observed, "S3PublicAccessBlock"))))
        .collect();
    for (resource, guard) in all {
        let Some(Guard { arn, .. }) = guard else { continue };
        let block = resource.account.as_deref().and_then(|account| accounts.get(account).copied());
        if let Some(lists) = Lists::of(resource, block) {
            estate.lists.insert(arn.clone(), lists);
        }
        let is_s3 = resource.kind == "AWS::S3::Bucket" || resource.kind == "AWS::S3::AccessPoint";
        let Some(guarded) = estate.guarded.get_mut(arn).filter(|_| is_s3) else { continue };
        if !guarded.policies.iter().any(names_anyone) {
            continue;
        }
        if accounts.get(guarded.account.as_str()).is_some_and(|block| block["IgnorePublicAcls"] == json!(true)) {
            guarded.policies.iter_mut().for_each(without_public_lists);
            estate.lists_ignored.insert(arn.clone());
        }
        let own = member(&resource.properties, "PublicAccessBlockConfiguration");
        let blocks: Vec<&Json> = accounts.get(guarded.account.as_str()).copied().into_iter().chain([own]).collect();
        let is_restricted = blocks.iter().any(|block| block[RESTRICT] == json!(true));
        // A scan of some services may not have kept the account's block; files never tell it.
        let unseen = resource.source.is_live() && !accounts.contains_key(guarded.account.as_str());
        let told = blocks.iter().find_map(|block| unknown_reason(block).or_else(|| unknown_reason(&block[RESTRICT])));
        let unknown = told.or(unseen.then_some(UNSEEN));
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
    policy.statements.iter().any(lets_in_anyone)
}

fn lets_in_anyone(statement: &Statement) -> bool {
    let anyone = match &statement.principals {
        Principals::These(entries) => entries.contains(&Entry::Anyone),
        Principals::NotThese(_) => true,
        Principals::Attached | Principals::Nobody => false,
    };
    anyone && statement.effect == Effect::Allow
}

/// Takes away what an access control list gives to one of S3's groups.
fn without_public_lists(held: &mut Held) {
    if let Held::Read(policy) = held {
        let left = policy.statements.iter().filter(|s| !is_public_list(s)).cloned();
        *held = Held::Read(Arc::new(Policy { statements: left.collect() }));
    }
}

/// Whether a statement stands for what an access control list gives to everyone.
pub(crate) fn is_public_list(statement: &Statement) -> bool {
    statement.label.starts_with("acl/") && lets_in_anyone(statement)
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
