//! Reads a policy document, as strictly as AWS does where a laxer reading would give another meaning: a misspelt
//! element that was skipped would widen the statement.

use crate::condition::Clause;
use crate::context::Context;
use crate::error::Error;
use crate::glob::{Glob, pieces};
use crate::principal::Principals;
use crate::template::Template;
use serde_json::{Map, Value as Json};

/// What a policy is attached to: which elements it may and must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Identity, boundary, session, SCP: says nothing of principals.
    Identity,
    /// Resource and VPC-endpoint policies: name principals, and a resource they are attached to can go without saying.
    Resource,
    /// RCPs: only `Principal: "*"`.
    ResourceControl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// Characters of a managed policy, as [`size`] counts them
/// (`docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html`).
pub const MAX_MANAGED: usize = 6_144;

/// The characters of a document that AWS counts: white space is free.
pub fn size(document: &Json) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

/// A policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `NAME/Sid`, or `NAME/3` for the third without a Sid.
    pub label: String,
    pub effect: Effect,
    pub principals: Principals,
    pub actions: Vec<Glob>,
    /// The patterns of actions as the policy spells them.
    pub spelled: Vec<String>,
    pub not_action: bool,
    pub resources: Vec<Template>,
    /// The resources' patterns where they hold no variable.
    fixed: Vec<Option<Glob>>,
    pub not_resource: bool,
    pub clauses: Vec<Clause>,
}

impl Policy {
    /// Just what speaks of an action: of thousands of requests each asks few statements.
    pub fn about(&self, action: &str) -> Policy {
        Policy { statements: self.statements.iter().filter(|s| s.covers_action(action)).cloned().collect() }
    }

    /// Reads a document; `name` is for its statements' labels, `at` says where it stands, for errors.
    pub fn read(document: &Json, name: &str, kind: Kind, at: &str) -> Result<Policy, Error> {
        let document = object(document, at)?;
        for element in document.keys() {
            if !["Version", "Id", "Statement"].contains(&element.as_str()) {
                return Err(Error::Element { at: at.to_owned(), element: element.clone() });
            }
        }
        let variables = match document.get("Version") {
            None => false,
            Some(Json::String(version)) if version == "2008-10-17" => false,
            Some(Json::String(version)) if version == "2012-10-17" => true,
            Some(other) => {
                let (at, value) = (format!("{at}.Version"), brief(other));
                return Err(Error::Value { at, value, wanted: "write 2012-10-17" });
            }
        };
        let at = format!("{at}.Statement");
        let statements = match document.get("Statement") {
            None => return Err(Error::Missing { at }),
            Some(Json::Array(statements)) => statements
                .iter()
                .enumerate()
                .map(|(i, s)| Statement::read(s, name, i, kind, variables, &format!("{at}[{i}]")))
                .collect::<Result<_, _>>()?,
            Some(one) => vec![Statement::read(one, name, 0, kind, variables, &at)?],
        };
        Ok(Policy { statements })
    }
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl Statement {
    fn read(json: &Json, name: &str, i: usize, kind: Kind, variables: bool, at: &str) -> Result<Statement, Error> {
        let statement = object(json, at)?;
        if let Some(element) = statement.keys().find(|k| !ELEMENTS.contains(&k.as_str())) {
            return Err(Error::Element { at: at.to_owned(), element: element.clone() });
        }
        let effect = match statement.get("Effect") {
            None => return Err(Error::Missing { at: format!("{at}.Effect") }),
            Some(Json::String(effect)) if effect == "Allow" => Effect::Allow,
            Some(Json::String(effect)) if effect == "Deny" => Effect::Deny,
            Some(other) => {
                let (at, value) = (format!("{at}.Effect"), brief(other));
                return Err(Error::Value { at, value, wanted: "write Allow or Deny" });
            }
        };
        let sid = match statement.get("Sid") {
            None => None,
            Some(Json::String(sid)) => Some(sid.as_str()).filter(|s| !s.is_empty()),
            Some(other) => return Err(shape(&format!("{at}.Sid"), other, "a text")),
        };
        let (actions, not_action) =
            pair(statement, "Action", "NotAction", at)?.ok_or_else(|| Error::Missing { at: format!("{at}.Action") })?;
        let resources = pair(statement, "Resource", "NotResource", at)?;
        if resources.is_none() && kind != Kind::Resource {
            return Err(Error::Missing { at: format!("{at}.Resource") });
        }
        let (resources, not_resource) = resources.unwrap_or((vec!["*".to_owned()], false));
        let template = |text: &String| if variables { Template::parse(text) } else { Template::plain(text) };
        let clauses = match statement.get("Condition") {
            None => Vec::new(),
            Some(block) => Clause::read(block, variables, &format!("{at}.Condition"))?,
        };
        let resources: Vec<Template> = resources.iter().map(template).collect();
        let none = Context::default();
        let fixed = |t: &Template| {
            let pieces = if t.keys().next().is_none() { t.pieces(&none) } else { None };
            pieces.map(|p| Glob::resource(&p))
        };
        Ok(Statement {
            fixed: resources.iter().map(fixed).collect(),
            label: format!("{name}/{}", sid.map_or_else(|| (i + 1).to_string(), str::to_owned)),
            effect,
            principals: Principals::read(statement, kind, at)?,
            actions: actions.iter().filter_map(|a| action(a, at).transpose()).collect::<Result<_, _>>()?,
            spelled: actions,
            not_action,
            resources,
            not_resource,
            clauses,
        })
    }

    /// Whether the statement speaks of an action. One that is no `service:Name` matches no statement at all.
    pub fn covers_action(&self, action: &str) -> bool {
        let known = action.split_once(':').is_some_and(|(service, name)| {
            let word = |text: &str, more: &str| {
                !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
            };
            word(service, "-") && word(name, "-_")
        });
        let action = action.to_ascii_lowercase();
        known && self.actions.iter().any(|glob| glob.matches(&action)) != self.not_action
    }

    /// Whether the statement speaks of a resource. A pattern with a variable that has no value covers none; whether a
    /// resource that it might have covered is an exception can't be told, and then the statement matches nothing.
    pub fn covers_resource(&self, resource: &str, context: &Context) -> bool {
        let mut covers = self.resources.iter().zip(&self.fixed).map(|(template, fixed)| match fixed {
            Some(glob) => Some(glob.matches(resource)),
            None => match template.pieces(context) {
                Some(pieces) => Some(Glob::resource(&pieces).matches(resource)),
                None => Some(false).filter(|_| !Glob::resource(&template.widest(context)).matches(resource)),
            },
        });
        if self.not_resource { covers.all(|c| c == Some(false)) } else { covers.any(|c| c == Some(true)) }
    }

    /// Whether the statement could speak of a resource, whatever the variables of its patterns hold.
    pub fn might_cover_resource(&self, resource: &str) -> bool {
        let might = |fixed: &Option<Glob>| fixed.as_ref().is_none_or(|glob| glob.matches(resource));
        self.not_resource || self.fixed.iter().any(might)
    }

    /// Whether it could cover a resource that a pattern covers, judged by how both begin.
    pub fn might_meet(&self, pattern: &str) -> bool {
        let fixed = |text: &str| text.find(['*', '?', '$']).map_or(text.len(), |end| end);
        let asked = &pattern[..fixed(pattern)];
        let meets = |template: &Template| {
            let own = &template.source()[..fixed(template.source())];
            own.starts_with(asked) || asked.starts_with(own)
        };
        self.not_resource || self.resources.is_empty() || self.resources.iter().any(meets)
    }

    /// The statement, speaking of these ARNs if it spoke of every resource.
    pub fn narrowed(mut self, arns: &[String]) -> Statement {
        let is_all = !self.not_resource && self.fixed.iter().any(|fixed| fixed.as_ref().is_some_and(Glob::is_any));
        if is_all {
            self.resources = arns.iter().map(|arn| Template::plain(arn)).collect();
            self.fixed = arns.iter().map(|arn| Some(Glob::resource(&crate::glob::pieces(arn)))).collect();
        }
        self
    }

    /// The patterns that [`covers_resource`](Statement::covers_resource) looks at.
    pub fn resource_globs(&self, context: &Context) -> Vec<Glob> {
        let glob = |(template, fixed): (&Template, &Option<Glob>)| match fixed {
            Some(glob) => glob.clone(),
            None => Glob::resource(&template.pieces(context).unwrap_or_else(|| template.widest(context))),
        };
        self.resources.iter().zip(&self.fixed).map(glob).collect()
    }

    /// The keys that are variables of its patterns and of what its conditions compare with.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let templates = self.resources.iter().chain(self.clauses.iter().flat_map(|c| &c.operands));
        templates.flat_map(|t| t.keys())
    }

