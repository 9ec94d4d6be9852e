//! Strangers: principals that nobody trusts, and what their requests can hold.

use crate::candidates;
use crate::condition::{Clause, Family};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::glob::{self, Bound, Glob, Piece, Set, pieces};
use crate::operand::{Block, address_value, block};
use crate::outside::Zone;
use crate::people::People;
use crate::principal::{Entry, Principals, Requester, Sort};
use crate::quest::Person;
use crate::reach::{Reach, of};
use crate::scene::Scene;
use std::collections::BTreeSet;
use yagura_model::Arn;

/// Addresses that are nobody's on the internet (RFC 1918, RFC 4193).
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/// Addresses that stand for any (RFC 5737, RFC 3849).
const ANYWHERE: [&str; 4] = ["198.51.100.7", "203.0.113.7", "192.0.2.7", "2001:db8::7"];
/// S3 takes ranges as short as these for a network, and wider ones for everybody.
const NETWORK: (u32, u32) = (8, 32);

/// Who is trusted, and whether everything that the policy names is besides.
pub struct Trust {
    accounts: BTreeSet<String>,
    organizations: BTreeSet<String>,
    owner: String,
    organization: Option<String>,
    /// Only those count whom nothing in the policy names.
    nobody_named: bool,
}

impl Trust {
    pub fn new(zone: &Zone, scene: &Scene<'_>, nobody_named: bool) -> Trust {
        let mut accounts: BTreeSet<String> = zone.accounts.iter().cloned().collect();
        accounts.insert(zone.owner.clone());
        let mut organizations: BTreeSet<String> = zone.organization.iter().cloned().collect();
        if nobody_named {
            accounts.extend(People::of(scene.statements.iter().copied()).accounts);
            for key in ["aws:principalarn", "aws:principalaccount", "kms:calleraccount"] {
                let texts = operands(scene, key);
                let account = |t: String| Arn::parse(&t).map_or(t.clone(), |arn| arn.account.to_owned());
                accounts.extend(texts.map(account).filter(|t| t.len() == 12 && !t.contains(['*', '?'])));
            }
            for key in ["aws:principalorgid", "aws:principalorgpaths"] {
                let first = |t: String| t.split('/').next().unwrap_or_default().to_owned();
                organizations.extend(operands(scene, key).map(first).filter(|t| !t.contains(['*', '?'])));
            }
        }
        let (owner, organization) = (zone.owner.clone(), zone.organization.clone());
        Trust { accounts, organizations, owner, organization, nobody_named }
    }

    /// Every stranger who makes a difference: principals of other accounts, in another organization or in none,
    /// anonymous callers, and unless nobody named counts, providers and canonical users.
    pub fn strangers(&self, scene: &mut Scene<'_>) -> Result<Vec<Person>, Error> {
        let people = People::of(scene.statements.iter().copied());
        let trusted: Vec<String> = self.accounts.iter().cloned().collect();
        let account = people.stranger(&trusted);
        let mut who: Vec<Requester> = Vec::new();
        for partition in &people.partitions {
            let texts =
                ["user/somebody", "role/some-role"].map(|name| format!("arn:{partition}:iam::{account}:{name}"));
            who.extend(texts.iter().filter_map(|text| Requester::read(text).ok()));
            for text in self.callers(scene, partition)? {
                who.extend(Requester::read(&text));
            }
        }
        who.extend(people.all());
        who.retain(|who| self.is_stranger(who));
        let organizations = self.callers_organizations(scene)?;
        let mut persons: Vec<Person> = Vec::new();
        let mut signs = BTreeSet::new();
        let asked: Vec<&Clause> = scene.statements.iter().flat_map(|s| &s.clauses).collect();
        let asked: Vec<&Clause> = asked.into_iter().filter(|c| of(&c.key) == Reach::Caller).collect();
        let variables = scene.variables();
        for who in who {
            let orgs: &[Option<Organization>] = if who.is_of_account() { &organizations } else { &[None] };
            for organization in orgs {
                let known = self.known(&who, organization.as_ref());
                let turns: Vec<bool> = asked.iter().map(|c| c.holds(&known)).collect();
                let told: Vec<Option<Value>> = variables.iter().map(|key| known.get(key).cloned()).collect();
                if signs.insert((scene.naming(&who), who.partition.clone(), turns, told)) {
                    persons.push(Person { who: Some(who.clone()), known });
                }
            }
        }
        Ok(persons)
    }

