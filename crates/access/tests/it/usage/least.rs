//! The least policy allows all that was done, and nothing can be left out of it.

use super::{ACCOUNT, ALICE, record};
use crate::laws::Dice;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use yagura_access::catalogue;
use yagura_access::lint::{PolicyType, lint};
use yagura_access::size;
use yagura_access::usage::{Call, Least, Options, Why, least, replay};
use yagura_model::Severity;

fn call(action: &str, resources: &[&str]) -> Call {
    Call {
        principal: ALICE.to_owned(),
        action: action.to_owned(),
        resources: resources.iter().map(|r| (*r).to_owned()).collect(),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        context: Map::new(),
        time: "2026-01-01T00:00:00Z".to_owned(),
        denied: false,
    }
}

fn statements(least: &Least) -> Vec<Value> {
    let lists = least.policies.iter().filter_map(|(_, policy)| policy["Statement"].as_array());
    lists.flatten().cloned().collect()
}

fn is_sound(least: &Least) {
    let mut names = BTreeSet::new();
    for (name, policy) in &least.policies {
        assert!(names.insert(name), "two policies named {name}");
        assert!(size(policy) <= 6144, "{name} has {} characters", size(policy));
        let wrong: Vec<_> = lint(policy, PolicyType::Identity)
            .into_iter()
            // Roles that lie in many places can be passed wherever they lie.
            .filter(|r| r.severity >= Severity::Medium && r.code != "pass-role-anywhere")
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{policy:#}");
    }
}

#[test]
fn a_policy_is_what_was_done() {
    let mut refused = call("iam:DeleteUser", &[ALICE]);
    refused.denied = true;
    let mut late = call("ec2:DescribeInstances", &[]);
    late.time = "2026-02-01T00:00:00Z".to_owned();
    let calls = [
        call("s3:GetObject", &["arn:aws:s3:::b/k"]),
        call("s3:GetObject", &["arn:aws:s3:::b/k"]),
        call("s3:PutObject", &["arn:aws:s3:::b/k"]),
        call("s3:ListBucket", &["arn:aws:s3:::b"]),
        call("kms:Decrypt", &[]),
        call("nosuch:Thing", &[]),
        late,
        refused,
    ];
    let found = least(&calls, &Options::default());
    is_sound(&found);
    assert_eq!(found.policies.len(), 1);
    assert_eq!(
        found.policies[0].1,
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Ec2Any", "Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"},
            {"Sid": "KmsAny", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
            {"Sid": "S3Bucket", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"},
            {"Sid": "S3Object", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/k"},
        ]})
    );
    assert_eq!(found.actions.get("s3:GetObject"), Some(&2));
    assert_eq!(found.actions.get("iam:DeleteUser"), None);
    assert_eq!(found.skipped.get(&("nosuch".to_owned(), "Thing".to_owned())), Some(&1));
    assert_eq!(
        (found.first.as_deref(), found.last.as_deref()),
        (Some("2026-01-01T00:00:00Z"), Some("2026-02-01T00:00:00Z"))
    );
    // Only what could be narrower is told of.
    let wide: Vec<(&str, &str, Why)> =
        found.widened.iter().map(|w| (w.action.as_str(), w.to.as_str(), w.why)).collect();
    assert_eq!(wide, [("kms:Decrypt", "*", Why::NotKnown)]);
}

#[test]
fn many_resources_become_patterns_of_their_type() {
    let options = Options { resources: 3, ..Options::default() };
    let resources = |action: &str, names: &[String]| {
        let calls: Vec<Call> = names.iter().map(|name| call(action, &[name])).collect();
        let found = least(&calls, &options);
        is_sound(&found);
        assert!(replay(&found.policies, &calls).expect("readable").denied.is_empty());
        statements(&found)[0]["Resource"].clone()
    };
    let many = |form: &str| (0..9).map(|i| form.replace('#', &i.to_string())).collect::<Vec<_>>();
    let cases = [
        ("s3:GetObject", many("arn:aws:s3:::b/logs/#"), json!("arn:aws:s3:::b/*")),
        ("s3:ListBucket", many("arn:aws:s3:::logs-#"), json!("arn:aws:s3:::*")),
        (
            "ssm:GetParameter",
            many("arn:aws:ssm:us-east-1:111122223333:parameter/app/db-#"),
            json!("arn:aws:ssm:us-east-1:111122223333:parameter/app/*"),
        ),
        (
            "ec2:StopInstances",
            many("arn:aws:ec2:us-east-1:111122223333:instance/i-#"),
            json!("arn:aws:ec2:us-east-1:111122223333:instance/*"),
        ),
        (
            "ec2:StopInstances",
            many("arn:aws:ec2:us-east-#:111122223333:instance/i-1"),
            json!("arn:aws:ec2:*:111122223333:instance/*"),
        ),
        ("sqs:SendMessage", many("arn:aws:sqs:us-east-1:11112222333#:q"), json!("arn:aws:sqs:us-east-1:*:*")),
        ("s3:GetObject", many("arn:aws:s3:::b#/k"), json!("arn:aws:s3:::*/*")),
        (
            "lambda:InvokeFunction",
            many("arn:aws:lambda:us-east-1:111122223333:function:f#"),
            json!("arn:aws:lambda:us-east-1:111122223333:function:*"),
        ),
    ];
    for (action, names, wanted) in cases {
        assert_eq!(resources(action, &names), wanted, "{action} {}", names[0]);
    }
    // Few stay as they are, and the largest group goes first.
    let few = many("arn:aws:s3:::b/#")[..3].to_vec();
    assert_eq!(resources("s3:GetObject", &few), json!(few));
    let mixed: Vec<String> =
        many("arn:aws:s3:::big/#").into_iter().chain(["arn:aws:s3:::small/1".to_owned()]).collect();
    assert_eq!(resources("s3:GetObject", &mixed), json!(["arn:aws:s3:::big/*", "arn:aws:s3:::small/1"]));
}

#[test]
fn what_is_too_much_to_keep_is_told_of_too() {
    let objects: Vec<String> = (0..25_000).map(|i| format!("arn:aws:s3:::b{}/{i}", i % 2)).collect();
    let calls: Vec<Call> = objects.iter().map(|object| call("s3:GetObject", &[object])).collect();
    let found = least(&calls, &Options::default());
    let wide: Vec<&str> = found.widened.iter().map(|w| w.to.as_str()).collect();
    assert_eq!(wide, ["arn:aws:s3:::b0/*", "arn:aws:s3:::b1/*"]);
    assert!(found.widened.iter().map(|w| w.from).sum::<u64>() > 10_000);
    assert!(replay(&found.policies, &calls).expect("readable").denied.is_empty());
}

#[test]
fn roles_are_passed_to_their_services_only() {
    let role = "arn:aws:iam::111122223333:role/job";
    let parameters = json!({"functionName": "f", "role": role});
    let calls = Call::of(&record("lambda", "CreateFunction20150331", parameters)).expect("calls");
    let found = least(&calls, &Options::default());
    is_sound(&found);
    let pass = statements(&found).into_iter().find(|s| s["Action"] == "iam:PassRole").expect("a statement");
    assert_eq!(pass["Resource"], role);
    assert_eq!(pass["Condition"], json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}));
    assert!(replay(&found.policies, &calls).expect("readable").denied.is_empty());
    // To another service it isn't.
    let mut other = calls;
    other
        .iter_mut()
        .for_each(|call| _ = call.context.insert("iam:PassedToService".to_owned(), json!("ec2.amazonaws.com")));
    assert_eq!(replay(&found.policies, &other).expect("readable").denied.len(), 1);
}

