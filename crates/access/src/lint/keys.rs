//! The condition keys that any service's requests can hold, and what is known of a key.
//!
//! `docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html`, with its cross-service keys.

use super::read::View;
use crate::catalogue::{self, Key, KeyType};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Name, type, whether a request can hold several values.
const GLOBAL: [(&str, KeyType, bool); 62] = [
    ("aws:AssumedRoot", KeyType::Bool, false),
    ("aws:CalledVia", KeyType::String, true),
    ("aws:CalledViaAWSMCP", KeyType::String, false),
    ("aws:CalledViaFirst", KeyType::String, false),
    ("aws:CalledViaLast", KeyType::String, false),
    ("aws:ChatbotSourceArn", KeyType::Arn, false),
    ("aws:CurrentTime", KeyType::Date, false),
    ("aws:Ec2InstanceSourcePrivateIPv4", KeyType::Address, false),
    ("aws:Ec2InstanceSourceVpc", KeyType::String, false),
    ("aws:EpochTime", KeyType::Date, false),
    ("aws:FederatedProvider", KeyType::String, false),
    ("aws:IsMcpServiceAction", KeyType::Bool, false),
    ("aws:MultiFactorAuthAge", KeyType::Numeric, false),
    ("aws:MultiFactorAuthPresent", KeyType::Bool, false),
    ("aws:PrincipalAccount", KeyType::String, false),
    ("aws:PrincipalArn", KeyType::Arn, false),
    ("aws:PrincipalIsAWSService", KeyType::Bool, false),
    ("aws:PrincipalOrgID", KeyType::String, false),
    ("aws:PrincipalOrgPaths", KeyType::String, true),
    ("aws:PrincipalServiceName", KeyType::String, false),
    ("aws:PrincipalServiceNamesList", KeyType::String, true),
    ("aws:PrincipalTag/*", KeyType::String, false),
    ("aws:PrincipalType", KeyType::String, false),
    ("aws:Referer", KeyType::String, false),
    ("aws:RequestTag/*", KeyType::String, false),
    ("aws:RequestedRegion", KeyType::String, false),
    ("aws:ResourceAccount", KeyType::String, false),
    ("aws:ResourceOrgID", KeyType::String, false),
    ("aws:ResourceOrgPaths", KeyType::String, true),
    ("aws:ResourceTag/*", KeyType::String, false),
    ("aws:SecureTransport", KeyType::Bool, false),
    ("aws:SignInSessionArn", KeyType::Arn, false),
    ("aws:SourceAccount", KeyType::String, false),
    ("aws:SourceArn", KeyType::Arn, false),
    ("aws:SourceIdentity", KeyType::String, false),
    ("aws:SourceIp", KeyType::Address, false),
    ("aws:SourceOrgID", KeyType::String, false),
    ("aws:SourceOrgPaths", KeyType::String, true),
    ("aws:SourceOwner", KeyType::String, false),
    ("aws:SourceVpc", KeyType::String, false),
    ("aws:SourceVpcArn", KeyType::Arn, false),
    ("aws:SourceVpce", KeyType::String, false),
    ("aws:TagKeys", KeyType::String, true),
    ("aws:TokenIssueTime", KeyType::Date, false),
    ("aws:UserAgent", KeyType::String, false),
    ("aws:ViaAWSMCPService", KeyType::Bool, false),
    ("aws:ViaAWSService", KeyType::Bool, false),
    ("aws:VpcSourceIp", KeyType::Address, false),
    ("aws:VpceAccount", KeyType::String, false),
    ("aws:VpceOrgID", KeyType::String, false),
    ("aws:VpceOrgPaths", KeyType::String, true),
    ("aws:userid", KeyType::String, false),
    ("aws:username", KeyType::String, false),
    ("codebuild:BuildArn", KeyType::Arn, false),
    ("codebuild:ProjectArn", KeyType::Arn, false),
    ("ec2:RoleDelivery", KeyType::Numeric, false),
    ("ec2:SourceInstanceArn", KeyType::Arn, false),
    ("glue:CredentialIssuingService", KeyType::String, false),
    ("glue:RoleAssumedBy", KeyType::String, false),
    ("identitystore:UserId", KeyType::String, false),
    ("lambda:SourceFunctionArn", KeyType::Arn, false),
    ("ssm:SourceInstanceArn", KeyType::Arn, false),
];

