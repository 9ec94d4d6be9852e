//! A CloudTrail record as the permissions that the call took.
//!
//! What a record holds: `docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html`
//! and `cloudtrail-event-reference-user-identity.html`.

use super::action::{Taken, taken};
use super::arn::MAX_ARN;
use super::extra;
use super::form::fitting;
use super::target::{Place, named};
use serde_json::{Map, Value as Json};
use yagura_model::{Arn, is_account_id};

/// Longer names of events and sources are cut: AWS's are far shorter.
const MAX_NAME: usize = 128;

/// A permission that a principal used, or was denied.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The user's ARN, or of a session its role's, with the path.
    pub principal: String,
    /// The IAM action, as the catalogue writes it.
    pub action: String,
    /// ARNs, or patterns of ARNs where only a part of the name is known. Empty: not known, or the action takes none.
    pub resources: Vec<String>,
    /// The account that recorded it.
    pub account: String,
    pub region: String,
    /// The condition keys that are known of the request.
    pub context: Map<String, Json>,
    /// When, as the record writes it: `2026-01-01T00:00:00Z`.
    pub time: String,
    /// Whether AWS refused it for want of permission, or didn't know who asked.
    pub denied: bool,
}

/// Why a record is no call of an identity that a policy could be for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skipped {
    /// By the root user, a service, another account, or nobody that the record names.
    NoIdentity,
    /// A sign-in, something a service did by itself, a call that everybody may make, or one that was throttled before
    /// AWS looked at who asked.
    NoPermission,
    /// An event that AWS's catalogue has no action for.
    Unknown { source: String, name: String },
}

impl Call {
    /// Reads a record: the permission that its operation took, and those that AWS checked beside it and logs no event
    /// for, such as `iam:PassRole`.
    ///
    /// # Errors
    /// Why the record is none of an identity's calls.
    pub fn of(record: &Json) -> Result<Vec<Call>, Skipped> {
        let text = |key: &str| record[key].as_str().unwrap_or_default();
        let by_itself = ["AwsServiceEvent", "AwsConsoleSignIn", "AwsCloudTrailInsight", "AwsVpceEvent"];
        if by_itself.contains(&text("eventType")) || is_throttled(text("errorCode")) {
            return Err(Skipped::NoPermission);
        }
        let principal = principal(&record["userIdentity"]).ok_or(Skipped::NoIdentity)?;
        let (source, event, parameters) = (text("eventSource"), text("eventName"), &record["requestParameters"]);
        let unknown = || Skipped::Unknown { source: cut(source), name: cut(event) };
        if source.len() > MAX_NAME || event.len() > MAX_NAME {
            return Err(unknown());
        }
        let actions = match taken(source, event, parameters) {
            Taken::Actions(actions) => actions,
            Taken::Nothing => return Err(Skipped::NoPermission),
            Taken::Unknown => return Err(unknown()),
        };
        let arn = Arn::parse(principal).ok_or(Skipped::NoIdentity)?;
        let region = Some(text("awsRegion")).filter(|r| is_region(r)).unwrap_or_default();
        let recorded = Some(text("recipientAccountId")).filter(|id| is_account_id(id));
        let place = Place { principal, partition: arn.partition, region, account: arn.account };
        let call = |action: String, resources: Vec<String>| Call {
            principal: principal.to_owned(),
            action,
            resources,
            account: recorded.unwrap_or(arn.account).to_owned(),
            region: region.to_owned(),
            context: context(record, principal),
            time: Some(text("eventTime")).filter(|time| time.len() <= 40).unwrap_or_default().to_owned(),
            denied: is_denied(text("errorCode")),
        };
        let mut calls = Vec::new();
        for action in actions {
            let resources = fitting(action, &named(action, event, record, place));
            calls.push(call(action.full(), resources));
            for extra in extra::needed(action, event, parameters, place) {
                let mut more = call(extra.action.full(), fitting(extra.action, &extra.resources));
                more.context.extend(extra.context);
                if !calls.contains(&more) {
                    calls.push(more);
                }
            }
        }
        Ok(calls)
    }
}

