//! How long it takes to find every way to an administrator in an account of many principals, and to find them anew after
//! one policy changed. Prints one JSON object:
//! `cargo run --release -p yagura-access --example escalate_speed -- 10000`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use serde_json::{Value, json};
use std::time::Instant;
use yagura_access::{
    Estate, Guard,
    escalate::{Closure, methods},
};
use yagura_content::Library;
use yagura_model::Resource;

const ACCOUNT: &str = "111122223333";

fn resource(kind: &str, what: &str, properties: Value) -> Result<Resource, serde_json::Error> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:{what}");
    let mut resource = json!({"type": kind, "id": what, "arn": arn, "account": ACCOUNT, "region": "us-east-1"});
    resource["properties"] = properties;
    serde_json::from_value(resource)
}

/// What a team's roles do: its own tables, buckets and functions, and in one team of fifty something dangerous.
fn policy(team: usize) -> Value {
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
               "Resource": format!("arn:aws:dynamodb:ap-northeast-1:{ACCOUNT}:table/team{team}-*")}),
        json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
               "Resource": [format!("arn:aws:s3:::team{team}-data"), format!("arn:aws:s3:::team{team}-data/*")]}),
        json!({"Effect": "Allow", "Action": ["logs:*", "cloudwatch:PutMetricData"], "Resource": "*"}),
        json!({"Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:UpdateFunctionCode"],
               "Resource": format!("arn:aws:lambda:ap-northeast-1:{ACCOUNT}:function:team{team}-*")}),
        json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": format!("arn:aws:iam::{ACCOUNT}:role/team{team}-*"),
               "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}),
    ];
    if team % 50 == 7 {
        statements.push(json!({"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*"}));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(10_000), |n| n.parse())?;
    let teams = 200;
    let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
    let mut resources = Vec::new();
    for team in 0..teams {
        resources.push(resource(
            "AWS::IAM::ManagedPolicy",
            &format!("policy/team{team}"),
            json!({"PolicyDocument": policy(team)}),
        )?);
    }
    for i in 0..count {
        let managed = [format!("arn:aws:iam::{ACCOUNT}:policy/team{}", i % teams)];
        let own = json!([{"PolicyName": "own", "PolicyDocument": {"Statement": {
            "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
            "Resource": format!("arn:aws:secretsmanager:*:{ACCOUNT}:secret:app{i}-*")}}}]);
        let properties = json!({"Policies": own, "ManagedPolicyArns": managed, "Groups": []});
        let of = |trusted| {
            let mut properties = properties.clone();
            properties["AssumeRolePolicyDocument"] = trust(trusted);
            properties
        };
        resources.push(match i % 5 {
            0 => resource("AWS::IAM::User", &format!("user/u{i}"), properties)?,
            1 => resource("AWS::IAM::Role", &format!("role/team{}-{i}", i % teams), of(json!({"AWS": ACCOUNT})))?,
            2 => resource(
                "AWS::IAM::Role",
                &format!("role/team{}-{i}", i % teams),
                of(json!({"Service": "ec2.amazonaws.com"})),
            )?,
            _ => resource(
                "AWS::IAM::Role",
                &format!("role/team{}-{i}", i % teams),
                of(json!({"Service": "lambda.amazonaws.com"})),
            )?,
        });
    }
    for i in 0..5 {
        let service = ["ec2.amazonaws.com", "lambda.amazonaws.com"][i % 2];
        let properties = json!({
            "AssumeRolePolicyDocument": trust(json!({"Service": service})), "Policies": [],
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
        });
        resources.push(resource("AWS::IAM::Role", &format!("role/admin{i}"), properties)?);
    }
    let (methods, _) = methods(&Library::builtin().map_err(|errors| format!("{errors:?}"))?);
    let begun = Instant::now();
    let estate = estate(&resources);
    let read = begun.elapsed().as_secs_f64();
    let closure = Closure::of(&estate, &methods);
    let all = begun.elapsed().as_secs_f64();
    let climbers = |closure: &Closure| closure.escalation().paths.iter().filter(|path| !path.steps.is_empty()).count();
    let mut changes = serde_json::Map::new();
    let everything = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let nothing = json!({"Statement": []});
    let change: [(&str, &str, &str, Value); 5] = [
        (
            "a user becomes an administrator",
            "user/u0",
            "Policies",
            json!([{"PolicyName": "own", "PolicyDocument": everything}]),
        ),
        ("a team's policy is emptied", "policy/team7", "PolicyDocument", nothing),
        ("a team's policy becomes dangerous", "policy/team8", "PolicyDocument", policy(57)),
        ("an administrator is one no more", "role/admin0", "ManagedPolicyArns", json!([])),
        (
            "an administrator trusts the account",
            "role/admin1",
            "AssumeRolePolicyDocument",
            trust(json!({"AWS": ACCOUNT})),
        ),
    ];
    for (what, name, property, value) in change {
        let mut resources = resources.clone();
        let resource = resources.iter_mut().find(|r| r.id == name).ok_or("no such resource")?;
        resource.properties[property] = value;
        let begun = Instant::now();
        let next = self::estate(&resources);
        let after = closure.after(&next, &methods, &next.changed(&estate));
        changes
            .insert(what.to_owned(), json!({"seconds": begun.elapsed().as_secs_f64(), "climbers": climbers(&after)}));
    }
    println!(
        "{}",
        json!({"principals": count, "methods": methods.len(), "read_seconds": read, "seconds": all,
               "climbers": climbers(&closure), "after": changes})
    );
    Ok(())
}

fn estate(resources: &[Resource]) -> Estate {
    Estate::of(resources, |resource| {
        let trust = &resource.properties["AssumeRolePolicyDocument"];
        let arn = resource.arn.clone().filter(|_| resource.kind == "AWS::IAM::Role")?;
        Some(Guard { arn, policies: vec![("policy".to_owned(), trust.clone())] })
    })
}
