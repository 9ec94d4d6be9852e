//! EC2 instances that give away their role's credentials to whoever makes something on them send a plain request: the
//! Internet reaches them, and their metadata service asks for no session token
//! (`docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html`).
//!
//! Reached is a running instance with a network interface that has a public address and a security group which lets the
//! whole Internet in. Routes, network ACLs and load balancers are not looked at. What is not known never counts as closed.

use super::texts;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use yagura_model::{AddressRange, Resource, member, unknown_in, unknown_reason, unknown_within};

/// Ports behind which sits nothing that sends requests for others: SSH and RDP.
const BARE: [i64; 2] = [22, 3389];

/// What an inventory tells of a thing that may hold: a reason says why it is not known.
type Known = Result<bool, String>;

/// Both; whatever is known not to hold decides.
fn and(one: Known, other: Known) -> Known {
    match (one, other) {
        (Ok(false), _) | (_, Ok(false)) => Ok(false),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
        _ => Ok(true),
    }
}

/// Either; whatever is known to hold decides.
fn or(one: Known, other: Known) -> Known {
    match (one, other) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
        _ => Ok(false),
    }
}

/// Whether something holds by a value; what is marked as not known tells why.
fn told(value: &Json, holds: impl FnOnce(&Json) -> Known) -> Known {
    unknown_within(value).map_or_else(|| holds(value), |reason| Err(reason.to_owned()))
}

/// An instance that hands out a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenInstance {
    pub arn: String,
    /// Instance and security group that let the Internet in.
    pub opened_by: String,
    /// Why it is not known whether it is open.
    pub doubt: Option<String>,
}

/// The open instances of an inventory.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenInstances {
    /// By the ARN of the role, those of which it is known first.
    of: BTreeMap<String, Vec<OpenInstance>>,
    /// Why it is not known of some whose role they hand out.
    untold: BTreeSet<String>,
}

/// What instances refer to.
struct Surroundings<'a> {
    /// Roles' ARNs by account and profile; a profile holds one.
    profiles: HashMap<(&'a str, &'a str), &'a str>,
    /// Why it is not known of an account's roles in which profiles they are.
    unprofiled: HashMap<&'a str, String>,
    groups: HashMap<&'a str, &'a Json>,
    lists: HashMap<&'a str, &'a Json>,
}

impl OpenInstances {
    pub fn of<'a>(resources: impl Iterator<Item = &'a Resource> + Clone) -> OpenInstances {
        let real = resources.filter(|resource| !resource.source.is_template());
        let around = Surroundings::of(real.clone());
        let mut open = OpenInstances::default();
        for instance in real.filter(|resource| resource.kind == "AWS::EC2::Instance") {
            let (Some(account), Some(arn)) = (instance.account.as_deref(), &instance.arn) else { continue };
            let Some((group, reached)) = around.reached(instance) else { continue };
            let doubt = match and(and(is_running(instance), answers_plainly(instance)), reached) {
                Ok(false) => continue,
                Ok(true) => None,
                Err(reason) => Some(reason),
            };
            match around.role(instance, account) {
                Ok(None) => {}
                Ok(Some(role)) => open.of.entry(role.to_owned()).or_default().push(OpenInstance {
                    arn: arn.clone(),
                    opened_by: format!("{}/{group}", instance.id),
                    doubt,
                }),
                Err(reason) => _ = open.untold.insert(format!("{} ({reason})", instance.id)),
            }
        }
        open.of.values_mut().for_each(|instances| instances.sort_by_key(|instance| instance.doubt.is_some()));
        open
    }

    pub fn of_role(&self, role: &str) -> &[OpenInstance] {
        self.of.get(role).map_or(&[], Vec::as_slice)
    }

    pub fn untold(&self) -> &BTreeSet<String> {
        &self.untold
    }
}

impl<'a> Surroundings<'a> {
    fn of(resources: impl Iterator<Item = &'a Resource>) -> Surroundings<'a> {
        let (profiles, unprofiled) = (HashMap::new(), HashMap::new());
        let mut around = Surroundings { profiles, unprofiled, groups: HashMap::new(), lists: HashMap::new() };
        for resource in resources {
            match (&*resource.kind, resource.account.as_deref(), resource.arn.as_deref()) {
                ("AWS::IAM::Role", Some(account), Some(arn)) => {
                    let told = member(&resource.observed, "InstanceProfiles");
                    around.profiles.extend(texts(told).map(|profile| ((account, profile), arn)));
                    let reason =
                        unknown_in(told).or((!told.is_array()).then_some("iam:GetAccountAuthorizationDetails"));
                    if let Some(reason) = reason {
                        around.unprofiled.insert(account, reason.to_owned());
                    }
                }
                ("AWS::EC2::SecurityGroup", ..) => {
                    around.groups.insert(&resource.id, member(&resource.properties, "SecurityGroupIngress"));
                }
                ("AWS::EC2::PrefixList", ..) => {
                    around.lists.insert(&resource.id, member(&resource.properties, "Entries"));
                }
                _ => {}
            }
        }
        around
    }

    /// The role that an instance hands out; `None`: it has none.
    fn role(&self, instance: &Resource, account: &str) -> Result<Option<&'a str>, String> {
        let profile = member(&instance.properties, "IamInstanceProfile");
        match (profile.as_str(), unknown_reason(profile)) {
            (_, Some(reason)) => Err(reason.to_owned()),
            (None | Some(""), None) => Ok(None),
            (Some(profile), None) => match (self.profiles.get(&(account, profile)), self.unprofiled.get(account)) {
                (Some(role), _) => Ok(Some(role)),
                (None, Some(reason)) => Err(reason.clone()),
                // A profile can be empty.
                (None, None) => Ok(None),
            },
        }
    }

