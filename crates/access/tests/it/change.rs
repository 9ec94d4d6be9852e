//! After a change, what is kept and asked anew gives what asking everything anew gives.

use crate::ask::guard_of;
use crate::laws::Dice;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use yagura_access::Estate;
use yagura_access::escalate::{Closure, Method, methods};
use yagura_content::Library;
use yagura_model::Resource;

const ACCOUNT: &str = "111122223333";
const PRINCIPALS: usize = 14;

fn iam(what: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{what}")
}

/// An account as a dice makes it: each thing by its ARN.
struct World {
    dice: Dice,
    things: BTreeMap<String, Resource>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut world = World { dice: Dice::new(seed), things: BTreeMap::new() };
        (0..PRINCIPALS).for_each(|i| world.principal(i));
        (0..3).for_each(|i| world.managed(i));
        (0..2).for_each(|i| world.group(i));
        (0..3).for_each(|i| world.function(i));
        world.organization();
        world
    }

    fn put(&mut self, kind: &str, arn: String, properties: Value) {
        let id = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
        let resource = json!({"type": kind, "id": id, "arn": arn, "account": ACCOUNT, "region": "us-east-1", "properties": properties});
        self.things.insert(arn, serde_json::from_value(resource).expect("a resource"));
    }

    fn name(&mut self, role: bool) -> String {
        // Even numbers are users.
        let i = self.dice.below(PRINCIPALS / 2) * 2 + usize::from(role);
        iam(&if role { format!("role/p{i}") } else { format!("user/p{i}") })
    }

    fn policy(&mut self) -> Value {
        let n = self.dice.below(3);
        let statements: Vec<Value> = (0..n).map(|_| self.statement()).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn statement(&mut self) -> Value {
        let actions = *self.dice.one(&[
            &["sts:AssumeRole"][..],
            &["sts:AssumeRole"],
            &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
            &["lambda:UpdateFunctionCode", "lambda:InvokeFunction"],
            &["iam:AttachUserPolicy"],
            &["iam:CreatePolicyVersion"],
            &["iam:AddUserToGroup"],
            &["iam:CreateAccessKey"],
            &["iam:PutRolePolicy", "sts:AssumeRole"],
            &["iam:DeleteUserPermissionsBoundary"],
            &["s3:GetObject"],
        ]);
        let effect = if self.dice.below(5) == 0 { "Deny" } else { "Allow" };
        let role = self.dice.below(2) == 0;
        let resource = if self.dice.below(2) == 0 { "*".to_owned() } else { self.name(role) };
        json!({"Effect": effect, "Action": actions, "Resource": resource})
    }

    fn principal(&mut self, i: usize) {
        let role = i % 2 == 1;
        let policy = match self.dice.below(6) {
            0 => json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),
            _ => self.policy(),
        };
        let bounded = self.dice.below(4) == 0;
        let own = iam(&format!("policy/m{}", self.dice.below(3)));
        let mut properties = json!({
            "Policies": [{"PolicyName": "own", "PolicyDocument": policy}],
            "ManagedPolicyArns": if self.dice.below(2) == 0 { json!([own]) } else { json!([]) },
            "PermissionsBoundary": if bounded { json!(iam(&format!("policy/m{}", self.dice.below(3)))) } else { Value::Null },
        });
        let (kind, arn) = if role {
            let trusted = match self.dice.below(4) {
                0 => json!({"Service": "lambda.amazonaws.com"}),
                1 => json!({"AWS": self.name(true)}),
                2 => json!({"AWS": self.name(false)}),
                _ => json!({"AWS": iam("root")}),
            };
            properties["AssumeRolePolicyDocument"] =
                json!({"Statement": {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}});
            ("AWS::IAM::Role", iam(&format!("role/p{i}")))
        } else {
            let joined = self.dice.below(3);
            properties["Groups"] = if joined < 2 { json!([format!("g{joined}")]) } else { json!([]) };
            ("AWS::IAM::User", iam(&format!("user/p{i}")))
        };
        self.put(kind, arn, properties);
    }

    fn managed(&mut self, i: usize) {
        let policy = if self.dice.below(3) == 0 {
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        } else {
            self.policy()
        };
        self.put("AWS::IAM::ManagedPolicy", iam(&format!("policy/m{i}")), json!({"PolicyDocument": policy}));
    }

    fn group(&mut self, i: usize) {
        let policy = if self.dice.below(3) == 0 {
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        } else {
            self.policy()
        };
        let properties =
            json!({"Policies": [{"PolicyName": "own", "PolicyDocument": policy}], "ManagedPolicyArns": []});
        self.put("AWS::IAM::Group", iam(&format!("group/g{i}")), properties);
    }

    fn function(&mut self, i: usize) {
        let role = self.name(true);
        let policy = if self.dice.below(2) == 0 {
            let user = self.name(false);
            json!({"Statement": {"Effect": "Deny", "Principal": {"AWS": user}, "Action": "*", "Resource": "*"}})
        } else {
            Value::Null
        };
        let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:f{i}");
        self.put("AWS::Lambda::Function", arn, json!({"Role": role, "PolicyDocument": policy}));
    }

    fn organization(&mut self) {
        let path = "arn:aws:organizations::999999999999:";
        let denied = *self.dice.one(&["sts:AssumeRole", "iam:PassRole", "s3:ListAllMyBuckets", "lambda:*"]);
        let content = json!({"Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": denied, "Resource": "*"}]});
        let properties =
            json!({"Name": "p", "Type": "SERVICE_CONTROL_POLICY", "Content": content, "TargetIds": ["r-acme"]});
        self.put("AWS::Organizations::Policy", format!("{path}policy/o-acme/p-1"), properties);
        let account = format!("{path}account/o-acme/{ACCOUNT}");
        self.put("AWS::Organizations::Account", account, json!({"ParentIds": ["r-acme"]}));
    }

    fn change(&mut self) -> &'static str {
        match self.dice.below(9) {
            0..=3 => {
                let i = self.dice.below(PRINCIPALS);
                self.principal(i);
                "a principal"
            }
            4 => {
                let i = self.dice.below(3);
                self.managed(i);
                "a managed policy"
            }
            5 => {
                let i = self.dice.below(2);
                self.group(i);
                "a group"
            }
            6 => {
                let i = self.dice.below(3);
                self.function(i);
                "a function"
            }
            7 => {
                let gone = self.dice.below(PRINCIPALS);
                let kind = if gone % 2 == 1 { "role" } else { "user" };
                self.things.remove(&iam(&format!("{kind}/p{gone}")));
                "a principal that is gone"
            }
            _ => {
                self.organization();
                "the organization"
            }
        }
    }

    fn estate(&self) -> Estate {
        let resources: Vec<Resource> = self.things.values().cloned().collect();
        Estate::of(&resources, guard_of)
    }
}

