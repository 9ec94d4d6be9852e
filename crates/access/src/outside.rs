//! Whether a resource's policy lets in strangers.

use crate::bits::Bits;
use crate::confirm::{Judge, matching};
use crate::error::Error;
use crate::people::People;
use crate::policy::{Effect, Kind, Policy};
use crate::polish::polish;
use crate::quest::{Quest, Values};
use crate::reach::{self, Reach};
use crate::scene::Scene;
use crate::strangers::Trust;
use crate::witness::Witness;
use serde_json::Value as Json;
use yagura_model::{Text, is_account_id};

/// Who is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The account that owns the resource: 12 digits.
    pub owner: String,
    /// The organization that the owner is in, `o-…`; `None` if it is in none.
    pub organization: Option<String>,
    /// Other accounts that are trusted: 12 digits each.
    pub accounts: Vec<String>,
}

/// A stranger who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTo {
    /// Whether nobody in particular is named: every stranger can do what the witness does.
    pub anyone: bool,
    /// A stranger's request that the policy allows; the evaluator has confirmed it.
    pub witness: Witness,
    /// The statement that allows it: `policy/SID`, or `policy/3` for the third without a Sid.
    pub statement: String,
}

impl OpenTo {
    /// Who is let in and how, as a person reads it.
    pub fn text(&self) -> Text {
        let (statement, action) = (&self.statement, &self.witness.action);
        let who = self.witness.principal.as_deref().unwrap_or("anonymous");
        if self.anyone {
            return Text::new(
                format!("Statement `{statement}` lets anyone call `{action}`, such as `{who}`."),
                format!("ステートメント `{statement}` は `{who}` など誰にでも `{action}` を許可します。"),
            );
        }
        Text::new(
            format!("Statement `{statement}` lets `{who}`, which is not trusted, call `{action}`."),
            format!("ステートメント `{statement}` は、信頼範囲の外にある `{who}` に `{action}` を許可します。"),
        )
    }
}

/// Whether a resource's policy lets in anyone: an anonymous caller, or any principal of an account that neither the
/// zone nor the policy names.
///
/// As S3 defines "public", what a policy names without a wildcard is nobody's but whose it is: accounts, organizations,
/// the ARN or VPC that a request comes from, networks (up to /8, or /32 of IPv6). AWS's services are no strangers.
///
/// # Errors
/// If the policy can't be read, or if the answer can't be proven within the bounds. `None` is a proof, not a guess.
pub fn public(policy: &Json, zone: &Zone) -> Result<Option<OpenTo>, Error> {
    let policy = read(policy, zone)?;
    open_to(&policy, zone, true)
}

/// Whether a resource's policy lets in anyone who is neither of the zone's accounts nor of its organization, be it
/// everyone or somebody whom it names.
///
/// Whose an address is can't be told, so a stranger may have any. What can't be told either, but is one thing in the
/// world (a VPC, a bucket's ARN), is taken for trusted if the policy names it. AWS's services and the identity providers
/// of trusted accounts are no strangers; canonical users are, whoever they may be.
///
/// # Errors
/// If the policy can't be read, or if the answer can't be proven within the bounds. `None` is a proof, not a guess.
pub fn outside(policy: &Json, zone: &Zone) -> Result<Option<OpenTo>, Error> {
    outside_of(&read(policy, zone)?, zone)
}

/// [`outside`] of a policy that is read already.
pub(crate) fn outside_of(policy: &Policy, zone: &Zone) -> Result<Option<OpenTo>, Error> {
    match open_to(policy, zone, true)? {
        Some(anyone) => Ok(Some(anyone)),
        None => open_to(policy, zone, false),
    }
}

/// [`public`] of a policy that is read already.
pub(crate) fn is_public(policy: &Policy, zone: &Zone) -> Result<bool, Error> {
    open_to(policy, zone, true).map(|open| open.is_some())
}

fn read(policy: &Json, zone: &Zone) -> Result<Policy, Error> {
    let invalid = |at: &str, value: &str, wanted| {
        Err(Error::Value { at: at.to_owned(), value: value.chars().take(60).collect(), wanted })
    };
    if let Some(bad) = std::iter::once(&zone.owner).chain(&zone.accounts).find(|account| !is_account_id(account)) {
        return invalid("zone", bad, "write 12 digits");
    }
    match &zone.organization {
        Some(id) if !id.starts_with("o-") => invalid("zone", id, "write o- and what follows it"),
        _ => Policy::read(policy, "policy", Kind::Resource, "policy"),
    }
}

/// Whether anybody is let in: any stranger, or with `nobody_named` only one of whom nothing in the policy speaks.
fn open_to(policy: &Policy, zone: &Zone, nobody_named: bool) -> Result<Option<OpenTo>, Error> {
    let mut scene = Scene::new(policy.statements.iter().collect(), "policy")?;
    let trust = Trust::new(zone, &scene, nobody_named);
    let denies = scene.holding(|s| s.effect == Effect::Deny);
    let allows = scene.holding(|s| s.effect == Effect::Allow);
    let one = |i: usize| {
        let mut bits = Bits::new(scene.statements.len());
        bits.set(i);
        bits
    };
    let goals = allows.ones().map(|i| (one(i), denies.clone())).collect();
    let persons = trust.strangers(&mut scene)?;
    let partitions = People::of(scene.statements.iter().copied()).partitions.into_iter().collect();
    let values: &Values<'_> = &|scene, key, context| trust.values(scene, key, context);
    let free = |key: &str| reach::of(key) == Reach::Free;
    let mut quest = Quest { scene, goals, persons, partitions, values, free: &free, at: "policy" };
    let Some(mut draft) = quest.answer()? else { return Ok(None) };
    let judge = Judge::new(policy, Kind::Resource)?;
    let unsure = || Error::Search { at: "policy".to_owned() };
    let allow = matching(policy, Effect::Allow, &draft).filter(|_| judge.allows(&draft)).ok_or_else(unsure)?;
    polish(&mut draft, allow, &|draft| match draft.resource.as_str() {
        "*" => judge.allows(draft) && judge.allows_all(draft),
        _ => judge.allows(draft),
    });
    let statement = allow.label.clone();
    Ok(Some(OpenTo { anyone: nobody_named, witness: draft.into(), statement }))
}
