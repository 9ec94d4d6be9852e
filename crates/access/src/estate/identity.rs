//! Users, roles and groups, and the policies that are attached to them.

use super::{Held, last, texts};
use crate::policy::{Effect, Kind};
use crate::principal::Requester;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use yagura_model::{Resource, member, unknown_in, unknown_reason};

/// A group of users.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) account: String,
    pub(super) policies: Vec<Held>,
    /// So many of them, the first, are attached; the others are inline.
    attached: usize,
}

/// How a policy comes to somebody.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin {
    /// ARN of the group that brings it.
    group: Option<String>,
    is_inline: bool,
}

/// What of its policies somebody loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shed<'a> {
    /// ARN of the group whose policies are meant; `None`: its own are.
    pub(crate) group: Option<&'a str>,
    pub(crate) part: Part,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    All,
    /// Attached ones that hold a Deny.
    Attached,
    /// Inline ones that hold a Deny.
    Inline,
}

impl Shed<'_> {
    fn keeps(self, held: &Held, origin: &Origin) -> bool {
        let denies =
            || matches!(held, Held::Read(policy) if policy.statements.iter().any(|s| s.effect == Effect::Deny));
        origin.group.as_deref() != self.group
            || match self.part {
                Part::All => false,
                Part::Attached => origin.is_inline || !denies(),
                Part::Inline => !origin.is_inline || !denies(),
            }
    }
}

/// What is observed of a user or role and decides whether a method works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// The role is in an instance profile.
    InstanceProfile,
    /// The user has fewer than two access keys, which is all that AWS lets one have.
    SpareAccessKey,
    /// Nor an MFA device, which the console would ask for.
    NoPassword,
    PasswordWithoutMfa,
}

/// The traits of which an inventory tells, each with whether it holds.
fn traits(resource: &Resource) -> BTreeMap<Trait, bool> {
    let count = |name: &str| {
        let list = member(&resource.observed, name);
        if unknown_in(list).is_some() { None } else { list.as_array().map(Vec::len) }
    };
    let password = member(&resource.observed, "PasswordEnabled").as_bool();
    // A device is in the way of whoever has the password only.
    let signs_in = |password: Option<bool>| match (password, count("MfaDevices")) {
        (Some(false), _) => Some(false),
        (_, Some(n)) if n > 0 => Some(false),
        (Some(true), Some(_)) => Some(true),
        _ => None,
    };
    let told = match resource.kind.as_str() {
        "AWS::IAM::Role" => vec![(Trait::InstanceProfile, count("InstanceProfiles").map(|n| n > 0))],
        _ => vec![
            (Trait::SpareAccessKey, count("AccessKeys").map(|n| n < 2)),
            (Trait::NoPassword, signs_in(password.map(|has| !has))),
            (Trait::PasswordWithoutMfa, signs_in(password)),
        ],
    };
    told.into_iter().filter_map(|(name, holds)| Some((name, holds?))).collect()
}

/// A user or role.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub(super) who: Requester,
    pub(crate) account: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) policies: Vec<Held>,
    /// Of each of the policies; what was added to them later has none.
    origins: Vec<Origin>,
    pub(super) boundary: Option<Held>,
    /// ARNs of the customer managed policies that are attached, and of the groups it is in.
    pub(crate) attached: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) traits: BTreeMap<Trait, bool>,
}

/// The type of the policies that AWS manages, whose documents only a live account tells.
const AWS_MANAGED: &str = "AWS::::ManagedPolicy";

/// The one AWS managed policy that everybody knows and whose document never changed, for evidence without documents
/// (`docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html`).
const ADMINISTRATOR: &str = ":iam::aws:policy/AdministratorAccess";

fn boundary(value: &Json, managed: &Managed) -> Option<Held> {
    match (value.as_str(), unknown_reason(value)) {
        (Some(arn), _) => Some(managed.get(arn)),
        (None, Some(reason)) => Some(Held::Unread(format!("permissions boundary ({reason})"))),
        (None, None) if value.is_null() => None,
        (None, None) => Some(Held::Unread("permissions boundary (no ARN)".to_owned())),
    }
}

/// Managed policies by ARN.
pub(crate) struct Managed(BTreeMap<String, Held>);

