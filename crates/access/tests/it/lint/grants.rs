//! Statements that allow more than is likely to be meant, each with one that doesn't.

use super::ways::*;
use serde_json::json;
use yagura_access::lint::PolicyType::{Identity, Resource, ResourceControl, Trust};

pub fn pairs() -> Vec<Pair> {
    let aws = |name: &str| json!({"AWS": name});
    let trust = |action: &str| json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": action});
    vec![
        (
            "allow-everything",
            Identity,
            json!([allow("*", "*")]),
            json!([with(allow("*", "*"), json!({"Effect": "Deny"}))]),
        ),
        (
            "allow-everything",
            Identity,
            json!([allow("*:*", "*")]),
            json!([with(allow("*", "*"), json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}))]),
        ),
        (
            "allow-not-action",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Action": null, "NotAction": "iam:*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Action": null, "NotAction": "iam:*"}))]),
        ),
        (
            "allow-not-principal",
            Resource,
            json!([with(allow("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
        ),
        (
            "allow-not-resource",
            Identity,
            json!([with(allow("s3:GetObject", "*"), json!({"Resource": null, "NotResource": "arn:aws:s3:::b/*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Resource": null, "NotResource": "arn:aws:s3:::b/*"}))]),
        ),
        (
            "allow-service",
            Identity,
            json!([allow("s3:*", "*")]),
            json!([with(allow("s3:*", "*"), json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))]),
        ),
        (
            "deny-not-principal",
            Resource,
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"NotPrincipal": aws("111122223333")}))]),
            json!([with(deny("s3:GetObject", "arn:aws:s3:::b/*"), json!({"Principal": aws("111122223333")}))]),
        ),
        ("not-a-trust-action", Trust, json!([trust("s3:GetObject")]), json!([trust("sts:AssumeRole")])),
        (
            "oidc-no-subject",
            Trust,
            json!([oidc(json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}))]),
            json!([github("repo:acme/app:*")]),
        ),
        (
            "oidc-no-subject",
            Trust,
            json!([oidc(
                json!({"StringLikeIfExists": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}})
            )]),
            json!([github("repo:acme/*")]),
        ),
        (
            "oidc-no-audience",
            Trust,
            json!([oidc(json!({"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}}))]),
            json!([github("repo:acme/app:*")]),
        ),
        ("oidc-wide-subject", Trust, json!([github("repo:*")]), json!([github("repo:acme/*")])),
        ("oidc-wide-subject", Trust, json!([github("repo:acme*")]), json!([github("repo:acme/app-*:*")])),
        ("oidc-wide-subject", Trust, json!([github("*")]), json!([github("repo:acme/app:ref:refs/heads/main")])),
        (
            "oidc-no-subject",
            Trust,
            json!([provider("cognito-identity.amazonaws.com", "amr", "authenticated")]),
            json!([provider("cognito-identity.amazonaws.com", "aud", "us-east-1:1")]),
        ),
        (
            "oidc-no-subject",
            Trust,
            json!([provider("login.example.com", "aud", "a")]),
            json!([provider("login.example.com", "sub", "a")]),
        ),
        (
            "oidc-wide-subject",
            Trust,
            json!([provider("login.example.com", "sub", "user:*")]),
            json!([provider("login.example.com", "sub", "user:a*")]),
        ),
        (
            "oidc-wide-subject",
            Trust,
            json!([provider("oidc.eks.us-east-1.amazonaws.com/id/A", "sub", "system:serviceaccount:*:app")]),
            json!([provider("oidc.eks.us-east-1.amazonaws.com/id/A", "sub", "system:serviceaccount:web:*")]),
        ),
        (
            "oidc-wide-subject",
            Trust,
            json!([provider("gitlab.com", "sub", "project_path:*/app:ref_type:branch:ref:main")]),
            json!([provider("gitlab.com", "sub", "project_path:acme/*:ref_type:branch:ref:main")]),
        ),
        (
            "oidc-wide-subject",
            Trust,
            json!([provider("app.terraform.io", "sub", "organization:acme*:project:p:workspace:w:run_phase:*")]),
            json!([provider("app.terraform.io", "sub", "organization:acme:project:*")]),
        ),
        (
            "oidc-wide-subject",
            Trust,
            json!([oidc(
                json!({"StringLike": {"token.actions.githubusercontent.com:sub": ["repo:acme/*", "repo:*"]}})
            )]),
            json!([oidc(json!({
                "StringLike": {"token.actions.githubusercontent.com:sub": "repo:*:environment:prod"},
                "StringEquals": {"token.actions.githubusercontent.com:repository_owner_id": "12345"},
            }))]),
        ),
        (
            "pass-role-anywhere",
            Identity,
            json!([allow("iam:PassRole", "*")]),
            json!([with(
                allow("iam:PassRole", "*"),
                json!({"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}})
            )]),
        ),
        (
            "pass-role-anywhere",
            Identity,
            json!([allow("iam:Pass*", "arn:aws:iam::111122223333:role/*")]),
            json!([allow("iam:Pass*", "arn:aws:iam::111122223333:role/app/*")]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"Bool": {"aws:SecureTransport": "true"}}))]),
            json!([public(json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}}))]),
        ),
        (
            "public",
            Resource,
            json!([with(public(json!({})), json!({"Principal": {"AWS": ["*"]}}))]),
            json!([with(public(json!({})), json!({"Effect": "Deny"}))]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}))]),
            json!([public(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))]),
        ),
        (
            "public",
            Resource,
            json!([public(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a"}}))]),
            json!([public(json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/r-b/*"}}))]),
        ),
        (
            "rcp-allow",
            ResourceControl,
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": "*"}))]),
            json!([with(deny("s3:GetObject", "*"), json!({"Principal": "*"}))]),
        ),
        (
            "resource-in-trust",
            Trust,
            json!([with(trust("sts:AssumeRole"), json!({"Resource": "*"}))]),
            json!([trust("sts:AssumeRole")]),
        ),
        (
            "wildcard-in-principal",
            Resource,
            json!([with(
                allow("s3:GetObject", "arn:aws:s3:::b/*"),
                json!({"Principal": aws("arn:aws:iam::111122223333:role/*")})
            )]),
            json!([with(
                allow("s3:GetObject", "arn:aws:s3:::b/*"),
                json!({"Principal": aws("arn:aws:iam::111122223333:role/x")})
            )]),
        ),
        (
            "public",
            Trust,
            json!([with(trust("sts:AssumeRole"), json!({"Principal": "*"}))]),
            json!([trust("sts:AssumeRole")]),
        ),
        (
            "public",
            Resource,
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": "*"}))]),
            json!([with(allow("s3:GetObject", "*"), json!({"Principal": aws("111122223333")}))]),
        ),
    ]
}
