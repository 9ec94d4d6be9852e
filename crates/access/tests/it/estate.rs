//! What an inventory tells beside the policies of identities and resources: S3's block, the organization.

use crate::ask::guard_of;
use serde_json::{Map, Value, json};
use yagura_access::{Asked, Estate, Guard, Outcome, Permission, Told};
use yagura_model::{Gap, Resource};

const ACCOUNT: &str = "111122223333";
const STRANGER: &str = "arn:aws:iam::444455556666:role/partner";
const USER: &str = "arn:aws:iam::111122223333:user/tanaka";
const OBJECT: &str = "arn:aws:s3:::reports/2026.csv";

fn resource(kind: &str, id: &str, arn: &str, properties: Value, observed: Value) -> Resource {
    serde_json::from_value(json!({
        "type": kind, "id": id, "arn": arn, "account": ACCOUNT, "region": "us-east-1",
        "properties": properties, "observed": observed,
    }))
    .expect("a resource")
}

fn user() -> Resource {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let properties = json!({
        "Policies": [{"PolicyName": "all", "PolicyDocument": policy}],
        "ManagedPolicyArns": [], "Groups": [], "PermissionsBoundary": null,
    });
    resource("AWS::IAM::User", "tanaka", USER, properties, Value::Null)
}

fn bucket(policy: Value, block: Value) -> Resource {
    let properties = json!({"PolicyDocument": policy, "PublicAccessBlockConfiguration": block});
    resource("AWS::S3::Bucket", "reports", "arn:aws:s3:::reports", properties, Value::Null)
}

fn account(block: Value, organization: Value) -> Resource {
    let observed = json!({"S3PublicAccessBlock": block, "Organization": organization});
    resource("AWS::::Account", ACCOUNT, "arn:aws:iam::111122223333:root", json!({}), observed)
}

fn read_by(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Sid": "Read", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}})
}

fn ask(resources: &[Resource], principal: &str, context: Value) -> Permission {
    ask_with(resources, principal, context, None)
}

fn ask_with(resources: &[Resource], principal: &str, context: Value, session: Option<&Value>) -> Permission {
    let estate = Estate::of(resources, |resource| {
        let policy = resource.properties["PolicyDocument"].clone();
        let policies = if policy.is_null() { Vec::new() } else { vec![("policy".to_owned(), policy)] };
        let arn = resource.arn.clone().filter(|_| resource.kind == "AWS::S3::Bucket")?;
        Some(Guard { arn, policies })
    });
    let context: Map<String, Value> = context.as_object().cloned().unwrap_or_default();
    let asked = Asked { principal, action: "s3:GetObject", resource: OBJECT, context: &context, session };
    estate.permission(&asked).expect("an answer")
}

/// The outcome and the statement that decides; `Err` with the names that are unread.
fn told(permission: Permission) -> Result<(Outcome, Option<String>), Vec<String>> {
    match permission.told {
        Told::Answer(answer) => Ok((answer.outcome, answer.statement)),
        Told::Unread(names) => Err(names),
    }
}

#[test]
fn the_block_takes_away_what_a_public_policy_gives_to_strangers() {
    let closed = json!({"RestrictPublicBuckets": true});
    let open = json!({"RestrictPublicBuckets": false});
    let (everyone, partner) = (read_by(json!("*")), read_by(json!({"AWS": STRANGER})));
    let statement = |label: &str| Some(label.to_owned());
    let allowed = |label: &str| Ok((Outcome::Allowed, statement(label)));
    let blocked = Ok((Outcome::ExplicitlyDenied, statement("block-public-access/RestrictPublicBuckets")));
    let none = json!({});
    for (policy, account_block, own_block, principal, expected) in [
        (&everyone, &Value::Null, &Value::Null, "anonymous", allowed("policy/Read")),
        (&everyone, &open, &open, "anonymous", allowed("policy/Read")),
        (&everyone, &closed, &Value::Null, "anonymous", blocked.clone()),
        (&everyone, &Value::Null, &closed, STRANGER, blocked),
        (&everyone, &closed, &closed, USER, allowed("all/1")),
        // A policy that names whom it lets in is not public, and the block leaves it alone.
        (&partner, &closed, &closed, STRANGER, allowed("unread/1")),
    ] {
        let resources =
            [user(), bucket(policy.clone(), own_block.clone()), account(account_block.clone(), Value::Null)];
        assert_eq!(told(ask(&resources, principal, none.clone())), expected, "{principal} {account_block} {own_block}");
    }
}

