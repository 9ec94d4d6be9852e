//! Every AWS action: its access level, the resource types that it takes, the condition keys that it sets.
//!
//! The facts are those of AWS's Service Authorization Reference
//! (`docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html`),
//! in `data/iam-actions.txt`; `xtask/gen/iam_actions.py` writes that file and explains its lines. A service is read when
//! something of it is first asked for.

use crate::glob::{Glob, pieces};
use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

const TEXT: &str = include_str!("../data/iam-actions.txt");

/// A word of AWS's that stands for this many mistakes at most is taken for a misspelling.
const MAX_MISTAKES: usize = 3;

static SERVICES: LazyLock<BTreeMap<&'static str, Entry>> = LazyLock::new(|| {
    let blocks = TEXT.split("\n=").skip(1);
    let block = |block: &'static str| {
        let head = block.split(['\t', '\n']).next().unwrap_or_default();
        let prefix = head.trim_end_matches('!');
        (prefix, Entry { block, is_bound_by_rcp: head != prefix, service: OnceLock::new() })
    };
    blocks.map(block).collect()
});

struct Entry {
    block: &'static str,
    is_bound_by_rcp: bool,
    service: OnceLock<Service>,
}

/// How much an action can do, as AWS classes it; but what writes in IAM, IAM Identity Center or RAM changes who may do what,
/// whatever AWS calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    List,
    Read,
    Tagging,
    Write,
    /// Changes who may do what.
    Permissions,
}

impl Level {
    /// The level as AWS's reference calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::List => "List",
            Level::Read => "Read",
            Level::Tagging => "Tagging",
            Level::Write => "Write",
            Level::Permissions => "Permissions management",
        }
    }

    fn of(letter: &str) -> Level {
        match letter {
            "L" => Level::List,
            "R" => Level::Read,
            "T" => Level::Tagging,
            "P" => Level::Permissions,
            _ => Level::Write,
        }
    }
}

/// The type of a condition key's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    String,
    Arn,
    Bool,
    Numeric,
    Date,
    Address,
}

/// A condition key. Where a policy's author fills in a part, as in `s3:BucketTag/team`, its name holds a `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub kind: KeyType,
    /// Whether a request can hold several values of it.
    pub many: bool,
}

/// A resource type that an action takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    resource: &'static ResourceType,
    /// Whether every call names one.
    pub needed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ResourceType {
    name: &'static str,
    service: &'static str,
    arn: &'static str,
    keys: Vec<String>,
}

impl Taken {
    /// The type as AWS's reference calls it, such as `bucket`.
    pub fn name(&self) -> String {
        self.resource.name.replace('_', " ")
    }

    /// Its ARN with placeholders, such as `arn:${Partition}:s3:::${BucketName}`.
    pub fn arn(&self) -> String {
        let mut fields = self.resource.arn.splitn(4, ':');
        let mut field = || fields.next().unwrap_or_default();
        let place = |text: &str, name: &str| if text == "-" { name.to_owned() } else { text.to_owned() };
        let service = match field() {
            "" => self.resource.service,
            other => other,
        };
        let (region, account) = (place(field(), "{Region}"), place(field(), "{Account}"));
        format!("arn:{{Partition}}:{service}:{region}:{account}:{}", field()).replace('{', "${")
    }
}

/// An action of AWS.
#[derive(Debug)]
pub struct Action {
    pub service: &'static str,
    /// Without the service, such as `GetObject`.
    pub name: &'static str,
    pub level: Level,
    group: usize,
}

impl Action {
    /// The action as a policy writes it, such as `s3:GetObject`.
    pub fn full(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }

    /// The resource types that it takes. Without one, only `Resource: "*"` covers it.
    pub fn takes(&self) -> Vec<Taken> {
        let Some(service) = service(self.service) else { return Vec::new() };
        let group = &service.groups[self.group];
        let taken = |(at, needed): &(usize, bool)| Some(Taken { resource: service.types.get(*at)?, needed: *needed });
        group.takes.iter().filter_map(taken).collect()
    }

