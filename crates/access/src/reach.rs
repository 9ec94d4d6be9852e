//! What a stranger's request can hold: which keys they choose, and which say who they are.
//!
//! [`KEYS`] is the list. A key that is not in it is taken for one that a stranger can give any value, or none: to be
//! mistaken then is to warn once too often.

/// How far a stranger determines a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It follows from who asks.
    Caller,
    /// It follows from what is asked for.
    Resource,
    /// An account: any but a trusted one.
    Account,
    /// An organization: any but the trusted one.
    Organization,
    /// A path in an organization, of which the first part is the organization.
    Path,
    /// The ARN of something of theirs: in an account that is not trusted, or in none and not named by the policy.
    Arn,
    /// Names one thing in the world, which is theirs only if the policy doesn't name it.
    Identity,
    /// An address.
    Network,
    /// Whatever they choose.
    Free,
}

/// AWS's guides: of IAM the page "AWS global condition context keys", of S3 "Blocking public access to your Amazon S3
/// storage" (the meaning of "public"), of EFS "Blocking public access", of KMS "AWS KMS condition keys", and of Cognito
/// and IAM "available keys for AWS web identity federation".
const GLOBAL: &str = "IAM reference_policies_condition-keys";
const S3: &str = "S3 access-control-block-public-access";
const EFS: &str = "EFS access-control-block-public-access";
const KMS: &str = "KMS conditions-kms";
const WEB: &str = "IAM reference_policies_iam-condition-keys";

/// Keys in lower case, what a stranger can make of them, and the page that tells. `/*` stands for any end, and a name
/// that begins with `:` for the end of any.
pub const KEYS: [(&str, Reach, &str); 52] = [
    ("aws:principalarn", Reach::Caller, GLOBAL),
    ("aws:principalaccount", Reach::Caller, GLOBAL),
    ("aws:principalorgid", Reach::Caller, GLOBAL),
    ("aws:principalorgpaths", Reach::Caller, GLOBAL),
    ("aws:principaltype", Reach::Caller, GLOBAL),
    ("aws:principalisawsservice", Reach::Caller, GLOBAL),
    ("aws:principalservicename", Reach::Caller, GLOBAL),
    ("aws:principalservicenameslist", Reach::Caller, GLOBAL),
    ("aws:username", Reach::Caller, GLOBAL),
    ("kms:calleraccount", Reach::Caller, KMS),
    ("aws:resourceaccount", Reach::Resource, GLOBAL),
    ("aws:resourceorgid", Reach::Resource, GLOBAL),
    ("s3:resourceaccount", Reach::Resource, GLOBAL),
    ("aws:sourceaccount", Reach::Account, S3),
    ("aws:sourceowner", Reach::Account, S3),
    ("s3:dataaccesspointaccount", Reach::Account, S3),
    ("aws:vpceaccount", Reach::Account, GLOBAL),
    ("aws:sourceorgid", Reach::Organization, GLOBAL),
    ("aws:vpceorgid", Reach::Organization, GLOBAL),
    ("aws:sourceorgpaths", Reach::Path, GLOBAL),
    ("aws:vpceorgpaths", Reach::Path, GLOBAL),
    ("aws:sourcearn", Reach::Arn, S3),
    ("s3:dataaccesspointarn", Reach::Arn, S3),
    ("aws:sourcevpcarn", Reach::Arn, GLOBAL),
    ("ec2:sourceinstancearn", Reach::Arn, GLOBAL),
    ("lambda:sourcefunctionarn", Reach::Arn, GLOBAL),
    ("ecs:sourcetaskarn", Reach::Arn, GLOBAL),
    ("aws:sourcevpc", Reach::Identity, S3),
    ("aws:sourcevpce", Reach::Identity, S3),
    ("aws:ec2instancesourcevpc", Reach::Identity, GLOBAL),
    ("aws:userid", Reach::Identity, S3),
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", Reach::Identity, S3),
    ("elasticfilesystem:accessedviamounttarget", Reach::Identity, EFS),
    (":aud", Reach::Identity, WEB),
    (":sub", Reach::Identity, WEB),
    (":oaud", Reach::Identity, WEB),
    (":app_id", Reach::Identity, WEB),
    ("aws:sourceip", Reach::Network, S3),
    ("aws:vpcsourceip", Reach::Free, GLOBAL),
    ("aws:referer", Reach::Free, GLOBAL),
    ("aws:useragent", Reach::Free, GLOBAL),
    ("aws:securetransport", Reach::Free, GLOBAL),
    ("aws:currenttime", Reach::Free, GLOBAL),
    ("aws:epochtime", Reach::Free, GLOBAL),
    ("aws:requestedregion", Reach::Free, GLOBAL),
    ("aws:multifactorauthpresent", Reach::Free, GLOBAL),
    ("aws:multifactorauthage", Reach::Free, GLOBAL),
    ("aws:tokenissuetime", Reach::Free, GLOBAL),
    ("aws:principaltag/*", Reach::Free, GLOBAL),
    ("aws:requesttag/*", Reach::Free, GLOBAL),
    ("aws:tagkeys", Reach::Free, GLOBAL),
    ("sts:externalid", Reach::Free, WEB),
];

/// What a stranger can make of a key.
pub fn of(key: &str) -> Reach {
    let is = |name: &str| match name.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None if name.starts_with(':') => key.ends_with(name),
        None => key == name,
    };
    KEYS.iter().find(|(name, ..)| is(name)).map_or(Reach::Free, |(_, reach, _)| *reach)
}