#[test]
fn a_block_that_could_not_be_read_leaves_a_public_bucket_open_or_not() {
    let unknown = json!({"$unknown": "s3:GetBucketPublicAccessBlock"});
    let resources = [bucket(read_by(json!("*")), unknown), account(Value::Null, Value::Null)];
    let names = told(ask(&resources, "anonymous", json!({}))).expect_err("nothing can be said");
    assert_eq!(names, ["RestrictPublicBuckets (s3:GetBucketPublicAccessBlock)"]);
}

fn organized(parent: &str, path: Value, management: &str, rcp: Value) -> Vec<Resource> {
    let policy = |id: &str, kind: &str, content: Value, target: &str| {
        let properties = json!({"Name": id, "Type": kind, "Content": content, "TargetIds": [target]});
        resource(
            "AWS::Organizations::Policy",
            id,
            &format!("arn:aws:organizations::999999999999:policy/o-acme/{id}"),
            properties,
            json!({}),
        )
    };
    let full = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let deny = json!({"Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoReports", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}]});
    let mut found = vec![
        user(),
        account(Value::Null, json!({"Id": "o-acme", "MasterAccountId": management})),
        bucket(read_by(json!("*")), Value::Null),
        policy("full", "SERVICE_CONTROL_POLICY", full.clone(), "r-acme"),
        policy("region", "SERVICE_CONTROL_POLICY", deny, "ou-acme-prod"),
        policy("leaf", "SERVICE_CONTROL_POLICY", full, ACCOUNT),
        resource(
            "AWS::Organizations::OrganizationalUnit",
            "ou-acme-prod",
            "arn:aws:organizations::999999999999:ou/o-acme/ou-acme-prod",
            json!({"Name": "prod", "ParentId": "r-acme"}),
            json!({}),
        ),
        resource(
            "AWS::Organizations::Account",
            ACCOUNT,
            &format!("arn:aws:organizations::{management}:account/o-acme/{ACCOUNT}"),
            json!({"ParentIds": [parent]}),
            json!({"Path": path, "ManagementAccountId": management}),
        ),
    ];
    if !rcp.is_null() {
        found.push(policy("perimeter", "RESOURCE_CONTROL_POLICY", json!({"Statement": rcp}), "r-acme"));
    }
    found
}

#[test]
fn service_control_policies_bind_the_accounts_below_them() {
    let us = json!({"aws:RequestedRegion": "us-east-1"});
    let denied = Ok((Outcome::ExplicitlyDenied, Some("region/NoReports".to_owned())));
    let allowed = |label: &str| Ok((Outcome::Allowed, Some(label.to_owned())));
    let path = json!(format!("o-acme/r-acme/ou-acme-prod/{ACCOUNT}"));
    let by_parent = organized("ou-acme-prod", Value::Null, "999999999999", Value::Null);
    let by_path = organized("ou-acme-prod", path.clone(), "999999999999", Value::Null);
    for resources in [by_parent, by_path] {
        assert_eq!(told(ask(&resources, USER, us.clone())), denied);
        // Strangers are bound by their own organization.
        assert_eq!(told(ask(&resources, "anonymous", us.clone())), allowed("policy/Read"));
        assert!(ask(&resources, USER, us.clone()).ungoverned.is_empty());
    }
    let beside = organized("r-acme", Value::Null, "999999999999", Value::Null);
    assert_eq!(told(ask(&beside, USER, us.clone())), allowed("all/1"));
    // Nothing binds the management account.
    let management = organized("ou-acme-prod", path, ACCOUNT, Value::Null);
    assert_eq!(told(ask(&management, USER, us)), allowed("all/1"));
}

