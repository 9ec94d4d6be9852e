//! Who acted, and on whom: CloudTrail's `userIdentity` and the user that an event is about.

use super::activity::Class;
use super::object::*;
use super::{account, text, time};
use serde_json::Value;
use std::borrow::Cow;

pub(super) fn actor<'a>(record: &'a Value, source: &Cow<'a, str>) -> Actor<'a> {
    let identity = &record["userIdentity"];
    let actor = Actor {
        user: user(identity),
        session: session(identity),
        invoked_by: text(&identity["invokedBy"]),
        idp: provider(identity).map(|name| Idp { name }),
        app_name: None,
    };
    if actor == Actor::default() {
        // A service event without an identity is the service's own doing.
        return Actor { app_name: Some(source.clone()), ..actor };
    }
    actor
}

/// The user of a `userIdentity`, in Security Lake's choice of attributes: `uid` is the ARN, `uid_alt` the unique id.
fn user(identity: &Value) -> Option<User<'_>> {
    let arn = text(&identity["arn"]);
    let principal = text(&identity["principalId"]);
    let user = User {
        kind: text(&identity["type"]),
        name: text(&identity["userName"]).or_else(|| text(&identity["sessionContext"]["sessionIssuer"]["userName"])),
        uid_alt: if arn.is_some() { principal.clone() } else { None },
        uid: arn.or(principal),
        account: account(&identity["accountId"]),
        credential_uid: text(&identity["accessKeyId"]),
    };
    // OCSF asks for one of these three.
    (user.name.is_some() || user.uid.is_some() || user.account.is_some()).then_some(user)
}

fn session(identity: &Value) -> Option<Session<'_>> {
    let context = identity.get("sessionContext")?;
    let attributes = &context["attributes"];
    let created = time::of(&attributes["creationDate"]);
    let session = Session {
        uid: assumed_session_name(identity),
        created_time: created.map(time::millis),
        created_time_dt: created.and_then(time::rfc3339),
        is_mfa: flag(&attributes["mfaAuthenticated"]),
        issuer: text(&context["sessionIssuer"]["arn"]),
        credential_uid: None,
    };
    (session != Session::default()).then_some(session)
}

/// The name that a caller gave to its role session: what follows the colon of an assumed role's `principalId`.
fn assumed_session_name(identity: &Value) -> Option<Cow<'_, str>> {
    if identity["type"] != "AssumedRole" {
        return None;
    }
    let (_, name) = identity["principalId"].as_str()?.split_once(':')?;
    (!name.is_empty()).then_some(Cow::Borrowed(name))
}

fn provider(identity: &Value) -> Option<Cow<'_, str>> {
    text(&identity["identityProvider"])
        .or_else(|| text(&identity["sessionContext"]["webIdFederationData"]["federatedProvider"]))
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("yes") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("no") => Some(false),
        _ => None,
    }
}

pub(super) fn signed_in_with_mfa(record: &Value) -> Option<bool> {
    flag(&record["additionalEventData"]["MFAUsed"])
        .or_else(|| flag(&record["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"]))
}

/// The user that an authentication lets in or an account change is about.
pub(super) fn subject(class: Class, record: &Value) -> Option<User<'_>> {
    let named = match class {
        Class::ApiActivity => return None,
        Class::Authentication => assumed(record),
        Class::AccountChange => changed(record),
    };
    named.or_else(|| user(&record["userIdentity"])).or_else(|| {
        // Both classes require a user, and OCSF requires a user to be identified by something.
        Some(User { account: account(&record["recipientAccountId"]), ..User::default() })
            .filter(|user| user.account.is_some())
            .or_else(|| Some(User { name: Some(Cow::Borrowed("unknown")), ..User::default() }))
    })
}

fn assumed(record: &Value) -> Option<User<'_>> {
    let answer = &record["responseElements"];
    let role = &answer["assumedRoleUser"];
    let arn = text(&role["arn"]).or_else(|| text(&record["requestParameters"]["roleArn"]));
    let federated = &answer["federatedUser"];
    let uid = arn.or_else(|| text(&federated["arn"]))?;
    Some(User {
        kind: Some(Cow::Borrowed(if role.is_object() { "AssumedRole" } else { "Role" })),
        uid: Some(uid),
        uid_alt: text(&role["assumedRoleId"]).or_else(|| text(&federated["federatedUserId"])),
        credential_uid: text(&answer["credentials"]["accessKeyId"]),
        ..User::default()
    })
}

fn changed(record: &Value) -> Option<User<'_>> {
    let answer = &record["responseElements"]["user"];
    let name = text(&record["requestParameters"]["userName"]).or_else(|| text(&answer["userName"]))?;
    Some(User {
        kind: Some(Cow::Borrowed("IAMUser")),
        name: Some(name),
        uid: text(&answer["arn"]),
        uid_alt: text(&answer["userId"]),
        account: account(&record["recipientAccountId"]),
        credential_uid: text(&record["responseElements"]["accessKey"]["accessKeyId"])
            .or_else(|| text(&record["requestParameters"]["accessKeyId"])),
    })
}

/// The session that a successful authentication opens.
pub(super) fn new_session(record: &Value) -> Option<Session<'_>> {
    let answer = &record["responseElements"];
    let session = Session {
        uid: text(&record["requestParameters"]["roleSessionName"]),
        credential_uid: text(&answer["credentials"]["accessKeyId"]),
        issuer: text(&record["requestParameters"]["roleArn"]),
        ..Session::default()
    };
    (session != Session::default()).then_some(session)
}
