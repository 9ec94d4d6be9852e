//! A concrete request that shows what a policy lets happen.

use crate::scene::Draft;
use serde_json::{Map, Value as Json, json};

/// A request, as a case of `access can` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Who asks: an ARN, a service, a canonical user, or `anonymous`. `None` for a policy that is attached to who asks.
    pub principal: Option<String>,
    pub action: String,
    /// `*` stands for an action that acts on no resource.
    pub resource: String,
    /// The keys of the request; all others are absent.
    pub context: Map<String, Json>,
}

impl Witness {
    /// The request as JSON, in the words of a case.
    pub fn json(&self) -> Json {
        let mut json = json!({"action": self.action, "resource": self.resource, "context": self.context});
        if let Some(principal) = &self.principal {
            json["principal"] = Json::from(principal.as_str());
        }
        json
    }
}

impl From<Draft> for Witness {
    fn from(draft: Draft) -> Witness {
        let principal = draft.who.map(|who| who.text);
        Witness { principal, action: draft.action, resource: draft.resource, context: draft.context.json() }
    }
}