#[test]
fn a_question_is_asked_once_and_the_unknown_is_not_allowed() {
    let policy = |statement: Value| [("p".to_owned(), json!({"Version": "2012-10-17", "Statement": statement}))];
    let calls = [call("kms:Decrypt", &[]), call("kms:Decrypt", &[])];
    let narrow =
        policy(json!({"Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:us-east-1:111122223333:key/k"}));
    let told = replay(&narrow, &calls).expect("readable");
    assert_eq!((told.asked, told.denied.len()), (1, 1));
    // A key that the record doesn't tell.
    let tagged = policy(
        json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}}),
    );
    assert_eq!(replay(&tagged, &calls).expect("readable").denied[0].1.outcome.as_str(), "Conditional");
    let wide = policy(json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}));
    assert!(replay(&wide, &calls).expect("readable").denied.is_empty());
    let refused = [Call { denied: true, ..call("kms:Decrypt", &[]) }];
    assert_eq!(replay(&narrow, &refused).expect("readable").asked, 0);
    assert!(replay(&policy(json!({"Effect": "Perhaps"})), &calls).is_err());
}

/// Calls of any actions, on resources of their types.
fn calls(dice: &mut Dice) -> Vec<Call> {
    let services: Vec<&str> =
        (0..1 + dice.below(4)).map(|_| *dice.one(&catalogue::services().collect::<Vec<_>>())).collect();
    let mut actions: Vec<String> =
        ["s3:GetObject", "s3:ListBucket", "iam:PassRole", "ec2:RunInstances", "sqs:SendMessage"]
            .map(str::to_owned)
            .to_vec();
    for service in services {
        actions.extend(catalogue::expand(&format!("{service}:*")).iter().map(|action| action.full()));
    }
    let words = ["a", "b", "app/x", "app/y", "deep/er/z", "q-1", "W", "é b"];
    let mut calls = Vec::new();
    for _ in 0..1 + dice.below(60) {
        let action = dice.one(&actions).clone();
        let forms = catalogue::resources_of(&action);
        let mut resources = BTreeSet::new();
        for _ in 0..dice.below(4) {
            if forms.is_empty() {
                break;
            }
            let mut arn = dice.one(&forms).replace("${Partition}", "aws").replace("${Account}", ACCOUNT);
            arn = arn.replace("${Region}", dice.one::<&str>(&["us-east-1", "eu-west-1"]));
            while let Some((before, after)) = arn.split_once("${") {
                let name = if after.starts_with("BucketName") { "bucket" } else { dice.one::<&str>(&words) };
                arn = format!("{before}{name}{}", after.split_once('}').map_or("", |(_, after)| after));
            }
            resources.insert(arn);
        }
        if dice.below(20) == 0 {
            resources.clear();
        }
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let mut call = call(&action, &resources);
        if action == "iam:PassRole" && dice.below(4) > 0 {
            let to = *dice.one(&["ec2.amazonaws.com", "lambda.amazonaws.com"]);
            call.context.insert("iam:PassedToService".to_owned(), json!(to));
        }
        call.denied = dice.below(10) == 0;
        calls.push(call);
    }
    calls
}

