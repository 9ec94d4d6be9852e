//! Who makes a request, and whether a policy's `Principal` names them.
//!
//! A session is named by its own ARN, its role's ARN and its account, and how it is named decides which implicit denies
//! still bind (IAM user guide, "policy evaluation for requests within a single account"), so a match says how.

use crate::error::Error;
use crate::policy::{Kind, object, shape, texts};
use serde_json::{Map, Value as Json};
use yagura_model::{Arn, is_account_id};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    pub text: String,
    pub sort: Sort,
    pub partition: String,
    /// Empty for services and anonymous callers.
    pub account: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    Root,
    User,
    Role,
    /// A session of the role of this name.
    Session {
        role: String,
    },
    /// A session that the user of this name federated.
    Federated {
        user: String,
    },
    Service,
    /// A SAML or OpenID Connect provider.
    Provider,
    /// Whom S3 knows by a number of 64 digits or more.
    Canonical,
    Anonymous,
}

impl Requester {
    /// Reads a case's principal.
    pub fn read(text: &str) -> Result<Requester, Error> {
        let of = |sort, partition: &str, account: &str| Requester {
            text: text.to_owned(),
            sort,
            partition: partition.to_owned(),
            account: account.to_owned(),
        };
        let invalid = || Error::Value {
            at: "principal".to_owned(),
            value: text.chars().take(200).collect(),
            wanted: "write an ARN, a service such as ec2.amazonaws.com, or anonymous",
        };
        if text == "anonymous" || text == "*" {
            return Ok(of(Sort::Anonymous, "", ""));
        }
        if is_account_id(text) {
            return Ok(of(Sort::Root, "aws", text));
        }
        if text.len() >= 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(of(Sort::Canonical, "", ""));
        }
        let Some(arn) = Arn::parse(text) else {
            let is_host = text.contains('.') && !text.contains(|c: char| c.is_whitespace() || c == ':');
            let is_service = text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn");
            let sort = if is_service { Sort::Service } else { Sort::Provider };
            return if is_host { Ok(of(sort, "", "")) } else { Err(invalid()) };
        };
        let mut path = arn.resource.split('/');
        let (kind, name) = (path.next().unwrap_or_default(), path.next());
        let sort = match (arn.service, kind, name) {
            ("iam", "root", None) => Sort::Root,
            ("iam", "user", Some(_)) => Sort::User,
            ("iam", "role", Some(_)) => Sort::Role,
            ("sts", "assumed-role", Some(role)) => Sort::Session { role: role.to_owned() },
            ("sts", "federated-user", Some(user)) => Sort::Federated { user: user.to_owned() },
            ("iam", "saml-provider" | "oidc-provider", Some(_)) => Sort::Provider,
            _ => return Err(invalid()),
        };
        Ok(of(sort, arn.partition, arn.account))
    }

    /// Users, roles, their sessions, and root: those that policies of an account can be attached to.
    pub fn is_of_account(&self) -> bool {
        !matches!(self.sort, Sort::Service | Sort::Provider | Sort::Canonical | Sort::Anonymous)
    }

    /// Roles that AWS's services made for themselves: neither SCPs nor RCPs touch them.
    pub fn is_service_linked(&self) -> bool {
        match &self.sort {
            Sort::Role => self.text.contains(":role/aws-service-role/"),
            Sort::Session { role } => role.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }

    fn root_arn(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }

    fn is_account(&self, entry: &str) -> bool {
        !self.account.is_empty() && (entry == self.account || entry == self.root_arn())
    }

    /// Whether an ARN names the role whose session this is. The session's ARN holds no path, and role names are unique
    /// in an account whatever their path.
    fn is_role_of(&self, entry: &str, role: &str) -> bool {
        Arn::parse(entry).is_some_and(|arn| {
            arn.service == "iam"
                && arn.partition == self.partition
                && arn.account == self.account
                && arn.resource.starts_with("role/")
                && arn.resource.rsplit('/').next() == Some(role)
        })
    }

    fn is_user_of(&self, entry: &str, user: &str) -> bool {
        Arn::parse(entry).is_some_and(|arn| {
            arn.service == "iam"
                && arn.partition == self.partition
                && arn.account == self.account
                && arn.resource.starts_with("user/")
                && arn.resource.rsplit('/').next() == Some(user)
        })
    }
}

/// How a policy names who asks; the earlier, the more implicit denies it bypasses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// The very user, session, service or provider.
    Itself,
    /// `*`, or everyone but some.
    Anyone,
    /// The role of a session, the role itself, or the user of a federated session.
    Origin,
    /// The account, which delegates to its identity policies.
    Account,
}

/// A statement's `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// The policy is attached to who it speaks of.
    Attached,
    /// A resource policy's statement without the element matches nobody.
    Nobody,
    These(Vec<Entry>),
    NotThese(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    Anyone,
    Aws(String),
    Service(String),
    Federated(String),
    /// An S3 canonical user: which account it is, no policy tells.
    Canonical(String),
}

