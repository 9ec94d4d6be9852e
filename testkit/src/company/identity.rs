//! Who calls, as CloudTrail's `userIdentity` says it: made once a session, written many times.

use super::stamp;
use crate::random::Random;
use chrono::{DateTime, Utc};

/// `userIdentity` as JSON, with what else an event says of the caller.
#[derive(Clone)]
pub(crate) struct Caller {
    pub json: String,
    pub ip: String,
    pub agent: String,
    pub console: bool,
}

impl Caller {
    pub fn new(json: String, ip: &str, agent: &str) -> Self {
        Self { json, ip: ip.to_owned(), agent: agent.to_owned(), console: false }
    }
}

/// The id that IAM gave to a role or user: one for each ARN.
pub(crate) fn unique_id(prefix: &str, arn: &str) -> String {
    format!("{prefix}{}", Random::of(0, &["unique", arn]).upper(17))
}

/// A long-lived key's id.
pub(crate) fn key_id(account: &str, user: &str) -> String {
    format!("AKIA{}", Random::of(0, &["key", account, user]).upper(16))
}

/// `path` begins and ends with a slash.
pub(crate) fn role(
    random: &mut Random,
    account: &str,
    path: &str,
    name: &str,
    session: &str,
    since: DateTime<Utc>,
) -> String {
    role_with(random, account, path, name, session, since, "", "")
}

/// A role's session; `federation` goes into its context, `more` behind it (both begin with a comma when not empty).
#[expect(clippy::too_many_arguments, reason = "one line of the record each")]
pub(crate) fn role_with(
    random: &mut Random,
    account: &str,
    path: &str,
    name: &str,
    session: &str,
    since: DateTime<Utc>,
    federation: &str,
    more: &str,
) -> String {
    let arn = format!("arn:aws:iam::{account}:role{path}{name}");
    let id = unique_id("AROA", &arn);
    let (key, since) = (random.upper(16), stamp(since));
    format!(
        r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{name}/{session}","accountId":"{account}","accessKeyId":"ASIA{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"{arn}","accountId":"{account}","userName":"{name}"}}{federation},"attributes":{{"creationDate":"{since}","mfaAuthenticated":"false"}}}}{more}}}"#
    )
}

/// A user with a long-lived key.
pub(crate) fn user_key(account: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    let (id, key) = (unique_id("AIDA", &arn), key_id(account, name));
    format!(
        r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","accessKeyId":"{key}","userName":"{name}"}}"#
    )
}

/// A user who signed in to the console with a second factor.
pub(crate) fn user_console(random: &mut Random, account: &str, name: &str, since: DateTime<Utc>) -> String {
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    let (id, key, since) = (unique_id("AIDA", &arn), random.upper(16), stamp(since));
    format!(
        r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","accessKeyId":"ASIA{key}","userName":"{name}","sessionContext":{{"attributes":{{"creationDate":"{since}","mfaAuthenticated":"true"}}}}}}"#
    )
}

/// The same user at the sign-in page.
pub(crate) fn user_sign_in(account: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    let id = unique_id("AIDA", &arn);
    format!(r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","userName":"{name}"}}"#)
}

/// A service that acts for itself.
pub(crate) fn service(host: &str) -> Caller {
    Caller::new(format!(r#"{{"type":"AWSService","invokedBy":"{host}"}}"#), host, host)
}

/// Somebody of another account, as the called account sees it.
pub(crate) fn other_account(principal: &str, account: &str) -> String {
    format!(r#"{{"type":"AWSAccount","principalId":"{principal}","accountId":"{account}"}}"#)
}