    fn is_stranger(&self, who: &Requester) -> bool {
        match who.sort {
            Sort::Service if who.text.contains("cognito-identity.") => !self.nobody_named,
            Sort::Service => false,
            Sort::Anonymous => true,
            Sort::Provider | Sort::Canonical if self.nobody_named => false,
            _ => !self.accounts.contains(&who.account),
        }
    }

    /// Users and roles of other accounts, one for each way in which conditions on them turn out.
    fn callers(&self, scene: &mut Scene<'_>, partition: &str) -> Result<Vec<String>, Error> {
        let mut tell = text_globs(scene, "aws:principalarn", &self.owned());
        let within = |account: &[Piece]| {
            let around = [pieces("arn:*:iam::"), account.to_vec(), pieces(":*")].concat();
            Glob::text(&around)
        };
        for key in ["aws:principalaccount", "kms:calleraccount"] {
            for clause in scene.clauses(key) {
                tell.extend(clause.operands.iter().filter_map(|o| o.pieces(&self.owned())).map(|p| within(&p)));
            }
        }
        tell.extend(self.accounts.iter().map(|account| within(&pieces(account))));
        for statement in &scene.statements {
            if let Principals::These(entries) | Principals::NotThese(entries) = &statement.principals {
                let named = entries.iter().filter_map(|e| if let Entry::Aws(text) = e { Some(text) } else { None });
                tell.extend(named.filter(|t| t.starts_with("arn:")).map(|t| exactly(t)));
            }
        }
        let mut found = Vec::new();
        for kind in ["user", "role"] {
            let (start, middle) = (format!("arn:{partition}:iam::"), format!(":{kind}/"));
            let cover = [
                Bound::Text(&start),
                Bound::Exactly(12, Set::Digit),
                Bound::Text(&middle),
                Bound::AtLeast(1, Set::Name),
            ];
            found.extend(walk(scene, &Glob::of_parts(&cover), &tell, "Principal")?);
        }
        Ok(found)
    }

    /// Other organizations that a caller's account could be in, and none.
    fn callers_organizations(&self, scene: &mut Scene<'_>) -> Result<Vec<Option<Organization>>, Error> {
        let mut found = vec![None];
        let keys = scene.keys();
        if !keys.contains_key("aws:principalorgid") && !keys.contains_key("aws:principalorgpaths") {
            return Ok(found);
        }
        for id in self.organizations(scene, &["aws:principalorgid"], &["aws:principalorgpaths"])? {
            let paths = self.paths(scene, "aws:principalorgpaths", &id)?;
            found.extend(paths.into_iter().map(|path| Some(Organization { id: id.clone(), path })));
        }
        Ok(found)
    }

    /// Organizations that are not trusted, one for each way in which conditions turn out.
    fn organizations(&self, scene: &mut Scene<'_>, ids: &[&str], paths: &[&str]) -> Result<Vec<String>, Error> {
        let mut tell: Vec<Glob> = self.organizations.iter().map(|o| exactly(o)).collect();
        for key in ids {
            tell.extend(text_globs(scene, key, &self.owned()));
        }
        for key in paths {
            let first = |t: String| t.split('/').next().map(|first| Glob::text(&pieces(first)));
            tell.extend(operands(scene, key).filter_map(first));
        }
        let cover = Glob::of_parts(&[Bound::Text("o-"), Bound::AtLeast(10, Set::Small)]);
        let mut found = vec!["o-a1b2c3d4e5".to_owned()];
        // An id that a policy names counts whatever its form: to doubt it would be to call the policy closed.
        found.extend(ids.iter().flat_map(|key| operands(scene, key)).filter(|t| !t.contains(['*', '?'])));
        let named = paths.iter().flat_map(|key| named_first(scene, key));
        found.extend(named.filter(|id| id.starts_with("o-") && !id.contains(['*', '?'])));
        found.extend(walk(scene, &cover, &tell, "aws:PrincipalOrgID")?);
        found.retain(|id| !self.organizations.contains(id));
        Ok(found)
    }