    /// A security group that lets the Internet in at a public address, and whether that is known; one of which it is known
    /// before others. `None`: none does.
    fn reached(&self, instance: &Resource) -> Option<(String, Known)> {
        let properties = &instance.properties;
        let interfaces = member(properties, "NetworkInterfaces");
        let of_instance = || {
            let address = told(member(&instance.observed, "PublicIpAddress"), |v4| Ok(v4.is_string()));
            self.lets_in(member(properties, "SecurityGroupIds"), &address, &Ok(false))
        };
        let mut found = Vec::new();
        match (interfaces.as_array(), unknown_reason(interfaces)) {
            (_, Some(reason)) => found.push((String::new(), Err(reason.to_owned()))),
            (Some(list), None) if !list.is_empty() => found.extend(list.iter().filter_map(|interface| {
                let v4 = told(member(interface, "AssociatePublicIpAddress"), |v4| Ok(*v4 == true));
                let has = |v6: &Json| Ok(v6.as_array().is_some_and(|list| !list.is_empty()));
                let v6 = told(member(interface, "Ipv6Addresses"), has);
                self.lets_in(member(interface, "GroupSet"), &v4, &v6)
            })),
            _ => found.extend(of_instance()),
        }
        found.sort_by_key(|(_, known)| known.is_err());
        found.into_iter().next()
    }

    /// The first of some groups that lets the Internet in at an address of a family that there is.
    fn lets_in(&self, ids: &Json, v4: &Known, v6: &Known) -> Option<(String, Known)> {
        if let Some(reason) = unknown_in(ids) {
            let has = or(v4.clone(), v6.clone());
            return (has != Ok(false)).then(|| (String::new(), Err(reason.to_owned())));
        }
        let mut doubtful = None;
        for id in texts(ids) {
            let rules = self.groups.get(id).copied().unwrap_or(&Json::Null);
            let opens = match (rules.as_array(), unknown_reason(rules)) {
                (_, Some(reason)) => Err(reason.to_owned()),
                (None, None) => Err("ec2:DescribeSecurityGroups".to_owned()),
                (Some(rules), None) => {
                    let open = |name: &str, has: &Known| {
                        let opens = |rule: &Json| and(may_serve(rule), self.is_world(rule, name));
                        let opens = rules.iter().map(opens).fold(Ok(false), or);
                        and(has.clone(), opens)
                    };
                    or(open("CidrIp", v4), open("CidrIpv6", v6))
                }
            };
            match and(opens, or(v4.clone(), v6.clone())) {
                Ok(false) => {}
                Ok(true) => return Some((id.to_owned(), Ok(true))),
                unsure => doubtful = doubtful.or(Some((id.to_owned(), unsure))),
            }
        }
        doubtful
    }

    /// Whether a rule lets in the whole Internet by a range of its own, or by a prefix list.
    fn is_world(&self, rule: &Json, name: &str) -> Known {
        if let Some(reason) = unknown_reason(rule) {
            return Err(reason.to_owned());
        }
        let is_of_family = |range: &AddressRange| range.is_ipv6() == (name == "CidrIpv6");
        let world = |value: &Json| match value.as_str().map(|text| (text, AddressRange::parse(text))) {
            None => Ok(false),
            Some((_, Some(range))) => Ok(is_of_family(&range) && range.is_world()),
            Some((text, None)) => Err(format!("`{}` is no address range", text.chars().take(50).collect::<String>())),
        };
        let listed = |list: &Json| match list.as_str().map(|id| (id, self.lists.get(id).and_then(|e| e.as_array()))) {
            None => Ok(false),
            Some((_, Some(entries))) => {
                entries.iter().map(|entry| told(member(entry, "Cidr"), world)).fold(Ok(false), or)
            }
            Some((id, None)) => Err(format!("ec2:GetManagedPrefixListEntries ({id})")),
        };
        or(told(member(rule, name), world), told(member(rule, "SourcePrefixListId"), listed))
    }
}

/// Whether something that sends requests for others can sit behind a rule.
fn may_serve(rule: &Json) -> Known {
    let protocol = rule["IpProtocol"].as_str().unwrap_or("-1");
    if protocol.starts_with("icmp") || matches!(protocol, "1" | "58") {
        return Ok(false);
    }
    if let Some(reason) = ["IpProtocol", "FromPort", "ToPort"].iter().find_map(|name| unknown_reason(&rule[*name])) {
        return Err(reason.to_owned());
    }
    let port = |name: &str| rule[name].as_i64();
    let bare = port("FromPort").filter(|from| port("ToPort") == Some(*from)).is_some_and(|port| BARE.contains(&port));
    Ok(!bare)
}

/// Whether an instance runs. One that doesn't has nothing to send.
fn is_running(instance: &Resource) -> Known {
    let runs = |state: &Json| Ok(state.as_str().is_none_or(|state| matches!(state, "running" | "pending")));
    told(member(&instance.observed, "State"), runs)
}

/// Whether the metadata service answers a request without a session token.
fn answers_plainly(instance: &Resource) -> Known {
    let options = member(&instance.properties, "MetadataOptions");
    // What isn't told is as the image or the account has it.
    let is = |open: &str, value: &Json| match value.as_str() {
        Some(value) => Ok(value == open),
        None => Err("ec2:DescribeInstances".to_owned()),
    };
    let endpoint = told(member(options, "HttpEndpoint"), |value| is("enabled", value));
    and(endpoint, told(member(options, "HttpTokens"), |value| is("optional", value)))
}
