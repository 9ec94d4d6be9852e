//! Questions to an estate: can this principal, and who can.

use super::{Estate, Guarded, Held, Identity, Shed, everything};
use crate::case::{Answer, Case, owner};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::evaluate::{Layers, Outcome};
use crate::glob::{Glob, pieces};
use crate::policy::{Effect, Kind, Policy, Statement};
use crate::principal::{Entry, Principals, Requester, Sort};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// A question: may `principal` call `action` on `resource`, when the request has at least this context?
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub principal: &'a str,
    pub action: &'a str,
    pub resource: &'a str,
    /// Keys that are known. Of all others nothing is, but for what the estate tells of the principal and the resource. A VPC
    /// endpoint of the estate that `aws:SourceVpce` names lets through what its own policy allows.
    pub context: &'a Map<String, Json>,
    /// The policy that the principal's session was given.
    pub session: Option<&'a Json>,
}

/// What an estate can tell.
#[derive(Clone, Debug)]
pub enum Told {
    Answer(Answer),
    /// The answer hangs on policies that could not be read: their names.
    Unread(Vec<String>),
}

/// One who can.
#[derive(Clone, Debug)]
pub struct Permission {
    pub principal: String,
    pub told: Told,
    /// The principal's own policies are another account's affair, and were taken to allow.
    pub foreign: bool,
    /// The accounts whose organization's policies are not known, each with the reason: they were taken to deny nothing.
    pub ungoverned: Vec<(String, String)>,
}

impl Permission {
    /// Whether it is allowed, or may be.
    pub fn is_open(&self) -> bool {
        match &self.told {
            Told::Answer(answer) => answer.is_open(),
            Told::Unread(_) => true,
        }
    }
}

/// A question beside what is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    pub(crate) change: Change<'a>,
    /// Of a pattern of resources, one that is allowed is enough.
    pub(crate) any: bool,
}