    /// The names of the condition keys that it sets, beside the global ones.
    pub fn keys(&self) -> Vec<&'static str> {
        let Some(service) = service(self.service) else { return Vec::new() };
        let group = &service.groups[self.group];
        let of_types = group.takes.iter().filter_map(|(at, _)| service.types.get(*at)).flat_map(|t| &t.keys);
        let mut keys: Vec<&str> =
            service.common.iter().chain(&group.keys).chain(of_types).map(String::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// What actions of a service have in common.
#[derive(Debug)]
struct Group {
    /// Places in the service's types, and whether every call names one.
    takes: Vec<(usize, bool)>,
    keys: Vec<String>,
}

#[derive(Debug)]
struct Service {
    common: Vec<String>,
    keys: Vec<Key>,
    types: Vec<ResourceType>,
    groups: Vec<Group>,
    /// By name.
    actions: Vec<Action>,
    /// Names in lower case to places in `actions`.
    places: HashMap<String, usize>,
}

fn service(prefix: &str) -> Option<&'static Service> {
    let entry = match SERVICES.get(prefix) {
        Some(entry) => entry,
        None => SERVICES.get(prefix.to_ascii_lowercase().as_str())?,
    };
    Some(entry.service.get_or_init(|| Service::read(entry.block)))
}

impl Service {
    fn read(block: &'static str) -> Service {
        let mut lines = block.lines();
        let (head, common) = halves(lines.next().unwrap_or_default());
        let prefix = head.trim_end_matches('!');
        let mut service = Service {
            common: keys(common, prefix),
            keys: Vec::new(),
            types: Vec::new(),
            groups: Vec::new(),
            actions: Vec::new(),
            places: HashMap::new(),
        };
        for line in lines {
            let (head, rest) = halves(line);
            match head.as_bytes().first() {
                Some(b'k') => {
                    let (kind, many) = kind(&head[1..]);
                    service.keys.extend(keys(rest, prefix).into_iter().map(|name| Key { name, kind, many }));
                }
                Some(b'r') => {
                    let (arn, own) = halves(rest);
                    let keys = keys(own, prefix);
                    service.types.push(ResourceType { name: &head[1..], service: prefix, arn, keys });
                }
                Some(b'a') => {
                    let (own, names) = halves(rest);
                    let takes = service.taken(&head[1..]);
                    let group = service.groups.len();
                    service.groups.push(Group { takes, keys: keys(own, prefix) });
                    let action = |word: &'static str| {
                        let (letter, name) = word.split_at(1);
                        Action { service: prefix, name, level: Level::of(letter), group }
                    };
                    service.actions.extend(names.split(' ').map(action));
                }
                _ => {}
            }
        }
        service.actions.sort_by_key(|a| a.name);
        service.places = service.actions.iter().enumerate().map(|(at, a)| (a.name.to_ascii_lowercase(), at)).collect();
        service
    }

    fn taken(&self, words: &str) -> Vec<(usize, bool)> {
        if words == "*" {
            return (0..self.types.len()).map(|at| (at, false)).collect();
        }
        let words = words.split(' ').filter(|word| !word.is_empty());
        let taken = |word: &str| {
            let name = word.trim_end_matches('?');
            Some((self.types.iter().position(|t| t.name == name)?, name == word))
        };
        words.filter_map(taken).collect()
    }
}

/// A line's first field, and the rest.
fn halves(line: &'static str) -> (&'static str, &'static str) {
    line.split_once('\t').unwrap_or((line, ""))
}

fn keys(words: &str, prefix: &str) -> Vec<String> {
    let key = |word: &str| match word {
        "%q" => "aws:RequestTag/*".to_owned(),
        "%r" => "aws:ResourceTag/*".to_owned(),
        "%t" => "aws:TagKeys".to_owned(),
        own if own.starts_with(':') => format!("{prefix}{own}"),
        other => other.to_owned(),
    };
    words.split(' ').filter(|word| !word.is_empty()).map(key).collect()
}

fn kind(word: &str) -> (KeyType, bool) {
    let (word, many) = word.strip_prefix("ArrayOf").map_or((word, false), |word| (word, true));
    let kind = match word {
        "ARN" => KeyType::Arn,
        "Bool" => KeyType::Bool,
        "Numeric" => KeyType::Numeric,
        "Date" => KeyType::Date,
        "IPAddress" => KeyType::Address,
        _ => KeyType::String,
    };
    (kind, many)
}

/// The services' prefixes, in order.
pub fn services() -> impl Iterator<Item = &'static str> {
    SERVICES.keys().copied()
}

/// Whether AWS has a service of this prefix, in any case.
pub fn is_service(prefix: &str) -> bool {
    SERVICES.contains_key(prefix.to_ascii_lowercase().as_str())
}

/// Whether resource control policies bind the resources of a service, in any case; of others AWS asks none
/// (`docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html`, "services that support RCPs").
pub fn is_bound_by_rcp(prefix: &str) -> bool {
    SERVICES.get(prefix.to_ascii_lowercase().as_str()).is_some_and(|entry| entry.is_bound_by_rcp)
}

/// The action that a policy writes as `text`, in any case.
pub fn action(text: &str) -> Option<&'static Action> {
    let (prefix, name) = text.split_once(':')?;
    let service = service(prefix)?;
    service.places.get(&name.to_ascii_lowercase()).map(|at| &service.actions[*at])
}

