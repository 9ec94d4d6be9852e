//! A second evaluator, deliberately naive, against the first over generated requests.
//!
//! It was written from the documented flow alone, statement by statement, on the JSON of the case, and shares no code
//! with the crate: what both get wrong alike would have to be misread twice.

#![expect(clippy::unwrap_used, reason = "the generator makes no other shapes")]

use crate::laws::Dice;
use serde_json::Value;

/// What the documentation says that a request gets.
pub fn naive(case: &Value) -> &'static str {
    let ask = Ask::of(case);
    if ask.action.to_lowercase() == "sts:getcalleridentity" && ask.has_account {
        return "Allowed";
    }
    if ask.denied(case) {
        return "ExplicitlyDenied";
    }
    if ask.scp_applies() {
        for level in list(&case["serviceControlPolicies"]) {
            let policies = list(&level["policies"]);
            if !policies.is_empty() && !ask.any_allow(&documents(&policies)) {
                return "ImplicitlyDenied";
            }
        }
    }
    if !ask.granted(case) {
        return "ImplicitlyDenied";
    }
    let endpoint = documents(&list(&case["vpcEndpointPolicies"]));
    if !endpoint.is_empty() && ask.best_name(&endpoint).is_none() {
        return "ImplicitlyDenied";
    }
    "Allowed"
}

struct Ask<'a> {
    principal: &'a str,
    account: String,
    partition: String,
    has_account: bool,
    action: &'a str,
    resource: &'a str,
    owner: String,
    context: &'a Value,
    bounded: bool,
}

/// How a policy names who asks, from the strongest.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Name {
    Exact,
    Star,
    Parent,
    Account,
}