fn all() -> Vec<Method> {
    let (methods, errors) = methods(&Library::builtin().expect("sound content"));
    assert!(errors.is_empty());
    methods
}

#[test]
fn a_change_gives_what_asking_anew_gives() {
    let methods = all();
    let (mut seen, mut longest) = (0, 0);
    for seed in 1..=60 {
        let mut world = World::new(seed);
        let mut estate = world.estate();
        let mut closure = Closure::of(&estate, &methods);
        for _ in 0..12 {
            let what = world.change();
            let next = world.estate();
            let changed = next.changed(&estate);
            closure = closure.after(&next, &methods, &changed);
            let anew = Closure::of(&next, &methods);
            for principal in next.principals() {
                let (kept, fresh) = (closure.rank(principal), anew.rank(principal));
                assert_eq!(kept, fresh, "seed {seed}: {principal} after {what}");
                longest = longest.max(kept.unwrap_or(0));
                seen += usize::from(kept.is_some_and(|rank| rank > 0));
            }
            for path in closure.escalation().paths {
                // A path that was kept is as long as it says, and each step begins where the one before ended.
                assert_eq!(closure.rank(&path.principal), Some(path.steps.len()), "seed {seed} after {what}");
                assert!(path.steps.windows(2).all(|pair| pair[0].to.as_deref() == Some(pair[1].from.as_str())));
            }
            estate = next;
        }
    }
    assert!(seen > 1_000 && longest > 2, "the accounts are too harmless: {seen} paths, the longest {longest}");
}

#[test]
fn nothing_changes_where_nothing_differs() {
    let world = World::new(7);
    assert!(world.estate().changed(&world.estate()).is_empty());
}

/// Roles whose attached policy nobody could read, beside users: one who may pass them on, one who may do nothing of the kind.
fn unread(roles: usize, users: usize) -> (Estate, Vec<String>) {
    let identity = |kind: &str, name: String, properties: Value| {
        let arn = format!("arn:aws:iam::111122223333:{}/{name}", kind.to_lowercase());
        let json = json!({"type": format!("AWS::IAM::{kind}"), "id": name, "arn": arn, "account": "111122223333", "region": "us-east-1", "properties": properties});
        serde_json::from_value::<Resource>(json).expect("a resource")
    };
    let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let role = |i| {
        identity(
            "Role",
            format!("r{i}"),
            json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/Unread"], "Policies": [], "AssumeRolePolicyDocument": trust}),
        )
    };
    let policy = |action: Value| json!([{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}}]);
    let user = |i: usize| {
        let actions = if i.is_multiple_of(2) { json!(["iam:PassRole", "lambda:*"]) } else { json!("s3:Get*") };
        identity("User", format!("u{i}"), json!({"ManagedPolicyArns": [], "Groups": [], "Policies": policy(actions)}))
    };
    let mut resources: Vec<Resource> = (0..roles).map(role).chain((0..users).map(user)).collect();
    let account = json!({"type": "AWS::::Account", "id": "111122223333", "arn": "arn:aws:iam::111122223333:root", "account": "111122223333", "region": "us-east-1", "properties": {}, "observed": {"Organization": null}});
    resources.push(serde_json::from_value(account).expect("an account"));
    let hidden = (0..users).step_by(2).map(|i| format!("arn:aws:iam::111122223333:user/u{i}"));
    (Estate::of(&resources, guard_of), hidden.collect())
}

#[test]
fn who_may_reach_one_whose_policies_are_unread_is_hidden_however_many_there_are() {
    let library = Library::builtin().expect("sound content");
    let (methods, _) = methods(&library);
    for (roles, users) in [(3, 4), (200, 200)] {
        let (estate, expected) = unread(roles, users);
        let hidden = Closure::of(&estate, &methods).hidden(&estate, &methods);
        let found: Vec<&String> = hidden.keys().filter(|name| name.contains(":user/")).collect();
        let mut expected: Vec<&String> = expected.iter().collect();
        expected.sort();
        assert_eq!(found, expected, "{roles} roles");
        assert_eq!(hidden.len(), roles + found.len());
    }
}