/// A change of what a principal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Change<'a> {
    #[default]
    Nothing,
    /// It may attach to itself what it likes.
    AnyPolicy,
    NoBoundary,
    /// It joins the group of this ARN.
    Joins(&'a str),
    /// It loses policies.
    Sheds(Shed<'a>),
}

impl Estate {
    /// Everybody who can, or may be able to, do something: the estate's own principals, and whom the resource's policy
    /// lets in from elsewhere.
    ///
    /// # Errors
    /// As [`Estate::permission`].
    pub fn who_can(&self, action: &str, resource: &str, context: &Map<String, Json>) -> Result<Vec<Permission>, Error> {
        let asked = |principal| self.permission(&Asked { principal, action, resource, context, session: None });
        let all = self.candidates(action, resource).into_iter().map(asked);
        all.filter(|permission| permission.as_ref().map_or(true, Permission::is_open)).collect()
    }

    /// Who can do something on a part of what a pattern covers, and is not among those who `can` on all of it.
    ///
    /// # Errors
    /// A question that can't be decided within the bounds.
    pub fn who_can_partly(
        &self,
        action: &str,
        resource: &str,
        context: &Map<String, Json>,
        can: &[Permission],
    ) -> Result<Vec<&str>, Error> {
        let can: BTreeSet<&str> = can.iter().map(|permission| permission.principal.as_str()).collect();
        let mut found = Vec::new();
        for principal in self.candidates(action, resource).into_iter().filter(|principal| !can.contains(principal)) {
            let asked = Asked { principal, action, resource, context, session: None };
            if self.wish(&asked, Wish { any: true, ..Wish::default() })?.is_open() {
                found.push(principal);
            }
        }
        Ok(found)
    }

    /// Who might be allowed something, by a policy of its own or of the resource.
    fn candidates(&self, action: &str, resource: &str) -> BTreeSet<&str> {
        let guards = self.guard(resource).map_or(&[][..], |(_, guarded)| &guarded.policies);
        let mut principals: BTreeSet<&str> = match guards {
            [] => self.identities.iter().filter(|(_, i)| i.may(action)).map(|(arn, _)| arn.as_str()).collect(),
            // A resource's policy can let in anybody.
            _ => self.principals().collect(),
        };
        for guard in guards {
            let Held::Read(policy) = guard else { continue };
            let allows = policy.statements.iter().filter(|s| s.effect == Effect::Allow && s.covers_action(action));
            for statement in allows {
                match &statement.principals {
                    Principals::These(entries) => principals.extend(entries.iter().filter_map(stranger)),
                    Principals::NotThese(_) => _ = principals.insert("anonymous"),
                    Principals::Attached | Principals::Nobody => {}
                }
            }
        }
        if let Some((bucket, _)) = self.guard(resource)
            && Requester::read("anonymous").is_ok_and(|anyone| self.may_be_listed(&anyone, action, bucket))
        {
            principals.insert("anonymous");
        }
        principals
    }

    /// How many resources with policies a pattern covers whose policies an answer about the pattern doesn't ask.
    pub fn unasked(&self, pattern: &str) -> usize {
        if !pattern.contains(['*', '?']) || pattern == "*" || self.guard(pattern).is_some() {
            return 0;
        }
        let glob = Glob::text(&pieces(pattern));
        let covers = |(arn, guarded): &(&String, &Guarded)| !guarded.policies.is_empty() && glob.matches(arn);
        self.guarded.iter().filter(covers).count()
    }

    /// Whether policies of a resource are known, be it that there are none.
    pub fn knows(&self, resource: &str) -> bool {
        self.guard(resource).is_some()
    }

    /// Whether a principal can do something.
    ///
    /// # Errors
    /// A principal that is none, or a question that can't be decided within the bounds.
    pub fn permission(&self, asked: &Asked<'_>) -> Result<Permission, Error> {
        self.wish(asked, Wish::default())
    }

    /// Whether a principal of the estate has an Allow for an action on a resource at all, from its own policies or the
    /// resource's: of most it is known at once that they have not.
    pub(crate) fn might(&self, principal: &str, action: &str, resource: &str) -> bool {
        let Some(identity) = self.identities.get(principal) else { return true };
        let is_pattern = resource.contains(['*', '?']);
        let named = |s: &Statement| s.principals == Principals::Attached || s.principals.admit(&identity.who).is_some();
        let allows = |held: &Held| match held {
            Held::Read(policy) => policy.statements.iter().any(|s| {
                s.effect == Effect::Allow
                    && if is_pattern { s.might_meet(resource) } else { s.might_cover_resource(resource) }
                    && named(s)
                    && s.covers_action(action)
            }),
            Held::Unread(_) => true,
            Held::Doubt(_) => false,
        };
        let guards = self.guard(resource).map_or(&[][..], |(_, guarded)| &guarded.policies);
        identity.policies.iter().chain(guards).any(allows)
    }

    /// Whether a principal's own policies might let it take on a role of another account.
    pub fn might_enter(&self, principal: &str, account: &str) -> bool {
        let partition = yagura_model::Arn::parse(principal).map_or("aws", |arn| arn.partition);
        self.might(principal, "sts:AssumeRole", &format!("arn:{partition}:iam::{account}:role/*"))
    }

    /// Whether the policies of a resource might let in principals of an account.
    pub fn might_let_in(&self, resource: &str, account: &str) -> bool {
        let names = |entry: &Entry| match entry {
            Entry::Anyone | Entry::Canonical(_) | Entry::Federated(_) => true,
            Entry::Aws(text) => text.contains(account),
            Entry::Service(_) => false,
        };
        let lets_in = |statement: &Statement| match &statement.principals {
            Principals::These(entries) => entries.iter().any(names),
            Principals::NotThese(_) => true,
            Principals::Attached | Principals::Nobody => false,
        };
        self.guards(resource).iter().any(|held| match held {
            Held::Read(policy) => policy.statements.iter().any(|s| s.effect == Effect::Allow && lets_in(s)),
            Held::Unread(_) => true,
            Held::Doubt(_) => false,
        })
    }

    /// [`Estate::permission`] after a change, or for one of many resources.
    pub(crate) fn wish(&self, asked: &Asked<'_>, wish: Wish<'_>) -> Result<Permission, Error> {
        let who = Requester::read(asked.principal)?;
        let identity = self.identity(&who);
        let mut layers = Layers::default();
        let mut unread = Vec::new();
        let mut add =
            |held: &Held, kind: Kind, into: &mut Vec<Policy>| held.bear(asked.action, kind, into, &mut unread);
        let is_missing = identity.is_none() && matches!(who.sort, Sort::User | Sort::Role | Sort::Session { .. });
        if is_missing && self.knows_principals_of(&who.account) {
            let told = Told::Unread(vec![format!("{} (not in the inventory)", asked.principal)]);
            let (principal, ungoverned) = (asked.principal.to_owned(), Vec::new());
            return Ok(Permission { principal, told, foreign: false, ungoverned });
        }
        let foreign = identity.is_none() && who.is_of_account() && who.sort != Sort::Root;
        if let Some(identity) = identity {
            let shed = if let Change::Sheds(shed) = wish.change { Some(shed) } else { None };
            identity.after(shed).for_each(|held| add(held, Kind::Identity, &mut layers.identity));
            if wish.change != Change::NoBoundary {
                identity.boundary.iter().for_each(|held| add(held, Kind::Identity, &mut layers.boundary));
            }
            match wish.change {
                Change::AnyPolicy => layers.identity.extend(everything(Kind::Identity)),
                Change::Joins(group) => {
                    let policies = self.groups.get(group).into_iter().flat_map(|group| &group.policies);
                    policies.for_each(|held| add(held, Kind::Identity, &mut layers.identity));
                }
                Change::Nothing | Change::NoBoundary | Change::Sheds(_) => {}
            }
        } else if foreign {
            layers.identity.extend(everything(Kind::Identity));
        }
        if let Some(document) = asked.session {
            let policy = Policy::read(document, "session", Kind::Identity, "session policy")?;
            layers.session.push(policy.about(asked.action));
        }
        let through = asked.context.iter().filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceVpce"));
        for id in through.flat_map(|(_, id)| id.as_array().map_or(std::slice::from_ref(id), Vec::as_slice)) {
            let id = id.as_str().unwrap_or_default();
            match self.endpoints.get(id) {
                Some(endpoint) => add(endpoint, Kind::Resource, &mut layers.endpoint),
                None => add(&Held::Doubt(format!("policy of {id}")), Kind::Resource, &mut layers.endpoint),
            }
        }
        let guard = self.guard(asked.resource);
        if let Some((_, guarded)) = guard {
            let bears = |held: &&Held| who.account != guarded.account || !matches!(held, Held::Doubt(_));
            guarded.policies.iter().filter(bears).for_each(|held| add(held, Kind::Resource, &mut layers.resource));
        }
        let owner = guard.map_or_else(|| owner(asked.resource, &who), |(_, guarded)| guarded.account.clone());
        let mut accounts = vec![owner.as_str()];
        let (scp, hidden) = self.organizations.scp(&who.account, asked.action);
        layers.scp = scp;
        unread.extend(hidden);
        let (rcp, hidden) = self.organizations.rcp(&owner, asked.action);
        layers.rcp = rcp;
        unread.extend(hidden);
        if who.is_of_account() && who.account != owner {
            accounts.push(&who.account);
        }
        let reason = |account: &str| Some((account.to_owned(), self.ungoverned(account)?.to_owned()));
        let ungoverned = accounts.into_iter().filter_map(reason).collect();
        let mut context = known(&who, identity, asked.context)?;
        self.organize(&mut context, &who, &owner);
        if let Some((_, guarded)) = guard.filter(|(name, _)| *name == asked.resource) {
            set_tags(&mut context, "aws:ResourceTag", &guarded.tags);
            // Who has tags has no others; of a resource without any it may be that nobody read them.
            if !guarded.tags.is_empty() {
                context.close("aws:ResourceTag/");
                if let Some(service) = TAGGED.iter().find(|service| asked.action.starts_with(&format!("{service}:"))) {
                    set_tags(&mut context, &format!("{service}:ResourceTag"), &guarded.tags);
                    context.close(&format!("{service}:resourcetag/"));
                }
            }
        }
        let may_be_listed = guard.is_some_and(|(bucket, _)| {
            // Of another account's principals a policy of their own has to allow it, too.
            let allows = identity.is_none_or(|identity| identity.may(asked.action));
            bucket != asked.resource && allows && self.may_be_listed(&who, asked.action, bucket)
        });
        let mut case = Case::of_estate(who, asked.action, asked.resource, owner, context, layers);
        case.any = wish.any;
        let answer = case.judge()?;
        if answer.outcome == Outcome::ImplicitlyDenied && may_be_listed {
            unread.push("s3:GetObjectAcl".to_owned());
            return Ok(Permission {
                principal: asked.principal.to_owned(),
                told: Told::Unread(unread),
                foreign,
                ungoverned,
            });
        }
        let told = if answer.is_open() && !unread.is_empty() { Told::Unread(unread) } else { Told::Answer(answer) };
        Ok(Permission { principal: asked.principal.to_owned(), told, foreign, ungoverned })
    }

    /// Says of a request which organizations its principal and its resource are in.
    fn organize(&self, context: &mut Context, who: &Requester, owner: &str) {
        let mut say = |key: &str, account: &str| match self.organizations.id(account) {
            Some(Some(id)) if context.is_open(&key.to_ascii_lowercase()) => {
                context.set(key, Value::One(id.to_owned()));
            }
            Some(None) => context.close(key),
            _ => {}
        };
        say("aws:ResourceOrgID", owner);
        if who.is_of_account() {
            say("aws:PrincipalOrgID", &who.account);
        }
    }

    /// The user or role that a principal is, or is a session of.
    fn identity(&self, who: &Requester) -> Option<&Identity> {
        match &who.sort {
            Sort::Session { role } => self.identities.get(self.roles.get(&(who.account.clone(), role.clone()))?),
            _ => self.identities.get(&who.text),
        }
    }
}

impl Identity {
    /// Whether any of its policies could allow an action.
    pub(crate) fn may(&self, action: &str) -> bool {
        self.policies.iter().any(|held| match held {
            Held::Read(policy) => {
                policy.statements.iter().any(|s| s.effect == Effect::Allow && s.covers_action(action))
            }
            Held::Unread(_) => true,
            Held::Doubt(_) => false,
        })
    }
}

/// Services with a key of their own beside `aws:ResourceTag`.
const TAGGED: [&str; 6] = ["ec2", "ecr", "iam", "rds", "secretsmanager", "ssm"];

/// Who an entry of a resource's policy lets in, if that is no account of which the policy says no more.
fn stranger(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Anyone => Some("anonymous"),
        Entry::Aws(text) | Entry::Service(text) | Entry::Federated(text) => Some(text),
        Entry::Canonical(_) => None,
    }
}