    /// Whether it surely matches whatever another matches: both say the same, whatever their effect.
    pub fn matches_as(&self, other: &Statement) -> bool {
        let same_people = self.principals == other.principals
            && (self.effect == other.effect || !matches!(self.principals, Principals::NotThese(_)));
        same_people
            && (&self.actions, self.not_action) == (&other.actions, other.not_action)
            && (&self.resources, self.not_resource) == (&other.resources, other.not_resource)
            && self.clauses == other.clauses
    }

    /// How many patterns it holds.
    pub fn size(&self) -> usize {
        self.actions.len() + self.resources.len() + self.clauses.iter().map(|c| c.operands.len()).sum::<usize>()
    }

    /// Whether every condition holds.
    pub fn holds(&self, context: &Context) -> bool {
        self.clauses.iter().all(|clause| clause.holds(context))
    }
}

/// A pattern of `Action`, in lower case; `None` for one whose service is a pattern, which AWS never matches.
fn action(text: &str, at: &str) -> Result<Option<Glob>, Error> {
    if text == "*" || text == "*:*" {
        return Ok(Some(Glob::text(&pieces("*"))));
    }
    let Some((service, _)) = text.split_once(':') else {
        let (at, value) = (format!("{at}.Action"), text.to_owned());
        return Err(Error::Value { at, value, wanted: "write service:Action, or *" });
    };
    Ok((!service.contains(['*', '?'])).then(|| Glob::text(&pieces(&text.to_ascii_lowercase()))))
}

/// An element or its opposite; both at once are refused.
fn pair(s: &Map<String, Json>, plain: &str, not: &str, at: &str) -> Result<Option<(Vec<String>, bool)>, Error> {
    match (s.get(plain), s.get(not)) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some((texts(value, &format!("{at}.{plain}"))?, false))),
        (None, Some(value)) => Ok(Some((texts(value, &format!("{at}.{not}"))?, true))),
        (Some(_), Some(_)) => {
            let why = "its opposite is there, too: keep one";
            Err(Error::Refused { at: at.to_owned(), element: not.to_owned(), why })
        }
    }
}

/// A text or a list of texts.
pub fn texts(value: &Json, at: &str) -> Result<Vec<String>, Error> {
    let text = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        other => Err(shape(at, other, "a text or a list of texts")),
    };
    match value {
        Json::Array(values) => values.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

pub fn object<'a>(value: &'a Json, at: &str) -> Result<&'a Map<String, Json>, Error> {
    value.as_object().ok_or_else(|| shape(at, value, "an object"))
}

pub fn shape(at: &str, found: &Json, wanted: &'static str) -> Error {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    Error::Shape { at: at.to_owned(), found, wanted }
}

/// A value as an error can show it.
pub fn brief(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(60).collect()
}
