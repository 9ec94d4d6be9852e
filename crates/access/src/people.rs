//! Principals worth asking for: one of each kind that the `Principal` elements of policies can tell apart.

use crate::policy::Statement;
use crate::principal::{Entry, Principals, Requester, Sort};
use std::collections::BTreeSet;
use yagura_model::{Arn, is_account_id};

/// The account of nobody whom a policy names; of these the first that none does.
const STRANGERS: [&str; 4] = ["999988887777", "888877776666", "777766665555", "666655554444"];

/// A canonical user whom no policy names.
const CANONICAL: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

/// What principals are made from.
#[derive(Debug, Default)]
pub struct People {
    /// Texts of the elements.
    named: BTreeSet<Entry>,
    pub accounts: BTreeSet<String>,
    pub partitions: BTreeSet<String>,
}

impl People {
    /// Everybody whom the statements name.
    pub fn of<'a>(statements: impl Iterator<Item = &'a Statement>) -> People {
        let mut people = People::default();
        people.partitions.insert("aws".to_owned());
        for statement in statements {
            if let Principals::These(entries) | Principals::NotThese(entries) = &statement.principals {
                people.named.extend(entries.iter().cloned());
            }
            // Fields of a pattern may be missing.
            let arns = statement.resources.iter().filter_map(|t| t.source().strip_prefix("arn:"));
            let partitions = arns.filter_map(|rest| rest.split(':').next()).filter(|p| !p.contains(['*', '?', '$']));
            people.partitions.extend(partitions.map(str::to_owned));
        }
        for entry in &people.named {
            let Entry::Aws(text) = entry else { continue };
            if is_account_id(text) {
                people.accounts.insert(text.clone());
            } else if let Some(arn) = Arn::parse(text) {
                people.accounts.insert(arn.account.to_owned());
                people.partitions.insert(arn.partition.to_owned());
            }
        }
        // One that is like any other that nothing names.
        let other = ["aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"];
        let other = other.into_iter().find(|p| !people.partitions.contains(*p));
        people.partitions.extend(other.map(str::to_owned));
        people
    }

    /// An account of nobody named here or in `others`.
    pub fn stranger(&self, others: &[String]) -> String {
        let free = |account: &String| !self.accounts.contains(account) && !others.contains(account);
        let known = STRANGERS.into_iter().map(str::to_owned);
        let more = (100_000_000_000u64..).map(|n| n.to_string());
        known.chain(more).find(free).unwrap_or_default()
    }

    /// One principal of each kind, those that a policy names first.
    pub fn all(&self) -> Vec<Requester> {
        let mut texts = self.named_and_kin();
        let stranger = self.stranger(&[]);
        for account in self.accounts.iter().chain([&stranger]) {
            for partition in &self.partitions {
                texts.extend(any_of(partition, account));
            }
        }
        texts.extend(["anonymous", "example.amazonaws.com", "idp.example.com", CANONICAL].map(str::to_owned));
        let mut seen = BTreeSet::new();
        // No name of a principal has a wildcard, though an element may.
        texts.retain(|text| !text.contains(['*', '?']) && seen.insert(text.clone()));
        let mut all: Vec<Requester> = texts.iter().filter_map(|text| Requester::read(text).ok()).collect();
        // A canonical user is known by whatever text the policy has.
        for entry in &self.named {
            if let Entry::Canonical(id) = entry {
                let (text, empty) = (id.clone(), String::new);
                all.push(Requester { text, sort: Sort::Canonical, partition: empty(), account: empty() });
            }
        }
        all
    }

    /// Those whom the elements name, the sessions of their roles and users, and the roles of their sessions.
    fn named_and_kin(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for entry in &self.named {
            let (Entry::Aws(text) | Entry::Service(text) | Entry::Federated(text)) = entry else { continue };
            if !self.accounts.contains(text) {
                texts.push(text.clone());
            }
            let (Entry::Aws(_), Some(arn)) = (entry, Arn::parse(text)) else { continue };
            let (partition, account) = (arn.partition, arn.account);
            let parts: Vec<&str> = arn.resource.split('/').collect();
            match parts[..] {
                ["role", .., name] => texts.push(format!("arn:{partition}:sts::{account}:assumed-role/{name}/session")),
                ["user", .., name] => texts.push(format!("arn:{partition}:sts::{account}:federated-user/{name}")),
                ["assumed-role", name, ..] => {
                    texts.push(format!("arn:{partition}:sts::{account}:assumed-role/{name}/another"));
                    texts.push(format!("arn:{partition}:iam::{account}:role/{name}"));
                }
                ["federated-user", name] => texts.push(format!("arn:{partition}:iam::{account}:user/{name}")),
                _ => {}
            }
        }
        texts
    }
}

/// Principals of an account of whom no policy speaks.
fn any_of(partition: &str, account: &str) -> [String; 5] {
    [
        format!("arn:{partition}:iam::{account}:user/somebody"),
        format!("arn:{partition}:iam::{account}:role/some-role"),
        format!("arn:{partition}:sts::{account}:assumed-role/some-role/session"),
        format!("arn:{partition}:iam::{account}:root"),
        format!("arn:{partition}:sts::{account}:federated-user/somebody"),
    ]
}