/// Whether AWS has an action of this name, in any case.
pub fn is_action(text: &str) -> bool {
    action(text).is_some()
}

/// The actions that a policy's pattern covers. A wildcard in the service covers none, but for `*` and `*:*`.
pub fn expand(pattern: &str) -> Vec<&'static Action> {
    if pattern == "*" || pattern == "*:*" {
        return services().filter_map(service).flat_map(|s| &s.actions).collect();
    }
    let Some((prefix, name)) = pattern.split_once(':') else { return Vec::new() };
    if !name.contains(['*', '?']) {
        return action(pattern).into_iter().collect();
    }
    let Some(service) = service(prefix) else { return Vec::new() };
    let glob = Glob::text(&pieces(&name.to_ascii_lowercase()));
    service.places.iter().filter(|(name, _)| glob.matches(name)).map(|(_, at)| *at).collect::<Places>().of(service)
}

/// Places in a service's actions, in order.
struct Places(Vec<usize>);

impl FromIterator<usize> for Places {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Places {
        let mut places: Vec<usize> = places.into_iter().collect();
        places.sort_unstable();
        Places(places)
    }
}

impl Places {
    fn of(self, service: &'static Service) -> Vec<&'static Action> {
        self.0.into_iter().map(|at| &service.actions[at]).collect()
    }
}

/// The resource types of a service.
pub fn types_of(prefix: &str) -> Vec<Taken> {
    let types = service(prefix).map_or(&[][..], |s| &s.types);
    types.iter().map(|resource| Taken { resource, needed: false }).collect()
}

/// The ARNs, with placeholders, of what an action takes.
pub fn resources_of(name: &str) -> Vec<String> {
    action(name).map(|a| a.takes().iter().map(Taken::arn).collect()).unwrap_or_default()
}

/// The condition keys that an action sets, beside the global ones.
pub fn keys_of(name: &str) -> Vec<&'static str> {
    action(name).map(Action::keys).unwrap_or_default()
}

/// The condition keys of a service.
pub fn keys_of_service(prefix: &str) -> &'static [Key] {
    service(prefix).map_or(&[], |s| &s.keys)
}

/// The action or service that `text` is likely to mean: right but for the other's service, or a few letters away.
pub fn nearest(text: &str) -> Option<String> {
    let Some((prefix, name)) = text.split_once(':') else { return nearest_service(text).map(str::to_owned) };
    if prefix.len() + name.len() > 200 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    if let Some(service) = service(prefix) {
        return closest(&lower, service.places.keys().map(String::as_str))
            .map(|near| service.actions[service.places[near]].full())
            .or_else(|| elsewhere(prefix, &lower));
    }
    let near = nearest_service(prefix)?;
    let right = action(&format!("{near}:{name}")).map(Action::full);
    right.or_else(|| nearest(&format!("{near}:{name}"))).or_else(|| Some(format!("{near}:{name}")))
}

/// Names of services that people take for the prefix.
const CALLED: [(&str, &str); 14] = [
    ("alb", "elasticloadbalancing"),
    ("elb", "elasticloadbalancing"),
    ("elbv2", "elasticloadbalancing"),
    ("cloudwatchlogs", "logs"),
    ("cognito", "cognito-idp"),
    ("efs", "elasticfilesystem"),
    ("emr", "elasticmapreduce"),
    ("eventbridge", "events"),
    ("msk", "kafka"),
    ("opensearch", "es"),
    ("organization", "organizations"),
    ("parameterstore", "ssm"),
    ("stepfunctions", "states"),
    ("waf-v2", "wafv2"),
];

/// The service's prefix that `text` is likely to mean.
pub fn nearest_service(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let called = CALLED.iter().find(|(name, _)| *name == lower).map(|(_, prefix)| *prefix);
    called.or_else(|| closest(&lower, services()))
}

/// The action of this very name in another service, if only one has it.
fn elsewhere(prefix: &str, lower: &str) -> Option<String> {
    let others = services().filter(|other| !other.eq_ignore_ascii_case(prefix)).filter_map(service);
    let mut found = others.filter_map(|s| s.places.get(lower).map(|at| s.actions[*at].full()));
    found.next().filter(|_| found.next().is_none())
}

/// The word that takes the fewest mistakes to be written as `text`; the first of several.
pub(crate) fn closest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = text.chars().count();
    if length > 200 {
        return None;
    }
    let most = MAX_MISTAKES.min(length / 3);
    let near = words.filter(|word| word.len().abs_diff(text.len()) <= most);
    near.map(|word| (mistakes(text, word), word)).filter(|(n, _)| *n <= most).min().map(|(_, word)| word)
}

/// Letters to add, drop, change, or swap with the next.
fn mistakes(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut least = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