    /// Paths in an organization.
    fn paths(&self, scene: &mut Scene<'_>, key: &str, id: &str) -> Result<Vec<String>, Error> {
        let mut found = vec![format!("{id}/r-ab12/ou-ab12-11111111/")];
        let tell = text_globs(scene, key, &self.owned());
        found.extend(walk(scene, &Glob::text(&pieces(&format!("{id}/?*"))), &tell, key)?);
        if tell.is_empty() {
            found.truncate(1);
        }
        Ok(found)
    }

    /// What is known of every request: whose the resource is.
    fn owned(&self) -> Context {
        let mut context = Context::default();
        for key in ["aws:ResourceAccount", "s3:ResourceAccount"] {
            context.set(key, Value::One(self.owner.clone()));
        }
        if let Some(organization) = &self.organization {
            context.set("aws:ResourceOrgID", Value::One(organization.clone()));
        }
        context
    }

    /// The keys that follow from who asks and what for.
    fn known(&self, who: &Requester, organization: Option<&Organization>) -> Context {
        let mut known = self.owned();
        let mut set = |key: &str, value: &str| known.set(key, Value::One(value.to_owned()));
        set("aws:PrincipalIsAWSService", "false");
        let kind = match &who.sort {
            Sort::Root => "Account",
            Sort::User => "User",
            Sort::Role | Sort::Session { .. } => "AssumedRole",
            Sort::Federated { .. } => "FederatedUser",
            _ => "Anonymous",
        };
        set("aws:PrincipalType", kind);
        if !who.is_of_account() {
            return known;
        }
        let arn = match &who.sort {
            Sort::Session { role } => format!("arn:{}:iam::{}:role/{role}", who.partition, who.account),
            _ => who.text.clone(),
        };
        set("aws:PrincipalArn", &arn);
        set("aws:PrincipalAccount", &who.account);
        set("kms:CallerAccount", &who.account);
        if let (Sort::User, Some(name)) = (&who.sort, arn.rsplit('/').next()) {
            set("aws:username", name);
        }
        if let Some(organization) = organization {
            set("aws:PrincipalOrgID", &organization.id);
            known.set("aws:PrincipalOrgPaths", Value::Many(vec![organization.path.clone()]));
        }
        known
    }

    /// What a stranger's request can hold for a key that doesn't follow from who they are.
    pub fn values(
        &self,
        scene: &mut Scene<'_>,
        key: &str,
        context: &Context,
    ) -> Result<(Vec<Option<Value>>, bool), Error> {
        let clauses = scene.clauses(key);
        let mut tell = text_globs(scene, key, context);
        let named: Vec<String> = operands(scene, key).filter(|t| !t.contains(['*', '?'])).collect();
        let is_named = |text: &str| named.iter().any(|n| n.eq_ignore_ascii_case(text));
        let trusted = |account: &str| self.accounts.contains(account);
        let any = self.nobody_named;
        let texts = match of(key) {
            Reach::Free => return scene.values(key, context),
            Reach::Caller | Reach::Resource => return Ok((vec![None], true)),
            Reach::Network => self.addresses(&clauses),
            Reach::Account => {
                tell.extend(self.accounts.iter().map(|a| exactly(a)));
                let mut found = walk(scene, &Glob::of_parts(&[Bound::Exactly(12, Set::Digit)]), &tell, key)?;
                found.retain(|a| !trusted(a) && (!any || !is_named(a)));
                found
            }
            Reach::Organization => {
                let mut found = self.organizations(scene, &[key], &[])?;
                found.retain(|o| !any || !is_named(o));
                found
            }
            Reach::Path => {
                let mut found = Vec::new();
                for id in self.organizations(scene, &[], &[key])? {
                    let fixed = any && named_first(scene, key).contains(&id);
                    found.extend(if fixed { Vec::new() } else { self.paths(scene, key, &id)? });
                }
                let lists = found.into_iter().map(|path| Some(Value::Many(vec![path])));
                return Ok((std::iter::once(None).chain(lists).collect(), true));
            }
            Reach::Arn => {
                tell.extend(self.accounts.iter().filter_map(|a| Glob::arn(&pieces(&format!("arn:*:*:*:{a}:*")))));
                tell.extend(["arn:?*:?*:*:?*:?*"].iter().filter_map(|p| Glob::arn(&pieces(p))));
                let cover = Glob::arn(&pieces("arn:?*:?*:*:*:?*")).into_iter();
                let mut found = Vec::new();
                for cover in cover {
                    found.extend(walk(scene, &cover, &tell, key)?);
                }
                let account = |arn: &str| Arn::parse(arn).map_or(String::new(), |arn| arn.account.to_owned());
                found.retain(|a| {
                    let account = account(a);
                    !trusted(&account) && !(is_named(a) && (any || account.is_empty()))
                });
                found
            }
            Reach::Identity => {
                let mut found = walk(scene, &Glob::text(&pieces("?*")), &tell, key)?;
                found.extend(["false".to_owned()].into_iter().filter(|_| key.contains("accessedvia")));
                found.retain(|text| !is_named(text) && !key.contains("accessedvia") || text == "false");
                found
            }
        };
        Ok((candidates::among(&clauses, context, key, texts)?, true))
    }

