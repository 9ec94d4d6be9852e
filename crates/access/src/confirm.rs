//! Asks the evaluator what one policy says of a request, with nothing else in the way.
//!
//! [`Document`] is this for others: a policy that is read once and asked often.

use crate::case::{Case, context};
use crate::context::Context;
use crate::diff::PolicyKind;
use crate::error::Error;
use crate::evaluate::{Layers, Outcome, Request, decide};
use crate::policy::{Effect, Kind, Policy, Statement, shape};
use crate::principal::{Requester, Sort};
use crate::scene::{Draft, names};
use serde_json::{Value as Json, json};
use yagura_model::Arn;

/// Two accounts, so that one is not who asks.
const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];

/// A policy of which one asks whether it allows requests, by itself.
#[derive(Debug)]
pub struct Document(Judge);

impl Document {
    /// # Errors
    /// If the document can't be read.
    pub fn read(document: &Json, kind: PolicyKind) -> Result<Document, Error> {
        let kind = kind.kind();
        let policy = Policy::read(document, "policy", kind, "policy")?;
        Ok(Document(Judge::new(&policy, kind)?))
    }

    /// Whether it allows a request: one of its Allow statements matches, and none of its Deny statements does.
    pub fn allows(&self, probe: &Probe) -> bool {
        self.0.allows(&probe.0)
    }
}

/// A request that documents are asked about.
#[derive(Clone, Debug)]
pub struct Probe(Draft);

impl Probe {
    /// Reads a request in the words of a case: `principal` (for resource policies), `action`, `resource` and `context`.
    ///
    /// # Errors
    /// If a part can't be read.
    pub fn read(json: &Json) -> Result<Probe, Error> {
        let text = |key: &str| match json.get(key) {
            Some(Json::String(text)) => Ok(text.clone()),
            Some(other) => Err(shape(key, other, "a text")),
            None => Err(Error::Missing { at: key.to_owned() }),
        };
        let who = json.get("principal").filter(|p| !p.is_null()).map(|_| text("principal"));
        let who = who.transpose()?.map(|who| Requester::read(&who)).transpose()?;
        let context = json.get("context").filter(|c| !c.is_null()).map_or(Ok(Context::default()), context)?;
        Ok(Probe(Draft { who, action: text("action")?, resource: text("resource")?, context }))
    }
}

/// A policy, beside policies that allow whatever else has to be allowed.
#[derive(Debug)]
pub struct Judge {
    kind: Kind,
    layers: Layers,
}

impl Judge {
    pub fn new(policy: &Policy, kind: Kind) -> Result<Judge, Error> {
        let mut layers = Layers::default();
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        if kind == Kind::Resource {
            let own = json!({"Version": "2012-10-17", "Statement": all});
            layers.identity = vec![Policy::read(&own, "own", Kind::Identity, "own")?];
            layers.resource = vec![policy.clone()];
        } else {
            // Roles and keys leave it to policies of identities only if their own policy says so.
            let mut delegates = all;
            delegates["Principal"] = json!({"AWS": ACCOUNTS[0]});
            let own = json!({"Version": "2012-10-17", "Statement": delegates});
            layers.identity = vec![policy.clone()];
            layers.resource = vec![Policy::read(&own, "own", Kind::Resource, "own")?];
        }
        Ok(Judge { kind, layers })
    }

    /// Whether the policy allows a request, by the evaluator.
    pub fn allows(&self, draft: &Draft) -> bool {
        let (who, owner) = self.parties(draft);
        let (action, resource) = (draft.action.as_str(), draft.resource.as_str());
        let request = Request { who: &who, action, resource, owner: &owner, context: &draft.context };
        decide(request, &self.layers).outcome == Outcome::Allowed
    }

    /// The same of a resource with wildcards: whether all that it covers are allowed.
    pub fn allows_all(&self, draft: &Draft) -> bool {
        let (who, owner) = self.parties(draft);
        let Draft { action, resource, context, .. } = draft.clone();
        let answer = Case::of(who, action, resource, owner, context, self.layers.clone()).judge();
        answer.is_ok_and(|answer| answer.outcome == Outcome::Allowed)
    }

    /// Who asks, and the owner of what they ask for: another account's, so that the resource's policy must allow it.
    fn parties(&self, draft: &Draft) -> (Requester, String) {
        match draft.who.clone().filter(|_| self.kind == Kind::Resource) {
            Some(who) if who.sort == Sort::Provider && !who.account.is_empty() => {
                let owner = who.account.clone();
                (who, owner)
            }
            Some(who) => {
                let owner = ACCOUNTS.into_iter().find(|a| *a != who.account).unwrap_or_default();
                (who, owner.to_owned())
            }
            None => {
                let partition = Arn::parse(&draft.resource).map_or("aws", |arn| arn.partition);
                let (partition, account) = (partition.to_owned(), ACCOUNTS[0].to_owned());
                let text = format!("arn:{partition}:iam::{account}:user/somebody");
                (Requester { text, sort: Sort::User, partition, account: account.clone() }, account)
            }
        }
    }
}

/// The first statement of an effect that matches a request.
pub fn matching<'a>(policy: &'a Policy, effect: Effect, draft: &Draft) -> Option<&'a Statement> {
    policy.statements.iter().find(|s| s.effect == effect && covers(s, draft))
}

/// Whether a statement matches a request.
pub fn covers(statement: &Statement, draft: &Draft) -> bool {
    let context: &Context = &draft.context;
    draft.who.as_ref().is_none_or(|who| names(statement, who))
        && statement.covers_action(&draft.action)
        && statement.covers_resource(&draft.resource, context)
        && statement.holds(context)
}
