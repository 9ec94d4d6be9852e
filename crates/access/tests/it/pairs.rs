//! Pairs of policies of which one was made from the other, and requests near what they say.

use crate::ask::{FEDERATED, HERE, ROLE, ROOT, SESSION, THERE, USER, outcome, policy};
use crate::laws::Dice;
use crate::naive::naive;
use serde_json::{Map, Value, json};
use yagura_access::{Document, PolicyKind, Probe, Witness};

/// A pair: of a resource or not, old and new.
pub fn pair(dice: &mut Dice) -> (PolicyKind, Value, Value) {
    let naming = dice.below(2) == 0;
    let kind = if naming { PolicyKind::Resource } else { PolicyKind::Identity };
    let old = dice.document(naming);
    let mut new = old.clone();
    for _ in 0..1 + dice.below(2) {
        change(dice, naming, &mut new);
    }
    if dice.below(4) == 0 {
        new = dice.document(naming);
    }
    // As often what was widened as what was narrowed.
    if dice.below(2) == 0 { (kind, old, new) } else { (kind, new, old) }
}

/// One change as people make them.
fn change(dice: &mut Dice, naming: bool, document: &mut Value) {
    let other = dice.statement(naming);
    let statements = document["Statement"].as_array_mut().expect("a list");
    let i = dice.below(statements.len().max(1));
    let Some(statement) = statements.get_mut(i) else { return statements.push(other) };
    match dice.below(7) {
        0 => statements.push(other),
        1 => {
            statements.remove(i);
        }
        2 => {
            statement.as_object_mut().expect("statement").remove("Condition");
        }
        3 => statement["Condition"] = other["Condition"].clone(),
        4 => {
            let map = statement.as_object_mut().expect("statement");
            map.remove("Resource");
            map.remove("NotResource");
            map.extend(part(&other, &["Resource", "NotResource"]));
        }
        5 => {
            let map = statement.as_object_mut().expect("statement");
            map.remove("Action");
            map.remove("NotAction");
            map.extend(part(&other, &["Action", "NotAction"]));
        }
        _ => {
            let map = statement.as_object_mut().expect("statement");
            map.remove("Principal");
            map.remove("NotPrincipal");
            map.extend(part(&other, &["Principal", "NotPrincipal"]));
        }
    }
    statements.iter_mut().filter(|s| s["Condition"].is_null()).for_each(|s| {
        s.as_object_mut().expect("statement").remove("Condition");
    });
}

