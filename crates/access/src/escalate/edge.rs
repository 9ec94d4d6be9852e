//! Whether a method leads from one principal to another.

use super::method::{From, Gives, Method, Need, Target};
use super::{Ground, Step};
use crate::case::Answer;
use crate::estate::{Asked, Change, Estate, Identity, Part, Shed, Told, Wish};
use serde_json::Map;
use std::collections::{BTreeSet, HashMap};
use yagura_model::Arn;

/// What an administrator can do, and nobody who lacks full access: an action that no service has, which only `*` covers,
/// and to give itself permissions.
const POWERS: [(&str, &str); 2] = [
    ("yagura:AnythingAtAll", "arn:aws:yagura:::anything"),
    ("iam:PutRolePolicy", "arn:{partition}:iam::{account}:role/*"),
];

/// An edge that was found.
#[derive(Clone)]
pub struct Edge {
    pub step: Step,
    /// The identity that it leads over: whose policies, trust and functions it rests on beside those of who takes it.
    pub via: Option<String>,
}

/// Asks for edges, remembering what others will ask, too.
pub struct Edges<'a> {
    estate: &'a Estate,
    methods: &'a [Method],
    /// By principal, the numbers of the methods that its own policies could allow.
    pub usable: HashMap<String, Vec<usize>>,
    trusted: HashMap<(&'a str, &'a str), bool>,
    admins: HashMap<(&'a str, Change<'a>), bool>,
    /// Who has policies that could not be read, each with the resource that was asked about.
    pub unread: BTreeSet<(String, String)>,
    view: View,
}

/// What counts as a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// What is allowed, though something that no policy tells may have to hold beside.
    Plain,
    /// Only what assumes nothing that neither policies nor what is observed tell.
    Sure,
    /// What is not known is taken to allow.
    Lenient,
}

/// Who and what the places of a need stand for.
struct Scene<'a> {
    from: &'a str,
    identity: &'a Identity,
    target: Option<&'a str>,
    host: Option<&'a str>,
    group: Option<&'a str>,
}

