//! Who inside reaches the data of a resource that few should reach.

use crate::error::Error;
use crate::estate::{Asked, Estate, Told, Wish};
use crate::evaluate::Outcome;
use crate::trust::Trust;
use serde_json::Map;

/// What gets at a resource's data, changes it or hands it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataAccess {
    /// The ARN that is asked about, or a pattern of those in the resource: one of them is enough.
    pub resource: String,
    pub actions: Vec<String>,
}

/// An action that somebody may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub action: String,
    /// The statement that allows it.
    pub statement: Option<String>,
    /// Condition keys that it hangs on; empty: on none.
    pub conditions: Vec<String>,
}

/// Somebody inside who has access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insider {
    /// ARN of the user or role.
    pub principal: String,
    pub reached: Vec<Reached>,
    /// Whether a person said that they may.
    pub expected: bool,
    /// Why nobody is told of it.
    pub archived: Option<String>,
    /// Accounts of which it is not known what their organization denies, each with the reason.
    pub ungoverned: Vec<(String, String)>,
}

impl Insider {
    /// Whether somebody has to be told.
    pub fn is_open(&self) -> bool {
        !self.expected && self.archived.is_none()
    }
}

/// Who inside has access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// By principal.
    pub insiders: Vec<Insider>,
    /// Policies that could not be read, so that somebody may be missing.
    pub unread: Vec<String>,
}

impl Estate {
    /// Which of the estate's users and roles reach the data of a resource, as of a day such as `2026-11-26`. Roles that
    /// only an AWS service can take on are left out.
    ///
    /// # Errors
    /// A question that can't be decided within the bounds.
    pub fn inside(&self, arn: &str, data: &[DataAccess], trust: &Trust, today: &str) -> Result<Inside, Error> {
        let mut inside = Inside::default();
        let context = Map::new();
        for principal in self.principals().filter(|arn| !arn.contains(":role/aws-service-role/")) {
            let (mut reached, mut ungoverned) = (Vec::new(), Vec::new());
            for DataAccess { resource, actions } in data {
                for action in actions.iter().filter(|action| self.might(principal, action, resource)) {
                    let asked = Asked { principal, action, resource, context: &context, session: None };
                    let permission = self.wish(&asked, Wish { any: true, ..Wish::default() })?;
                    let answer = match permission.told {
                        Told::Unread(names) => {
                            inside.unread.extend(names);
                            continue;
                        }
                        Told::Answer(answer) => answer,
                    };
                    if matches!(answer.outcome, Outcome::Allowed | Outcome::Conditional) {
                        let conditions = answer.conditions.map(|keys| keys.keys().cloned().collect());
                        let (action, statement) = (action.clone(), answer.statement);
                        reached.push(Reached { action, statement, conditions: conditions.unwrap_or_default() });
                        ungoverned = permission.ungoverned;
                    }
                }
            }
            if !reached.is_empty() {
                let (expected, archived) = (trust.expects(arn, principal), trust.archived(arn, principal, today));
                let principal = principal.to_owned();
                inside.insiders.push(Insider { principal, reached, expected, archived, ungoverned });
            }
        }
        inside.unread.sort_unstable();
        inside.unread.dedup();
        Ok(inside)
    }
}
