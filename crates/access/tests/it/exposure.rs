//! Who outside is let in: by account, organization, unit, partner and archive, and by what denies.

use serde_json::{Value, json};
use yagura_access::{Archive, Document, Estate, Exposure, Guard, Partner, PolicyKind, Probe, Trust};
use yagura_model::Resource;

const ACCOUNT: &str = "111122223333";
const SISTER: &str = "222233334444";
const PARTNER: &str = "444455556666";
const BUCKET: &str = "arn:aws:s3:::reports";
const TODAY: &str = "2026-11-26";

fn resource(kind: &str, id: &str, properties: Value, observed: Value) -> Resource {
    let arn = match kind {
        "AWS::S3::Bucket" => BUCKET.to_owned(),
        "AWS::Organizations::Account" => format!("arn:aws:organizations::999999999999:account/o-acme/{id}"),
        _ => format!("arn:aws:organizations::999999999999:policy/o-acme/{id}"),
    };
    serde_json::from_value(json!({
        "type": kind, "id": id, "arn": arn, "account": ACCOUNT, "region": "us-east-1",
        "properties": properties, "observed": observed,
    }))
    .expect("a resource")
}

fn allow(principal: Value, condition: Value) -> Value {
    json!({"Sid": "Let", "Effect": "Allow", "Principal": principal, "Action": ["s3:GetObject", "s3:List*"],
           "Resource": ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"], "Condition": condition})
}

/// Two accounts of an organization, the sister in another unit.
fn organization() -> Vec<Resource> {
    let account = |id: &str, unit: &str| {
        let observed = json!({"Path": format!("o-acme/r-acme/{unit}/"), "ManagementAccountId": "999999999999"});
        resource("AWS::Organizations::Account", id, json!({"ParentIds": [unit]}), observed)
    };
    let told =
        json!({"S3PublicAccessBlock": null, "Organization": {"Id": "o-acme", "MasterAccountId": "999999999999"}});
    let own = resource("AWS::::Account", ACCOUNT, json!({}), told);
    vec![account(ACCOUNT, "ou-acme-prod"), account(SISTER, "ou-acme-dev"), own]
}

fn exposure(statements: Value, more: Vec<Resource>, trust: &Trust) -> Exposure {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let guard = Guard { arn: BUCKET.to_owned(), policies: vec![("policy".to_owned(), policy.clone())] };
    let mut resources = vec![resource("AWS::S3::Bucket", "reports", json!({"PolicyDocument": policy}), Value::Null)];
    resources.extend(more);
    let estate = Estate::of(&resources, |resource| (resource.kind == "AWS::S3::Bucket").then(|| guard.clone()));
    let exposure = estate.exposure(&guard, ACCOUNT, trust, TODAY);
    for outsider in &exposure.outsiders {
        // What is shown is what the policy allows.
        let probe = Probe::read(&outsider.witness.json()).expect("a request");
        assert!(Document::read(&policy, PolicyKind::Resource).expect("a policy").allows(&probe), "{outsider:#?}");
    }
    exposure
}

fn principals(exposure: &Exposure) -> Vec<&str> {
    exposure.open().map(|outsider| outsider.principal.as_str()).collect()
}

#[test]
fn each_principal_outside_is_named_with_what_it_can_do() {
    let root = format!("arn:aws:iam::{PARTNER}:root");
    let statements = json!([
        allow(json!({"AWS": [root, format!("arn:aws:iam::{ACCOUNT}:role/app"), SISTER], "Service": "cloudtrail.amazonaws.com"}), json!({})),
        {"Sid": "More", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::reports/*"},
    ]);
    let found = exposure(statements.clone(), organization(), &Trust::default());
    assert_eq!(principals(&found), [root.as_str()]);
    assert_eq!(found.outsiders[0].actions, ["s3:GetObject", "s3:List*", "s3:PutObject"]);
    assert_eq!(found.outsiders[0].statements, ["policy/Let", "policy/More"]);
    // With the account alone trusted, the sister is outside, too.
    let alone = Trust { organization: false, ..Trust::default() };
    assert_eq!(principals(&exposure(statements.clone(), organization(), &alone)), [SISTER, root.as_str()]);
    // Nothing is known of an organization.
    assert_eq!(principals(&exposure(statements, Vec::new(), &Trust::default())), [SISTER, root.as_str()]);
}

#[test]
fn conditions_decide_whether_everyone_is_everyone() {
    let open = |condition: Value| {
        let found = exposure(json!([allow(json!("*"), condition)]), organization(), &Trust::default());
        assert!(found.unread.is_empty(), "{found:?}");
        !found.outsiders.is_empty()
    };
    assert!(open(json!({})));
    assert!(!open(json!({"StringEquals": {"aws:PrincipalOrgID": "o-acme"}})));
    assert!(open(json!({"StringEquals": {"aws:PrincipalOrgID": "o-other"}})));
    assert!(open(json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}})));
    assert!(!open(json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}})));
    assert!(open(json!({"Bool": {"aws:SecureTransport": "true"}})));
}

#[test]
fn units_partners_and_archives_are_not_told() {
    let paths = json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-acme/*/ou-acme-dev/*"]}});
    let units = Trust { organization: false, units: vec!["ou-acme-dev".to_owned()], ..Trust::default() };
    let alone = Trust { organization: false, ..Trust::default() };
    for (statement, trust, expected) in [
        (allow(json!("*"), paths.clone()), &units, vec![]),
        (allow(json!("*"), paths), &alone, vec!["*"]),
        (allow(json!({"AWS": SISTER}), json!({})), &units, vec![]),
    ] {
        assert_eq!(principals(&exposure(json!([statement]), organization(), trust)), expected);
    }
    let partner = |resources: &[&str]| Trust {
        partner: vec![Partner {
            account: PARTNER.to_owned(),
            resources: resources.iter().map(|r| (*r).to_owned()).collect(),
        }],
        ..Trust::default()
    };
    let statement = json!([allow(json!({"AWS": PARTNER}), json!({}))]);
    assert!(principals(&exposure(statement.clone(), Vec::new(), &partner(&["arn:aws:s3:::rep*"]))).is_empty());
    assert_eq!(principals(&exposure(statement.clone(), Vec::new(), &partner(&["arn:aws:s3:::other"]))), [PARTNER]);
    let archive = |until: Option<&str>| Trust {
        archive: vec![Archive {
            resource: "arn:aws:s3:::*".to_owned(),
            principal: format!("{PARTNER}*"),
            reason: "the audit of 2026".to_owned(),
            until: until.map(str::to_owned),
        }],
        ..Trust::default()
    };
    for (until, open) in [(None, 0), (Some(TODAY), 0), (Some("2026-11-25"), 1)] {
        let found = exposure(statement.clone(), Vec::new(), &archive(until));
        assert_eq!((found.outsiders.len(), found.open().count()), (1, open), "{until:?}");
    }
    assert!(archive(Some("tomorrow")).check().is_err());
    assert!(Trust { accounts: vec!["12".to_owned()], ..Trust::default() }.check().is_err());
}

#[test]
fn what_denies_closes_what_is_allowed() {
    let policy = |content: Value| {
        let properties = json!({"Name": "perimeter", "Type": "RESOURCE_CONTROL_POLICY", "Content": content, "TargetIds": ["r-acme"]});
        resource("AWS::Organizations::Policy", "p-1", properties, json!({}))
    };
    let perimeter = json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-acme"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}});
    let statement = json!([allow(json!("*"), json!({}))]);
    let mut guarded = organization();
    guarded.push(policy(perimeter));
    assert!(exposure(statement.clone(), guarded, &Trust::default()).outsiders.is_empty());
    // A resource control policy that could not be read may deny.
    let mut doubtful = organization();
    doubtful.push(policy(json!({"$unknown": "organizations:DescribePolicy"})));
    let found = exposure(statement.clone(), doubtful, &Trust::default());
    assert_eq!((found.outsiders.len(), found.unread.len()), (1, 1));
    let mut own = statement.as_array().cloned().expect("a list");
    own.push(json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
                    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}));
    assert!(exposure(json!(own), organization(), &Trust::default()).outsiders.is_empty());
}

#[test]
fn a_policy_that_could_not_be_read_is_named() {
    let guard = Guard {
        arn: BUCKET.to_owned(),
        policies: vec![("policy".to_owned(), json!({"$unknown": "s3:GetBucketPolicy"}))],
    };
    let estate = Estate::of(&[], |_| None);
    let found = estate.exposure(&guard, ACCOUNT, &Trust::default(), TODAY);
    assert_eq!(found.unread, ["policy (s3:GetBucketPolicy)"]);
    assert!(found.outsiders.is_empty());
}

#[test]
fn a_request_is_about_the_resource_though_its_policy_names_none() {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/vendor");
    let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": PARTNER}, "Action": "sts:AssumeRole"}});
    let guard = Guard { arn: role.clone(), policies: vec![("policy".to_owned(), trust)] };
    let found = Estate::of(&[], |_| None).exposure(&guard, ACCOUNT, &Trust::default(), TODAY);
    assert_eq!(found.outsiders[0].witness.resource, role);
    let write =
        json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "logs:PutLogEvents", "Resource": "*"}});
    let guard =
        Guard { arn: format!("arn:aws:logs:us-east-1:{ACCOUNT}"), policies: vec![("policy".to_owned(), write)] };
    let found = Estate::of(&[], |_| None).exposure(&guard, ACCOUNT, &Trust::default(), TODAY);
    assert!(found.outsiders[0].witness.resource.starts_with(&guard.arn), "{found:?}");
}

#[test]
fn the_management_account_is_inside_and_an_archive_for_everyone_is_no_archive_for_each() {
    let told =
        json!({"S3PublicAccessBlock": null, "Organization": {"Id": "o-acme", "MasterAccountId": "999999999999"}});
    let own = || vec![resource("AWS::::Account", ACCOUNT, json!({}), told.clone())];
    let statements = json!([allow(json!({"AWS": ["999999999999", PARTNER]}), json!({})), allow(json!("*"), json!({}))]);
    assert_eq!(principals(&exposure(statements.clone(), own(), &Trust::default())), ["*", PARTNER]);
    let (resource, principal) = ("arn:aws:s3:::*".to_owned(), "*".to_owned());
    let archive = vec![Archive { resource, principal, reason: "public website".to_owned(), until: None }];
    let found = exposure(statements, own(), &Trust { archive, ..Trust::default() });
    assert_eq!(principals(&found), [PARTNER]);
}
