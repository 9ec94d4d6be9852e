//! Each method of escalation on an account that is open to it, and on twins of that account with one thing in the way.

use crate::ask::guard_of;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use yagura_access::Estate;
use yagura_access::escalate::{Closure, From, Gives, Method, Target, methods};
use yagura_content::Library;
use yagura_model::Resource;

pub const ACCOUNT: &str = "111122223333";

pub fn resource(kind: &str, arn: &str, properties: Value) -> Resource {
    let id = arn.rsplit('/').next().unwrap_or(arn);
    serde_json::from_value(json!({
        "type": kind, "id": id, "arn": arn, "account": ACCOUNT, "region": "us-east-1", "properties": properties,
    }))
    .expect("a resource")
}

/// What stands in the attacker's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocker {
    Nothing,
    /// A Deny of the action of one of its needs.
    Deny(usize),
    Boundary,
    /// The role may be passed to another service only.
    PassedToService,
    /// The target trusts somebody else.
    Trust,
    /// The permissions are for resources of other names.
    Elsewhere,
    /// A service control policy at the root denies the action of one of the needs.
    Scp(usize),
    /// The unit's service control policies allow something else only.
    Silent,
    /// A resource control policy of the account denies the action of one of the needs.
    Rcp(usize),
    /// The account is managed by another.
    Member,
}

/// The methods that the content knows, without those that begin outside.
fn inside() -> Vec<Method> {
    let library = Library::builtin().expect("sound content");
    let (methods, errors) = methods(&library);
    assert!(errors.is_empty(), "{errors:#?}");
    methods.into_iter().filter(|m| m.from != From::Outside).collect()
}

pub fn iam(what: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{what}")
}

fn attacker(method: &Method) -> String {
    iam(if method.from == From::Role { "role/attacker" } else { "user/attacker" })
}

