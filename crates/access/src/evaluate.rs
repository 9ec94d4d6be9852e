//! One concrete request against all layers, in AWS's order: explicit denies, RCPs, SCPs, then who grants, then the
//! VPC endpoint (IAM user guide, "how AWS enforcement code logic evaluates requests").
//!
//! An RCP is applied to whatever action it covers: which services honour RCPs grows from year to year, so it is for the
//! caller to hand over only those that do.

use crate::context::Context;
use crate::policy::{Effect, Policy, Statement};
use crate::principal::{Named, Requester, Sort};
use yagura_model::Arn;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    Allowed,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Conditional,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Allowed => "Allowed",
            Outcome::ExplicitlyDenied => "ExplicitlyDenied",
            Outcome::ImplicitlyDenied => "ImplicitlyDenied",
            Outcome::Conditional => "Conditional",
        }
    }
}

/// The kind of policy that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    Scp,
    Rcp,
    Resource,
    Identity,
    Boundary,
    Session,
    Endpoint,
    None,
}

impl Layer {
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Scp => "scp",
            Layer::Rcp => "rcp",
            Layer::Resource => "resource",
            Layer::Identity => "identity",
            Layer::Boundary => "boundary",
            Layer::Session => "session",
            Layer::Endpoint => "endpoint",
            Layer::None => "none",
        }
    }
}

/// The organization's root, one of its units, or the account, with the policies attached there.
#[derive(Clone, Debug)]
pub struct Level {
    pub name: String,
    /// Empty: only the policy that AWS attaches is.
    pub policies: Vec<Policy>,
}

/// Every policy that could bear on a request.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    pub scp: Vec<Level>,
    pub rcp: Vec<Level>,
    pub resource: Vec<Policy>,
    pub identity: Vec<Policy>,
    /// Empty: no boundary.
    pub boundary: Vec<Policy>,
    pub session: Vec<Policy>,
    pub endpoint: Vec<Policy>,
}

impl Layers {
    /// Every list of policies.
    pub fn lists(&mut self) -> impl Iterator<Item = &mut Vec<Policy>> {
        let levels = self.scp.iter_mut().chain(&mut self.rcp).map(|level| &mut level.policies);
        let rest = [&mut self.resource, &mut self.identity, &mut self.boundary, &mut self.session, &mut self.endpoint];
        levels.chain(rest)
    }

    /// Every statement.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        let levels = self.scp.iter().chain(&self.rcp).map(|level| &level.policies);
        let rest = [&self.resource, &self.identity, &self.boundary, &self.session, &self.endpoint];
        levels.chain(rest).flatten().flat_map(|policy| &policy.statements)
    }
}

/// A request of which everything is known.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub who: &'a Requester,
    pub action: &'a str,
    pub resource: &'a str,
    /// Account that owns the resource; `aws` for AWS itself.
    pub owner: &'a str,
    pub context: &'a Context,
}

/// Why a request ends as it does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// `sts:GetCallerIdentity` needs no permission and can't be denied.
    NeedsNothing,
    /// The account's root user needs no policy in its own account.
    Root,
    Granted,
    /// Both sides of a cross-account request, or a policy that delegates and one that uses it; the other statement.
    GrantedWith(String),
    Denied,
    /// A level of the organization without an Allow.
    LevelSilent(String),
    /// The layer has no Allow, and its Allow is needed.
    Silent,
    /// The resource's policy leaves it to the identity's policies, which have no Allow.
    Delegated(String),
    NoGrant,
    OtherPartition,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decision {
    pub outcome: Outcome,
    pub layer: Layer,
    pub statement: Option<String>,
    pub reason: Reason,
}

impl Decision {
    fn allowed(layer: Layer, statement: Option<&Statement>, reason: Reason) -> Decision {
        Decision { outcome: Outcome::Allowed, layer, statement: statement.map(|s| s.label.clone()), reason }
    }

    fn implicit(layer: Layer, reason: Reason) -> Decision {
        Decision { outcome: Outcome::ImplicitlyDenied, layer, statement: None, reason }
    }
}