fn part(statement: &Value, names: &[&str]) -> Map<String, Value> {
    let map = statement.as_object().expect("statement");
    map.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A request near the values that generated policies hold.
pub fn request(dice: &mut Dice) -> Value {
    let actions = [
        "s3:GetObject",
        "S3:putobject",
        "s3:GetBucketAcl",
        "s3:z",
        "sts:AssumeRole",
        "kms:Decrypt",
        "sqs:SendMessage",
        "sqs:xendmessage",
        "sqs:DeleteQueue",
        "sns:Publish",
        "sx:GetObject",
        "iam:PassRole",
    ];
    let resources = [
        "arn:aws:s3:::b/home/Al",
        "arn:aws:s3:::b/home/Al",
        "arn:aws:s3:::b/home/Bo:x",
        "arn:aws:s3:::b/home/Box",
        "arn:aws:s3:::b/home/Bo",
        "arn:aws:s3:::b/home/x",
        "arn:aws:s3:::b/home/",
        "arn:aws:s3:::b/k",
        "arn:aws:s3:::c",
        "arn:aws:sqs:us-east-1:111122223333:q",
        "arn:aws:sqs:us-east-1:1:q",
        "arn:aws:sqs:us-west-2:111122223333:r",
        "arn:aws:iam::111122223333:role/T",
        "arn:aws:iam::1:role/TT",
        "arn:aws:kms:us-east-1:111122223333:key/k",
        "arn:aws:kms:::x",
        "arn:aws-cn:s3:::b/home/Al",
        "arn:aws:sqs:us-east-1:a:b:q",
        "x",
        "arn:aws:s3",
    ];
    let principals = [
        USER,
        ROLE,
        SESSION,
        FEDERATED,
        ROOT,
        "anonymous",
        "ec2.amazonaws.com",
        "sns.amazonaws.com",
        "arn:aws:iam::111122223333:user/Bob",
        "arn:aws:iam::111122223333:role/Q",
        "arn:aws:iam::444455556666:user/C",
        "arn:aws:sts::111122223333:assumed-role/R/t",
        "arn:aws:iam::777788889999:role/Z",
        "arn:aws:iam::111122223333:oidc-provider/idp.example",
        "idp.example.com",
        "arn:aws-cn:iam::111122223333:user/Alice",
    ];
    let mut context = dice.context();
    for (key, values) in [
        ("k:text", json!(["c", "xB", "a", "", ["a"], "az"])),
        ("k:tags", json!([[], ["ab"], ["b"], "b", ["a", "b", "c"], ["c"], ""])),
        ("k:number", json!(["4", "6", "-1", "5.0", ["5"]])),
        ("k:flag", json!(["false", "true", ["true"], ""])),
        ("k:ip", json!(["172.16.0.1", "::1", "9.255.255.255", "11.0.0.0"])),
        ("k:arn", json!(["arn:aws:s3:::x", "arn:aws:sns:eu-1:2:t:u", "arn:x:y:z:1:2", ""])),
        ("aws:username", json!(["A", "Bo", "", "Alx", "x", "Box"])),
        ("k:none", json!(["a", "Al", "Bo", ""])),
    ] {
        if dice.below(4) == 0 {
            let values = values.as_array().expect("values");
            let map = context.as_object_mut().expect("a map");
            map.retain(|name, _| !name.eq_ignore_ascii_case(key));
            map.insert(key.to_owned(), dice.one(values).clone());
        }
    }
    json!({"principal": dice.one(&principals), "action": dice.one(&actions), "resource": dice.one(&resources),
        "context": context})
}

/// The case that asks whether a document by itself allows a witness.
pub fn case(document: &Value, kind: PolicyKind, witness: &Witness) -> Value {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let mut case = witness.json();
    if kind == PolicyKind::Resource {
        case["resourcePolicy"] = document.clone();
        case["identityPolicies"] = json!([{"name": "all", "policy": policy(all)}]);
        let who = witness.principal.as_deref().expect("a principal");
        let account = who.split(':').nth(4).unwrap_or_default();
        let provider = who.contains("-provider/");
        let other = if account == HERE { THERE } else { HERE };
        case["resourceAccount"] = json!(if provider { account } else { other });
    } else {
        let mut delegates = all;
        delegates["Principal"] = json!({"AWS": HERE});
        case["identityPolicies"] = json!([{"name": "p", "policy": document}]);
        case["resourcePolicy"] = policy(delegates);
        let partition = witness.resource.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
        case["principal"] = json!(format!("arn:{}:iam::{HERE}:user/Alice", partition.unwrap_or("aws")));
        case["resourceAccount"] = json!(HERE);
    }
    case
}

/// Whether both evaluators say of a case whether it is allowed, each as far as it can be asked.
pub fn agree(case: &Value, wanted: bool) -> bool {
    let resource = case["resource"].as_str().expect("a resource");
    // The second evaluator takes a wildcard for a letter, and knows neither dates nor canonical users; the first asks for all that a wildcard
    // covers, which is not meant where a variable has put it in.
    let canonical = case["principal"].as_str().is_some_and(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
    let second = resource != "*" && !canonical && !case.to_string().contains("\"Date");
    let first = resource == "*" || !resource.contains(['*', '?']);
    (!first || (outcome(case) == "Allowed") == wanted) && (!second || (naive(case) == "Allowed") == wanted)
}

/// Requests that `new` allows and `old` does not, of those given.
pub fn differing(kind: PolicyKind, old: &Value, new: &Value, probes: &[Probe]) -> Option<usize> {
    let (old, new) = (Document::read(old, kind).expect("old"), Document::read(new, kind).expect("new"));
    probes.iter().position(|probe| new.allows(probe) && !old.allows(probe))
}
