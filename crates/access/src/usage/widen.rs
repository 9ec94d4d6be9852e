//! Many resources of an action become few patterns, each no wider than the form of its type's ARNs.

use super::arn;
use super::form::{Form, form_of, forms_of};
use crate::catalogue::Action;
use crate::glob::{Glob, pieces};
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::Arn;

/// Comparisons of resources with patterns, above which a pattern may stay beside what it covers.
const MAX_COMPARED: usize = 5_000_000;

/// Why a policy names more than was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// A call of the action didn't tell what it was about.
    NotKnown,
    /// There are more resources than the options let a statement name.
    Many,
}

/// A part of a policy that is wider than what was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Widened {
    pub action: String,
    /// What the policy names.
    pub to: String,
    /// How many different resources it stands for, at least.
    pub from: u64,
    pub why: Why,
}

/// The resources that a policy names for an action that was used on these: at most `limit` where the forms of the
/// ARNs allow it, or `*` if they aren't all known or the action takes none.
pub fn widen(action: &Action, used: &BTreeSet<String>, known: bool, limit: usize) -> (Vec<String>, Vec<Widened>) {
    let forms = forms_of(action);
    let all = vec!["*".to_owned()];
    if forms.is_empty() {
        return (all, Vec::new());
    }
    let note =
        |to: &str, from: usize, why| Widened { action: action.full(), to: to.to_owned(), from: from as u64, why };
    let patterns: Option<BTreeSet<String>> = used.iter().map(|resource| arn::pattern(resource)).collect();
    let families = patterns.map(without_covered).and_then(|patterns| families(&forms, patterns));
    let Some(mut families) = families.filter(|_| known && !used.is_empty()) else {
        return (all, vec![note("*", used.len(), Why::NotKnown)]);
    };
    narrow(&mut families, limit.max(1));
    let mut found = BTreeSet::new();
    let mut widened = Vec::new();
    for family in families {
        match family.pattern {
            Some(pattern) => {
                widened.push(note(&pattern, family.count, Why::Many));
                found.insert(pattern);
            }
            None => found.extend(family.members),
        }
    }
    (without_covered(found).into_iter().collect(), widened)
}

/// Resources of one type in one place.
struct Family {
    form: &'static Form,
    partition: String,
    region: String,
    account: String,
    /// The bucket of S3's objects.
    bucket: String,
    members: Vec<String>,
    /// How many resources it stands for.
    count: usize,
    /// What stands for all of them, once they are too many.
    pattern: Option<String>,
}