    /// Addresses, of which some are known to be somebody's own if whatever the policy names is trusted.
    fn addresses(&self, clauses: &[&Clause]) -> Vec<String> {
        let blocks = |c: &&&Clause| c.family == Family::Address;
        let named: Vec<Block> =
            clauses.iter().filter(blocks).flat_map(|c| &c.operands).filter_map(|o| block(o.source())).collect();
        let private: Vec<Block> = PRIVATE.iter().filter_map(|p| block(p)).collect();
        let mut found: Vec<String> = ANYWHERE.map(str::to_owned).to_vec();
        found.extend(candidates::addresses(named.iter().chain(&private).copied().collect()));
        if self.nobody_named {
            let narrow = |b: &&Block| {
                let free = b.last.wrapping_sub(b.first);
                if b.v6 { free < 1 << (128 - NETWORK.1) } else { free < 1 << (32 - NETWORK.0) }
            };
            let own: Vec<Block> = named.iter().filter(narrow).chain(&private).copied().collect();
            let inside = |text: &str, b: &Block| {
                address_value(text).is_some_and(|(v6, n)| v6 == b.v6 && b.first <= n && n <= b.last)
            };
            found.retain(|text| !own.iter().any(|b| inside(text, b)));
        }
        found
    }
}

/// An organization that is not trusted, and a path in it.
#[derive(Clone, Debug)]
struct Organization {
    id: String,
    path: String,
}

fn walk(scene: &mut Scene<'_>, cover: &Glob, tell: &[Glob], at: &str) -> Result<Vec<String>, Error> {
    let found = glob::within(cover, tell, &mut scene.walk);
    found.map_err(|_| Error::Search { at: format!("the conditions on `{at}`") })
}

fn exactly(text: &str) -> Glob {
    Glob::text(&text.chars().map(Piece::Char).collect::<Vec<_>>())
}

fn text_globs(scene: &Scene<'_>, key: &str, context: &Context) -> Vec<Glob> {
    scene.clauses(key).iter().flat_map(|c| c.globs(context)).collect()
}

/// The texts that conditions compare a key with, as far as they hold no variable.
fn operands<'s>(scene: &'s Scene<'_>, key: &str) -> impl Iterator<Item = String> + 's {
    let operands: Vec<String> = scene
        .clauses(key)
        .iter()
        .flat_map(|c| c.operands.iter())
        .filter(|o| o.keys().next().is_none())
        .map(|o| o.source().to_owned())
        .collect();
    operands.into_iter()
}

/// The organizations that paths begin with.
fn named_first(scene: &Scene<'_>, key: &str) -> Vec<String> {
    operands(scene, key).filter_map(|t| t.split('/').next().map(str::to_owned)).collect()
}
