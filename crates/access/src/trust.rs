//! Who is trusted with resources, as a person configures it.

use crate::error::Error;
use crate::estate::Estate;
use crate::glob::{Glob, pieces};
use crate::outside::Zone;
use crate::policy::{Kind, Policy};
use serde::Deserialize;
use serde_json::json;
use yagura_model::{Arn, is_account_id};

/// Who is trusted beside a resource's own account, as a person configures it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Whether the organization of the account is trusted, and with it all accounts of the inventory; else the account alone
    /// is.
    pub organization: bool,
    /// Units of the organization that are trusted, `ou-…`, for where the organization as a whole is not.
    pub units: Vec<String>,
    /// Other accounts that are trusted with every resource: 12 digits each.
    pub accounts: Vec<String>,
    /// Those expected to reach some resources.
    pub partner: Vec<Partner>,
    /// What few inside may reach.
    pub critical: Vec<Critical>,
    /// What is known and accepted.
    pub archive: Vec<Archive>,
}

impl Default for Trust {
    fn default() -> Trust {
        let (units, accounts) = (Vec::new(), Vec::new());
        Trust { organization: true, units, accounts, partner: Vec::new(), critical: Vec::new(), archive: Vec::new() }
    }
}

/// An account that is expected to reach some resources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub account: String,
    /// ARNs, with `*` for any text; none: all resources.
    #[serde(default)]
    pub resources: Vec<String>,
}

/// A resource whose data few inside may reach.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Critical {
    /// ARN, with `*` for any text.
    pub resource: String,
    /// ARNs of the users and roles that may, with `*` for any text.
    #[serde(default)]
    pub allowed: Vec<String>,
}

impl Critical {
    /// A resource that nobody is expected to reach.
    pub fn of(resource: impl Into<String>) -> Critical {
        Critical { resource: resource.into(), allowed: Vec::new() }
    }

    /// Whether it is the resource of this ARN.
    pub fn names(&self, arn: &str) -> bool {
        is(&self.resource, arn)
    }
}

/// Access that is known and accepted, so that nobody needs to be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// ARN of the resource, with `*` for any text.
    pub resource: String,
    /// The principal as the policy names it, with `*` for any text; `*` alone is access for everyone, and no more.
    pub principal: String,
    pub reason: String,
    /// The last day on which it holds, `2027-03-31`; none: it holds for ever.
    #[serde(default)]
    pub until: Option<String>,
}

impl Trust {
    /// Whether what is configured can be used.
    ///
    /// # Errors
    /// An account that has not 12 digits, a unit that is none, a day that is none.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |at: &str, value: &str, wanted| {
            Err(Error::Value { at: at.to_owned(), value: value.chars().take(60).collect(), wanted })
        };
        let accounts = self.accounts.iter().chain(self.partner.iter().map(|p| &p.account));
        for account in accounts {
            if !is_account_id(account) {
                return wrong("trust", account, "write 12 digits");
            }
        }
        if let Some(unit) = self.units.iter().find(|unit| !unit.starts_with("ou-")) {
            return wrong("trust.units", unit, "write ou- and what follows it");
        }
        for critical in &self.critical {
            let resource = critical.resource.as_str();
            if resource != "*" && !resource.starts_with("arn:") {
                return wrong("trust.critical.resource", resource, "write an ARN, with * for any text");
            }
            if Arn::parse(resource)
                .is_some_and(|arn| arn.service == "s3" && arn.account.is_empty() && arn.resource.contains('/'))
            {
                return wrong("trust.critical.resource", resource, "name the bucket, without its objects");
            }
            let is_principal = |allowed: &&String| !allowed.starts_with("arn:") && !allowed.starts_with('*');
            if let Some(allowed) = critical.allowed.iter().find(is_principal) {
                return wrong(
                    "trust.critical.allowed",
                    allowed,
                    "write the ARN of a user or role, with * for any text",
                );
            }
        }
        let days = self.archive.iter().filter_map(|archive| archive.until.as_ref());
        match days.into_iter().find(|day| chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").is_err()) {
            Some(day) => wrong("trust.archive.until", day, "write a day such as 2027-03-31"),
            None => Ok(()),
        }
    }

    /// Who is trusted with a resource, and what keeps those out of the question who are trusted by their unit.
    pub(crate) fn zone(&self, estate: &Estate, account: &str, arn: &str) -> (Zone, Option<Policy>) {
        let organization = estate.organization_of(account).filter(|_| self.organization).map(str::to_owned);
        let mut accounts = self.accounts.clone();
        let expects = |p: &&Partner| p.resources.is_empty() || p.resources.iter().any(|pattern| is(pattern, arn));
        accounts.extend(self.partner.iter().filter(expects).map(|p| p.account.clone()));
        accounts.extend(estate.members(organization.as_deref(), &self.units));
        if self.organization {
            // Whoever scans several accounts together owns them, though the evidence may not tell of their organization.
            accounts.extend(estate.accounts.iter().cloned());
        }
        accounts.sort_unstable();
        accounts.dedup();
        let paths: Vec<String> = self.units.iter().map(|unit| format!("*/{unit}/*")).collect();
        let inside = (!paths.is_empty()).then(|| {
            json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": paths}}}})
        });
        let inside = inside.and_then(|document| Policy::read(&document, "units", Kind::Resource, "units").ok());
        (Zone { owner: account.to_owned(), organization, accounts }, inside)
    }

    /// Whether few inside may reach a resource.
    pub fn is_critical(&self, arn: &str) -> bool {
        self.critical.iter().any(|critical| critical.names(arn))
    }

    /// Whether a principal is one of those who may reach a critical resource.
    pub(crate) fn expects(&self, arn: &str, principal: &str) -> bool {
        let mut of_it = self.critical.iter().filter(|critical| critical.names(arn));
        of_it.any(|critical| critical.allowed.iter().any(|allowed| is(allowed, principal)))
    }

    /// Why access is accepted as of a day, `2026-11-26`.
    pub(crate) fn archived(&self, arn: &str, principal: &str, today: &str) -> Option<String> {
        let holds = |a: &&Archive| {
            let named = if a.principal == "*" { principal == "*" } else { is(&a.principal, principal) };
            is(&a.resource, arn) && named && a.until.as_deref().is_none_or(|day| today <= day)
        };
        self.archive.iter().find(holds).map(|archive| archive.reason.clone())
    }
}

fn is(pattern: &str, text: &str) -> bool {
    Glob::text(&pieces(pattern)).matches(text)
}
