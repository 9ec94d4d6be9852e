//! A case as `access can` reads it, and its answer.

use crate::because;
use crate::condition::{scalar, scalars};
use crate::context::{Context, Value};
use crate::error::Error;
use crate::evaluate::{Decision, Layer, Layers, Level, Outcome, Request, decide};
use crate::glob::{Glob, MAX_TEXT, pieces, representatives};
use crate::policy::{Effect, Kind, Policy, object, shape};
use crate::principal::Requester;
use crate::unknown::Question;
use serde_json::{Map, Value as Json};
use yagura_model::{Arn, Text, is_account_id};

/// A request, and every policy that could bear on it.
#[derive(Clone, Debug)]
pub struct Case {
    who: Requester,
    action: String,
    resource: String,
    owner: String,
    context: Context,
    /// Keys that are not given may have any value or none.
    conditional: bool,
    /// Of a pattern of resources, one that is allowed is enough; else all must be.
    pub(crate) any: bool,
    layers: Layers,
}

/// What is answered, and why.
#[derive(Clone, Debug)]
pub struct Answer {
    pub outcome: Outcome,
    pub because: Text,
    pub layer: Layer,
    /// `POLICY/SID` or `POLICY/NUMBER` of the statement that decides.
    pub statement: Option<String>,
    /// The statement that allows it, under these keys if it hangs on any.
    pub allows: Option<String>,
    /// The keys that the answer hangs on, each with what the policies compare it with.
    pub conditions: Option<Map<String, Json>>,
    /// Context of a request that is allowed.
    pub witness: Option<Map<String, Json>>,
}

impl Answer {
    /// Whether it is allowed, be it under conditions only.
    pub fn is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed | Outcome::Conditional)
    }

    /// The keys that the answer hangs on.
    pub fn keys(&self) -> Vec<String> {
        self.conditions.iter().flat_map(Map::keys).cloned().collect()
    }
}

/// A case's name, `null` if it has none, and the case if it could be read.
pub type Named = (Json, Result<Case, Error>);

/// Reads one case or a list of cases.
pub fn cases(text: &str) -> Result<Vec<Named>, Error> {
    let json: Json = serde_json::from_str(text).map_err(|e| Error::Json(e.to_string()))?;
    let list = match json {
        Json::Array(list) => list,
        one @ Json::Object(_) => vec![one],
        other => return Err(shape("the file", &other, "a case or a list of cases")),
    };
    Ok(list.iter().map(|case| (case.get("name").cloned().unwrap_or_default(), Case::read(case))).collect())
}

impl Case {
    /// A question about what exists, of whose context only a part is known.
    pub(crate) fn of_estate(
        who: Requester,
        action: &str,
        resource: &str,
        owner: String,
        mut context: Context,
        layers: Layers,
    ) -> Case {
        if owner.len() == 12 && context.is_open("aws:resourceaccount") {
            context.set("aws:ResourceAccount", Value::One(owner.clone()));
        }
        let (action, resource) = (action.to_owned(), resource.to_owned());
        Case { who, action, resource, owner, context, conditional: true, any: false, layers }
    }

    /// Reads a case.
    pub fn read(json: &Json) -> Result<Case, Error> {
        let case = object(json, "case")?;
        let part = |key: &str| case.get(key).filter(|value| !value.is_null());
        let text = |key: &str| match part(key) {
            None => Err(Error::Missing { at: key.to_owned() }),
            Some(Json::String(text)) if text.len() > MAX_TEXT => {
                Err(Error::Long { at: key.to_owned(), length: text.len(), limit: MAX_TEXT })
            }
            Some(Json::String(text)) => Ok(text.clone()),
            Some(other) => Err(shape(key, other, "a text")),
        };
        let who = Requester::read(&text("principal")?)?;
        let resource = text("resource")?;
        let owner = match part("resourceAccount") {
            None => owner(&resource, &who),
            Some(_) => text("resourceAccount")?,
        };
        let conditional = match part("unknownContext").map(|value| (value, value.as_str())) {
            None | Some((_, Some("absent"))) => false,
            Some((_, Some("conditional"))) => true,
            Some((value, _)) => {
                let (at, value) = ("unknownContext".to_owned(), crate::policy::brief(value));
                return Err(Error::Value { at, value, wanted: "write absent or conditional" });
            }
        };
        let named = |key: &str, kind| part(key).map_or(Ok(Vec::new()), |v| policies(v, kind, key));
        let bare = |key: &str, kind| {
            part(key).map_or(Ok(Vec::new()), |document| Policy::read(document, key, kind, key).map(|p| vec![p]))
        };
        let levels = |key: &str, kind| part(key).map_or(Ok(Vec::new()), |v| levels(v, kind, key));
        let layers = Layers {
            scp: levels("serviceControlPolicies", Kind::Identity)?,
            rcp: levels("resourceControlPolicies", Kind::ResourceControl)?,
            resource: bare("resourcePolicy", Kind::Resource)?,
            identity: named("identityPolicies", Kind::Identity)?,
            boundary: named("permissionBoundaries", Kind::Identity)?,
            session: bare("sessionPolicy", Kind::Identity)?,
            endpoint: named("vpcEndpointPolicies", Kind::Resource)?,
        };
        let context = part("context").map_or(Ok(Context::default()), context)?;
        Ok(Case { who, action: text("action")?, resource, owner, context, conditional, any: false, layers })
    }