/// What is known of a key.
pub enum Known {
    Global(KeyType, bool),
    /// A statement's actions set it.
    Set(KeyType, bool),
    /// Its service has it, but none of the statement's actions sets it.
    NeverSet(KeyType, bool),
    /// An identity provider's claim.
    Claim,
    /// The nearest that there is.
    Unknown(Option<String>),
}

/// Whether a key is of a name in which `*` stands for the part that authors fill in.
pub fn is_of(name: &str, key: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    match lower.split_once('*') {
        None => lower == key,
        Some((head, tail)) => key.len() > head.len() + tail.len() && key.starts_with(head) && key.ends_with(tail),
    }
}

/// What is known of a key (in lower case) of a statement.
pub fn known(key: &str, view: &View) -> Known {
    if let Some((_, kind, many)) = GLOBAL.iter().find(|(name, ..)| is_of(name, key)) {
        return Known::Global(*kind, *many);
    }
    let Some((prefix, _)) = key.split_once(':') else { return Known::Unknown(None) };
    if prefix.contains('.') || prefix == "saml" {
        return Known::Claim;
    }
    if prefix == "aws" {
        let names = GLOBAL.iter().map(|(name, ..)| *name).filter(|name| name.starts_with("aws:"));
        return Known::Unknown(nearest(key, names));
    }
    // The service of its name has nearly every key, and then no other is read.
    let own = || catalogue::keys_of_service(prefix).iter().find(|k| is_of(&k.name, key));
    let Some(Key { kind, many, name }) = own().or_else(|| EVERY.find(key)) else {
        let mut services: Vec<&str> = view.covered().iter().map(|a| a.service).collect();
        services.dedup();
        // Of everything nothing is near.
        services.truncate(10);
        services.push(prefix);
        let names = services.iter().flat_map(|s| catalogue::keys_of_service(s)).map(|k| k.name.as_str());
        return Known::Unknown(nearest(key, names));
    };
    if view.is_open() || view.keys().contains(name.as_str()) {
        Known::Set(*kind, *many)
    } else {
        Known::NeverSet(*kind, *many)
    }
}

/// Every service's keys, by their names in lower case.
struct Every {
    plain: HashMap<String, &'static Key>,
    /// Those with a part that authors fill in.
    open: Vec<&'static Key>,
}

impl Every {
    fn find(&self, key: &str) -> Option<&'static Key> {
        self.plain.get(key).copied().or_else(|| self.open.iter().find(|k| is_of(&k.name, key)).copied())
    }
}

static EVERY: LazyLock<Every> = LazyLock::new(|| {
    let all = || catalogue::services().flat_map(catalogue::keys_of_service);
    let open = all().filter(|k| k.name.contains('*')).collect();
    Every { plain: all().map(|k| (k.name.to_ascii_lowercase(), k)).collect(), open }
});

fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<(String, &str)> = names.map(|name| (name.to_ascii_lowercase(), name)).collect();
    // In a name with a free part, only what stands before it is compared.
    let (head, rest) = key.split_once('/').map_or((key, None), |(head, rest)| (head, Some(rest)));
    let lower = |(lower, _): &(String, &str)| match rest {
        None => lower.clone(),
        Some(_) => lower.split_once("/*").map(|(head, _)| head.to_owned()).unwrap_or_default(),
    };
    let words: Vec<String> = names.iter().map(lower).collect();
    let near = catalogue::closest(head, words.iter().map(String::as_str))?;
    let at = words.iter().position(|word| word == near)?;
    let name = names[at].1;
    Some(rest.map_or_else(|| name.to_owned(), |rest| name.replace('*', rest)))
}