#[test]
fn what_could_not_be_listed_of_the_organization_leaves_its_accounts_unbound() {
    let resources = organized("ou-acme-prod", Value::Null, "999999999999", Value::Null);
    let teller = resources.iter().find(|r| r.kind == "AWS::Organizations::Account").and_then(|r| r.account.clone());
    let gap = |kind: &str, account: Option<String>| Gap {
        kind: kind.to_owned(),
        account,
        region: None,
        action: "organizations:ListPolicies".to_owned(),
        reason: "AccessDenied".to_owned(),
    };
    let ungoverned = |gap: Gap| {
        let estate = Estate::of(&resources, guard_of).unlisted([gap].iter());
        estate.ungoverned(ACCOUNT).map(str::to_owned)
    };
    let policies = "AWS::Organizations::Policy";
    assert_eq!(ungoverned(gap(policies, teller.clone())).as_deref(), Some("organizations:ListPolicies"));
    assert_eq!(ungoverned(gap(policies, None)).as_deref(), Some("organizations:ListPolicies"));
    // What another account could not list bears on nothing that this one told.
    assert_eq!(ungoverned(gap(policies, Some("222222222222".to_owned()))), None);
    assert_eq!(ungoverned(gap("AWS::S3::Bucket", teller)), None);
}

#[test]
fn what_is_not_known_of_the_organization_is_said() {
    let us = json!({"aws:RequestedRegion": "us-east-1"});
    let lost = organized("ou-acme-lost", Value::Null, "999999999999", Value::Null);
    let expected = [(ACCOUNT.to_owned(), "what `ou-acme-lost` lies in".to_owned())];
    assert_eq!(ask(&lost, USER, us.clone()).ungoverned, expected);
    let member = json!({"Id": "o-acme", "MasterAccountId": "999999999999"});
    for (organization, is_known) in
        [(Value::Null, true), (member, false), (json!({"Id": "o-acme", "MasterAccountId": ACCOUNT}), true)]
    {
        let resources = [user(), bucket(Value::Null, Value::Null), account(Value::Null, organization)];
        assert_eq!(ask(&resources, USER, us.clone()).ungoverned.is_empty(), is_known);
    }
    let snapshot = [user(), bucket(Value::Null, Value::Null)];
    assert_eq!(ask(&snapshot, USER, us).ungoverned.len(), 1);
}

#[test]
fn resource_control_policies_keep_strangers_out_of_the_services_that_have_them() {
    let perimeter = json!({"Sid": "Ours", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}});
    let resources = organized("r-acme", Value::Null, "999999999999", perimeter);
    let denied = Ok((Outcome::ExplicitlyDenied, Some("perimeter/Ours".to_owned())));
    let context = json!({"aws:RequestedRegion": "eu-west-1"});
    assert_eq!(told(ask(&resources, "anonymous", context.clone())), denied);
    assert_eq!(told(ask(&resources, USER, context.clone())), Ok((Outcome::Allowed, Some("all/1".to_owned()))));
    // Of a stranger the organization is not known; whoever is in ours gets in.
    let permission = ask(&resources, STRANGER, context);
    assert!(permission.foreign);
    assert_eq!(told(permission).map(|(outcome, _)| outcome), Ok(Outcome::Conditional));
    let theirs = json!({"aws:PrincipalOrgID": "o-theirs"});
    assert_eq!(told(ask(&resources, STRANGER, theirs)), denied);
}

#[test]
fn a_block_that_nobody_read_keeps_a_public_bucket_in_doubt_but_for_its_own_account() {
    let resources = [user(), bucket(read_by(json!("*")), Value::Null)];
    let names = told(ask(&resources, "anonymous", json!({}))).expect_err("nothing can be said");
    assert_eq!(names, ["RestrictPublicBuckets (s3:GetAccountPublicAccessBlock)"]);
    assert_eq!(told(ask(&resources, USER, json!({}))), Ok((Outcome::Allowed, Some("all/1".to_owned()))));
}

