//! Ways to an administrator that begin outside: over a trust policy, or over an instance.

use crate::ask::guard_of;
use crate::escalate::{ACCOUNT, iam, resource};
use serde_json::{Value, json};
use yagura_access::escalate::{Closure, methods};
use yagura_access::{Estate, Trust};
use yagura_content::Library;
use yagura_model::Resource;

/// The method by which an outsider comes over a role with full access whose trust policy this is.
fn entered(trust: Value, rcp: Option<Value>) -> Option<String> {
    let trust = json!({"Statement": trust});
    let properties = json!({"AssumeRolePolicyDocument": trust, "Policies": [], "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"], "PermissionsBoundary": null});
    let mut resources = vec![resource("AWS::IAM::Role", &iam("role/ci"), properties)];
    let path = "arn:aws:organizations::999999999999:";
    resources.push(resource(
        "AWS::Organizations::Account",
        &format!("{path}account/o-acme/{ACCOUNT}"),
        json!({"ParentIds": ["r-acme"]}),
    ));
    if let Some(deny) = rcp {
        let properties = json!({"Name": "p-data", "Type": "RESOURCE_CONTROL_POLICY", "Content": {"Statement": deny}, "TargetIds": [ACCOUNT]});
        resources.push(resource("AWS::Organizations::Policy", &format!("{path}policy/o-acme/p-data"), properties));
    }
    let estate = Estate::of(&resources, guard_of);
    let guard = guard_of(&resources[0]).expect("a trust policy");
    let exposure = estate.exposure(&guard, ACCOUNT, &Trust::default(), "2026-11-26");
    let library = Library::builtin().expect("sound content");
    let (methods, _) = methods(&library);
    let entries = Closure::of(&estate, &methods).entries(&estate, &[(&iam("role/ci"), &exposure)], &methods);
    let paths: Vec<_> = entries.iter().map(|entry| &entry.path).collect();
    assert!(
        paths.iter().all(|path| path.steps.len() == 1 && path.steps[0].grounds[0].statement.is_some()),
        "{paths:?}"
    );
    paths.first().map(|path| path.steps[0].method.clone())
}

/// Whether the Internet comes over an instance to a role with full access, for sure; `None`: it doesn't.
fn taken(options: Value, observed: Value, rules: Value, trusted: &str) -> Option<bool> {
    let trust =
        json!({"Statement": {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}});
    let properties = json!({"AssumeRolePolicyDocument": trust, "Policies": [], "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"], "PermissionsBoundary": null});
    let role = Resource {
        observed: json!({"InstanceProfiles": ["web"]}),
        ..resource("AWS::IAM::Role", &iam("role/web"), properties)
    };
    let ec2 = |what: &str| format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{what}");
    let properties = json!({"IamInstanceProfile": "web", "MetadataOptions": options, "SecurityGroupIds": ["sg-1"]});
    let instance = Resource { observed, ..resource("AWS::EC2::Instance", &ec2("instance/i-1"), properties) };
    let group =
        resource("AWS::EC2::SecurityGroup", &ec2("security-group/sg-1"), json!({"SecurityGroupIngress": rules}));
    let mut resources = vec![role, instance, group];
    // Of a group that isn't there nobody knows.
    if rules == "gone" {
        resources.pop();
    }
    let library = Library::builtin().expect("sound content");
    let (methods, _) = methods(&library);
    let estate = Estate::of(&resources, guard_of);
    let entries = Closure::of(&estate, &methods).entries(&estate, &[], &methods);
    let first = entries.first()?;
    assert_eq!((entries.len(), first.path.steps[0].method.as_str()), (1, "x-imds-ssrf"));
    assert_eq!(first.path.steps[0].grounds[0].statement.as_deref(), Some("i-1/sg-1"));
    Some(first.doubt.is_none())
}

