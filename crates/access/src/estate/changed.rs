//! What differs between two estates.

use super::Estate;
use std::collections::{BTreeMap, BTreeSet};

/// What a change touches, by ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Users and roles whose own permissions may differ.
    pub identities: BTreeSet<String>,
    /// Roles that let in others than before, or are used by other functions.
    pub guarded: BTreeSet<String>,
}

impl Changed {
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.identities.iter().chain(&self.guarded).map(String::as_str)
    }

    /// Whether nothing is touched.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.guarded.is_empty()
    }
}

impl Estate {
    /// What differs from another estate, as far as it bears on who becomes whom.
    pub fn changed(&self, before: &Estate) -> Changed {
        let mut changed = Changed {
            identities: differing(&self.identities, &before.identities).cloned().collect(),
            guarded: differing(&self.functions, &before.functions).cloned().collect(),
        };
        for arn in differing(&self.guarded, &before.guarded) {
            changed.guarded.insert(arn.clone());
            // A function's policy decides who becomes its role.
            let roles = self.functions.iter().chain(&before.functions);
            changed.guarded.extend(roles.filter(|(_, of)| of.contains(arn)).map(|(role, _)| role.clone()));
        }
        let mut accounts = self.organizations.changed(&before.organizations);
        // Whoever may join a group of the account is touched by it.
        accounts.extend(differing(&self.groups, &before.groups).filter_map(|arn| arn.split(':').nth(4)));
        for (arn, identity) in self.identities.iter().chain(&before.identities) {
            if accounts.contains(identity.account.as_str()) {
                changed.identities.insert(arn.clone());
                changed.guarded.insert(arn.clone());
            }
        }
        changed
    }
}

/// The keys whose values differ, or that only one has.
fn differing<'a, V: PartialEq>(
    a: &'a BTreeMap<String, V>,
    b: &'a BTreeMap<String, V>,
) -> impl Iterator<Item = &'a String> {
    let in_a = a.iter().filter(|(key, value)| b.get(*key) != Some(value)).map(|(key, _)| key);
    in_a.chain(b.keys().filter(|key| !a.contains_key(*key)))
}
