//! Who an inventory holds and what they hold: principals with their policies, resources with theirs.
//!
//! What could not be read is kept as that, by name: an answer that could hang on it is no answer.

mod allowed;
mod ask;

pub(crate) use allowed::{Expanded, allowed_everywhere};
pub use ask::{Asked, Permission, Told};
pub(crate) use ask::{Change, Wish};

use crate::policy::{Kind, Policy};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{Arn, Resource, unknown_reason};

/// All principals and resources of an inventory, by ARN.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    pub(crate) identities: BTreeMap<String, Identity>,
    pub(crate) groups: BTreeMap<String, Group>,
    guarded: BTreeMap<String, Guarded>,
    /// Functions by ARN, each with its role's ARN.
    pub(crate) functions: BTreeMap<String, String>,
}

/// A group of users.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) account: String,
    policies: Vec<Held>,
}

/// A user or role.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) account: String,
    tags: BTreeMap<String, String>,
    policies: Vec<Held>,
    boundary: Option<Held>,
    /// ARNs of the customer managed policies that are attached, and of the groups it is in.
    pub(crate) attached: Vec<String>,
    pub(crate) groups: Vec<String>,
}

/// A resource of which it is known what policies it has.
#[derive(Clone, Debug)]
struct Guarded {
    account: String,
    tags: BTreeMap<String, String>,
    policies: Vec<Held>,
}

/// A document, or the name of one that could not be read.
#[derive(Clone, Debug)]
enum Held {
    Read(Arc<Policy>),
    Unread(String),
}

impl Held {
    fn of(document: &Json, name: &str, kind: Kind) -> Held {
        match unknown_reason(document) {
            Some(reason) => Held::Unread(format!("{name} ({reason})")),
            None => match Policy::read(document, name, kind, name) {
                Ok(policy) => Held::Read(Arc::new(policy)),
                Err(error) => Held::Unread(format!("{name} ({error})")),
            },
        }
    }
}

/// The type of the policies that AWS manages, whose documents only a live account tells.
const AWS_MANAGED: &str = "AWS::::ManagedPolicy";

/// The one AWS managed policy that everybody knows and whose document never changed, for evidence without documents
/// (`docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html`).
const ADMINISTRATOR: &str = ":iam::aws:policy/AdministratorAccess";

impl Estate {
    /// Reads an inventory; `policies_of` gives the policies that say who may do what to a resource, by name, and `None` if
    /// resources of its type can have none.
    pub fn of(resources: &[Resource], policies_of: impl Fn(&Resource) -> Option<Vec<(String, Json)>>) -> Estate {
        let managed = Managed::of(resources);
        let mut estate = Estate { groups: groups(resources, &managed), ..Estate::default() };
        for resource in resources {
            let (Some(arn), Some(account)) = (&resource.arn, &resource.account) else { continue };
            let (account, tags) = (account.clone(), resource.tags.clone());
            let is_user = resource.kind == "AWS::IAM::User";
            if is_user || resource.kind == "AWS::IAM::Role" {
                let mut policies = managed.attached(resource, "");
                let mut groups = Vec::new();
                for name in texts(&resource.properties["Groups"]).filter(|_| is_user) {
                    let ends = format!("/{name}");
                    let is = |(arn, group): &(&String, &Group)| group.account == account && arn.ends_with(&ends);
                    match estate.groups.iter().find(is) {
                        Some((arn, group)) => {
                            policies.extend(group.policies.iter().cloned());
                            groups.push(arn.clone());
                        }
                        None => policies.push(Held::Unread(format!("group {name}"))),
                    }
                }
                if let Some(reason) = unknown_reason(&resource.properties["Groups"]) {
                    policies.push(Held::Unread(format!("groups ({reason})")));
                }
                let boundary = boundary(&resource.properties["PermissionsBoundary"], &managed);
                let attached = texts(&resource.properties["ManagedPolicyArns"])
                    .filter(|arn| !arn.contains(":iam::aws:"))
                    .map(str::to_owned)
                    .collect();
                let (account, tags) = (account.clone(), tags.clone());
                let identity = Identity { account, tags, policies, boundary, attached, groups };
                estate.identities.insert(arn.clone(), identity);
            }
            if let ("AWS::Lambda::Function", Some(role)) = (&*resource.kind, resource.properties["Role"].as_str()) {
                estate.functions.insert(arn.clone(), role.to_owned());
            }
            if let Some(policies) = policies_of(resource) {
                let policies = policies.iter().map(|(name, policy)| Held::of(policy, name, Kind::Resource)).collect();
                estate.guarded.insert(arn.clone(), Guarded { account, tags, policies });
            }
        }
        estate
    }

    /// The users and roles.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.identities.keys().map(String::as_str)
    }

    /// The resource whose policy speaks of an ARN: itself, or what it lies in (a bucket's object).
    fn guard(&self, arn: &str) -> Option<(&str, &Guarded)> {
        let mut name = arn;
        loop {
            if let Some((name, guarded)) = self.guarded.get_key_value(name) {
                return Some((name, guarded));
            }
            // Roles lie in paths, not in one another.
            if Arn::parse(arn).is_none_or(|arn| arn.service == "iam") {
                return None;
            }
            name = &name[..name.rfind(['/', ':'])?];
        }
    }
}

fn boundary(value: &Json, managed: &Managed) -> Option<Held> {
    match (value.as_str(), unknown_reason(value)) {
        (Some(arn), _) => Some(managed.get(arn)),
        (None, Some(reason)) => Some(Held::Unread(format!("permissions boundary ({reason})"))),
        (None, None) => None,
    }
}

fn texts(list: &Json) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str)
}

/// Managed policies by ARN.
struct Managed(BTreeMap<String, Held>);

impl Managed {
    fn of(resources: &[Resource]) -> Managed {
        let documents = resources.iter().filter_map(|r| {
            let arn = r.arn.as_deref().filter(|_| r.kind == "AWS::IAM::ManagedPolicy" || r.kind == AWS_MANAGED)?;
            Some((arn.to_owned(), Held::of(&r.properties["PolicyDocument"], last(arn), Kind::Identity)))
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
    fn attached(&self, resource: &Resource, before: &str) -> Vec<Held> {
        let mut held: Vec<Held> = texts(&resource.properties["ManagedPolicyArns"]).map(|arn| self.get(arn)).collect();
        let inline = resource.properties["Policies"].as_array().into_iter().flatten();
        held.extend(inline.map(|policy| {
            let name = policy["PolicyName"].as_str().unwrap_or("inline");
            Held::of(&policy["PolicyDocument"], &format!("{before}{name}"), Kind::Identity)
        }));
        for (property, what) in [("ManagedPolicyArns", "attached policies"), ("Policies", "inline policies")] {
            if let Some(reason) = unknown_reason(&resource.properties[property]) {
                held.push(Held::Unread(format!("{before}{what} ({reason})")));
            }
        }
        held
    }
}

fn groups(resources: &[Resource], managed: &Managed) -> BTreeMap<String, Group> {
    let groups = resources.iter().filter(|r| r.kind == "AWS::IAM::Group");
    groups
        .filter_map(|r| {
            let (arn, account) = (r.arn.clone()?, r.account.clone()?);
            let policies = managed.attached(r, &format!("{}/", last(&arn)));
            Some((arn, Group { account, policies }))
        })
        .collect()
}

/// The name in an ARN, without its path.
pub(crate) fn last(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}
