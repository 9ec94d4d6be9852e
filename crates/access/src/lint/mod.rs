//! Remarks on a policy document: what AWS would refuse, what never matches, what says nothing new, what allows more
//! than its author is likely to want. A well-written policy gets none.
//!
//! Many of the checks are those of IAM Access Analyzer
//! (`docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html`); those that need more than
//! the document are left out. Each check takes bounded time: what is too large to be compared is said to be.

mod actions;
mod conditions;
mod grants;
mod keys;
mod overlap;
mod pattern;
mod place;
mod read;
mod resources;
mod size;
mod trust;

pub(crate) use trust::{is_shared, open_to_customers};

pub use place::line_of;

use crate::policy::Kind;
use read::View;
use serde_json::Value as Json;
use yagura_model::{Severity, Text};

/// Remarks that are kept of one document.
const MAX_REMARKS: usize = 1000;

/// What a document is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// A user, group, role, session, or permissions boundary.
    Identity,
    /// A root, organizational unit or account, where it limits identities.
    ServiceControl,
    /// A root, organizational unit or account, where it limits access to resources.
    ResourceControl,
    /// A bucket, key, queue and so on.
    Resource,
    /// A role, where it says who may become it.
    Trust,
    /// A VPC endpoint.
    Endpoint,
}

impl PolicyType {
    pub const ALL: [PolicyType; 6] = [
        PolicyType::Identity,
        PolicyType::ServiceControl,
        PolicyType::ResourceControl,
        PolicyType::Resource,
        PolicyType::Trust,
        PolicyType::Endpoint,
    ];

    /// The word for it on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            PolicyType::Identity => "identity",
            PolicyType::ServiceControl => "scp",
            PolicyType::ResourceControl => "rcp",
            PolicyType::Resource => "resource",
            PolicyType::Trust => "trust",
            PolicyType::Endpoint => "endpoint",
        }
    }

    /// The type of the word.
    pub fn parse(word: &str) -> Option<PolicyType> {
        PolicyType::ALL.into_iter().find(|t| t.as_str() == word)
    }

    /// What the document looks like: one that names principals is a resource's, or a role's if it is all about assuming
    /// roles; any other is an identity's. SCPs, RCPs and endpoint policies can't be told from these.
    pub fn guess(document: &Json) -> PolicyType {
        let statements = match document.get("Statement") {
            Some(Json::Array(statements)) => statements.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        if !statements.iter().any(|s| s.get("Principal").is_some() || s.get("NotPrincipal").is_some()) {
            return PolicyType::Identity;
        }
        let trusts = |statement: &Json| {
            let mut actions = match statement.get("Action") {
                Some(Json::Array(actions)) => actions.as_slice(),
                Some(one) => std::slice::from_ref(one),
                None => return false,
            }
            .iter();
            statement.get("Resource").is_none() && actions.all(|a| a.as_str().is_some_and(actions::is_of_trust))
        };
        if statements.iter().all(trusts) { PolicyType::Trust } else { PolicyType::Resource }
    }

    fn kind(self) -> Kind {
        match self {
            PolicyType::Identity | PolicyType::ServiceControl => Kind::Identity,
            PolicyType::ResourceControl => Kind::ResourceControl,
            PolicyType::Resource | PolicyType::Trust | PolicyType::Endpoint => Kind::Resource,
        }
    }

    /// Whether its Allow statements grant anything by themselves.
    fn grants(self) -> bool {
        matches!(self, PolicyType::Identity | PolicyType::Resource | PolicyType::Trust)
    }
}

/// Something to say of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// One of [`CODES`].
    pub code: &'static str,
    pub severity: Severity,
    /// The element, such as `Statement[2].Action[0]`; empty for the whole document.
    pub at: String,
    /// Line and column, where the document's text is known.
    pub place: Option<(usize, usize)>,
    /// The statement's Sid, or its number from 1.
    pub statement: Option<String>,
    pub text: Text,
}

