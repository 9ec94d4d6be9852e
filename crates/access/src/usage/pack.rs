//! Statements into policies that AWS takes.

use crate::policy::{MAX_MANAGED, size};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// An Allow.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What its Sid begins with.
    pub title: String,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    /// The services that roles may be passed to; empty for no condition.
    pub passed_to: Vec<String>,
}

impl Grant {
    fn statement(&self, sid: &str) -> Json {
        let few = |list: &[String]| match list {
            [one] => json!(one),
            many => json!(many),
        };
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), json!(sid));
        statement.insert("Effect".to_owned(), json!("Allow"));
        statement.insert("Action".to_owned(), few(&self.actions));
        statement.insert("Resource".to_owned(), few(&self.resources));
        if !self.passed_to.is_empty() {
            let condition = json!({"StringEquals": {"iam:PassedToService": few(&self.passed_to)}});
            statement.insert("Condition".to_owned(), condition);
        }
        Json::Object(statement)
    }

    /// Two that allow the same together, the first with as much as fits into a statement of so many characters.
    fn parted(mut self, sid: &str, room: usize) -> [Grant; 2] {
        let length = |list: &[String]| list.iter().map(|text| size(&json!(text)) + 1).sum::<usize>();
        let by_resource =
            self.actions.len() < 2 || (self.resources.len() > 1 && length(&self.resources) >= length(&self.actions));
        let list = if by_resource { &mut self.resources } else { &mut self.actions };
        let all = std::mem::take(list);
        let mut used = size(&self.statement(sid));
        let mut count = 0;
        for text in &all {
            used += size(&json!(text)) + 1;
            count += usize::from(used <= room);
        }
        let count = count.clamp(1, all.len() - 1);
        let (mut first, mut second) = (self.clone(), self);
        let (left, right) = all.split_at(count);
        let halves = if by_resource {
            (&mut first.resources, &mut second.resources)
        } else {
            (&mut first.actions, &mut second.actions)
        };
        (*halves.0, *halves.1) = (left.to_vec(), right.to_vec());
        [first, second]
    }
}

fn document(statements: &[Json]) -> Json {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The policies, by name, in the grants' order.
pub fn pack(grants: Vec<Grant>, name: &str) -> Vec<(String, Json)> {
    let empty = size(&document(&[]));
    let mut left: Vec<Grant> = grants.into_iter().rev().collect();
    let mut sids = BTreeSet::new();
    let mut policies: Vec<(usize, Vec<Json>)> = Vec::new();
    while let Some(grant) = left.pop() {
        let sid = sid(&grant.title, &sids);
        let statement = grant.statement(&sid);
        // With the comma before it.
        let length = size(&statement) + 1;
        if empty + length > MAX_MANAGED && grant.actions.len() + grant.resources.len() > 2 {
            left.extend(grant.parted(&sid, MAX_MANAGED - empty - 1).into_iter().rev());
            continue;
        }
        sids.insert(sid);
        match policies.iter_mut().find(|(used, _)| used + length <= MAX_MANAGED) {
            Some((used, statements)) => {
                *used += length;
                statements.push(statement);
            }
            None => policies.push((empty + length, vec![statement])),
        }
    }
    let many = policies.len() > 1;
    let named = |(i, (_, statements)): (usize, (usize, Vec<Json>))| {
        let name = if many { format!("{name}-{}", i + 1) } else { name.to_owned() };
        (name, document(&statements))
    };
    policies.into_iter().enumerate().map(named).collect()
}

/// The title, with a number if it is taken.
fn sid(title: &str, taken: &BTreeSet<String>) -> String {
    let mut sid = title.to_owned();
    let mut number = 2;
    while taken.contains(&sid) {
        // A title may end with a digit of its own.
        sid = if title.ends_with(|c: char| c.is_ascii_digit()) {
            format!("{title}N{number}")
        } else {
            format!("{title}{number}")
        };
        number += 1;
    }
    sid
}
