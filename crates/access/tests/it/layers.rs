//! The order of layers, who a resource's policy names, and the things that are often wrong.

use crate::ask::*;
use serde_json::{Value, json};

fn bucket(principal: Value) -> Value {
    policy(json!([{"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}]))
}

/// The table "same account: who the resource policy names": which implicit denies still bind.
#[test]
fn the_name_decides_which_implicit_denies_bind() {
    let elsewhere = named(json!([allow("ec2:*")]));
    let session_elsewhere = policy(json!([allow("ec2:*")]));
    // (caller, named, without anything, with a silent boundary, with a silent session policy)
    let table = [
        (USER, json!({"AWS": USER}), true, true, None),
        (SESSION, json!({"AWS": SESSION}), true, true, Some(true)),
        (FEDERATED, json!({"AWS": FEDERATED}), true, true, Some(true)),
        (SESSION, json!({"AWS": ROLE}), true, false, Some(false)),
        (SESSION, json!({"AWS": "arn:aws:iam::111122223333:role/with/path/R"}), true, false, Some(false)),
        (ROLE, json!({"AWS": ROLE}), true, false, None),
        (FEDERATED, json!({"AWS": USER}), true, false, Some(false)),
        (USER, json!("*"), true, true, None),
        (SESSION, json!({"AWS": "*"}), true, true, Some(false)),
        (USER, json!({"AWS": HERE}), false, false, None),
        (SESSION, json!({"AWS": ROOT}), false, false, Some(false)),
        (USER, json!({"AWS": "arn:aws:iam::111122223333:user/Bob"}), false, false, None),
        (USER, json!({"AWS": "arn:aws:iam::111122223333:user/*"}), false, false, None),
        (SESSION, json!({"AWS": "AROAEXAMPLEEXAMPLEID"}), false, false, Some(false)),
        (USER, json!({"Service": "ec2.amazonaws.com"}), false, false, None),
    ];
    for (who, names, bare, bounded, session) in table {
        let ask = |more: Value| {
            let mut parts = more;
            parts["principal"] = json!(who);
            parts["resourcePolicy"] = bucket(names.clone());
            outcome(&case(parts)) == "Allowed"
        };
        assert_eq!(ask(json!({})), bare, "{who} named {names}");
        assert_eq!(ask(json!({"permissionBoundaries": elsewhere})), bounded, "{who} named {names}, bounded");
        if let Some(session) = session {
            assert_eq!(
                ask(json!({"sessionPolicy": session_elsewhere})),
                session,
                "{who} named {names}, session policy"
            );
        }
        assert!(!ask(json!({"resourceAccount": THERE})), "{who} named {names} in another account");
    }
}

#[test]
fn both_sides_must_allow_across_accounts() {
    let both = json!({"resourceAccount": THERE, "resourcePolicy": bucket(json!({"AWS": HERE})),
        "identityPolicies": named(json!([allow("s3:*")]))});
    assert_eq!(line(both.clone()), "Allowed identity p/1");
    let mut one = both.clone();
    one["identityPolicies"] = json!([]);
    assert_eq!(line(one), "ImplicitlyDenied identity -");
    let mut other = both.clone();
    other["resourcePolicy"] = Value::Null;
    assert_eq!(line(other), "ImplicitlyDenied resource -");
    let mut bounded = both.clone();
    bounded["permissionBoundaries"] = named(json!([allow("ec2:*")]));
    assert_eq!(line(bounded), "ImplicitlyDenied boundary -");
    let mut partition = both;
    partition["resource"] = json!("arn:aws-cn:s3:::b/k");
    assert_eq!(line(partition), "ImplicitlyDenied none -");
}

#[test]
fn every_layer_can_deny_and_every_ceiling_must_allow() {
    let given = json!([allow("s3:*")]);
    let silent = json!([allow("ec2:*")]);
    let denies = json!([allow("s3:*"), {"Sid": "No", "Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}]);
    let level = |statements: &Value| json!([{"orgIdentifier": "r-1", "policies": named(statements.clone())}]);
    let open = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    let shut = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let other = json!({"Effect": "Allow", "Principal": "*", "Action": "ec2:*", "Resource": "*"});
    let table = [
        ("serviceControlPolicies", level(&denies), "ExplicitlyDenied scp p/No"),
        ("serviceControlPolicies", level(&silent), "ImplicitlyDenied scp -"),
        ("serviceControlPolicies", json!([{"orgIdentifier": "r-1", "policies": []}]), "Allowed identity p/1"),
        ("serviceControlPolicies", json!([]), "Allowed identity p/1"),
        ("resourceControlPolicies", level(&json!([shut])), "ExplicitlyDenied rcp p/1"),
        ("resourceControlPolicies", level(&json!([])), "Allowed identity p/1"),
        ("permissionBoundaries", named(denies.clone()), "ExplicitlyDenied boundary p/No"),
        ("permissionBoundaries", named(silent.clone()), "ImplicitlyDenied boundary -"),
        ("permissionBoundaries", json!([]), "Allowed identity p/1"),
        ("sessionPolicy", policy(denies.clone()), "ExplicitlyDenied session sessionPolicy/No"),
        ("sessionPolicy", policy(silent.clone()), "ImplicitlyDenied session -"),
        ("vpcEndpointPolicies", named(json!([open])), "Allowed identity p/1"),
        ("vpcEndpointPolicies", named(json!([other])), "ImplicitlyDenied endpoint -"),
        ("vpcEndpointPolicies", named(json!([open, shut])), "ExplicitlyDenied endpoint p/2"),
        ("resourcePolicy", policy(json!([shut])), "ExplicitlyDenied resource resourcePolicy/1"),
        ("identityPolicies", named(denies), "ExplicitlyDenied identity p/No"),
        ("identityPolicies", named(silent), "ImplicitlyDenied none -"),
    ];
    for (part, policies, wanted) in table {
        let mut parts = json!({"principal": SESSION, "identityPolicies": named(given.clone())});
        parts[part] = policies.clone();
        assert_eq!(line(parts), wanted, "{part}: {policies}");
    }
    let two = json!([{"orgIdentifier": "r", "policies": named(json!([allow("*")]))},
        {"orgIdentifier": "a", "policies": named(json!([allow("ec2:*")]))}]);
    let parts = json!({"identityPolicies": named(given), "serviceControlPolicies": two});
    assert_eq!(line(parts), "ImplicitlyDenied scp -", "every level must allow");
}

#[test]
fn trust_and_key_policies_must_allow_in_their_own_account_too() {
    let trust =
        |principal: Value| policy(json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]));
    let role = "arn:aws:iam::111122223333:role/T";
    let key = "arn:aws:kms:us-east-1:111122223333:key/k";
    let own = named(json!([allow("*")]));
    for (names, without, with) in [
        (json!({"AWS": USER}), "Allowed", "Allowed"),
        (json!("*"), "Allowed", "Allowed"),
        (json!({"AWS": HERE}), "ImplicitlyDenied", "Allowed"),
        (json!({"AWS": THERE}), "ImplicitlyDenied", "ImplicitlyDenied"),
    ] {
        let ask = |mut parts: Value, wanted: &str| {
            parts["resourcePolicy"] = trust(names.clone());
            parts["action"] = json!("sts:AssumeRole");
            parts["resource"] = json!(role);
            assert_eq!(outcome(&case(parts)), wanted, "{names}");
        };
        ask(json!({}), without);
        ask(json!({"identityPolicies": own}), with);
    }
    for (action, resource, wanted) in [
        ("sts:AssumeRole", role, "ImplicitlyDenied resource -"),
        ("kms:Decrypt", key, "ImplicitlyDenied resource -"),
        ("kms:ListKeys", "*", "Allowed identity p/1"),
        ("kms:CreateAlias", "arn:aws:kms:us-east-1:111122223333:alias/k", "Allowed identity p/1"),
        ("iam:UpdateAssumeRolePolicy", role, "Allowed identity p/1"),
    ] {
        assert_eq!(line(json!({"action": action, "resource": resource, "identityPolicies": own})), wanted);
    }
}

#[test]
fn callers_that_are_no_users_or_roles() {
    let deny_all = json!([{"orgIdentifier": "r", "policies": named(json!([deny("*")]))}]);
    let rcp = json!([{"orgIdentifier": "r", "policies": named(json!([
        {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]))}]);
    let idp = "arn:aws:iam::111122223333:saml-provider/X";
    let table = [
        ("ec2.amazonaws.com", json!({"Service": "ec2.amazonaws.com"}), true),
        ("ec2.amazonaws.com", json!({"Service": "sns.amazonaws.com"}), false),
        ("ec2.amazonaws.com", json!("*"), true),
        ("ec2.amazonaws.com", json!({"AWS": HERE}), false),
        ("anonymous", json!("*"), true),
        ("anonymous", json!({"AWS": HERE}), false),
        (idp, json!({"Federated": idp}), true),
        (idp, json!({"Federated": "*"}), false),
        ("accounts.google.com", json!({"Federated": "accounts.google.com"}), true),
    ];
    for (who, names, wanted) in table {
        let parts = json!({"principal": who, "resourcePolicy": bucket(names.clone())});
        assert_eq!(outcome(&case(parts.clone())) == "Allowed", wanted, "{who} named {names}");
        let mut under_scp = parts.clone();
        under_scp["serviceControlPolicies"] = deny_all.clone();
        assert_eq!(outcome(&case(under_scp)) == "Allowed", wanted, "SCPs don't touch {who}");
        let mut under_rcp = parts;
        under_rcp["resourceControlPolicies"] = rcp.clone();
        assert_eq!(outcome(&case(under_rcp)), "ExplicitlyDenied", "RCPs touch {who}");
    }
    let other =
        json!({"principal": idp, "resourceAccount": THERE, "resourcePolicy": bucket(json!({"Federated": idp}))});
    assert_eq!(outcome(&case(other)), "ImplicitlyDenied", "a provider serves the roles of its own account");
}

#[test]
fn root_service_linked_roles_and_what_aws_owns() {
    let rcp = json!([{"orgIdentifier": "r", "policies": named(json!([
        {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]))}]);
    let scp = json!([{"orgIdentifier": "r", "policies": named(json!([deny("*")]))}]);
    assert_eq!(line(json!({"principal": ROOT})), "Allowed none -");
    assert_eq!(line(json!({"principal": ROOT, "serviceControlPolicies": scp})), "ExplicitlyDenied scp p/1");
    assert_eq!(line(json!({"principal": ROOT, "resourceAccount": THERE})), "ImplicitlyDenied resource -");
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    let own = named(json!([allow("*")]));
    let parts = json!({"principal": linked, "identityPolicies": own, "serviceControlPolicies": scp,
        "resourceControlPolicies": rcp});
    assert_eq!(line(parts), "Allowed identity p/1");
    let managed = json!({"action": "iam:GetPolicy", "resource": "arn:aws:iam::aws:policy/X", "resourceAccount": "aws",
        "identityPolicies": own, "resourceControlPolicies": rcp});
    assert_eq!(line(managed), "Allowed identity p/1");
    for more in
        [json!({}), json!({"identityPolicies": named(json!([deny("*")]))}), json!({"serviceControlPolicies": scp})]
    {
        let mut parts = more;
        parts["action"] = json!("sts:GetCallerIdentity");
        parts["resource"] = json!("*");
        assert_eq!(line(parts), "Allowed none -");
    }
}

#[test]
fn exceptions_of_a_deny_must_list_every_name() {
    let spared = |who: &str, names: Value, more: Value| {
        let mut parts = more;
        parts["principal"] = json!(who);
        parts["identityPolicies"] = named(json!([allow("*")]));
        parts["resourcePolicy"] =
            policy(json!([{"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "*", "Resource": "*"}]));
        outcome(&case(parts)) == "Allowed"
    };
    assert!(spared(USER, json!([USER, ROOT]), json!({})));
    assert!(!spared(USER, json!([USER]), json!({})));
    assert!(!spared(USER, json!([HERE]), json!({})));
    assert!(spared(SESSION, json!([SESSION, ROLE, HERE]), json!({})));
    assert!(!spared(SESSION, json!([ROLE, HERE]), json!({})));
    let bounded = json!({"permissionBoundaries": named(json!([allow("*")]))});
    assert!(!spared(SESSION, json!([SESSION, ROLE, HERE]), bounded), "a boundary voids the exception");
    let open = policy(json!([{"Effect": "Allow", "NotPrincipal": {"AWS": USER}, "Action": "*", "Resource": "*"}]));
    assert_eq!(outcome(&case(json!({"principal": "anonymous", "resourcePolicy": open}))), "Allowed");
    assert_eq!(outcome(&case(json!({"resourcePolicy": open}))), "ImplicitlyDenied");
    let nobody = policy(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    assert_eq!(outcome(&case(json!({"resourcePolicy": nobody}))), "ImplicitlyDenied", "no Principal, no match");
}

#[test]
fn the_reason_names_the_statement_in_both_languages() {
    let parts = json!({"identityPolicies": [{"name": "team", "policy": policy(json!([
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]))}]});
    let given = answer(&case(parts.clone())).because;
    assert_eq!(given.en, "Statement `team/Read` of the identity's policies allows it, and nothing denies it.");
    assert_eq!(
        given.ja,
        "アイデンティティポリシーのステートメント `team/Read` が許可しており、拒否するものはありません。"
    );
    let mut wide = parts;
    wide["resource"] = json!("arn:aws:s3:::b/*");
    wide["identityPolicies"][0]["policy"]["Statement"][0]["Resource"] = json!("arn:aws:s3:::b/k*");
    assert_eq!(answer(&case(wide)).because.en, "For `arn:aws:s3:::b/`, which the pattern covers: No policy allows it.");
}