#[test]
fn whatever_was_done_is_allowed_and_nothing_is_left_over() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let calls = calls(&mut dice);
        let found = least(&calls, &Options { resources: 1 + dice.below(6), ..Options::default() });
        is_sound(&found);
        let told = replay(&found.policies, &calls).expect("readable policies");
        assert!(told.denied.is_empty(), "seed {seed}: {:#?}\n{:#?}", told.denied.first(), found.policies);
        // Every statement is needed.
        for at in 0..found.policies.len() {
            let count = found.policies[at].1["Statement"].as_array().map_or(0, Vec::len);
            for gone in 0..count {
                let mut policies = found.policies.clone();
                let statement = policies[at].1["Statement"].as_array_mut().expect("a list").remove(gone);
                let told = replay(&policies, &calls).expect("readable policies");
                assert!(!told.denied.is_empty(), "seed {seed}: {statement:#} is not needed");
            }
        }
        // No action is allowed that wasn't used.
        let used: BTreeSet<&str> = found.actions.keys().map(String::as_str).collect();
        for statement in statements(&found) {
            let actions = match &statement["Action"] {
                Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            assert!(actions.iter().all(|a| used.contains(a.as_str().expect("a text"))), "{statement}");
        }
    }
}

#[test]
fn what_is_too_long_is_split() {
    let queues: Vec<String> = (0..400).map(|i| format!("arn:aws:sqs:us-east-1:111122223333:queue-{i:0100}")).collect();
    let mut calls: Vec<Call> = queues.iter().map(|queue| call("sqs:SendMessage", &[queue])).collect();
    calls.extend(catalogue::expand("ec2:*").iter().map(|action| call(&action.full(), &[])));
    let found = least(&calls, &Options { name: "big".to_owned(), resources: 1000 });
    is_sound(&found);
    assert!(found.policies.len() > 5);
    assert_eq!(found.policies[0].0, "big-1");
    let total: usize = found.policies.iter().map(|(_, policy)| size(policy)).sum();
    assert!(found.policies.len() <= total / 6144 + 2, "{} policies for {total} characters", found.policies.len());
    assert!(replay(&found.policies, &calls).expect("readable").denied.is_empty());
}