fn cut(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

fn is_region(region: &str) -> bool {
    region.len() <= 32 && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The ARN of the user or role who called.
fn principal(identity: &Json) -> Option<&str> {
    let issuer = &identity["sessionContext"]["sessionIssuer"]["arn"];
    let (arn, begins): (_, &[&str]) = match identity["type"].as_str()? {
        "IAMUser" => (&identity["arn"], &["user/"]),
        "AssumedRole" => (issuer, &["role/"]),
        "Role" => (&identity["arn"], &["role/"]),
        "FederatedUser" => (issuer, &["user/", "role/"]),
        _ => return None,
    };
    let text = arn.as_str().filter(|text| text.len() <= MAX_ARN)?;
    let arn = Arn::parse(text)?;
    let names = begins.iter().find_map(|begin| arn.resource.strip_prefix(begin)).is_some_and(|name| !name.is_empty());
    let sound = arn.service == "iam" && arn.region.is_empty() && is_account_id(arn.account);
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'*' | b'?' | b'$'));
    (names && sound && plain && arn.partition.starts_with("aws")).then_some(text)
}

fn is_throttled(code: &str) -> bool {
    let words = ["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown"];
    words.iter().any(|word| code.contains(word))
}

/// Whether an error means that AWS let nothing happen because of who asked. Other errors tell of the request itself,
/// which AWS looks at once it may be made.
fn is_denied(code: &str) -> bool {
    let code: String = code.chars().take(MAX_NAME).collect::<String>().to_ascii_lowercase();
    let words = [
        "accessdenied",
        "unauthorized",
        "notauthorized",
        "not_authorized",
        "authorizationerror",
        "authfailure",
        "forbidden",
        "invalidclienttokenid",
        "signaturedoesnotmatch",
        "expiredtoken",
        "unrecognizedclient",
    ];
    words.iter().any(|word| code.contains(word))
}

/// The condition keys that the record tells
/// (`docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html`).
fn context(record: &Json, principal: &str) -> Map<String, Json> {
    let mut context = Map::new();
    let mut set = |key: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty() && value.len() <= MAX_ARN) {
            context.insert(key.to_owned(), Json::from(value));
        }
    };
    let text = |key: &str| record[key].as_str();
    let identity = &record["userIdentity"];
    let endpoint = text("vpcEndpointId");
    let address = text("sourceIPAddress").filter(|from| from.parse::<std::net::IpAddr>().is_ok());
    set(if endpoint.is_some() { "aws:VpcSourceIp" } else { "aws:SourceIp" }, address);
    set("aws:SourceVpce", endpoint);
    set("aws:UserAgent", text("userAgent"));
    set("aws:RequestedRegion", text("awsRegion"));
    set("aws:CurrentTime", text("eventTime").filter(|time| time.len() <= 40));
    set("aws:PrincipalArn", Some(principal));
    set("aws:PrincipalAccount", Arn::parse(principal).map(|arn| arn.account));
    set("aws:userid", identity["principalId"].as_str());
    let kind = identity["type"].as_str();
    let kinds = [("IAMUser", "User"), ("AssumedRole", "AssumedRole"), ("FederatedUser", "FederatedUser")];
    set("aws:PrincipalType", kinds.iter().find(|(logged, _)| Some(*logged) == kind).map(|(_, kind)| *kind));
    if kind == Some("IAMUser") {
        set("aws:username", principal.rsplit('/').next());
    }
    let mfa = &identity["sessionContext"]["attributes"]["mfaAuthenticated"];
    set("aws:MultiFactorAuthPresent", mfa.as_str().filter(|mfa| ["true", "false"].contains(mfa)));
    // A service that calls for the principal, with the principal's own permissions.
    let via = match identity["invokedBy"].as_str() {
        // The console, which is no caller of its own.
        None | Some("signin.amazonaws.com") => Some("false"),
        Some(by) => by.ends_with(".amazonaws.com").then_some("true"),
    };
    set("aws:ViaAWSService", if record["viaAWSService"].as_bool() == Some(true) { Some("true") } else { via });
    context
}