impl<'a> Ask<'a> {
    fn of(case: &'a Value) -> Ask<'a> {
        let principal = case["principal"].as_str().unwrap();
        let resource = case["resource"].as_str().unwrap();
        let field = |text: &str, n: usize| text.split(':').nth(n).unwrap_or("").to_owned();
        let account = field(principal, 4);
        let in_arn = field(resource, 4);
        let owner = match case["resourceAccount"].as_str() {
            Some(owner) => owner.to_owned(),
            None if in_arn.is_empty() => account.clone(),
            None => in_arn,
        };
        Ask {
            principal,
            partition: field(principal, 1),
            has_account: principal.starts_with("arn:") && !principal.contains("-provider/"),
            account,
            action: case["action"].as_str().unwrap(),
            resource,
            owner,
            context: &case["context"],
            bounded: !list(&case["permissionBoundaries"]).is_empty(),
        }
    }

    fn linked(&self) -> bool {
        self.principal.contains("/aws-service-role/") || self.principal.contains("assumed-role/AWSServiceRoleFor")
    }

    fn scp_applies(&self) -> bool {
        self.has_account && !self.linked()
    }

    fn denied(&self, case: &Value) -> bool {
        let mut about_caller: Vec<Value> = Vec::new();
        if self.has_account {
            about_caller.extend(documents(&list(&case["identityPolicies"])));
            about_caller.extend(documents(&list(&case["permissionBoundaries"])));
            about_caller.extend(Some(case["sessionPolicy"].clone()).filter(|p| !p.is_null()));
        }
        if self.scp_applies() {
            list(&case["serviceControlPolicies"])
                .iter()
                .for_each(|l| about_caller.extend(documents(&list(&l["policies"]))));
        }
        if !self.linked() && self.owner != "aws" {
            list(&case["resourceControlPolicies"])
                .iter()
                .for_each(|l| about_caller.extend(documents(&list(&l["policies"]))));
        }
        let mut naming = documents(&list(&case["vpcEndpointPolicies"]));
        naming.extend(Some(case["resourcePolicy"].clone()).filter(|p| !p.is_null()));
        let is = |effect: &str, s: &Value| s["Effect"] == effect;
        about_caller.iter().any(|d| statements(d).iter().any(|s| is("Deny", s) && self.speaks(d, s)))
            || naming.iter().any(|d| statements(d).iter().any(|s| is("Deny", s) && self.struck(s) && self.speaks(d, s)))
    }

    fn granted(&self, case: &Value) -> bool {
        let resource_policy: Vec<Value> =
            Some(case["resourcePolicy"].clone()).filter(|p| !p.is_null()).into_iter().collect();
        let name = self.best_name(&resource_policy);
        let partition = self.resource.split(':').nth(1).unwrap_or("");
        if !self.partition.is_empty() && !partition.is_empty() && partition != self.partition {
            return false;
        }
        if !self.has_account {
            let provider_elsewhere = !self.account.is_empty() && self.account != self.owner;
            return name.is_some() && !provider_elsewhere;
        }
        let identity = documents(&list(&case["identityPolicies"]));
        let is_root = self.principal.ends_with(":root") && identity.is_empty();
        let identity_ok = is_root || self.any_allow(&identity);
        let boundary = documents(&list(&case["permissionBoundaries"]));
        let boundary_ok = is_root || boundary.is_empty() || self.any_allow(&boundary);
        let session = &case["sessionPolicy"];
        let session_ok = session.is_null() || self.any_allow(std::slice::from_ref(session));
        let own_side = identity_ok && boundary_ok && session_ok;
        let same = self.account == self.owner || (self.owner == "aws" && resource_policy.is_empty());
        if !same {
            return own_side && name.is_some();
        }
        let service = self.action.split(':').next().unwrap().to_lowercase();
        let must_name = (service == "sts" && self.resource.contains(":iam:") && self.resource.contains(":role/"))
            || (service == "kms" && self.resource.contains(":key/"));
        let by_resource = match name {
            None => false,
            Some(Name::Exact) => !self.principal.contains(":user/") || session_ok,
            Some(Name::Star) => session_ok,
            Some(Name::Parent) => boundary_ok && session_ok,
            Some(Name::Account) => false,
        };
        if must_name { name.is_some() && (own_side || by_resource) } else { own_side || by_resource }
    }

    fn any_allow(&self, documents: &[Value]) -> bool {
        documents.iter().any(|d| statements(d).iter().any(|s| s["Effect"] == "Allow" && self.speaks(d, s)))
    }

    fn best_name(&self, documents: &[Value]) -> Option<Name> {
        let mut best = None;
        for document in documents {
            for statement in statements(document) {
                if statement["Effect"] != "Allow" || !self.speaks(document, &statement) {
                    continue;
                }
                let name = match (statement.get("Principal"), statement.get("NotPrincipal")) {
                    (Some(principal), _) => self.named(principal),
                    (_, Some(principal)) => self.named(principal).is_none().then_some(Name::Star),
                    _ => None,
                };
                best = match (best, name) {
                    (Some(old), Some(new)) => Some(std::cmp::min(old, new)),
                    (old, new) => old.or(new),
                };
            }
        }
        best
    }

    fn named(&self, principal: &Value) -> Option<Name> {
        if principal == "*" {
            return Some(Name::Star);
        }
        let mut names = Vec::new();
        for (kind, values) in principal.as_object().unwrap() {
            for value in list(values) {
                names.extend(self.name_of(kind, value.as_str().unwrap()));
            }
        }
        names.into_iter().min()
    }

    fn name_of(&self, kind: &str, value: &str) -> Option<Name> {
        match kind {
            "AWS" if value == "*" => Some(Name::Star),
            "Service" | "Federated" => (self.principal == value && !self.has_account).then_some(Name::Exact),
            "AWS" if !self.has_account => None,
            "AWS" => self.ids().into_iter().find(|(id, _)| id == value).map(|(_, name)| name),
            _ => None,
        }
    }

    /// Every text that names the caller.
    fn ids(&self) -> Vec<(String, Name)> {
        let account = format!("arn:{}:iam::{}:", self.partition, self.account);
        let mut ids = vec![(self.account.clone(), Name::Account), (format!("{account}root"), Name::Account)];
        let last: Vec<&str> = self.principal.split(':').nth(5).unwrap().split('/').collect();
        match last[0] {
            "root" => {}
            "role" => ids.push((self.principal.to_owned(), Name::Parent)),
            "assumed-role" => {
                ids.push((self.principal.to_owned(), Name::Exact));
                ids.push((format!("{account}role/{}", last[1]), Name::Parent));
            }
            "federated-user" => {
                ids.push((self.principal.to_owned(), Name::Exact));
                ids.push((format!("{account}user/{}", last[1]), Name::Parent));
            }
            _ => ids.push((self.principal.to_owned(), Name::Exact)),
        }
        ids
    }

    fn struck(&self, statement: &Value) -> bool {
        if let Some(principal) = statement.get("Principal") {
            return self.named(principal).is_some();
        }
        let Some(spared) = statement.get("NotPrincipal") else { return false };
        if self.bounded {
            return true;
        }
        if spared == "*" {
            return false;
        }
        let aws: Vec<String> = list(&spared["AWS"]).iter().map(|v| v.as_str().unwrap().to_owned()).collect();
        if aws.iter().any(|v| v == "*") {
            return false;
        }
        if !self.has_account {
            return self.principal == "anonymous" || self.named(spared).is_none();
        }
        // Each of the caller's names must be there: the account in either form, and every other.
        let ids = self.ids();
        let account = ids.iter().take(2).any(|(id, _)| aws.contains(id));
        let is_federated = self.principal.contains(":federated-user/");
        let others = ids.iter().skip(2).filter(|(_, name)| !(is_federated && *name == Name::Parent));
        !(account && others.into_iter().all(|(id, _)| aws.contains(id)))
    }

    fn speaks(&self, document: &Value, statement: &Value) -> bool {
        let variables = document["Version"] == "2012-10-17";
        self.action_matches(statement)
            && self.resource_matches(statement, variables)
            && self.conditions_hold(statement, variables)
    }

    fn action_matches(&self, statement: &Value) -> bool {
        let mut halves = self.action.split(':');
        let (Some(service), Some(name), None) = (halves.next(), halves.next(), halves.next()) else { return false };
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain(service) || !plain(name) {
            return false;
        }
        let one = |pattern: &Value| {
            let pattern = pattern.as_str().unwrap().to_lowercase();
            let service = pattern.split(':').next().unwrap_or("");
            pattern == "*" || (!service.contains(['*', '?']) && like(&letters(&pattern), &self.action.to_lowercase()))
        };
        match statement.get("Action") {
            Some(patterns) => list(patterns).iter().any(one),
            None => !list(&statement["NotAction"]).iter().any(one),
        }
    }

    fn resource_matches(&self, statement: &Value, variables: bool) -> bool {
        let one = |pattern: &Value| {
            let pattern = self.fill(pattern.as_str().unwrap(), variables)?;
            Some(resource_like(&pattern, self.resource))
        };
        // An exception with a variable of no value: everything that the variable could have made it cover is in doubt.
        let might = |pattern: &Value| {
            let text = pattern.as_str().unwrap();
            let (at, close) = (text.find("${").unwrap(), text.find('}').unwrap());
            resource_like(&letters(&format!("{}*{}", &text[..at], &text[close + 1..])), self.resource)
        };
        match (statement.get("Resource"), statement.get("NotResource")) {
            (Some(patterns), _) => list(patterns).iter().any(|p| one(p) == Some(true)),
            (_, Some(patterns)) => !list(patterns).iter().any(|p| one(p).unwrap_or_else(|| might(p))),
            _ => true,
        }
    }

    /// A pattern with its variables filled in, each character with whether it is a wildcard.
    fn fill(&self, pattern: &str, variables: bool) -> Option<Vec<(char, bool)>> {
        let mut out = Vec::new();
        let mut rest = pattern;
        while variables && let Some(at) = rest.find("${") {
            let close = at + rest[at..].find('}').unwrap();
            out.extend(letters(&rest[..at]));
            let (key, default) = match rest[at + 2..close].split_once(", '") {
                Some((key, default)) => (key, Some(default.trim_end_matches('\''))),
                None => (&rest[at + 2..close], None),
            };
            let value = if ["*", "?", "$"].contains(&key) {
                Some(key)
            } else {
                self.key(key).and_then(Value::as_str).or(default)
            };
            out.extend(value?.chars().map(|c| (c, false)));
            rest = &rest[close + 1..];
        }
        out.extend(letters(rest));
        Some(out)
    }

    fn key(&self, key: &str) -> Option<&Value> {
        let context = self.context.as_object()?;
        context.iter().find(|(k, _)| k.to_lowercase() == key.to_lowercase()).map(|(_, v)| v)
    }

    fn conditions_hold(&self, statement: &Value, variables: bool) -> bool {
        let Some(block) = statement.get("Condition").and_then(Value::as_object) else { return true };
        block.iter().all(|(operator, keys)| {
            keys.as_object()
                .unwrap()
                .iter()
                .all(|(key, operands)| self.condition(operator, key, &list(operands), variables))
        })
    }

    fn condition(&self, operator: &str, key: &str, operands: &[Value], variables: bool) -> bool {
        let value = self.key(key);
        if operator == "Null" {
            return operands.iter().any(|o| o == if value.is_none() { "true" } else { "false" });
        }
        let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let negated = operator.contains("Not");
        let has_variables = variables && (operator.starts_with("String") || operator.starts_with("Arn"));
        let filled: Vec<_> = operands.iter().map(|o| self.fill(o.as_str().unwrap(), has_variables)).collect();
        let one = |value: &str| {
            let compare = |o: &Option<Vec<(char, bool)>>| {
                o.as_ref().and_then(|o| compare(&operator.replace("Not", ""), o, value))
            };
            if negated {
                filled.iter().all(|o| compare(o) == Some(false))
            } else {
                filled.iter().any(|o| compare(o) == Some(true))
            }
        };
        match (set, value) {
            ("ForAllValues", None) => true,
            ("ForAnyValue", None) => false,
            (_, None) => if_exists || negated,
            ("", Some(Value::Array(_))) => false,
            ("ForAllValues", Some(value)) => list(value).iter().all(|v| one(v.as_str().unwrap())),
            ("ForAnyValue", Some(value)) => list(value).iter().any(|v| one(v.as_str().unwrap())),
            (_, Some(value)) => one(value.as_str().unwrap()),
        }
    }
}

/// Whether a value compares with an operand; `None` if it is of another type.
fn compare(operator: &str, operand: &[(char, bool)], value: &str) -> Option<bool> {
    let text: String = operand.iter().map(|(c, _)| *c).collect();
    match operator {
        "StringEquals" | "BinaryEquals" => Some(text == value),
        "StringEqualsIgnoreCase" => Some(text.to_lowercase() == value.to_lowercase()),
        "StringLike" => Some(like(operand, value)),
        "ArnEquals" | "ArnLike" => {
            let split = |letters: &[(char, bool)]| -> Vec<Vec<(char, bool)>> {
                letters.splitn(6, |(c, _)| *c == ':').map(<[(char, bool)]>::to_vec).collect()
            };
            let patterns = split(operand);
            let values: Vec<&str> = value.splitn(6, ':').collect();
            (values.len() == 6 && patterns.len() == 6).then(|| patterns.iter().zip(values).all(|(p, v)| like(p, v)))
        }
        "Bool" => Some(text.to_lowercase().parse::<bool>().ok()? == value.to_lowercase().parse::<bool>().ok()?),
        "IpAddress" => {
            let (block, length) = text.split_once('/').unwrap_or((&text, "32"));
            let number = |t: &str| t.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
            let mask = u32::MAX.checked_shl(32 - length.parse::<u32>().ok()?).unwrap_or(0);
            Some(number(block)? & mask == number(value)? & mask)
        }
        _ => {
            let (a, b): (f64, f64) = (value.parse().ok()?, text.parse().ok()?);
            Some(match operator {
                "NumericEquals" => a == b,
                "NumericLessThan" => a < b,
                "NumericLessThanEquals" => a <= b,
                "NumericGreaterThan" => a > b,
                "NumericGreaterThanEquals" => a >= b,
                other => panic!("{other}"),
            })
        }
    }
}

fn letters(pattern: &str) -> Vec<(char, bool)> {
    pattern.chars().map(|c| (c, c == '*' || c == '?')).collect()
}

fn like(pattern: &[(char, bool)], text: &str) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((('*', true), rest)) => {
            text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| like(rest, &text[i..]))
        }
        Some(((c, wild), rest)) => {
            let mut chars = text.chars();
            chars.next().is_some_and(|t| (*wild || *c == t) && like(rest, chars.as_str()))
        }
    }
}