/// `None` if a resource is of no type that the action takes.
fn families(forms: &[(&'static Form, bool)], resources: BTreeSet<String>) -> Option<Vec<Family>> {
    let mut found: BTreeMap<(String, String), Family> = BTreeMap::new();
    for resource in resources {
        let form = form_of(forms, &resource)?;
        let arn = Arn::parse(&resource)?;
        let bucket = arn.resource.split('/').next().filter(|_| form.is_object()).unwrap_or_default();
        let head = &resource[..resource.len() - arn.resource.len()];
        let family = found.entry((format!("{head}{bucket}"), form.name.clone())).or_insert_with(|| Family {
            form,
            partition: arn.partition.to_owned(),
            region: arn.region.to_owned(),
            account: arn.account.to_owned(),
            bucket: bucket.to_owned(),
            members: Vec::new(),
            count: 0,
            pattern: None,
        });
        family.count += 1;
        family.members.push(resource);
    }
    Some(found.into_values().collect())
}

/// Replaces the members of families by patterns until at most `limit` resources are left: first those within a place,
/// the most first, then all of an account's, then all of the type.
fn narrow(families: &mut Vec<Family>, limit: usize) {
    // A name whose path isn't known takes two patterns (`role/NAME`, `role/*/NAME`).
    let apart = |family: &Family| family.members.iter().filter(|member| !member.contains("/*/")).count();
    let mut left: usize = families.iter().map(apart).sum();
    let mut order: Vec<usize> = (0..families.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(families[*at].count));
    for at in order {
        let family = &mut families[at];
        if left <= limit || family.count < 2 {
            break;
        }
        left -= apart(family).saturating_sub(1);
        family.pattern = Some(within(family));
    }
    for anywhere in [false, true] {
        if families.len() > limit {
            merge(families, anywhere);
        }
    }
}

/// The members' longest common beginning up to a `/` or `:`, but no shorter than the type's.
fn within(family: &Family) -> String {
    let first = family.members.first().map_or("", String::as_str);
    let last = family.members.last().map_or("", String::as_str);
    // They are in order, so that what the first and the last share, all do.
    let shared = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let head = Arn::parse(first).map_or(0, |arn| first.len() - arn.resource.len());
    let cut = first.as_bytes()[..shared].iter().rposition(|b| matches!(b, b'/' | b':')).map_or(0, |at| at + 1);
    if family.form.is_object() {
        return format!("{}{}/*", &first[..head], family.bucket);
    }
    match cut > head + family.form.beginning().len() && !first[..cut].contains(['*', '?']) {
        true => format!("{}*", &first[..cut]),
        false => format!("{}{}", &first[..head], family.form.rest),
    }
}

/// Makes one pattern of a type's families in an account, or wherever they are.
fn merge(families: &mut Vec<Family>, anywhere: bool) {
    let mut found: BTreeMap<(String, String, String), Vec<Family>> = BTreeMap::new();
    for family in families.drain(..) {
        let account = if anywhere { String::new() } else { family.account.clone() };
        found.entry((family.form.name.clone(), family.partition.clone(), account)).or_default().push(family);
    }
    for mut group in found.into_values() {
        let count = group.iter().map(|f| f.count).sum();
        let one = |values: BTreeSet<&str>, varies: bool| match (values.len(), values.first()) {
            (1, Some(value)) => (*value).to_owned(),
            _ if varies => "*".to_owned(),
            _ => String::new(),
        };
        let region = one(group.iter().map(|f| f.region.as_str()).collect(), group[0].form.has_region());
        let account = one(group.iter().map(|f| f.account.as_str()).collect(), group[0].form.has_account());
        if group.len() > 1 {
            let Family { form, partition, .. } = &group[0];
            let head = group[0].head();
            let pattern = format!("arn:{partition}:{head}:{region}:{account}:{}", form.rest);
            let (form, partition) = (*form, partition.clone());
            let members = Vec::new();
            let bucket = String::new();
            group = vec![Family { form, partition, region, account, bucket, members, count, pattern: Some(pattern) }];
        }
        families.extend(group);
    }
}

impl Family {
    /// The service in its ARNs.
    fn head(&self) -> String {
        let any = self.pattern.as_deref().or_else(|| self.members.first().map(String::as_str)).unwrap_or_default();
        Arn::parse(any).map_or("", |arn| arn.service).to_owned()
    }
}

/// Without what a pattern among them covers.
fn without_covered(resources: BTreeSet<String>) -> BTreeSet<String> {
    let wild: Vec<(String, Glob)> = resources.iter().filter_map(|r| Some((r.clone(), covering(r)?))).collect();
    if wild.is_empty() || wild.len() * resources.len() > MAX_COMPARED {
        return resources;
    }
    let keep = |resource: &String| !wild.iter().any(|(text, glob)| text != resource && glob.matches(resource));
    resources.into_iter().filter(keep).collect()
}

/// The pattern of a resource, if it covers every pattern whose text it matches: a `?` would match another's `*`.
fn covering(resource: &str) -> Option<Glob> {
    (resource.contains('*') && !resource.contains('?')).then(|| Glob::resource(&pieces(resource)))
}

/// Those of the resources that none of the patterns covers.
pub fn beyond(resources: Vec<String>, patterns: &[String]) -> Vec<String> {
    let globs: Vec<Glob> = patterns.iter().filter_map(|p| covering(p)).collect();
    let covered = |r: &String| patterns.contains(r) || globs.iter().any(|glob| glob.matches(r));
    resources.into_iter().filter(|r| !covered(r)).collect()
}