/// Every code that a remark can have.
pub const CODES: [&str; 49] = [
    "action-resource-mismatch",
    "allow-everything",
    "allow-not-action",
    "allow-not-principal",
    "allow-not-resource",
    "allow-service",
    "condition-never-matches",
    "deny-not-principal",
    "duplicate-key",
    "duplicate-sid",
    "empty-list",
    "for-all-values-allows-absent",
    "invalid-condition-value",
    "invalid-resource",
    "invalid-sid",
    "key-never-set",
    "matches-no-action",
    "more-remarks",
    "no-principal",
    "not-a-trust-action",
    "not-compared",
    "not-json",
    "oidc-no-audience",
    "oidc-no-subject",
    "oidc-wide-subject",
    "operator-type",
    "pass-role-anywhere",
    "private-source-ip",
    "public",
    "rcp-allow",
    "redundant-action",
    "redundant-resource",
    "redundant-statement",
    "resource-in-trust",
    "resource-without-action",
    "resourceless-action",
    "service-wildcard",
    "single-operator-on-many",
    "too-long",
    "unknown-action",
    "unknown-condition-key",
    "unknown-service",
    "unreachable-allow",
    "unreadable",
    "variables-need-version",
    "wildcard-in-principal",
    "wildcard-without-like",
    "wrong-account-id",
    "wrong-partition",
];

/// Remarks on a document, in its order.
pub fn lint(document: &Json, kind: PolicyType) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let views = read::views(document, kind, &mut remarks);
    size::check(document, &views, kind, &mut remarks);
    read::sids(&views, kind, &mut remarks);
    for view in &views {
        actions::check(view, kind, &mut remarks);
        resources::check(view, kind, &mut remarks);
        grants::check(view, kind, &mut remarks);
        if remarks.len() > MAX_REMARKS {
            break;
        }
    }
    conditions::check(&views, kind, document, &mut remarks);
    trust::check(&views, &mut remarks);
    overlap::check(&views, kind, &mut remarks);
    order(&mut remarks, &views);
    remarks
}

/// Remarks on a document's text, each with its line and column.
pub fn lint_text(source: &str, kind: PolicyType) -> Vec<Remark> {
    let document: Json = match serde_json::from_str(source) {
        Ok(document) => document,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let text = Text::new(
                format!("This is no JSON: {what}: correct it"),
                format!("JSON として読み取れません（{what}）。修正してください"),
            );
            return vec![Remark {
                code: "not-json",
                severity: Severity::High,
                at: String::new(),
                place: Some((line, column)),
                statement: None,
                text,
            }];
        }
    };
    let mut remarks = place::duplicates(source);
    remarks.extend(lint(&document, kind));
    for remark in &mut remarks {
        remark.place = remark.place.or_else(|| line_of(source, &remark.at));
    }
    remarks.sort_by_key(|remark| remark.place);
    remarks
}

/// In the document's order, within bounds.
fn order(remarks: &mut Vec<Remark>, views: &[View]) {
    let number = |remark: &Remark| views.iter().position(|v| remark.at.starts_with(&v.at) && owns(&v.at, &remark.at));
    if remarks.len() <= MAX_REMARKS {
        remarks.sort_by_cached_key(number);
        return;
    }
    remarks.truncate(MAX_REMARKS);
    let text = Text::new(
        format!("There is more to say: the first {MAX_REMARKS} remarks are shown"),
        format!("指摘が多いため、最初の {MAX_REMARKS} 件のみ表示しています"),
    );
    let severity = Severity::Informational;
    remarks.push(Remark { code: "more-remarks", severity, at: String::new(), place: None, statement: None, text });
}

/// Whether a statement's element begins an element's path: `Statement[1]` doesn't begin `Statement[11]`.
fn owns(statement: &str, at: &str) -> bool {
    at[statement.len()..].chars().next().is_none_or(|c| c == '.' || c == '[')
}