/// What AWS answers.
pub fn decide(request: Request<'_>, layers: &Layers) -> Decision {
    if request.action.eq_ignore_ascii_case("sts:GetCallerIdentity") && request.who.is_of_account() {
        return Decision::allowed(Layer::None, None, Reason::NeedsNothing);
    }
    let bounded = !layers.boundary.is_empty();
    let by_scp = request.who.is_of_account() && !request.who.is_service_linked();
    let by_rcp = !request.who.is_service_linked() && request.owner != "aws";
    if let Some((layer, statement)) = explicit_deny(request, layers, by_scp, by_rcp, bounded) {
        let (outcome, statement) = (Outcome::ExplicitlyDenied, Some(statement.label.clone()));
        return Decision { outcome, layer, statement, reason: Reason::Denied };
    }
    let silent = |level: &&Level| !level.policies.is_empty() && first_allow(request, &level.policies).is_none();
    if let Some(level) = layers.scp.iter().filter(|_| by_scp).find(silent) {
        return Decision::implicit(Layer::Scp, Reason::LevelSilent(level.name.clone()));
    }
    let decision = grant(request, layers);
    let passes = layers.endpoint.is_empty() || admitted(request, &layers.endpoint).is_some();
    if decision.outcome == Outcome::Allowed && !passes {
        return Decision::implicit(Layer::Endpoint, Reason::Silent);
    }
    decision
}

fn explicit_deny<'a>(
    request: Request<'_>,
    layers: &'a Layers,
    by_scp: bool,
    by_rcp: bool,
    bounded: bool,
) -> Option<(Layer, &'a Statement)> {
    let of_account = request.who.is_of_account();
    let mut lists: Vec<(Layer, &'a [Policy])> = Vec::new();
    lists.extend(layers.rcp.iter().filter(|_| by_rcp).map(|level| (Layer::Rcp, &level.policies[..])));
    lists.extend(layers.scp.iter().filter(|_| by_scp).map(|level| (Layer::Scp, &level.policies[..])));
    lists.push((Layer::Resource, &layers.resource));
    if of_account {
        lists.push((Layer::Identity, &layers.identity));
        lists.push((Layer::Boundary, &layers.boundary));
        lists.push((Layer::Session, &layers.session));
    }
    lists.push((Layer::Endpoint, &layers.endpoint));
    lists.into_iter().find_map(|(layer, policies)| {
        let statements = policies.iter().flat_map(|p| &p.statements);
        let mut denies = statements.filter(|s| s.effect == Effect::Deny && s.principals.strike(request.who, bounded));
        denies.find(|s| covers(request, s)).map(|s| (layer, s))
    })
}

fn covers(request: Request<'_>, statement: &Statement) -> bool {
    statement.covers_action(request.action)
        && statement.covers_resource(request.resource, request.context)
        && statement.holds(request.context)
}

fn allows<'a>(request: Request<'a>, policies: &'a [Policy]) -> impl Iterator<Item = &'a Statement> {
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    statements.filter(move |s| s.effect == Effect::Allow && covers(request, s))
}

fn first_allow<'a>(request: Request<'a>, policies: &'a [Policy]) -> Option<&'a Statement> {
    allows(request, policies).next()
}

/// The Allow that names who asks in the way that bypasses the most.
fn admitted<'a>(request: Request<'a>, policies: &'a [Policy]) -> Option<(Named, &'a Statement)> {
    let named = |s: &'a Statement| s.principals.admit(request.who).map(|named| (named, s));
    allows(request, policies).filter_map(named).min_by_key(|(named, _)| *named)
}

/// Who grants, once nothing denies.
fn grant(request: Request<'_>, layers: &Layers) -> Decision {
    let who = request.who;
    let resource = admitted(request, &layers.resource);
    let partition = Arn::parse(request.resource).map_or(who.partition.as_str(), |arn| arn.partition);
    let same_partition = who.partition.is_empty() || who.partition == partition || partition.contains(['*', '?']);
    if !same_partition {
        return Decision::implicit(Layer::None, Reason::OtherPartition);
    }
    if !who.is_of_account() {
        // A role can trust the providers of its own account only.
        let reachable = who.account.is_empty() || who.account == request.owner;
        return match resource.filter(|_| reachable) {
            Some((_, statement)) => Decision::allowed(Layer::Resource, Some(statement), Reason::Granted),
            None => Decision::implicit(Layer::Resource, Reason::Silent),
        };
    }
    let own = Own::of(request, layers);
    let owned_by_aws = request.owner == "aws" && layers.resource.is_empty();
    if who.account == request.owner || owned_by_aws {
        same_account(request, resource, own)
    } else {
        cross_account(resource, own)
    }
}