/// What is known of every request of a principal
/// (`docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html`).
fn known(who: &Requester, identity: Option<&Identity>, given: &Map<String, Json>) -> Result<Context, Error> {
    let mut context = Context::default();
    let one = |text: &str| Value::One(text.to_owned());
    if who.is_of_account() {
        let arn = match &who.sort {
            // Of a session it is the role's, whose path the session's ARN doesn't tell.
            Sort::Session { .. } => None,
            _ => Some(who.text.as_str()),
        };
        arn.into_iter().for_each(|arn| context.set("aws:PrincipalArn", one(arn)));
        context.set("aws:PrincipalAccount", one(&who.account));
        context.set("aws:PrincipalIsAWSService", one("false"));
        let kind = match &who.sort {
            Sort::Root => "Account",
            Sort::User => "User",
            Sort::Federated { .. } => "FederatedUser",
            _ => "AssumedRole",
        };
        context.set("aws:PrincipalType", one(kind));
    }
    match who.sort {
        Sort::Anonymous => {
            for key in ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"] {
                context.close(key);
            }
            context.set("aws:PrincipalIsAWSService", one("false"));
        }
        Sort::Service => context.set("aws:PrincipalIsAWSService", one("true")),
        _ => {}
    }
    match who.sort {
        Sort::User => context.set("aws:username", one(super::last(&who.text))),
        _ => context.close("aws:username"),
    }
    if let Some(identity) = identity {
        set_tags(&mut context, "aws:PrincipalTag", &identity.tags);
        if who.sort == Sort::User {
            // A session can bring tags of its own; a user has those it has.
            context.close("aws:PrincipalTag/");
        }
    }
    let given = crate::case::context(&Json::Object(given.clone()))?;
    given.each(|key, value| context.set(key, value.clone()));
    Ok(context)
}

fn set_tags(context: &mut Context, key: &str, tags: &std::collections::BTreeMap<String, String>) {
    for (name, value) in tags {
        context.set(&format!("{key}/{name}"), Value::One(value.clone()));
    }
}