impl<'a> Edges<'a> {
    pub fn new(estate: &'a Estate, methods: &'a [Method], view: View) -> Edges<'a> {
        let (usable, trusted, admins) = (HashMap::new(), HashMap::new(), HashMap::new());
        Edges { estate, methods, usable, trusted, admins, unread: BTreeSet::new(), view }
    }

    /// Whether a principal could do everything after a change.
    pub fn is_admin(&mut self, principal: &'a str, change: Change<'a>) -> bool {
        if let Some(&known) = self.admins.get(&(principal, change)) {
            return known;
        }
        let none = Map::new();
        let is = POWERS.iter().all(|(action, resource)| {
            let resource = fill(resource, principal, None);
            let asked = Asked { principal, action, resource: &resource, context: &none, session: None };
            self.allowed(&asked, Wish { change, any: false }).is_some()
        });
        self.admins.insert((principal, change), is);
        is
    }

    /// What a need rests on, if it is met.
    fn allowed(&mut self, asked: &Asked<'_>, wish: Wish<'_>) -> Option<Ground> {
        // What can't be decided is no path that one could show.
        let unread = match self.estate.wish(asked, wish).map(|permission| permission.told) {
            Ok(Told::Answer(answer)) => return answer.is_open().then(|| Ground::of(asked, answer)),
            Ok(Told::Unread(names)) => names,
            Err(error) => vec![format!("{} ({error})", asked.principal)],
        };
        self.open(asked.principal, asked.resource, asked.action, unread)
    }

    /// A need of which it is not known whether it is met.
    fn open(&mut self, principal: &str, resource: &str, action: &str, unread: Vec<String>) -> Option<Ground> {
        self.unread.insert((principal.to_owned(), resource.to_owned()));
        (self.view == View::Lenient).then(|| Ground {
            action: action.to_owned(),
            resource: resource.to_owned(),
            statement: None,
            conditions: Vec::new(),
            unread,
        })
    }

    /// A method by which a principal needs nobody else to be an administrator already; with `only`, one that widens one
    /// of these identities.
    pub fn alone(&mut self, principal: &'a str, only: Option<&BTreeSet<&str>>) -> Option<Edge> {
        let estate = self.estate;
        let identity = estate.identities.get(principal)?;
        for method in self.usable(principal, identity) {
            if self.view == View::Sure && method.assumes.is_some() {
                continue;
            }
            let step = |grounds, to: Option<&str>| Some(edge(method, principal, to, grounds));
            match method.gives {
                Gives::SelfAny | Gives::Unbounded | Gives::Group if only.is_some() => {}
                Gives::SelfAny | Gives::Unbounded => {
                    let change = if method.gives == Gives::SelfAny { Change::AnyPolicy } else { Change::NoBoundary };
                    let scene = Scene { from: principal, identity, target: None, host: None, group: None };
                    if let Some(grounds) = self.grounds(method, &scene)
                        && self.is_admin(principal, change)
                    {
                        return step(grounds, None);
                    }
                }
                Gives::Group => {
                    let others = estate
                        .groups
                        .iter()
                        .filter(|(arn, group)| group.account == identity.account && !identity.groups.contains(*arn));
                    for (group, _) in others {
                        let group = Some(group.as_str());
                        let scene = Scene { from: principal, identity, target: None, host: None, group };
                        if let Some(grounds) = self.grounds(method, &scene)
                            && group.is_some_and(|group| self.is_admin(principal, Change::Joins(group)))
                        {
                            return step(grounds, None);
                        }
                    }
                }
                Gives::Undenied if only.is_some() => {}
                Gives::Undenied => {
                    if let Some(ground) = self.shedding(method, principal, identity) {
                        return step(vec![ground], None);
                    }
                }
                Gives::Organization => {
                    let scene = Scene { from: principal, identity, target: None, host: None, group: None };
                    let service = method.administers.as_deref().unwrap_or_default();
                    let administers = estate.administers(&identity.account, service);
                    if only.is_none()
                        && administers != Ok(false)
                        && let Some(mut grounds) = self.grounds(method, &scene)
                    {
                        if let Err(reason) = administers {
                            let unread = vec![reason.to_owned()];
                            let Some(ground) = self.open(principal, principal, "organizations:*", unread) else {
                                continue;
                            };
                            grounds.extend(Some(ground));
                        }
                        return step(grounds, None);
                    }
                }
                Gives::TargetAny | Gives::TargetUnbounded => {
                    let change = if method.gives == Gives::TargetAny { Change::AnyPolicy } else { Change::NoBoundary };
                    let wanted = |arn: &str| arn != principal && only.is_none_or(|only| only.contains(arn));
                    for (target, other) in estate.identities.iter().filter(|(arn, _)| wanted(arn)) {
                        let scene =
                            Scene { from: principal, identity: other, target: Some(target), host: None, group: None };
                        if is_target(method, target)
                            && let Some(grounds) = self.grounds(method, &scene)
                            && self.is_admin(target, change)
                        {
                            return step(grounds, Some(target));
                        }
                    }
                }
                Gives::Target | Gives::Data => {}
            }
        }
        None
    }

    /// What a principal can do by the methods that lead to data.
    pub fn powers(&mut self, principal: &'a str) -> Vec<Step> {
        let Some(identity) = self.estate.identities.get(principal) else { return Vec::new() };
        let scene = Scene { from: principal, identity, target: None, host: None, group: None };
        let methods = self.usable(principal, identity).into_iter().filter(|m| m.gives == Gives::Data);
        methods.filter_map(|method| Some(edge(method, principal, None, self.grounds(method, &scene)?).step)).collect()
    }

    /// The first of a method's actions that takes policies from a principal so that it becomes an administrator.
    fn shedding(&mut self, method: &Method, principal: &'a str, identity: &'a Identity) -> Option<Ground> {
        let need = method.needs.first()?;
        let groups: Vec<Option<&str>> = match need.resource.contains("{group}") {
            true => identity.groups.iter().map(|group| Some(group.as_str())).collect(),
            false => vec![None],
        };
        let context = Map::new();
        for group in groups {
            for action in &need.actions {
                let part = match action.as_str() {
                    "iam:RemoveUserFromGroup" => Part::All,
                    "iam:DetachUserPolicy" | "iam:DetachRolePolicy" | "iam:DetachGroupPolicy" => Part::Attached,
                    "iam:DeleteUserPolicy" | "iam:DeleteRolePolicy" | "iam:DeleteGroupPolicy" => Part::Inline,
                    _ => continue,
                };
                let resource = group.unwrap_or(principal);
                let asked = Asked { principal, action, resource, context: &context, session: None };
                let change = Change::Sheds(Shed { group, part });
                if self.estate.might(principal, action, resource)
                    && let Some(ground) = self.allowed(&asked, Wish::default())
                    && self.is_admin(principal, change)
                {
                    return Some(ground);
                }
            }
        }
        None
    }

    /// A method by which a principal comes to act as one of `targets`.
    pub fn over(&mut self, principal: &'a str, targets: &[(&'a str, &'a Identity)]) -> Option<Edge> {
        let estate = self.estate;
        let identity = estate.identities.get(principal)?;
        // A way that nothing is assumed for is better than one that has been found.
        let mut assumed = None;
        for method in self.usable(principal, identity).into_iter().filter(|m| m.gives == Gives::Target) {
            if assumed.is_some() && method.assumes.is_some() && method.checked.is_none() {
                break;
            }
            for (target, other) in targets.iter().copied() {
                let holds = method.checked.and_then(|what| other.traits.get(&what).copied());
                let is_assumed = method.assumes.is_some() && holds.is_none();
                if holds == Some(false)
                    || (is_assumed && (self.view == View::Sure || assumed.is_some()))
                    || !is_target(method, target)
                    || !self.trusts(method, target)
                {
                    continue;
                }
                let hosts: Vec<Option<&str>> = match method.host.as_deref() {
                    Some("AWS::Lambda::Function") => {
                        estate.functions.get(target).into_iter().flatten().map(|f| Some(f.as_str())).collect()
                    }
                    pattern => vec![pattern],
                };
                for host in hosts {
                    let scene = Scene { from: principal, identity: other, target: Some(target), host, group: None };
                    if let Some(grounds) = self.grounds(method, &scene) {
                        let mut found = edge(method, principal, Some(target), grounds);
                        if !is_assumed {
                            found.step.assumes = None;
                            return Some(found);
                        }
                        assumed = Some(found);
                        break;
                    }
                }
            }
        }
        assumed
    }

    /// The methods that a principal's own policies could allow.
    fn usable(&mut self, principal: &str, identity: &Identity) -> Vec<&'a Method> {
        let methods = self.methods;
        // With a policy of its own that nobody could read, nothing is allowed for sure.
        if self.view != View::Lenient && !self.estate.unread_of(principal).is_empty() {
            self.unread.insert((principal.to_owned(), principal.to_owned()));
            return Vec::new();
        }
        if let Some(known) = self.usable.get(principal) {
            return known.iter().filter_map(|i| methods.get(*i)).collect();
        }
        let is_user = principal.contains(":user/");
        // A role can be named by the trust policy alone.
        let may = |action: &String| action == "sts:AssumeRole" || identity.may(action);
        let usable = methods.iter().enumerate().filter(|(_, method)| {
            let fits = match method.from {
                From::Any => true,
                From::User => is_user,
                From::Role => !is_user,
                From::Outside => false,
            };
            fits && method.needs.iter().all(|need| need.actions.iter().any(may))
        });
        let mut usable: Vec<usize> = usable.map(|(i, _)| i).collect();
        // What needs no more than permissions first, then what the inventory tells: nobody has to check the rest.
        usable.sort_by_key(|i| {
            methods.get(*i).map(|m| (m.assumes.is_some() && m.checked.is_none(), m.assumes.is_some()))
        });
        self.usable.insert(principal.to_owned(), usable.clone());
        usable.into_iter().filter_map(|i| methods.get(i)).collect()
    }

    /// Whether a target role lets in the service that the method uses.
    pub fn trusts(&mut self, method: &'a Method, target: &'a str) -> bool {
        method.trusts.is_empty()
            || method.trusts.iter().any(|service| {
                let none = Map::new();
                if let Some(&known) = self.trusted.get(&(service.as_str(), target)) {
                    return known;
                }
                // Cognito hands roles to those who have logged in there.
                let trusted = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"].into_iter().any(|action| {
                    let asked = Asked { principal: service, action, resource: target, context: &none, session: None };
                    self.allowed(&asked, Wish::default()).is_some()
                });
                self.trusted.insert((service, target), trusted);
                trusted
            })
    }

    /// The providers that a role trusts, for a need that is about one of them. A role that asks for an audience of its own
    /// isn't opened by another client of the provider.
    fn trusted_providers(&mut self, principal: &str, role: &str, kind: &str, need: &Need) -> Vec<String> {
        let (mut providers, unread) = self.estate.providers_of(role, kind);
        if unread {
            self.unread.insert((principal.to_owned(), role.to_owned()));
            if self.view == View::Lenient {
                let any = fill(&format!("arn:{{partition}}:iam::{{account}}:{kind}/*"), role, None);
                providers.push((any, Vec::new()));
            }
        }
        let is_client = need.actions.iter().any(|action| action == "iam:AddClientIDToOpenIDConnectProvider");
        let opened =
            providers.into_iter().filter(|(_, keys)| !is_client || !keys.iter().any(|key| key.ends_with(":aud")));
        opened.map(|(provider, _)| provider).collect()
    }

    /// What all needs rest on; `None` if one is not met.
    fn grounds(&mut self, method: &Method, scene: &Scene<'_>) -> Option<Vec<Ground>> {
        method.needs.iter().map(|need| self.ground(need, scene)).collect()
    }

    fn ground(&mut self, need: &Need, scene: &Scene<'_>) -> Option<Ground> {
        let whole = scene.target.unwrap_or(scene.from);
        let context: Map<_, _> =
            need.context.iter().map(|(key, value)| (key.clone(), fill(value, whole, Some(scene)).into())).collect();
        let resource = fill(&need.resource, whole, Some(scene));
        // Each policy, or group, by itself.
        let owner = if scene.target.is_some() { scene.identity } else { self.estate.identities.get(scene.from)? };
        let mut providers =
            |kind| scene.target.map(|role| self.trusted_providers(scene.from, role, kind, need)).unwrap_or_default();
        let saml = if resource.contains("{saml-provider}") { providers("saml-provider") } else { Vec::new() };
        let oidc = if resource.contains("{oidc-provider}") { providers("oidc-provider") } else { Vec::new() };
        let each = [
            ("{policy}", &owner.attached),
            ("{group}", &owner.groups),
            ("{saml-provider}", &saml),
            ("{oidc-provider}", &oidc),
        ];
        let resources: Vec<String> = match each.iter().find(|(place, _)| resource.contains(place)) {
            Some((place, values)) => values.iter().map(|value| resource.replace(place, value)).collect(),
            None if resource.contains(":kms:") && resource.contains('*') => self.estate.keys_like(&resource),
            None => vec![resource],
        };
        for resource in &resources {
            for action in &need.actions {
                // A policy may name a session of the role instead of the role.
                let sessions = self.estate.sessions_named(scene.from, resource);
                let own = Some(scene.from).filter(|from| self.estate.might(from, action, resource));
                for principal in own.into_iter().chain(sessions.iter().map(String::as_str)) {
                    let asked = Asked { principal, action, resource, context: &context, session: None };
                    if let Some(ground) = self.allowed(&asked, Wish { any: true, ..Wish::default() }) {
                        return Some(ground);
                    }
                }
            }
        }
        None
    }
}