    /// A request of which everything is known.
    pub(crate) fn of(
        who: Requester,
        action: String,
        resource: String,
        owner: String,
        context: Context,
        layers: Layers,
    ) -> Case {
        Case { who, action, resource, owner, context, conditional: false, any: false, layers }
    }

    /// The same when of the context only a part is known.
    pub(crate) fn open(self) -> Case {
        Case { conditional: true, ..self }
    }

    /// What AWS answers, and why.
    pub fn judge(&self) -> Result<Answer, Error> {
        let layers = self.bearing();
        let answer = |context: &Context| self.weigh(context, &layers).map(|(decision, _)| decision);
        let question = Question { layers: &layers, context: &self.context, resource: &self.resource, answer: &answer };
        if !self.conditional || question.open().is_empty() {
            let (decision, resource) = self.weigh(&self.context, &layers)?;
            return Ok(plain(&decision, because::because(&decision, resource.as_deref())));
        }
        let found = question.search()?;
        match (found.allowed, found.denied, found.implicit) {
            (Some((context, yes)), Some((_, no)), _) => {
                let keys: Vec<String> = found.keys.keys().cloned().collect();
                // What denies tells more than what allows, unless it is only that nothing allows.
                let telling = if no.statement.is_some() { &no } else { &yes };
                let mut answer = plain(telling, because::hangs(&yes, &no, &keys));
                answer.outcome = Outcome::Conditional;
                answer.allows = yes.statement.clone();
                answer.conditions = Some(found.keys.into_iter().map(|(k, v)| (k, Json::from(v))).collect());
                answer.witness = Some(context.json());
                Ok(answer)
            }
            (Some((_, decision)), None, _) | (None, Some(_), Some(decision)) | (None, Some((_, decision)), None) => {
                Ok(plain(&decision, because::whatever(&decision)))
            }
            (None, None, _) => {
                let (decision, resource) = self.weigh(&self.context, &layers)?;
                Ok(plain(&decision, because::because(&decision, resource.as_deref())))
            }
        }
    }

    /// The layers with just the statements that can bear on the request, whatever its context.
    fn bearing(&self) -> Layers {
        let mut layers = self.layers.clone();
        let bounded = !layers.boundary.is_empty();
        let asked = self.resource.contains(['*', '?']);
        for list in layers.lists() {
            for policy in list {
                policy.statements.retain(|s| {
                    let named = match s.effect {
                        Effect::Allow => s.principals.admit(&self.who).is_some(),
                        Effect::Deny => s.principals.strike(&self.who, bounded),
                    };
                    let fixed = !asked && s.resources.iter().all(|t| t.keys().next().is_none());
                    named
                        && s.covers_action(&self.action)
                        && (!fixed || s.covers_resource(&self.resource, &self.context))
                });
            }
        }
        layers
    }

