//! Who acted, from where, in which account: one reading of a record's `userIdentity` for all detections.

use std::borrow::Cow;
use std::net::IpAddr;
use yagura_logs::{Record, json};

/// Who a record names; everything that is not known is `None`, never an empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The recipient account, 12 digits.
    pub account: Option<String>,
    /// A user's or root's ARN, a role's ARN for its sessions, a service's name, an account's number.
    pub principal: Option<String>,
    /// The session name of an assumed role.
    pub session: Option<String>,
    /// An address; the services that CloudTrail names here are none.
    pub source_ip: Option<String>,
    pub region: Option<String>,
}

#[derive(Default)]
struct Identity<'a> {
    kind: Option<Cow<'a, str>>,
    arn: Option<String>,
    account: Option<String>,
    principal: Option<String>,
    user: Option<String>,
    invoked_by: Option<String>,
    session: Option<&'a [u8]>,
    on_behalf_of: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    fn read(raw: &'a [u8]) -> Identity<'a> {
        let mut id = Identity::default();
        let text = |raw: &'a [u8]| json::text(raw).filter(|t| !t.is_empty());
        for (key, value) in json::members(raw) {
            match &*key {
                b"type" => id.kind = text(value),
                b"arn" => id.arn = text(value).map(Cow::into_owned),
                b"accountId" => id.account = text(value).map(Cow::into_owned),
                b"principalId" => id.principal = text(value).map(Cow::into_owned),
                b"userName" => id.user = text(value).map(Cow::into_owned),
                b"invokedBy" => id.invoked_by = text(value).map(Cow::into_owned),
                b"sessionContext" => id.session = Some(value),
                b"onBehalfOf" => id.on_behalf_of = Some(value),
                _ => {}
            }
        }
        id
    }
}

impl Actor {
    /// Who a record names, and whether a service acts for itself; what a user or role does through a service is not
    /// that.
    pub fn of(record: &Record<'_>) -> (Actor, bool) {
        let owned = |path: &[&str]| record.text(path).map(Cow::into_owned);
        let identity = record.get("userIdentity").map(Identity::read).unwrap_or_default();
        let (principal, session) = principal(&identity);
        let service_made = identity.kind.as_deref() == Some("AWSService")
            || identity.invoked_by.as_deref() == Some("AWS Internal")
            || record.text(&["eventType"]).as_deref() == Some("AwsServiceEvent");
        let actor = Actor {
            account: owned(&["recipientAccountId"]).or_else(|| identity.account.clone()),
            principal,
            session,
            source_ip: owned(&["sourceIPAddress"]).filter(|ip| ip.parse::<IpAddr>().is_ok()),
            region: owned(&["awsRegion"]),
        };
        (actor, service_made)
    }
}

fn member(raw: Option<&[u8]>, path: &[&str]) -> Option<String> {
    let mut value = raw?;
    for key in path {
        value = json::members(value).filter(|(k, _)| **k == *key.as_bytes()).last()?.1;
    }
    json::text(value).filter(|t| !t.is_empty()).map(Cow::into_owned)
}

/// The principal and, for an assumed role, its session's name.
fn principal(id: &Identity<'_>) -> (Option<String>, Option<String>) {
    let named = || id.arn.clone().or_else(|| id.principal.clone()).or_else(|| id.user.clone());
    let principal = match id.kind.as_deref() {
        Some("AssumedRole") => return assumed_role(id),
        Some("Root") => id.arn.clone().or_else(|| Some(format!("arn:aws:iam::{}:root", id.account.as_deref()?))),
        // A failed console login has a name and an account, but no ARN.
        Some("IAMUser") => id
            .arn
            .clone()
            .or_else(|| Some(format!("arn:aws:iam::{}:user/{}", id.account.as_deref()?, id.user.as_deref()?)))
            .or_else(named),
        Some("AWSService") => id.invoked_by.clone().or_else(named),
        Some("AWSAccount") => id.account.clone().or_else(named),
        Some("FederatedUser" | "SAMLUser" | "WebIdentityUser") => {
            id.principal.clone().or_else(|| id.arn.clone()).or_else(|| id.user.clone())
        }
        Some("IdentityCenterUser") => member(id.on_behalf_of, &["userId"]).or_else(named),
        _ => named().or_else(|| id.invoked_by.clone()).or_else(|| id.account.clone()),
    };
    (principal, None)
}

fn assumed_role(id: &Identity<'_>) -> (Option<String>, Option<String>) {
    // arn:aws:sts::111122223333:assumed-role/ROLE/SESSION
    let parts = id.arn.as_deref().and_then(|arn| {
        let (head, rest) = arn.split_once(":assumed-role/")?;
        let (role, session) = rest.split_once('/')?;
        let mut fields = head.split(':');
        let (partition, account) = (fields.nth(1)?, fields.nth(2)?);
        Some((format!("arn:{partition}:iam::{account}:role/{role}"), session.to_owned()))
    });
    let session = parts
        .as_ref()
        .map(|(_, session)| session.clone())
        .or_else(|| id.principal.as_deref()?.split_once(':').map(|(_, session)| session.to_owned()))
        .filter(|s| !s.is_empty());
    let role = member(id.session, &["sessionIssuer", "arn"])
        .or_else(|| parts.map(|(role, _)| role))
        .or_else(|| id.arn.clone())
        .or_else(|| id.principal.clone());
    (role, session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_logs::Layout;

    fn who(identity: &str) -> (Option<String>, Option<String>) {
        let raw = format!(r#"{{"userIdentity":{identity}}}"#);
        let mut layout = Layout::default();
        let (actor, _) = Actor::of(&Record::scan(raw.as_bytes(), &mut layout).expect("json"));
        (actor.principal, actor.session)
    }

    #[test]
    fn names_every_kind_of_principal() {
        let role = "arn:aws:iam::111122223333:role/path/Deploy";
        for (identity, principal, session) in [
            (r#"{"type":"Root","accountId":"111122223333"}"#, Some("arn:aws:iam::111122223333:root"), None),
            (r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/a"}"#, Some("arn:aws:iam::1:user/a"), None),
            (r#"{"type":"IAMUser","accountId":"1","userName":"a","arn":""}"#, Some("arn:aws:iam::1:user/a"), None),
            (
                r#"{"type":"AssumedRole","principalId":"AROA:ci","arn":"arn:aws:sts::111122223333:assumed-role/Deploy/ci",
                 "sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/path/Deploy"}}}"#,
                Some(role),
                Some("ci"),
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Deploy/ci"}"#,
                Some("arn:aws:iam::111122223333:role/Deploy"),
                Some("ci"),
            ),
            (r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#, Some("ec2.amazonaws.com"), None),
            (r#"{"type":"AWSAccount","accountId":"444455556666","principalId":"AIDA"}"#, Some("444455556666"), None),
            (r#"{"type":"WebIdentityUser","principalId":"idp:aud:sub","userName":"u"}"#, Some("idp:aud:sub"), None),
            ("{}", None, None),
            ("null", None, None),
        ] {
            assert_eq!(who(identity), (principal.map(str::to_owned), session.map(str::to_owned)), "{identity}");
        }
    }
}