impl Principals {
    /// Reads the element of a statement.
    pub fn read(statement: &Map<String, Json>, kind: Kind, at: &str) -> Result<Principals, Error> {
        let (plain, not) = (statement.get("Principal"), statement.get("NotPrincipal"));
        let refused = |element: &str, why| Err(Error::Refused { at: at.to_owned(), element: element.to_owned(), why });
        match (kind, plain, not) {
            (_, Some(_), Some(_)) => refused("NotPrincipal", "its opposite is there, too: keep one"),
            (Kind::Identity, Some(_), _) => refused("Principal", "its principal is who it is attached to"),
            (Kind::Identity, _, Some(_)) => refused("NotPrincipal", "its principal is who it is attached to"),
            (Kind::ResourceControl, _, Some(_)) => refused("NotPrincipal", "an RCP's Principal is always *"),
            (Kind::Identity, None, None) => Ok(Principals::Attached),
            (Kind::ResourceControl, plain, None) => {
                let entries = plain.map(|p| entries(p, &format!("{at}.Principal"))).transpose()?;
                match entries.is_none_or(|e| e == [Entry::Anyone]) {
                    true => Ok(Principals::Attached),
                    false => refused("Principal", "an RCP's Principal is always *"),
                }
            }
            (Kind::Resource, None, None) => Ok(Principals::Nobody),
            (Kind::Resource, Some(p), None) => Ok(Principals::These(entries(p, &format!("{at}.Principal"))?)),
            (Kind::Resource, None, Some(p)) => Ok(Principals::NotThese(entries(p, &format!("{at}.NotPrincipal"))?)),
        }
    }

    /// How a statement that allows names who asks.
    pub fn admit(&self, who: &Requester) -> Option<Named> {
        match self {
            Principals::Attached => Some(Named::Itself),
            Principals::Nobody => None,
            Principals::These(entries) => entries.iter().filter_map(|e| e.names(who)).min(),
            Principals::NotThese(entries) => entries.iter().all(|e| e.names(who).is_none()).then_some(Named::Anyone),
        }
    }

    /// Whether a statement that denies strikes who asks. An exception spares only those of whom every name is listed
    /// (session, role and account), and nobody who has a permissions boundary.
    pub fn strike(&self, who: &Requester, bounded: bool) -> bool {
        let Principals::NotThese(entries) = self else { return self.admit(who).is_some() };
        let listed = |test: &dyn Fn(&str) -> bool| entries.iter().any(|e| matches!(e, Entry::Aws(a) if test(a)));
        let (own, account) = (listed(&|a| a == who.text), listed(&|a| who.is_account(a)));
        let spared = entries.contains(&Entry::Anyone)
            || match &who.sort {
                Sort::Root => account,
                Sort::User | Sort::Role | Sort::Federated { .. } => own && account,
                Sort::Session { role } => own && account && listed(&|a| who.is_role_of(a, role)),
                Sort::Service | Sort::Provider | Sort::Canonical => entries.iter().any(|e| e.names(who).is_some()),
                Sort::Anonymous => false,
            };
        bounded || !spared
    }
}

impl Entry {
    fn names(&self, who: &Requester) -> Option<Named> {
        match self {
            Entry::Anyone => Some(Named::Anyone),
            Entry::Canonical(id) => (who.sort == Sort::Canonical && *id == who.text).then_some(Named::Itself),
            Entry::Service(host) => (who.sort == Sort::Service && *host == who.text).then_some(Named::Itself),
            Entry::Federated(provider) => {
                let may = matches!(who.sort, Sort::Provider | Sort::Service);
                (may && *provider == who.text).then_some(Named::Itself)
            }
            Entry::Aws(_) if !who.is_of_account() => None,
            Entry::Aws(name) if who.is_account(name) => Some(Named::Account),
            Entry::Aws(name) if *name == who.text => {
                Some(if who.sort == Sort::Role { Named::Origin } else { Named::Itself })
            }
            Entry::Aws(name) => match &who.sort {
                Sort::Session { role } => who.is_role_of(name, role).then_some(Named::Origin),
                Sort::Federated { user } => who.is_user_of(name, user).then_some(Named::Origin),
                _ => None,
            },
        }
    }
}

fn entries(value: &Json, at: &str) -> Result<Vec<Entry>, Error> {
    match value {
        Json::String(text) if text == "*" => return Ok(vec![Entry::Anyone]),
        Json::Object(_) => {}
        Json::String(text) => {
            let value = text.chars().take(60).collect();
            return Err(Error::Value { at: at.to_owned(), value, wanted: "write *, or {\"AWS\": …}" });
        }
        other => return Err(shape(at, other, "* or an object")),
    }
    let mut found = Vec::new();
    for (kind, names) in object(value, at)? {
        let at = format!("{at}.{kind}");
        let entry = match kind.as_str() {
            "AWS" => |name: String| if name == "*" { Entry::Anyone } else { Entry::Aws(name) },
            "Service" => Entry::Service,
            "Federated" => Entry::Federated,
            "CanonicalUser" => Entry::Canonical,
            _ => return Err(Error::Element { at, element: kind.clone() }),
        };
        found.extend(texts(names, &at)?.into_iter().map(entry));
    }
    Ok(found)
}