/// `Resource` of an ARN: missing fields are any; before the sixth field only a `*` that ends a field leaves it.
fn resource_like(pattern: &[(char, bool)], text: &str) -> bool {
    let mut pattern = pattern.to_vec();
    let is_arn = pattern.iter().take(4).map(|(c, _)| *c).collect::<String>() == "arn:";
    if !is_arn {
        return like(&pattern, text);
    }
    while pattern.iter().filter(|(c, _)| *c == ':').count() < 5 {
        pattern.extend([(':', false), ('*', true)]);
    }
    fn walk(pattern: &[(char, bool)], text: &str, field: usize) -> bool {
        let Some(((c, wild), rest)) = pattern.split_first() else { return text.is_empty() };
        let leaves = field >= 6 || rest.first().is_none_or(|(c, _)| *c == ':');
        if *wild && *c == '*' {
            let ends = text.char_indices().map(|(i, _)| i).chain([text.len()]);
            return ends.filter(|i| leaves || !text[..*i].contains(':')).any(|i| walk(rest, &text[i..], field));
        }
        let mut chars = text.chars();
        let Some(t) = chars.next() else { return false };
        let fits = if *wild { field >= 6 || t != ':' } else { *c == t };
        fits && walk(rest, chars.as_str(), field + usize::from(!*wild && *c == ':'))
    }
    walk(&pattern, text, 1)
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    }
}

fn documents(named: &[Value]) -> Vec<Value> {
    named.iter().map(|n| n["policy"].clone()).collect()
}

fn statements(document: &Value) -> Vec<Value> {
    list(&document["Statement"])
}

/// A release build (`cargo test --release -p yagura-access both_evaluators`) asks a million.
const REQUESTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

#[test]
fn both_evaluators_agree() {
    let mut dice = Dice::new(7);
    let mut counts = std::collections::BTreeMap::new();
    for number in 0..REQUESTS {
        let case = dice.case();
        let (first, second) = (crate::ask::outcome(&case), naive(&case));
        assert_eq!(first, second, "request {number}: {case:#}");
        *counts.entry(first).or_insert(0) += 1;
    }
    // A generator that hardly ever allows would compare nothing.
    assert!(counts.len() == 3 && counts.values().all(|n| *n > 5_000), "{counts:?}");
}
