//! EC2 instances that give away their role's credentials to whoever makes something on them send a plain request: the
//! Internet reaches them, and their metadata service asks for no session token
//! (`docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html`).
//!
//! Reached is an instance with a public address whose security group lets the whole Internet in. Routes, network ACLs
//! and load balancers are not looked at.

use super::texts;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use yagura_model::{AddressRange, Resource, member, unknown_in, unknown_reason};

/// An instance that hands out a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenInstance {
    pub arn: String,
    /// Instance and security group that let the Internet in.
    pub opened_by: String,
    /// Why it is not known whether it is open.
    pub doubt: Option<String>,
}

/// The open instances of each role, by the role's ARN.
pub(super) fn open<'a>(resources: impl Iterator<Item = &'a Resource> + Clone) -> BTreeMap<String, Vec<OpenInstance>> {
    let real = resources.filter(|resource| !resource.source.is_template());
    // A profile holds one role.
    let mut roles: HashMap<(&str, &str), &str> = HashMap::new();
    let mut groups: HashMap<&str, &Json> = HashMap::new();
    for resource in real.clone() {
        match (&*resource.kind, resource.account.as_deref(), resource.arn.as_deref()) {
            ("AWS::IAM::Role", Some(account), Some(arn)) => {
                let profiles = texts(member(&resource.observed, "InstanceProfiles"));
                roles.extend(profiles.map(|profile| ((account, profile), arn)));
            }
            ("AWS::EC2::SecurityGroup", ..) => {
                groups.insert(&resource.id, member(&resource.properties, "SecurityGroupIngress"));
            }
            _ => {}
        }
    }
    let mut open: BTreeMap<String, Vec<OpenInstance>> = BTreeMap::new();
    for instance in real.filter(|resource| resource.kind == "AWS::EC2::Instance") {
        let (Some(account), Some(arn)) = (instance.account.as_deref(), &instance.arn) else { continue };
        let profile = member(&instance.properties, "IamInstanceProfile").as_str().unwrap_or_default();
        let Some(role) = roles.get(&(account, profile)) else { continue };
        let metadata = answers_plainly(instance);
        let Some((group, reached)) = let_in(instance, &groups) else { continue };
        if metadata == Ok(false) {
            continue;
        }
        open.entry((*role).to_owned()).or_default().push(OpenInstance {
            arn: arn.clone(),
            opened_by: format!("{}/{group}", instance.id),
            doubt: metadata.err().or(reached).map(str::to_owned),
        });
    }
    open
}

/// Whether the metadata service answers a request without a session token; an error says what would have told.
fn answers_plainly(instance: &Resource) -> Result<bool, &str> {
    let options = member(&instance.properties, "MetadataOptions");
    let told = [("HttpEndpoint", "enabled"), ("HttpTokens", "optional")];
    let told = told.map(|(name, open)| {
        let value = member(options, name);
        match (unknown_reason(value), value.as_str()) {
            (Some(reason), _) => Err(reason),
            (None, Some(value)) => Ok(value == open),
            // What isn't told is as the image or the account has it.
            (None, None) => Err("ec2:DescribeInstances"),
        }
    });
    match told {
        [Ok(false), _] | [_, Ok(false)] => Ok(false),
        [Err(reason), _] | [_, Err(reason)] => Err(reason),
        [Ok(true), Ok(true)] => Ok(true),
    }
}

/// The security group that lets the Internet in at a public address of an instance, and why that is not known; a group of
/// which it is known before others. `None`: none does.
fn let_in<'a>(instance: &'a Resource, groups: &HashMap<&str, &'a Json>) -> Option<(&'a str, Option<&'a str>)> {
    let v4 = member(&instance.observed, "PublicIpAddress");
    let unsure = unknown_reason(v4);
    let has_v4 = v4.is_string() || unsure.is_some();
    let v6 = member(&instance.observed, "Ipv6Addresses");
    let has_v6 = texts(v6).next().is_some();
    let ids = member(&instance.properties, "SecurityGroupIds");
    let mut doubtful = None;
    for id in texts(ids) {
        let rules = match groups.get(id) {
            Some(rules) => *rules,
            None if has_v4 || has_v6 => {
                doubtful = doubtful.or(Some((id, Some("ec2:DescribeSecurityGroups"))));
                continue;
            }
            None => continue,
        };
        let opens = |rule: &Json| {
            [("CidrIp", has_v4), ("CidrIpv6", has_v6)].into_iter().any(|(name, has)| {
                has && rule[name].as_str().and_then(AddressRange::parse).is_some_and(AddressRange::is_world)
            })
        };
        if rules.as_array().is_some_and(|rules| rules.iter().any(opens)) {
            return Some((id, unsure));
        }
        if let Some(reason) = unknown_in(rules).filter(|_| has_v4 || has_v6) {
            doubtful = doubtful.or(Some((id, Some(reason))));
        }
    }
    doubtful
}
