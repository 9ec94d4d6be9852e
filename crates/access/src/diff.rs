//! Whether a policy allows anything that another does not.
//!
//! What a policy allows is a set of requests, and a difference is a request. The search looks for one: for each Allow of
//! the new policy, a request that it matches, that no Deny of the new policy matches, and that in the old policy no
//! Allow matches or a Deny does. Every axis has its finitely many cases, so finding none proves that there is none.

use crate::bits::Bits;
use crate::confirm::{Judge, matching};
use crate::context::Context;
use crate::error::Error;
use crate::people::People;
use crate::policy::{Effect, Kind, Policy};
use crate::polish::{polish, simplify};
use crate::quest::{Goal, Person, Quest, Values};
use crate::scene::{Draft, Scene};
use crate::witness::Witness;
use serde_json::Value as Json;
use yagura_model::Text;

/// What policies are attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// To who asks: an identity's policy, a permissions boundary, a session policy, an SCP.
    Identity,
    /// To what is asked for: it names principals.
    Resource,
}

impl PolicyKind {
    pub(crate) fn kind(self) -> Kind {
        match self {
            PolicyKind::Identity => Kind::Identity,
            PolicyKind::Resource => Kind::Resource,
        }
    }
}

/// Something that the new policy allows and the old one does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccess {
    /// A request that the new policy allows and the old one does not; the evaluator has confirmed both.
    pub witness: Witness,
    /// The statement of the new policy that allows it: `new/SID`, or `new/3` for the third without a Sid.
    pub allowed_by: String,
    /// The statement of the old policy that denies it; `None` if it is denied only because nothing allows it.
    pub denied_by: Option<String>,
}

impl NewAccess {
    /// Why this is new, as a person reads it.
    pub fn text(&self) -> Text {
        let (allow, action, resource) = (&self.allowed_by, &self.witness.action, &self.witness.resource);
        match &self.denied_by {
            None => Text::new(
                format!("Statement `{allow}` allows `{action}` on `{resource}`, which the old policy doesn't allow."),
                format!(
                    "ステートメント `{allow}` が `{resource}` への `{action}` を許可しますが、旧ポリシーには許可がありません。"
                ),
            ),
            Some(deny) => Text::new(
                format!("Statement `{allow}` allows `{action}` on `{resource}`, which `{deny}` denied."),
                format!(
                    "`{deny}` が拒否していた `{resource}` への `{action}` を、ステートメント `{allow}` が許可します。"
                ),
            ),
        }
    }
}

/// Whether policy `new` allows any request that policy `old` does not.
///
/// A document allows a request if one of its Allow statements matches principal, action, resource and context, and none
/// of its Deny statements does. All keys of the context are free: each may be absent, or have any value or values,
/// whatever the principal is. `sts:GetCallerIdentity` needs no permission, so it is never new.
///
/// # Errors
/// If a document can't be read, or if the answer can't be proven within the bounds. `None` is a proof, not a guess.
pub fn diff(old: &Json, new: &Json, kind: PolicyKind) -> Result<Option<NewAccess>, Error> {
    let kind = kind.kind();
    let (old, new) = (Policy::read(old, "old", kind, "old")?, Policy::read(new, "new", kind, "new")?);
    let statements = new.statements.iter().chain(&old.statements).collect();
    let scene = Scene::new(statements, "new")?;
    let goals = goals(&scene, new.statements.len());
    let (persons, partitions) = persons(&scene, kind);
    let values: &Values<'_> = &|scene, key, context| scene.values(key, context);
    let mut quest = Quest { scene, goals, persons, partitions, values, free: &|_| true, at: "new" };
    let Some(draft) = quest.answer()? else { return Ok(None) };
    found(&old, &new, kind, draft).map(Some)
}

/// For each Allow of the new policy: that it matches and no Deny of the new policy nor Allow of the old one does, or that
/// it and a Deny of the old policy match and no Deny of the new one does.
fn goals(scene: &Scene<'_>, new: usize) -> Vec<Goal> {
    let all = scene.statements.len();
    let bits = |statements: &mut dyn Iterator<Item = usize>| {
        let mut bits = Bits::new(all);
        statements.for_each(|i| bits.set(i));
        bits
    };
    let is = |i: &usize, effect| scene.statements[*i].effect == effect;
    let new_denies = || (0..new).filter(|i| is(i, Effect::Deny));
    let silent = bits(&mut new_denies().chain((new..all).filter(|i| is(i, Effect::Allow))));
    let undone = bits(&mut new_denies());
    let allows = || (0..new).filter(|i| is(i, Effect::Allow));
    let first = allows().map(|allow| (bits(&mut std::iter::once(allow)), silent.clone()));
    let denies = || (new..all).filter(|i| is(i, Effect::Deny));
    let second = allows()
        .flat_map(|allow| denies().map(move |deny| [allow, deny]))
        .map(|both| (bits(&mut both.into_iter()), undone.clone()));
    first.chain(second).collect()
}

fn persons(scene: &Scene<'_>, kind: Kind) -> (Vec<Person>, Vec<String>) {
    let person = |who| Person { who, known: Context::default() };
    if kind != Kind::Resource {
        return (vec![person(None)], Vec::new());
    }
    let people = People::of(scene.statements.iter().copied());
    (people.all().into_iter().map(|who| person(Some(who))).collect(), people.partitions.into_iter().collect())
}

/// A request that was found, as believable as it can be made, once the evaluator has confirmed it.
fn found(old: &Policy, new: &Policy, kind: Kind, mut draft: Draft) -> Result<NewAccess, Error> {
    let (before, after) = (Judge::new(old, kind)?, Judge::new(new, kind)?);
    let unsure = || Error::Search { at: "new".to_owned() };
    let is_new = |draft: &Draft| after.allows(draft) && !before.allows(draft);
    let allow = matching(new, Effect::Allow, &draft).filter(|_| is_new(&draft)).ok_or_else(unsure)?;
    let shows = |draft: &Draft| match draft.resource.as_str() {
        "*" => is_new(draft) && after.allows_all(draft) && !before.allows_all(draft),
        _ => is_new(draft),
    };
    polish(&mut draft, allow, &shows);
    simplify(&mut draft, allow, &shows);
    let allowed_by = matching(new, Effect::Allow, &draft).unwrap_or(allow).label.clone();
    let denied_by = matching(old, Effect::Deny, &draft).map(|s| s.label.clone());
    Ok(NewAccess { witness: draft.into(), allowed_by, denied_by })
}
