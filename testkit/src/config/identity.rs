//! IAM. Config writes policy documents percent-encoded here, and only here.

use super::{Moment, Recorded, existing, millis};
use crate::company::{
    flaws::{ADMIN_POLICY, BACKDOOR_USER, CI_USER, DEPLOY_ROLE},
    people::PEOPLE,
    unique_id,
    world::{Asset, DEV, Place},
};
use chrono::Duration;
use serde_json::{Value, json};

/// An ARN without a Region. IAM is `global` in Config.
fn iam(kind: &'static str, place: &Place, prefix: &str, path: &str, name: &str, configuration: Value) -> Recorded {
    let arn = format!("arn:aws:iam::{}:{path}", place.account.id);
    let id = unique_id(prefix, &arn);
    Recorded { name: Some(name.to_owned()), global: true, ..Recorded::new(kind, &id, arn, configuration) }
}

fn encoded(document: &Value) -> String {
    let mut out = String::new();
    for byte in document.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

pub(crate) fn items(place: &Place, moment: Moment) -> Vec<Recorded> {
    let mut all =
        vec![group(place, moment, "developers", "PowerUserAccess"), group(place, moment, "auditors", "SecurityAudit")];
    if place.account.id == DEV.id {
        all.extend(
            PEOPLE.iter().filter(|p| p.legacy_user).map(|p| user(place, moment, p.login, Some("developers"), &[])),
        );
        all.push(user(place, moment, CI_USER, None, &[format!("arn:aws:iam::{}:policy/minato-dev-ci-legacy", DEV.id)]));
        all.push(user(place, moment, "svc-keiri-connect", Some("developers"), &[]));
        if !moment.first {
            all.push(user(
                place,
                moment,
                BACKDOOR_USER,
                None,
                &["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()],
            ));
        }
        all.push(ci_policy(place, moment));
    }
    all.extend(existing(place, "policy", moment).map(|a| policy(place, a, moment)));
    all.extend(existing(place, "role", moment).map(|a| role(place, a, moment)));
    all.extend(
        place
            .all("function")
            .iter()
            .take(24)
            .map(|f| service_role(place, moment, &format!("{}-role", f.name), "lambda")),
    );
    let ec2 = format!("minato-{}-ec2", place.account.env);
    all.push(service_role(place, moment, &ec2, "ec2"));
    all.push(pipeline_role(place, moment));
    all.push(monitoring_role(place, moment));
    all
}

fn user(place: &Place, moment: Moment, name: &str, group: Option<&str>, policies: &[String]) -> Recorded {
    let attached: Vec<Value> =
        policies.iter().map(|arn| json!({"policyArn": arn, "policyName": arn.rsplit('/').next()})).collect();
    let arn = format!("arn:aws:iam::{}:user/{name}", place.account.id);
    let age = if name == BACKDOOR_USER { Duration::hours(8) } else { Duration::days(900) };
    let configuration = json!({
        "path": "/", "userName": name, "userId": unique_id("AIDA", &arn), "arn": arn, "createDate": millis(moment.end - age),
        "userPolicyList": [], "groupList": group.into_iter().collect::<Vec<_>>(), "attachedManagedPolicies": attached,
        "permissionsBoundary": Value::Null, "tags": []});
    iam("AWS::IAM::User", place, "AIDA", &format!("user/{name}"), name, configuration)
}

fn group(place: &Place, moment: Moment, name: &str, policy: &str) -> Recorded {
    let arn = format!("arn:aws:iam::{}:group/{name}", place.account.id);
    let configuration = json!({
        "path": "/", "groupName": name, "groupId": unique_id("AGPA", &arn), "arn": arn, "createDate": millis(moment.end - Duration::days(900)),
        "groupPolicyList": [], "attachedManagedPolicies": [{"policyName": policy, "policyArn": format!("arn:aws:iam::aws:policy/{policy}")}]});
    iam("AWS::IAM::Group", place, "AGPA", &format!("group/{name}"), name, configuration)
}

fn managed(place: &Place, moment: Moment, name: &str, document: &Value, attached: u32) -> Recorded {
    let arn = format!("arn:aws:iam::{}:policy/{name}", place.account.id);
    let created = millis(moment.end - Duration::days(400));
    let version =
        json!({"document": encoded(document), "versionId": "v1", "isDefaultVersion": true, "createDate": created});
    let configuration = json!({
        "policyName": name, "policyId": unique_id("ANPA", &arn), "arn": arn, "path": "/", "defaultVersionId": "v1", "attachmentCount": attached,
        "permissionsBoundaryUsageCount": 0, "isAttachable": true, "description": Value::Null, "createDate": created, "updateDate": created,
        "policyVersionList": [version]});
    iam("AWS::IAM::Policy", place, "ANPA", &format!("policy/{name}"), name, configuration)
}

fn policy(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let statement = if a.name == ADMIN_POLICY {
        json!({"Sid": "TemporaryAll", "Effect": "Allow", "Action": "*", "Resource": "*"})
    } else if a.weak(moment.first) {
        json!({"Sid": "AllBuckets", "Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    } else {
        let bucket = place.nth("bucket", a.n).map_or("minato", |b| &b.name);
        json!({"Sid": "OneBucket", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]})
    };
    let mut item = managed(place, moment, &a.name, &json!({"Version": "2012-10-17", "Statement": [statement]}), 1);
    item.tags = json!({"Team": a.team, "Owner": a.owner, "Env": place.account.env});
    item
}

/// What the leaked key could do: enough to make a user, and to leave the account.
fn ci_policy(place: &Place, moment: Moment) -> Recorded {
    let actions = ["cloudformation:*", "lambda:*", "ec2:*", "s3:*", "iam:*", "logs:*", "sts:AssumeRole"];
    let document = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Deploy", "Effect": "Allow", "Action": actions, "Resource": "*"}]});
    managed(place, moment, "minato-dev-ci-legacy", &document, 1)
}

fn role_item(place: &Place, moment: Moment, name: &str, trust: &Value, attached: &[&str]) -> Recorded {
    let arn = format!("arn:aws:iam::{}:role/{name}", place.account.id);
    let attached: Vec<Value> = attached
        .iter()
        .map(|p| json!({"policyName": p.rsplit('/').next(), "policyArn": format!("arn:aws:iam::aws:policy/{p}")}))
        .collect();
    let configuration = json!({
        "path": "/", "roleName": name, "roleId": unique_id("AROA", &arn), "arn": arn, "createDate": millis(moment.end - Duration::days(600)),
        "assumeRolePolicyDocument": encoded(&json!({"Version": "2012-10-17", "Statement": [trust]})), "instanceProfileList": [],
        "rolePolicyList": [], "attachedManagedPolicies": attached, "permissionsBoundary": Value::Null, "tags": [], "roleLastUsed": Value::Null});
    iam("AWS::IAM::Role", place, "AROA", &format!("role/{name}"), name, configuration)
}

fn role(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let mut item = if a.name == DEPLOY_ROLE {
        let trust = json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", DEV.id)}, "Action": "sts:AssumeRole"});
        role_item(place, moment, &a.name, &trust, &["PowerUserAccess"])
    } else {
        let trust =
            json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"});
        let policy = if a.weak(moment.first) { "AdministratorAccess" } else { "AmazonSSMManagedInstanceCore" };
        role_item(place, moment, &a.name, &trust, &[policy])
    };
    item.tags = json!({"Team": a.team, "Owner": a.owner, "Env": place.account.env});
    item
}

fn service_role(place: &Place, moment: Moment, name: &str, service: &str) -> Recorded {
    let trust = json!({"Effect": "Allow", "Principal": {"Service": format!("{service}.amazonaws.com")}, "Action": "sts:AssumeRole"});
    let policy =
        if service == "ec2" { "AmazonSSMManagedInstanceCore" } else { "service-role/AWSLambdaVPCAccessExecutionRole" };
    role_item(place, moment, name, &trust, &[policy])
}

/// The monitoring service outside, with the id that keeps others from using its trust.
fn monitoring_role(place: &Place, moment: Moment) -> Recorded {
    let trust = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222233334444:root"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "minato-shokai-7f3a"}}});
    role_item(place, moment, "minato-monitoring", &trust, &["ReadOnlyAccess"])
}

fn pipeline_role(place: &Place, moment: Moment) -> Recorded {
    let provider = format!("arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com", place.account.id);
    let condition = json!({
        "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
        "StringLike": {"token.actions.githubusercontent.com:sub": format!("repo:minato-shokai/*:environment:{}", place.account.env)}});
    let trust = json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition});
    role_item(place, moment, &format!("minato-{}-github-deploy", place.account.env), &trust, &["PowerUserAccess"])
}