/// What the policies of the requester's own account say.
#[derive(Clone, Copy)]
struct Own<'a> {
    identity: Option<&'a Statement>,
    /// The root user, whom no policy need allow anything.
    root: bool,
    boundary: bool,
    session: bool,
}

impl<'a> Own<'a> {
    fn of(request: Request<'a>, layers: &'a Layers) -> Own<'a> {
        let root = request.who.sort == Sort::Root && layers.identity.is_empty();
        let within = |policies: &'a [Policy]| policies.is_empty() || first_allow(request, policies).is_some();
        Own {
            identity: first_allow(request, &layers.identity),
            root,
            boundary: root || within(&layers.boundary),
            session: within(&layers.session),
        }
    }

    fn grants(self) -> bool {
        (self.root || self.identity.is_some()) && self.boundary && self.session
    }

    /// The layer that keeps an identity's Allow from taking effect.
    fn blocker(self) -> Option<Layer> {
        match (self.boundary, self.session) {
            (false, _) => Some(Layer::Boundary),
            (true, false) => Some(Layer::Session),
            (true, true) => None,
        }
    }

    fn allowed(self, other: Option<&Statement>) -> Decision {
        let reason = match (self.root, other) {
            (true, _) => Reason::Root,
            (false, Some(other)) => Reason::GrantedWith(other.label.clone()),
            (false, None) => Reason::Granted,
        };
        Decision::allowed(if self.root { Layer::None } else { Layer::Identity }, self.identity, reason)
    }
}

fn same_account(request: Request<'_>, resource: Option<(Named, &Statement)>, own: Own<'_>) -> Decision {
    let needs_resource = needs_resource_policy(request);
    if needs_resource && resource.is_none() {
        return Decision::implicit(Layer::Resource, Reason::Silent);
    }
    let direct = resource.filter(|(named, _)| match named {
        Named::Itself => request.who.sort != Sort::User || own.session,
        Named::Anyone => own.session,
        Named::Origin => own.boundary && own.session,
        Named::Account => false,
    });
    if own.grants() {
        return match direct.filter(|_| needs_resource) {
            Some((_, statement)) => Decision::allowed(Layer::Resource, Some(statement), Reason::Granted),
            None => own.allowed(resource.filter(|_| needs_resource).map(|(_, statement)| statement)),
        };
    }
    if let Some((_, statement)) = direct {
        return Decision::allowed(Layer::Resource, Some(statement), Reason::Granted);
    }
    let named = resource.map(|(named, _)| named);
    let granted =
        own.identity.is_some() || own.root || matches!(named, Some(Named::Itself | Named::Anyone | Named::Origin));
    match (own.blocker(), resource) {
        (Some(layer), _) if granted => Decision::implicit(layer, Reason::Silent),
        (_, Some((Named::Account, statement))) => {
            Decision::implicit(Layer::Identity, Reason::Delegated(statement.label.clone()))
        }
        _ => Decision::implicit(Layer::None, Reason::NoGrant),
    }
}

fn cross_account(resource: Option<(Named, &Statement)>, own: Own<'_>) -> Decision {
    let identity = own.root || own.identity.is_some();
    match (resource, identity, own.blocker()) {
        (Some((_, statement)), true, None) => {
            let mut decision = own.allowed(Some(statement));
            if own.root {
                decision = Decision::allowed(Layer::Resource, Some(statement), Reason::Granted);
            }
            decision
        }
        (None, true, _) => Decision::implicit(Layer::Resource, Reason::Silent),
        (Some((_, statement)), false, _) => {
            Decision::implicit(Layer::Identity, Reason::Delegated(statement.label.clone()))
        }
        (None, false, _) => Decision::implicit(Layer::None, Reason::NoGrant),
        (Some(_), true, Some(layer)) => Decision::implicit(layer, Reason::Silent),
    }
}

/// Role trust and KMS key policies must allow even what the same account's identity policies do.
fn needs_resource_policy(request: Request<'_>) -> bool {
    let Some(arn) = Arn::parse(request.resource) else { return false };
    let service = request.action.split(':').next().unwrap_or_default();
    let is = |wanted: &str| service.eq_ignore_ascii_case(wanted);
    (is("sts") && arn.service == "iam" && arn.resource.starts_with("role/"))
        || (is("kms") && arn.service == "kms" && arn.resource.starts_with("key/"))
}