#[test]
fn a_session_may_do_what_its_own_policy_allows_too() {
    let policy =
        |action: &str| json!({"Statement": {"Sid": "Only", "Effect": "Allow", "Action": action, "Resource": "*"}});
    let resources = [user(), bucket(Value::Null, Value::Null), account(Value::Null, Value::Null)];
    let outcome = |session: Option<&Value>| told(ask_with(&resources, USER, json!({}), session)).map(|told| told.0);
    assert_eq!(outcome(None), Ok(Outcome::Allowed));
    assert_eq!(outcome(Some(&policy("s3:Get*"))), Ok(Outcome::Allowed));
    assert_eq!(outcome(Some(&policy("s3:Put*"))), Ok(Outcome::ImplicitlyDenied));
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}});
    assert_eq!(outcome(Some(&deny)), Ok(Outcome::ExplicitlyDenied));
}

#[test]
fn a_request_through_an_endpoint_is_bound_by_the_endpoints_policy() {
    let endpoint = |policy: Value| {
        resource(
            "AWS::EC2::VPCEndpoint",
            "vpce-1",
            "arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/vpce-1",
            json!({"PolicyDocument": policy}),
            Value::Null,
        )
    };
    let only = |bucket: &str| json!({"Statement": {"Sid": "Only", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": format!("arn:aws:s3:::{bucket}/*")}});
    let outcome = |policy: Value, through: Value| {
        let resources = [user(), bucket(Value::Null, Value::Null), account(Value::Null, Value::Null), endpoint(policy)];
        told(ask(&resources, USER, through)).map(|told| told.0)
    };
    let through = json!({"aws:sourceVpce": "vpce-1"});
    assert_eq!(outcome(only("reports"), through.clone()), Ok(Outcome::Allowed));
    assert_eq!(outcome(only("logs"), through.clone()), Ok(Outcome::ImplicitlyDenied));
    assert_eq!(outcome(only("logs"), json!({})), Ok(Outcome::Allowed));
    let unread = json!({"$unknown": "ec2:DescribeVpcEndpoints"});
    assert_eq!(outcome(unread, through), Err(vec!["vpce-1 (ec2:DescribeVpcEndpoints)".to_owned()]));
    assert_eq!(outcome(only("reports"), json!({"aws:SourceVpce": "vpce-2"})), Err(vec!["policy of vpce-2".to_owned()]));
    assert_eq!(outcome(only("logs"), json!({"aws:SourceVpce": ["vpce-1", "vpce-1"]})), Ok(Outcome::ImplicitlyDenied));
}

#[test]
fn a_list_of_the_object_itself_may_let_in_strangers_where_lists_count() {
    let bucket = |ownership: &str, ignored: bool| {
        let mut bucket = bucket(Value::Null, json!({"IgnorePublicAcls": ignored}));
        bucket.properties["OwnershipControls"] = json!({"Rules": [{"ObjectOwnership": ownership}]});
        bucket
    };
    let outcome = |bucket: Resource, principal: &str| {
        told(ask(&[user(), bucket, account(Value::Null, Value::Null)], principal, json!({}))).map(|told| told.0)
    };
    let doubt = Err(vec!["s3:GetObjectAcl".to_owned()]);
    for stranger in ["anonymous", STRANGER] {
        assert_eq!(outcome(bucket("BucketOwnerEnforced", false), stranger), Ok(Outcome::ImplicitlyDenied));
        assert_eq!(outcome(bucket("ObjectWriter", false), stranger), doubt);
    }
    assert_eq!(outcome(bucket("ObjectWriter", true), "anonymous"), Ok(Outcome::ImplicitlyDenied));
    assert_eq!(outcome(bucket("ObjectWriter", true), STRANGER), doubt);
    assert_eq!(outcome(bucket("ObjectWriter", false), USER), Ok(Outcome::Allowed));
}