impl Managed {
    pub fn of<'a>(resources: impl Iterator<Item = &'a Resource>) -> Managed {
        let documents = resources.filter_map(|r| {
            let arn = r.arn.as_deref().filter(|_| r.kind == "AWS::IAM::ManagedPolicy" || r.kind == AWS_MANAGED)?;
            Some((arn.to_owned(), Held::of(member(&r.properties, "PolicyDocument"), last(arn), Kind::Identity)))
        });
        Managed(documents.collect())
    }

    fn get(&self, arn: &str) -> Held {
        match self.0.get(arn) {
            Some(held) => held.clone(),
            None if arn.ends_with(ADMINISTRATOR) => {
                let document = serde_json::json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
                Held::of(&document, last(arn), Kind::Identity)
            }
            None => Held::Unread(arn.to_owned()),
        }
    }

    /// Everything attached to a user, group or role; `before` goes before the names of its policies.
    pub fn attached(&self, resource: &Resource, before: &str) -> Vec<Held> {
        let mut held: Vec<Held> =
            texts(member(&resource.properties, "ManagedPolicyArns")).map(|arn| self.get(arn)).collect();
        let inline = member(&resource.properties, "Policies").as_array().into_iter().flatten();
        held.extend(inline.map(|policy| {
            let name = policy["PolicyName"].as_str().unwrap_or("inline");
            Held::of(&policy["PolicyDocument"], &format!("{before}{name}"), Kind::Identity)
        }));
        for (property, what) in [("ManagedPolicyArns", "attached policies"), ("Policies", "inline policies")] {
            let value = member(&resource.properties, property);
            if let Some(reason) = unknown_in(value) {
                held.push(Held::Unread(format!("{before}{what} ({reason})")));
            } else if !value.is_null() && !value.is_array() {
                held.push(Held::Unread(format!("{before}{what} (no list)")));
            }
        }
        held
    }
}

/// The groups of an inventory.
pub(super) fn groups<'a>(resources: impl Iterator<Item = &'a Resource>, managed: &Managed) -> BTreeMap<String, Group> {
    let groups = resources.filter(|r| r.kind == "AWS::IAM::Group");
    groups
        .filter_map(|r| {
            let (arn, account) = (r.arn.clone()?, r.account.clone()?);
            let policies = managed.attached(r, &format!("{}/", last(&arn)));
            let attached = texts(member(&r.properties, "ManagedPolicyArns")).count();
            Some((arn, Group { account, policies, attached }))
        })
        .collect()
}

/// The groups' ARNs by account and name.
pub(super) fn by_name(groups: &BTreeMap<String, Group>) -> BTreeMap<(&str, &str), &str> {
    groups.iter().map(|(arn, group)| ((group.account.as_str(), last(arn)), arn.as_str())).collect()
}

impl Identity {
    /// A user or role; `None` for anything else.
    pub fn of(
        resource: &Resource,
        managed: &Managed,
        groups: &BTreeMap<String, Group>,
        names: &BTreeMap<(&str, &str), &str>,
    ) -> Option<Identity> {
        let is_user = resource.kind == "AWS::IAM::User";
        if !is_user && resource.kind != "AWS::IAM::Role" {
            return None;
        }
        let (account, properties) = (resource.account.clone()?, &resource.properties);
        let mut policies = managed.attached(resource, "");
        let attached = texts(member(properties, "ManagedPolicyArns")).count();
        let own = |place| Origin { group: None, is_inline: place >= attached };
        let mut origins: Vec<Origin> = (0..policies.len()).map(own).collect();
        let mut joined = Vec::new();
        for name in texts(member(properties, "Groups")).filter(|_| is_user) {
            match names.get(&(account.as_str(), name)).and_then(|arn| groups.get_key_value(*arn)) {
                Some((arn, group)) => {
                    policies.extend(group.policies.iter().cloned());
                    let theirs = |place| Origin { group: Some(arn.clone()), is_inline: place >= group.attached };
                    origins.extend((0..group.policies.len()).map(theirs));
                    joined.push(arn.clone());
                }
                None => {
                    policies.push(Held::Unread(format!("group {name}")));
                    origins.push(Origin { group: None, is_inline: true });
                }
            }
        }
        if let Some(reason) = unknown_in(member(properties, "Groups")) {
            policies.push(Held::Unread(format!("groups ({reason})")));
        }
        let boundary = boundary(member(properties, "PermissionsBoundary"), managed);
        let own = texts(member(properties, "ManagedPolicyArns")).filter(|arn| !arn.contains(":iam::aws:"));
        let attached = own.map(str::to_owned).collect();
        let who = Requester::read(resource.arn.as_deref()?).ok()?;
        Some(Identity {
            who,
            account,
            tags: resource.tags.clone(),
            policies,
            origins,
            boundary,
            attached,
            groups: joined,
            traits: traits(resource),
        })
    }

    /// The policies that are left once some are lost.
    pub(super) fn after(&self, shed: Option<Shed<'_>>) -> impl Iterator<Item = &Held> {
        let kept = move |(place, held): &(usize, &Held)| match (shed, self.origins.get(*place)) {
            (Some(shed), Some(origin)) => shed.keeps(held, origin),
            _ => true,
        };
        self.policies.iter().enumerate().filter(kept).map(|(_, held)| held)
    }
}