    /// The answer in a context; for a pattern of resources the worst (or best) of all, with the resource that gets it.
    fn weigh(&self, context: &Context, layers: &Layers) -> Result<(Decision, Option<String>), Error> {
        let ask = |resource: &str| {
            let (who, action, owner) = (&self.who, self.action.as_str(), self.owner.as_str());
            decide(Request { who, action, resource, owner, context }, layers)
        };
        if !self.resource.contains(['*', '?']) {
            return Ok((ask(&self.resource), None));
        }
        let mut globs: Vec<Glob> = layers.statements().flat_map(|s| s.resource_globs(context)).collect();
        if self.resource.starts_with("arn:") {
            // Roles and keys among them need the leave of their own policy.
            globs.extend(["arn:*:iam:*:*:role/?*", "arn:*:kms:*:*:key/?*"].map(|p| Glob::resource(&pieces(p))));
        }
        let overlap = |_| Error::Overlap { at: format!("resource `{}`", self.resource) };
        let covered = representatives(&Glob::asked(&self.resource), &globs).map_err(overlap)?;
        let rank = |decision: &Decision| match decision.outcome {
            Outcome::ExplicitlyDenied => 0,
            Outcome::ImplicitlyDenied => 1,
            Outcome::Allowed | Outcome::Conditional => 2,
        };
        let decisions = covered.into_iter().map(|resource| (ask(&resource), resource));
        let told = match self.any {
            true => decisions.max_by_key(|(decision, _)| rank(decision)),
            false => decisions.min_by_key(|(decision, _)| rank(decision)),
        };
        Ok(match told {
            Some((decision, resource)) if self.any => (decision, Some(resource)),
            Some((decision, _)) if decision.outcome == Outcome::Allowed => (decision, None),
            Some((decision, resource)) => (decision, Some(resource)),
            None => (ask(&self.resource), None),
        })
    }
}

fn plain(decision: &Decision, because: Text) -> Answer {
    Answer {
        outcome: decision.outcome,
        because,
        layer: decision.layer,
        statement: decision.statement.clone(),
        allows: decision.statement.clone().filter(|_| decision.outcome == Outcome::Allowed),
        conditions: None,
        witness: None,
    }
}

/// The account in a resource's ARN, else the principal's own.
pub(crate) fn owner(resource: &str, who: &Requester) -> String {
    let account = Arn::parse(resource).map_or("", |arn| arn.account);
    if account == "aws" || is_account_id(account) { account.to_owned() } else { who.account.clone() }
}

/// The keys of a request.
pub(crate) fn context(value: &Json) -> Result<Context, Error> {
    let mut context = Context::default();
    for (key, value) in object(value, "context")? {
        let at = format!("context.{key}");
        let value = match value {
            Json::Null => continue,
            Json::Array(_) => Value::Many(scalars(value, &at)?),
            one => Value::One(scalar(one, &at)?),
        };
        let texts = match &value {
            Value::One(text) => std::slice::from_ref(text),
            Value::Many(texts) => texts,
        };
        if let Some(length) = texts.iter().map(String::len).find(|n| *n > MAX_TEXT) {
            return Err(Error::Long { at, length, limit: MAX_TEXT });
        }
        context.set(key, value);
    }
    Ok(context)
}

/// A list of `{"name","policy"}`.
fn policies(value: &Json, kind: Kind, at: &str) -> Result<Vec<Policy>, Error> {
    let list = value.as_array().ok_or_else(|| shape(at, value, "a list of policies with names"))?;
    let read = |(i, entry): (usize, &Json)| {
        let at = format!("{at}[{i}]");
        let entry = object(entry, &at)?;
        let name = match entry.get("name") {
            None | Some(Json::Null) => (i + 1).to_string(),
            Some(Json::String(name)) => name.clone(),
            Some(other) => return Err(shape(&format!("{at}.name"), other, "a text")),
        };
        let at = format!("{at}.policy");
        let document = entry.get("policy").ok_or_else(|| Error::Missing { at: at.clone() })?;
        Policy::read(document, &name, kind, &at)
    };
    list.iter().enumerate().map(read).collect()
}

/// A list of `{"orgIdentifier","policies"}`.
fn levels(value: &Json, kind: Kind, at: &str) -> Result<Vec<Level>, Error> {
    let list = value.as_array().ok_or_else(|| shape(at, value, "a list of levels with policies"))?;
    let read = |(i, entry): (usize, &Json)| {
        let at = format!("{at}[{i}]");
        let entry = object(entry, &at)?;
        let name = match entry.get("orgIdentifier") {
            None | Some(Json::Null) => (i + 1).to_string(),
            Some(Json::String(name)) => name.clone(),
            Some(other) => return Err(shape(&format!("{at}.orgIdentifier"), other, "a text")),
        };
        let none = Json::Array(Vec::new());
        let attached = entry.get("policies").filter(|p| !p.is_null()).unwrap_or(&none);
        Ok(Level { name, policies: policies(attached, kind, &format!("{at}.policies"))? })
    };
    list.iter().enumerate().map(read).collect()
}
