//! A method of privilege escalation, as `content/escalations/` describes it.
//!
//! # The form of a file
//!
//! ```toml
//! id = "lambda-001"
//! category = "new-passrole"    # self, principal-access, new-passrole, existing-passrole, credential-access
//! severity = "high"
//! attack = ["T1078.004"]       # MITRE ATT&CK
//! source = "…"                 # where it is published
//! from = "any"                 # who can use it: any, user, role, outside (somebody of no account that is known)
//! target = "role"              # self, user, role
//! gives = "target"             # target: acts as it · self-any: writes itself any permission · target-any: writes the
//! #                              target any and acts as it · unbounded: loses its boundary · group: joins
//! #                              {other-group} · target-unbounded: the target loses its boundary, and it acts as it ·
//! #                              undenied: loses policies that hold a Deny · organization: what it wants in any account,
//! #                              from the one that manages the organization · data: something that is no identity here
//! administers = "sso.amazonaws.com" # with `organization`: the service whose delegated administrator can do it, too
//! trusts = "lambda.amazonaws.com"   # the service, or one of a list, that the target role must trust
//! host = "AWS::Lambda::Function"    # what runs as the target role: this type, or an ARN pattern that the inventory
//! #                                   doesn't know
//! needs = [                    # all must be allowed; of a list of actions, one; none of what a host gives to outsiders
//!   { action = "iam:PassRole", resource = "{target}", context = { "iam:PassedToService" = "lambda.amazonaws.com" } },
//! ]
//! assumes.en = "…"             # what must hold beside, and no policy tells
//! assumes.ja = "…"
//! checked = "no-password"      # what the inventory tells of the target, if that is all that is assumed: instance-profile,
//! #                              spare-access-key, no-password, password-without-mfa
//! ```
//! In `resource` and in the context's values stand `{self}`, `{target}`, `{host}`, `{partition}`, `{account}`, `{policy}`
//! (a customer managed policy attached to whom the method widens), `{group}`, `{other-group}`, and `{saml-provider}` or
//! `{oidc-provider}` (one that the target role trusts). Of a pattern one resource is enough: the attacker chooses
//! (of keys of KMS, one that is known, since each is guarded by its own policy).

use crate::estate::Trait;
use serde::Deserialize;
use std::collections::BTreeMap;
use yagura_content::{Document, Error, Kind, Library};
use yagura_model::{Severity, Text};

/// Who can use a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    #[default]
    Any,
    User,
    Role,
    Outside,
}

/// Whose permissions are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    #[serde(rename = "self")]
    Itself,
    User,
    Role,
}

/// What a method gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gives {
    Target,
    SelfAny,
    TargetAny,
    Unbounded,
    Group,
    TargetUnbounded,
    Undenied,
    Organization,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    #[serde(rename = "self")]
    Itself,
    PrincipalAccess,
    NewPassrole,
    ExistingPassrole,
    CredentialAccess,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn list(self) -> Vec<String> {
        match self {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    category: Category,
    severity: Severity,
    attack: Vec<String>,
    source: String,
    #[serde(default)]
    from: From,
    target: Target,
    gives: Gives,
    trusts: Option<OneOrMore>,
    administers: Option<String>,
    host: Option<String>,
    #[serde(default)]
    needs: Vec<NeedHead>,
    assumes: Option<Text>,
    checked: Option<Trait>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NeedHead {
    action: OneOrMore,
    resource: String,
    #[serde(default)]
    context: BTreeMap<String, String>,
}

/// A permission that a method needs.
#[derive(Clone, Debug)]
pub struct Need {
    /// One of them is enough.
    pub actions: Vec<String>,
    pub resource: String,
    pub context: BTreeMap<String, String>,
}

/// A method.
#[derive(Clone, Debug)]
pub struct Method {
    pub id: String,
    pub title: Text,
    pub category: Category,
    pub severity: Severity,
    pub attack: Vec<String>,
    pub source: String,
    pub from: From,
    pub target: Target,
    pub gives: Gives,
    pub trusts: Vec<String>,
    pub administers: Option<String>,
    pub host: Option<String>,
    pub needs: Vec<Need>,
    pub assumes: Option<Text>,
    pub checked: Option<Trait>,
}

/// What may stand in a resource.
const PLACES: [&str; 10] = [
    "{self}",
    "{target}",
    "{host}",
    "{partition}",
    "{account}",
    "{policy}",
    "{group}",
    "{other-group}",
    "{saml-provider}",
    "{oidc-provider}",
];

impl Method {
    fn read(document: &Document) -> Result<Method, Error> {
        let head: Head = document.head()?;
        let bad = |message: String| document.error(2, message);
        for need in &head.needs {
            for text in std::iter::once(&need.resource).chain(need.context.values()) {
                let mut left = text.clone();
                PLACES.iter().for_each(|place| left = left.replace(place, ""));
                if left.contains(['{', '}']) {
                    return Err(bad(format!("`{text}`: in a resource may stand {}", PLACES.join(", "))));
                }
            }
        }
        let uses = |place: &str| head.needs.iter().any(|need| need.resource.contains(place));
        if uses("{host}") && head.host.is_none() {
            return Err(bad("`{host}` needs `host`".to_owned()));
        }
        if head.target == Target::Itself && (uses("{target}") || head.gives == Gives::Target) {
            return Err(bad("a method whose target is `self` has no other target: give it one".to_owned()));
        }
        if (head.gives == Gives::Group) != uses("{other-group}") {
            return Err(bad("`gives = \"group\"` and `{other-group}` need each other".to_owned()));
        }
        if (head.gives == Gives::Organization) != head.administers.is_some() {
            return Err(bad("`gives = \"organization\"` and `administers` need each other".to_owned()));
        }
        if head.checked.is_some() && (head.assumes.is_none() || head.gives != Gives::Target) {
            return Err(bad("`checked` says when `assumes` holds of the target that is given".to_owned()));
        }
        let needs: Vec<Need> = head
            .needs
            .into_iter()
            .map(|n| Need { actions: n.action.list(), resource: n.resource, context: n.context })
            .collect();
        if needs.is_empty() != (head.from == From::Outside && head.host.is_some()) {
            let why = "is open to everybody: only what a host gives away to those outside has none";
            return Err(bad(format!("a method without `needs` {why}")));
        }
        if let Some(unknown) = needs.iter().flat_map(|n| &n.actions).find(|a| !crate::catalogue::is_action(a)) {
            let hint = crate::catalogue::nearest(unknown).map(|a| format!("; did you mean `{a}`?")).unwrap_or_default();
            return Err(bad(format!("`{unknown}` is no action of AWS's{hint}")));
        }
        Ok(Method {
            id: head.id,
            title: document.title.clone(),
            category: head.category,
            severity: head.severity,
            attack: head.attack,
            source: head.source,
            from: head.from,
            target: head.target,
            gives: head.gives,
            trusts: head.trusts.map(OneOrMore::list).unwrap_or_default(),
            administers: head.administers,
            host: head.host,
            needs,
            assumes: head.assumes,
            checked: head.checked,
        })
    }
}

/// All methods of a library, by id, and the files that can't be used.
pub fn methods(library: &Library) -> (Vec<Method>, Vec<Error>) {
    let (mut methods, mut errors) = (Vec::new(), Vec::new());
    for document in library.of(Kind::Escalation) {
        match Method::read(document) {
            Ok(method) => methods.push(method),
            Err(error) => errors.push(error),
        }
    }
    (methods, errors)
}