impl Ground {
    /// What an answer rests on that allows what was asked.
    fn of(asked: &Asked<'_>, answer: Answer) -> Ground {
        let (action, resource) = (asked.action.to_owned(), asked.resource.to_owned());
        Ground { action, resource, conditions: answer.keys(), statement: answer.allows, unread: Vec::new() }
    }
}

/// Puts names into a template; partition and account are those of the ARN `whole`.
fn fill(template: &str, whole: &str, scene: Option<&Scene<'_>>) -> String {
    let (partition, account) = Arn::parse(whole).map_or(("aws", ""), |arn| (arn.partition, arn.account));
    let mut text = template.to_owned();
    if let Some(scene) = scene {
        text = text.replace("{self}", scene.from);
        for (place, name) in [("{target}", scene.target), ("{host}", scene.host), ("{other-group}", scene.group)] {
            text = text.replace(place, name.unwrap_or_default());
        }
    }
    text.replace("{partition}", partition).replace("{account}", account)
}

/// Whether an identity is of the kind that a method reaches. Roles that are AWS's own can't be passed on or changed.
fn is_target(method: &Method, arn: &str) -> bool {
    let is_aws = arn.contains(":role/aws-service-role/")
        || (arn.contains(":role/aws-reserved/") && matches!(method.gives, Gives::TargetAny | Gives::TargetUnbounded));
    match method.target {
        Target::Itself => false,
        Target::User => arn.contains(":user/"),
        Target::Role => arn.contains(":role/") && !is_aws,
    }
}

pub fn edge(method: &Method, from: &str, via: Option<&str>, grounds: Vec<Ground>) -> Edge {
    let to = via.filter(|_| !matches!(method.gives, Gives::TargetAny | Gives::TargetUnbounded)).map(str::to_owned);
    let step = Step {
        method: method.id.clone(),
        title: method.title.clone(),
        from: from.to_owned(),
        to,
        grounds,
        assumes: method.assumes.clone(),
    };
    Edge { step, via: via.map(str::to_owned) }
}
