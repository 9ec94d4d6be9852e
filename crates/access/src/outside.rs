//! Whether a resource's policy lets in strangers.

use crate::error::Error;
use crate::policy::{Kind, Policy};
use crate::witness::Witness;
use serde_json::Value as Json;
use yagura_model::Text;

/// Who is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// The account that owns the resource: 12 digits.
    pub owner: String,
    /// The organization that the owner is in: `o-…`.
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
/// # Errors
/// If the policy can't be read, or if the answer can't be proven within the bounds. `None` is a proof, not a guess.
pub fn public(policy: &Json, zone: &Zone) -> Result<Option<OpenTo>, Error> {
    outside(policy, zone)
}

/// Whether a resource's policy lets in anyone who is neither of the zone's accounts nor of its organization, be it
/// everyone or somebody whom it names.
///
/// # Errors
/// If the policy can't be read, or if the answer can't be proven within the bounds. `None` is a proof, not a guess.
pub fn outside(policy: &Json, _zone: &Zone) -> Result<Option<OpenTo>, Error> {
    let _policy = Policy::read(policy, "policy", Kind::Resource, "policy")?;
    Err(Error::Search { at: "policy".to_owned() })
}