fn allow(actions: &[String], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// The organization of the account, which lies in a unit: everything is allowed but what the blocker says.
fn organization(method: &Method, blocker: Blocker) -> Vec<Resource> {
    let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let mut root = vec![everything.clone()];
    let (mut unit, mut rcp) = (everything.clone(), Vec::new());
    match blocker {
        Blocker::Scp(i) => root.push(json!({"Effect": "Deny", "Action": method.needs[i].actions, "Resource": "*"})),
        Blocker::Silent => unit["Action"] = json!("s3:ListAllMyBuckets"),
        Blocker::Rcp(i) => {
            rcp.push(json!({"Effect": "Deny", "Principal": "*", "Action": method.needs[i].actions, "Resource": "*"}));
        }
        _ => {}
    }
    let policy = |id: &str, kind: &str, statements: Value, targets: Value| {
        let arn = format!("arn:aws:organizations::999999999999:policy/o-acme/{id}");
        let content = json!({"Version": "2012-10-17", "Statement": statements});
        let properties = json!({"Name": id, "Type": kind, "Content": content, "TargetIds": targets});
        resource("AWS::Organizations::Policy", &arn, properties)
    };
    let scp = "SERVICE_CONTROL_POLICY";
    let path = "arn:aws:organizations::999999999999:";
    vec![
        policy("p-root", scp, json!(root), json!(["r-acme"])),
        policy("p-unit", scp, json!(unit), json!(["ou-acme-prod"])),
        policy("p-account", scp, everything, json!([ACCOUNT])),
        policy("p-data", "RESOURCE_CONTROL_POLICY", json!(rcp), json!([ACCOUNT])),
        resource(
            "AWS::Organizations::OrganizationalUnit",
            &format!("{path}ou/o-acme/ou-acme-prod"),
            json!({"Name": "prod", "ParentId": "r-acme"}),
        ),
        Resource {
            observed: json!({
                "ManagementAccountId": match method.gives {
                    Gives::Organization if blocker != Blocker::Member => ACCOUNT,
                    _ => "999999999999",
                },
                "DelegatedServices": [],
            }),
            ..resource(
                "AWS::Organizations::Account",
                &format!("{path}account/o-acme/{ACCOUNT}"),
                json!({"AccountName": "shop", "ParentIds": ["ou-acme-prod"]}),
            )
        },
    ]
}

/// Whether a method needs a provider that the target trusts.
fn uses(method: &Method, kind: &str) -> bool {
    method.needs.iter().any(|need| need.resource == format!("{{{kind}}}"))
}

/// An account that is open to one method, but for a blocker.
fn account(method: &Method, blocker: Blocker) -> Vec<Resource> {
    let everything = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let actions: Vec<String> = method.needs.iter().map(|need| need.actions[0].clone()).collect();
    let mut statements = vec![match blocker {
        Blocker::Elsewhere => allow(&actions, "arn:aws:elsewhere:::nothing"),
        _ => allow(&actions, "*"),
    }];
    match blocker {
        Blocker::Deny(i) => {
            statements.push(json!({"Effect": "Deny", "Action": method.needs[i].actions, "Resource": "*"}))
        }
        Blocker::PassedToService => statements.push(json!({
            "Effect": "Deny", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:PassedToService": "another.amazonaws.com"}}
        })),
        _ => {}
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    // Both the attacker and the target have a customer managed policy, and the attacker a group.
    let managed = iam("policy/own");
    let mut own = json!({
        "Policies": [{"PolicyName": "needs", "PolicyDocument": policy}],
        "ManagedPolicyArns": [managed], "Groups": ["staff"], "PermissionsBoundary": null,
    });
    if method.gives == Gives::Unbounded {
        own["ManagedPolicyArns"] = json!(["arn:aws:iam::aws:policy/AdministratorAccess"]);
        own["PermissionsBoundary"] = json!(iam("policy/bound"));
    } else if blocker == Blocker::Boundary {
        own["PermissionsBoundary"] = json!(iam("policy/tight"));
    }
    let federated = ["saml-provider", "oidc-provider"].map(|kind| {
        let of_it = uses(method, kind).then(|| iam(&format!("{kind}/login.example.com")));
        of_it.into_iter().collect::<Vec<_>>()
    });
    let trusted = match blocker {
        Blocker::Trust => json!({"Service": "another.amazonaws.com"}),
        _ => json!({"AWS": iam("root"), "Service": method.trusts, "Federated": federated.concat()}),
    };
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": trusted, "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]}});
    let closed = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": "other.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let mut target = json!({"Policies": [], "ManagedPolicyArns": [managed], "Groups": [], "PermissionsBoundary": null});
    let fence = json!({"PolicyName": "fence", "PolicyDocument": {"Statement": {"Effect": "Deny", "Action": "iam:PutRolePolicy", "Resource": "*"}}});
    let mut staff = Vec::new();
    if method.gives == Gives::Undenied {
        let policies = own["Policies"].as_array_mut().expect("policies");
        policies.push(json!({"PolicyName": "all", "PolicyDocument": everything}));
        if actions[0] == "iam:RemoveUserFromGroup" { staff.push(fence) } else { policies.push(fence) }
    }
    if method.gives == Gives::TargetUnbounded {
        target["PermissionsBoundary"] = json!(iam("policy/tight"));
    }
    if matches!(method.gives, Gives::Target | Gives::TargetUnbounded) {
        target["Policies"] = json!([{"PolicyName": "all", "PolicyDocument": everything}]);
    }
    target["AssumeRolePolicyDocument"] = trust;
    own["AssumeRolePolicyDocument"] = closed;
    let harmless = json!({"PolicyDocument": {"Statement": allow(&["s3:ListAllMyBuckets".to_owned()], "*")}});
    let mut found = vec![
        resource(
            if attacker(method).contains(":role/") { "AWS::IAM::Role" } else { "AWS::IAM::User" },
            &attacker(method),
            own,
        ),
        resource("AWS::IAM::ManagedPolicy", &managed, harmless.clone()),
        resource("AWS::IAM::ManagedPolicy", &iam("policy/tight"), harmless),
        resource(
            "AWS::IAM::ManagedPolicy",
            &iam("policy/bound"),
            json!({"PolicyDocument": {"Statement": allow(&actions, "*")}}),
        ),
        resource(
            "AWS::IAM::Group",
            &iam("group/staff"),
            json!({"GroupName": "staff", "Policies": staff, "ManagedPolicyArns": []}),
        ),
        resource(
            "AWS::IAM::Group",
            &iam("group/admins"),
            json!({"GroupName": "admins", "ManagedPolicyArns": [], "Policies": [{"PolicyName": "all", "PolicyDocument": everything}]}),
        ),
    ];
    match method.target {
        Target::Itself => {}
        Target::User => found.push(resource("AWS::IAM::User", &iam("user/target"), target)),
        Target::Role => found.push(resource("AWS::IAM::Role", &iam("role/target"), target)),
    }
    if method.host.as_deref() == Some("AWS::Lambda::Function") {
        let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:worker");
        found.push(resource(
            "AWS::Lambda::Function",
            &arn,
            json!({"Role": iam("role/target"), "PolicyDocument": null}),
        ));
    }
    let key = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": iam("root")}, "Action": "kms:*", "Resource": "*"}});
    let key = json!({"PolicyDocument": key});
    found.push(resource("AWS::KMS::Key", &format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/k"), key));
    found.extend(organization(method, blocker));
    found
}

/// Whether the attacker becomes an administrator by the method.
fn is_found(method: &Method, blocker: Blocker) -> bool {
    let estate = Estate::of(&account(method, blocker), guard_of);
    let only = std::slice::from_ref(method);
    let closure = Closure::of(&estate, only);
    if method.gives == Gives::Data {
        let (powers, unread) = closure.powers(&estate, only);
        assert!(unread.is_empty(), "{}: {unread:?}", method.id);
        assert!(powers.iter().all(|step| step.grounds.len() == method.needs.len()), "{}: {powers:?}", method.id);
        return powers.iter().any(|step| step.from == attacker(method));
    }
    let found = closure.escalation();
    let hidden = closure.hidden(&estate, only);
    assert!(hidden.is_empty(), "{}: {hidden:?}", method.id);
    let path = found.paths.iter().find(|path| path.principal == attacker(method));
    if let Some(path) = path {
        assert_eq!(path.steps.len(), 1, "{}: {path:?}", method.id);
        assert_eq!(path.steps[0].grounds.len(), method.needs.len());
        assert!(path.steps[0].grounds.iter().all(|g| g.statement.is_some()), "{}: {path:?}", method.id);
    }
    path.is_some()
}

#[test]
fn every_method_is_found_where_it_is_open() {
    let missed: Vec<String> = inside().into_iter().filter(|m| !is_found(m, Blocker::Nothing)).map(|m| m.id).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn no_method_is_found_where_one_thing_is_in_the_way() {
    for method in inside() {
        let passes = method.needs.iter().any(|need| need.actions[0] == "iam:PassRole");
        let assumes = method.needs.iter().any(|need| need.actions[0] == "sts:AssumeRole");
        let mut blockers: Vec<Blocker> = (0..method.needs.len()).map(Blocker::Deny).collect();
        // Who lacks just the boundary has all permissions otherwise.
        match method.gives {
            Gives::Unbounded => {}
            Gives::Undenied => blockers.push(Blocker::Boundary),
            _ => blockers.extend([Blocker::Elsewhere, Blocker::Boundary]),
        }
        if passes {
            blockers.push(Blocker::PassedToService);
        }
        if assumes || !method.trusts.is_empty() || uses(&method, "saml-provider") || uses(&method, "oidc-provider") {
            blockers.push(Blocker::Trust);
        }
        // The organization's policies don't bind the account that manages it.
        if method.gives == Gives::Organization {
            blockers.push(Blocker::Member);
        } else {
            blockers.extend((0..method.needs.len()).map(Blocker::Scp));
            blockers.push(Blocker::Silent);
        }
        // AWS has resource control policies for some services only.
        let bound = ["s3:", "sts:", "kms:", "sqs:", "secretsmanager:", "ecr:"];
        let is_bound = |i: &usize| {
            method.gives != Gives::Organization
                && bound.iter().any(|service| method.needs[*i].actions[0].starts_with(service))
        };
        blockers.extend((0..method.needs.len()).filter(is_bound).map(Blocker::Rcp));
        for blocker in blockers {
            // An action that acts on no resource is allowed on `*` only, and that the twin doesn't have either.
            assert!(!is_found(&method, blocker), "{}: found in spite of {blocker:?}", method.id);
        }
    }
}

/// Who administers a service for the organization can do with it what the management account can.
#[test]
fn an_account_that_administers_the_service_is_as_good_as_the_management_account() {
    for method in inside().into_iter().filter(|method| method.gives == Gives::Organization) {
        let service = method.administers.clone().expect("a service");
        let told = |services: Value| {
            let mut resources = account(&method, Blocker::Member);
            let member = resources.iter_mut().find(|r| r.kind == "AWS::Organizations::Account").expect("an account");
            member.observed["DelegatedServices"] = services;
            let estate = Estate::of(&resources, guard_of);
            let only = std::slice::from_ref(&method);
            let closure = Closure::of(&estate, only);
            let is_found = closure.escalation().paths.iter().any(|path| path.principal == attacker(&method));
            (is_found, closure.hidden(&estate, only).contains_key(&attacker(&method)))
        };
        assert_eq!(told(json!([service])), (true, false), "{}", method.id);
        assert_eq!(told(json!(["config.amazonaws.com"])), (false, false), "{}", method.id);
        assert_eq!(
            told(json!({"$unknown": "organizations:ListDelegatedAdministrators"})),
            (false, true),
            "{}",
            method.id
        );
        assert_eq!(told(Value::Null), (false, true), "{}", method.id);
    }
}

/// What the inventory tells of the target decides an assumption; where it doesn't, the assumption stands beside the step.
#[test]
fn what_is_observed_of_the_target_takes_the_place_of_an_assumption() {
    let profiles = |list: Value| json!({"InstanceProfiles": list});
    let keys = |count: usize| json!({"AccessKeys": vec![json!({"Id": "AKIA"}); count]});
    let password = |has: bool, devices: Value| json!({"PasswordEnabled": has, "MfaDevices": devices});
    let unknown = json!({"$unknown": "iam:ListAccessKeys"});
    let cases = [
        ("ec2-001", profiles(json!(["web"])), profiles(json!([]))),
        ("ec2-003", profiles(json!(["web"])), profiles(json!([]))),
        ("iam-002", keys(1), keys(2)),
        ("iam-004", password(false, json!([])), password(true, json!([]))),
        ("iam-004", password(false, json!([])), password(false, json!([{"SerialNumber": "arn"}]))),
        ("iam-006", password(true, json!([])), password(true, json!([{"SerialNumber": "arn"}]))),
        ("iam-006", password(true, json!([])), password(false, json!([]))),
    ];
    let methods = inside();
    let checked: BTreeSet<&str> = methods.iter().filter(|m| m.checked.is_some()).map(|m| m.id.as_str()).collect();
    assert_eq!(checked, cases.iter().map(|case| case.0).collect());
    for (id, holds, fails) in cases {
        let method = methods.iter().find(|m| m.id == id).expect("a method");
        // The assumption beside the step, if there is a path; and whether there is a sure one.
        let told = |observed: Value| {
            let mut resources = account(method, Blocker::Nothing);
            let target = resources.iter_mut().find(|r| r.id == "target").expect("a target");
            target.observed = observed;
            let estate = Estate::of(&resources, guard_of);
            let only = std::slice::from_ref(method);
            let path = Closure::of(&estate, only).path(&attacker(method));
            let sure = Closure::sure(&estate, only).path(&attacker(method)).is_some();
            (path.map(|path| path.steps[0].assumes.is_some()), sure)
        };
        assert_eq!(told(holds), (Some(false), true), "{id}");
        assert_eq!(told(fails), (None, false), "{id}");
        for untold in [
            Value::Null,
            unknown.clone(),
            json!({"InstanceProfiles": unknown, "AccessKeys": unknown, "MfaDevices": unknown}),
        ] {
            assert_eq!(told(untold), (Some(true), false), "{id}");
        }
    }
}

#[test]
fn paths_are_the_shortest_and_go_over_others() {
    let methods = inside();
    let trust = |who: &str| json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": iam(who)}, "Action": "sts:AssumeRole"}});
    let role = |name: &str, by: &str, policies: Value, managed: Value| {
        let properties = json!({"AssumeRolePolicyDocument": trust(by), "Policies": policies, "ManagedPolicyArns": managed, "PermissionsBoundary": null});
        resource("AWS::IAM::Role", &iam(&format!("role/{name}")), properties)
    };
    let may_assume = |name: &str| json!([{"PolicyName": "go", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": iam(&format!("role/{name}"))}}}]);
    let user = resource(
        "AWS::IAM::User",
        &iam("user/intern"),
        json!({"Policies": may_assume("ci"), "ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": null}),
    );
    let estate = Estate::of(
        &[
            user,
            role("ci", "root", may_assume("deploy"), json!([])),
            role("deploy", "role/ci", json!([]), json!(["arn:aws:iam::aws:policy/AdministratorAccess"])),
            role("reader", "root", json!([]), json!(["arn:aws:iam::aws:policy/SomethingUnread"])),
        ],
        guard_of,
    );
    let closure = Closure::of(&estate, &methods);
    let found = closure.escalation();
    let lengths: Vec<(String, usize)> = found.paths.iter().map(|p| (p.principal.clone(), p.steps.len())).collect();
    assert_eq!(lengths, [(iam("role/deploy"), 0), (iam("role/ci"), 1), (iam("user/intern"), 2)].map(|(p, n)| (p, n)));
    let steps: Vec<(&str, Option<&str>)> =
        found.paths[2].steps.iter().map(|s| (s.method.as_str(), s.to.as_deref())).collect();
    assert_eq!(steps, [("sts-001", Some(iam("role/ci").as_str())), ("sts-001", Some(iam("role/deploy").as_str()))]);
    assert_eq!(found.paths[2].steps[0].grounds[0].statement.as_deref(), Some("go/1"));
    // Nothing is said of whom a policy could not be read.
    let hidden = closure.hidden(&estate, &methods);
    assert_eq!(hidden.keys().collect::<Vec<_>>(), [&iam("role/reader")]);
}

#[test]
fn the_cut_that_frees_most_comes_first_and_no_cut_where_another_way_is_open() {
    let methods = inside();
    let trust = |who: &str| json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": iam(who)}, "Action": "sts:AssumeRole"}});
    let may = |actions: &[&str], what: &str| json!([{"PolicyName": "go", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": actions, "Resource": iam(what)}}}]);
    let user = |name: &str, policies: Value| {
        let properties =
            json!({"Policies": policies, "ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": null});
        resource("AWS::IAM::User", &iam(&format!("user/{name}")), properties)
    };
    let role = |name: &str, policies: Value, managed: Value| {
        let properties = json!({"AssumeRolePolicyDocument": trust("root"), "Policies": policies, "ManagedPolicyArns": managed, "PermissionsBoundary": null});
        resource("AWS::IAM::Role", &iam(&format!("role/{name}")), properties)
    };
    let estate = Estate::of(
        &[
            user("a", may(&["sts:AssumeRole"], "role/ci")),
            user("b", may(&["sts:AssumeRole"], "role/ci")),
            // Two ways: to cut one frees nobody.
            user("c", may(&["sts:AssumeRole"], "role/*")),
            role("ci", may(&["sts:AssumeRole"], "role/deploy"), json!([])),
            role("deploy", json!([]), json!(["arn:aws:iam::aws:policy/AdministratorAccess"])),
        ],
        guard_of,
    );
    let closure = Closure::of(&estate, &methods);
    let cuts = closure.cuts(&estate, &methods, None);
    assert_eq!((cuts[0].principal.as_str(), cuts[0].action.as_str()), (iam("role/ci").as_str(), "sts:AssumeRole"));
    assert_eq!(cuts[0].freed, [iam("role/ci"), iam("user/a"), iam("user/b")]);
    assert_eq!(cuts[0].statement.as_deref(), Some("go/1"));
    assert!(cuts.iter().all(|cut| !cut.freed.contains(&iam("user/c")) || cut.principal == iam("user/c")));
    let own = closure.cuts(&estate, &methods, Some(&iam("user/a")));
    assert_eq!(own.iter().map(|cut| cut.freed.len()).collect::<Vec<_>>(), [3, 1]);
}

/// Where the Deny stands that keeps a user, who is allowed everything else, from being an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fence {
    Attached,
    Inline,
    Group,
}

/// Whether the user gets rid of its fence by one action alone.
fn is_shed(action: &str, at: Fence) -> bool {
    let fence = json!({"Statement": {"Effect": "Deny", "Action": "iam:PutRolePolicy", "Resource": "*"}});
    let everything = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let policy = |name: &str, document: &Value| json!({"PolicyName": name, "PolicyDocument": document});
    let fence_if = |here: Fence| (here == at).then(|| policy("fence", &fence));
    let inline: Vec<Value> = [policy("all", &everything)].into_iter().chain(fence_if(Fence::Inline)).collect();
    let attached = if at == Fence::Attached { json!([iam("policy/fence")]) } else { json!([]) };
    let staff: Vec<Value> = fence_if(Fence::Group).into_iter().collect();
    let user =
        json!({"Policies": inline, "ManagedPolicyArns": attached, "Groups": ["staff"], "PermissionsBoundary": null});
    let group = json!({"GroupName": "staff", "Policies": staff, "ManagedPolicyArns": []});
    let resources = [
        resource("AWS::IAM::ManagedPolicy", &iam("policy/fence"), json!({"PolicyDocument": fence})),
        resource("AWS::IAM::Group", &iam("group/staff"), group),
        resource("AWS::IAM::User", &iam("user/attacker"), user),
    ];
    let only = |mut method: Method| {
        method.needs[0].actions.retain(|known| known == action);
        (method.gives == Gives::Undenied && !method.needs[0].actions.is_empty()).then_some(method)
    };
    let methods: Vec<Method> = inside().into_iter().filter_map(only).collect();
    assert_eq!(methods.len(), 1, "{action}");
    Closure::of(&Estate::of(&resources, guard_of), &methods).rank(&iam("user/attacker")) == Some(1)
}

#[test]
fn a_fence_falls_only_by_what_takes_away_the_policy_that_holds_it() {
    for (action, falls) in [
        ("iam:DetachUserPolicy", Some(Fence::Attached)),
        ("iam:DeleteUserPolicy", Some(Fence::Inline)),
        ("iam:RemoveUserFromGroup", Some(Fence::Group)),
        ("iam:DeleteGroupPolicy", Some(Fence::Group)),
        ("iam:DetachGroupPolicy", None),
    ] {
        for at in [Fence::Attached, Fence::Inline, Fence::Group] {
            assert_eq!(is_shed(action, at), falls == Some(at), "{action} {at:?}");
        }
    }
}

#[test]
fn another_client_of_a_provider_opens_no_role_that_asks_for_an_audience() {
    let provider = iam("oidc-provider/login.example.com");
    let role = |condition: Value| {
        let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}});
        let properties = json!({"AssumeRolePolicyDocument": trust, "Policies": [], "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"], "PermissionsBoundary": null});
        resource("AWS::IAM::Role", &iam("role/ci"), properties)
    };
    let may = json!([{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "iam:AddClientIDToOpenIDConnectProvider", "Resource": provider}}}]);
    let user = resource(
        "AWS::IAM::User",
        &iam("user/intern"),
        json!({"Policies": may, "ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": null}),
    );
    let rank = |condition: Value| {
        let estate = Estate::of(&[user.clone(), role(condition)], guard_of);
        Closure::of(&estate, &inside()).rank(&iam("user/intern"))
    };
    assert_eq!(rank(json!({})), Some(1));
    assert_eq!(rank(json!({"StringLike": {"login.example.com:sub": "repo:acme/*"}})), Some(1));
    assert_eq!(rank(json!({"StringEquals": {"login.example.com:aud": "sts.amazonaws.com"}})), None);
}