#[test]
fn an_instance_that_the_internet_reaches_gives_away_its_role() {
    let plain = json!({"HttpEndpoint": "enabled", "HttpTokens": "optional"});
    let (public, world) =
        (json!({"PublicIpAddress": "203.0.113.1"}), json!([{"CidrIp": "0.0.0.0/0", "FromPort": 443}]));
    let (ec2, unknown) = ("ec2.amazonaws.com", json!({"$unknown": "ec2:DescribeInstances"}));
    assert_eq!(taken(plain.clone(), public.clone(), world.clone(), ec2), Some(true));
    let v6 = (json!({"Ipv6Addresses": ["2001:db8::1"]}), json!([{"CidrIpv6": "::/0"}]));
    assert_eq!(taken(plain.clone(), v6.0.clone(), v6.1.clone(), ec2), Some(true));
    // Each twin has one thing in the way.
    let closed = [
        taken(json!({"HttpEndpoint": "enabled", "HttpTokens": "required"}), public.clone(), world.clone(), ec2),
        taken(json!({"HttpEndpoint": "disabled", "HttpTokens": "optional"}), public.clone(), world.clone(), ec2),
        taken(plain.clone(), json!({"PublicIpAddress": null}), world.clone(), ec2),
        taken(plain.clone(), public.clone(), json!([{"CidrIp": "10.0.0.0/8"}]), ec2),
        taken(plain.clone(), public.clone(), v6.1, ec2),
        taken(plain.clone(), v6.0, world.clone(), ec2),
        taken(plain.clone(), public.clone(), world.clone(), "lambda.amazonaws.com"),
    ];
    assert_eq!(closed, [None; 7]);
    let doubtful = [
        taken(Value::Null, public.clone(), world.clone(), ec2),
        taken(unknown.clone(), public.clone(), world.clone(), ec2),
        taken(plain.clone(), public.clone(), unknown.clone(), ec2),
        taken(plain.clone(), public, json!("gone"), ec2),
        taken(plain, json!({"PublicIpAddress": unknown}), world, ec2),
    ];
    assert_eq!(doubtful, [Some(false); 5]);
}

#[test]
fn ways_begin_outside_where_a_role_lets_in_a_whole_account_or_anybody() {
    let by = |principal: Value, action: &str, condition: Value| json!([{"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}]);
    let (assume, web) = ("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity");
    let account = json!({"AWS": "arn:aws:iam::444455556666:root"});
    let github = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"});
    let found = |method: &str| Some(method.to_owned());
    assert_eq!(entered(by(account.clone(), assume, json!({})), None), found("sts-002"));
    assert_eq!(entered(by(json!("*"), assume, json!({})), None), found("sts-003"));
    assert_eq!(entered(by(json!({"AWS": iam("root")}), assume, json!({})), None), None);
    for one in ["role/scanner", "user/taro.tanaka", "role/x-provider/a"] {
        let one = json!({"AWS": format!("arn:aws:iam::444455556666:{one}")});
        assert_eq!(entered(by(one, assume, json!({})), None), None);
    }
    let own = json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}});
    assert_eq!(entered(by(json!("*"), assume, own), None), None);
    let denied = json!([{"Effect": "Allow", "Principal": account, "Action": assume},
        {"Effect": "Deny", "Principal": "*", "Action": assume, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}]);
    assert_eq!(entered(denied, None), None);
    let rcp = json!({"Effect": "Deny", "Principal": "*", "Action": assume, "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-acme"}}});
    assert_eq!(entered(by(json!("*"), assume, json!({})), Some(rcp)), None);
    assert_eq!(entered(by(github.clone(), web, json!({})), None), found("sts-003"));
    let only = |subject: &str| json!({"StringLike": {"token.actions.githubusercontent.com:sub": subject, "token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}});
    assert_eq!(entered(by(github.clone(), web, only("repo:*")), None), found("sts-003"));
    assert_eq!(entered(by(github, web, only("repo:acme/shop:*")), None), None);
    let own = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/login.example.com"});
    assert_eq!(entered(by(own, web, json!({})), None), None);
}
