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

/// A role with full access in the instance profile `web`, an instance with that profile, and its security group, each as
/// `change` leaves it.
fn instance(change: impl FnOnce(&mut Vec<Resource>)) -> Vec<Resource> {
    let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let properties = json!({"AssumeRolePolicyDocument": trust, "Policies": [], "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"], "PermissionsBoundary": null});
    let role = Resource {
        observed: json!({"InstanceProfiles": ["web"]}),
        ..resource("AWS::IAM::Role", &iam("role/web"), properties)
    };
    let ec2 = |what: &str| format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{what}");
    let properties = json!({
        "IamInstanceProfile": "web", "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "optional"},
        "NetworkInterfaces": [
            {"AssociatePublicIpAddress": false, "GroupSet": ["sg-0"], "Ipv6Addresses": []},
            {"AssociatePublicIpAddress": true, "GroupSet": ["sg-1"], "Ipv6Addresses": []},
        ],
    });
    let observed = json!({"State": "running"});
    let instance = Resource { observed, ..resource("AWS::EC2::Instance", &ec2("instance/i-1"), properties) };
    let group = |id: &str, rule: Value| {
        resource(
            "AWS::EC2::SecurityGroup",
            &ec2(&format!("security-group/{id}")),
            json!({"SecurityGroupIngress": [rule]}),
        )
    };
    let open = group("sg-1", json!({"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0", "FromPort": 443, "ToPort": 443}));
    let closed = group("sg-0", json!({"IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"}));
    let mut resources = vec![role, instance, open, closed];
    change(&mut resources);
    resources
}

/// Whether the Internet comes over the instance, for sure; `None`: it doesn't. And of how many instances it is not known whose
/// role they give away.
fn taken(change: impl FnOnce(&mut Vec<Resource>)) -> (Option<bool>, usize) {
    let library = Library::builtin().expect("sound content");
    let (methods, _) = methods(&library);
    let estate = Estate::of(&instance(change), guard_of);
    let entries = Closure::of(&estate, &methods).entries(&estate, &[], &methods);
    let told = entries.first().map(|first| {
        assert_eq!((entries.len(), first.path.steps[0].method.as_str()), (1, "x-imds-ssrf"));
        assert_eq!(first.path.steps[0].grounds[0].unread.is_empty(), first.doubt.is_none());
        first.doubt.is_none()
    });
    (told, estate.untold_instances().len())
}

/// An assignment of a value somewhere in one of the four resources.
fn set(at: usize, pointer: &'static str, value: Value) -> impl FnOnce(&mut Vec<Resource>) {
    move |resources| {
        let resource = &mut resources[at];
        let (whole, rest) = match pointer.strip_prefix("/observed") {
            Some(rest) => (&mut resource.observed, rest),
            None => (&mut resource.properties, pointer),
        };
        *whole.pointer_mut(rest).expect("a place") = value;
    }
}

#[test]
fn an_instance_that_the_internet_reaches_gives_away_its_role() {
    let rule = |rule: Value| set(2, "/SecurityGroupIngress/0", rule);
    let v6 = |resources: &mut Vec<Resource>, of: usize| {
        resources[1].properties["NetworkInterfaces"][1]["AssociatePublicIpAddress"] = json!(false);
        resources[1].properties["NetworkInterfaces"][of]["Ipv6Addresses"] = json!([{"Ipv6Address": "2001:db8::1"}]);
        resources[2].properties["SecurityGroupIngress"] = json!([{"IpProtocol": "-1", "CidrIpv6": "::/0"}]);
    };
    let old = |resources: &mut Vec<Resource>| {
        resources[1].properties["NetworkInterfaces"] = json!([]);
        resources[1].properties["SecurityGroupIds"] = json!(["sg-1"]);
        resources[1].observed = json!({"PublicIpAddress": "203.0.113.1"});
    };
    let listed = |resources: &mut Vec<Resource>| {
        resources[2].properties["SecurityGroupIngress"] = json!([{"IpProtocol": "tcp", "SourcePrefixListId": "pl-1"}]);
        let arn = format!("arn:aws:ec2:us-east-1:{ACCOUNT}:prefix-list/pl-1");
        resources.push(resource("AWS::EC2::PrefixList", &arn, json!({"Entries": [{"Cidr": "0.0.0.0/0"}]})));
    };
    let open = [taken(|_| {}), taken(|resources| v6(resources, 1)), taken(old), taken(listed)];
    assert_eq!(open, [(Some(true), 0); 4]);
    // Each twin has one thing in the way.
    let other = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let closed = [
        taken(set(1, "/MetadataOptions/HttpTokens", json!("required"))),
        taken(set(1, "/MetadataOptions/HttpEndpoint", json!("disabled"))),
        taken(set(1, "/NetworkInterfaces/1/AssociatePublicIpAddress", json!(false))),
        taken(set(1, "/observed/State", json!("stopped"))),
        taken(set(1, "/IamInstanceProfile", Value::Null)),
        taken(rule(json!({"IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"}))),
        taken(rule(json!({"IpProtocol": "-1", "CidrIpv6": "::/0"}))),
        taken(rule(json!({"IpProtocol": "icmp", "CidrIp": "0.0.0.0/0"}))),
        taken(rule(json!({"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0", "FromPort": 22, "ToPort": 22}))),
        taken(|resources| v6(resources, 0)),
        taken(set(0, "/AssumeRolePolicyDocument", other)),
    ];
    assert_eq!(closed, [(None, 0); 11]);
}

#[test]
fn what_is_not_known_of_an_instance_is_told() {
    let unknown = || json!({"$unknown": "ec2:DescribeInstances"});
    let doubtful = [
        taken(set(1, "/MetadataOptions", unknown())),
        taken(set(1, "/MetadataOptions/HttpTokens", Value::Null)),
        taken(set(1, "/NetworkInterfaces", unknown())),
        taken(set(1, "/NetworkInterfaces/1/AssociatePublicIpAddress", unknown())),
        taken(set(1, "/NetworkInterfaces/1/GroupSet", unknown())),
        taken(set(1, "/observed/State", unknown())),
        taken(set(2, "/SecurityGroupIngress", unknown())),
        taken(set(2, "/SecurityGroupIngress/0", unknown())),
        taken(set(2, "/SecurityGroupIngress/0/CidrIp", unknown())),
        taken(set(2, "/SecurityGroupIngress/0/CidrIp", json!("the office"))),
        taken(set(2, "/SecurityGroupIngress/0/FromPort", unknown())),
        taken(set(2, "/SecurityGroupIngress/0", json!({"IpProtocol": "tcp", "SourcePrefixListId": "pl-1"}))),
        taken(|resources| _ = resources.remove(2)),
    ];
    assert_eq!(doubtful, [(Some(false), 0); 13]);
    let untold = [
        taken(set(1, "", unknown())),
        taken(set(1, "/IamInstanceProfile", unknown())),
        taken(set(0, "/observed", unknown())),
        taken(set(0, "/observed/InstanceProfiles", unknown())),
        taken(set(0, "/observed", Value::Null)),
    ];
    assert_eq!(untold, [(None, 1); 5]);
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
