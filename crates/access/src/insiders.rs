//! Who inside reaches the data of a resource that few should reach.

use crate::estate::{Asked, Estate, Held, Told, Wish};
use crate::exposure::account_of;
use crate::policy::Effect;
use crate::principal::{Entry, Principals};
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
    /// Policies and principals that could not be read or decided, so that somebody may be missing.
    pub unread: Vec<String>,
}

impl Estate {
    /// Which of the estate's users and roles reach the data of a resource, as of a day such as `2026-11-26`; a session that a
    /// policy names counts beside its role. Service-linked roles are left out.
    pub fn inside(&self, arn: &str, data: &[DataAccess], trust: &Trust, today: &str) -> Inside {
        let mut inside = Inside { unread: self.hidden(arn, trust), ..Inside::default() };
        let sessions = self.all_sessions_named(arn);
        let roles = self.principals().filter(|arn| !arn.contains(":role/aws-service-role/"));
        for principal in roles.chain(sessions.iter().map(String::as_str)) {
            let (mut reached, mut ungoverned) = (Vec::new(), Vec::new());
            let context = Map::new();
            let is_unread = !self.unread_of(self.role_of(principal).unwrap_or(principal)).is_empty();
            'asked: for DataAccess { resource, actions } in data {
                for action in actions.iter().filter(|action| self.might(principal, action, resource)) {
                    let asked = Asked { principal, action, resource, context: &context, session: None };
                    let told = self.wish(&asked, Wish { any: true, ..Wish::default() });
                    let (told, bound) = match told {
                        Ok(permission) => (permission.told, permission.ungoverned),
                        // What can't be decided of one hides nobody else.
                        Err(error) => {
                            inside.unread.push(format!("{principal} ({error})"));
                            break;
                        }
                    };
                    let answer = match told {
                        Told::Unread(names) => {
                            inside.unread.extend(names);
                            // What nobody could read of the principal itself leaves all else open, too.
                            if is_unread {
                                break 'asked;
                            }
                            continue;
                        }
                        Told::Answer(answer) => answer,
                    };
                    if answer.is_open() {
                        let (action, conditions) = (action.clone(), answer.keys());
                        reached.push(Reached { action, statement: answer.allows, conditions });
                        ungoverned = bound;
                    }
                }
            }
            // What a role reaches, its sessions do.
            let role = self.role_of(principal);
            if let Some(known) = inside.insiders.iter_mut().find(|known| Some(known.principal.as_str()) == role) {
                reached.retain(|reach| !known.reached.iter().any(|other| other.action == reach.action));
                known.reached.append(&mut reached);
            } else if !reached.is_empty() {
                let role = role.unwrap_or(principal);
                let expected = trust.expects(arn, principal) || trust.expects(arn, role);
                let archived = trust.archived(arn, principal, today);
                let principal = principal.to_owned();
                inside.insiders.push(Insider { principal, reached, expected, archived, ungoverned });
            }
        }
        inside.unread.sort_unstable();
        inside.unread.dedup();
        inside
    }

    /// The accounts whose users and roles would have to be known, and are not: the resource's own, and those inside that its
    /// policies let in.
    fn hidden(&self, arn: &str, trust: &Trust) -> Vec<String> {
        let account = self.owner_of(arn).unwrap_or_default();
        let unknown = |account: &str| format!("principals of {account}");
        let mut hidden = Vec::new();
        if !self.knows_principals_of(account) {
            hidden.push(unknown(account));
        }
        let (zone, _) = trust.zone(self, account, arn);
        let inside = |other: &&String| *other != account && !self.knows_principals_of(other);
        for held in self.guards(arn) {
            let Held::Read(policy) = held else { continue };
            for statement in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
                let entries = match &statement.principals {
                    Principals::These(entries) => entries.as_slice(),
                    Principals::NotThese(_) => &[Entry::Anyone],
                    Principals::Attached | Principals::Nobody => &[],
                };
                for entry in entries {
                    match entry {
                        Entry::Anyone => {
                            hidden.extend(zone.accounts.iter().filter(inside).map(|other| unknown(other)));
                            if trust.organization && !self.knows_members_of(account) {
                                hidden.push("principals of the organization".to_owned());
                            }
                        }
                        Entry::Aws(text) => {
                            let other = account_of(text).map(str::to_owned);
                            let trusted = other.iter().filter(inside).filter(|other| zone.accounts.contains(other));
                            hidden.extend(trusted.map(|other| unknown(other)));
                        }
                        Entry::Service(_) | Entry::Federated(_) | Entry::Canonical(_) => {}
                    }
                }
            }
        }
        hidden
    }
}
