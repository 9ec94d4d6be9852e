//! Whether resource policies let in strangers, against what AWS calls public.

use crate::ask::{HERE, THERE, outcome, policy};
use serde_json::{Value, json};
use yagura_access::{Document, PolicyKind, Probe, Zone, outside, public};

const ORG: &str = "o-exampleorg";

fn zone() -> Zone {
    Zone { owner: HERE.to_owned(), organization: Some(ORG.to_owned()), accounts: vec!["222233334444".to_owned()] }
}

/// What a statement that allows all to `principal` under conditions is: `public`, `outside` or `closed`.
fn open(principal: Value, conditions: Value) -> &'static str {
    let mut allow = json!({"Sid": "it", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    allow["Principal"] = principal;
    allow["Condition"] = conditions;
    opened(&policy(json!([allow])))
}

fn opened(document: &Value) -> &'static str {
    let found = outside(document, &zone()).unwrap_or_else(|e| panic!("{e}: {document:#}"));
    let anyone = public(document, &zone()).expect("an answer");
    assert_eq!(found.as_ref().is_some_and(|f| f.anyone), anyone.is_some());
    let Some(found) = found else { return "closed" };
    assert_eq!(found.statement, "policy/it");
    let probe = Probe::read(&found.witness.json()).expect("a request");
    assert!(Document::read(document, PolicyKind::Resource).expect("a document").allows(&probe), "{found:#?}");
    let case = crate::pairs::case(document, PolicyKind::Resource, &found.witness);
    assert_eq!(outcome(&case), "Allowed", "{case:#}");
    if found.anyone { "public" } else { "outside" }
}

#[test]
fn who_is_named() {
    let all = json!({});
    for (principal, wanted) in [
        (json!("*"), "public"),
        (json!({"AWS": "*"}), "public"),
        (json!({"AWS": HERE}), "closed"),
        (json!({"AWS": "222233334444"}), "closed"),
        (json!({"AWS": THERE}), "outside"),
        (json!({"AWS": format!("arn:aws:iam::{THERE}:root")}), "outside"),
        (json!({"AWS": format!("arn:aws:iam::{THERE}:role/path/R")}), "outside"),
        (json!({"AWS": format!("arn:aws:sts::{THERE}:assumed-role/R/s")}), "outside"),
        (json!({"AWS": format!("arn:aws:iam::{HERE}:role/R")}), "closed"),
        (json!({"AWS": "AROAEXAMPLEROLEID"}), "closed"),
        (json!({"Service": "sns.amazonaws.com"}), "closed"),
        (json!({"Federated": "accounts.google.com"}), "outside"),
        (json!({"Federated": "cognito-identity.amazonaws.com"}), "outside"),
        (json!({"Federated": format!("arn:aws:iam::{HERE}:oidc-provider/idp.example")}), "closed"),
        (json!({"Federated": format!("arn:aws:iam::{THERE}:saml-provider/idp")}), "outside"),
        (json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}), "outside"),
    ] {
        assert_eq!(open(principal.clone(), all.clone()), wanted, "{principal}");
    }
}

#[test]
fn fixed_values_are_not_public_and_wildcards_are() {
    for (conditions, wanted) in [
        // What S3's guide calls fixed values.
        (json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}), "closed"),
        (json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}), "public"),
        (json!({"StringEquals": {"aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-2"]}}), "closed"),
        (json!({"StringEquals": {"aws:PrincipalOrgID": ORG}}), "closed"),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-somebodyelse"}}), "outside"),
        (json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}), "public"),
        (json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-somebodyelse"}}), "public"),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}), "closed"),
        (json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": format!("{ORG}/r-ab12/*")}}), "closed"),
        (json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-ab12/*"}}), "public"),
        (json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": format!("{ORG}/*")}}), "public"),
        (json!({"StringEquals": {"aws:PrincipalAccount": [HERE, "222233334444"]}}), "closed"),
        (json!({"StringEquals": {"aws:PrincipalAccount": THERE}}), "outside"),
        (json!({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}), "closed"),
        (json!({"StringEquals": {"kms:CallerAccount": HERE}}), "closed"),
        (json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{HERE}:role/*")}}), "closed"),
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci-*"}}), "public"),
        (json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{THERE}:role/ci-*")}}), "outside"),
        (json!({"StringEquals": {"aws:SourceAccount": HERE}}), "closed"),
        (json!({"StringEquals": {"aws:SourceAccount": THERE}}), "outside"),
        (json!({"StringEqualsIfExists": {"aws:SourceAccount": HERE}}), "public"),
        (json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:sns:*:{HERE}:*")}}), "closed"),
        (json!({"ArnEquals": {"aws:SourceArn": format!("arn:aws:sns:us-east-1:{HERE}:t")}}), "closed"),
        (json!({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::our-bucket"}}), "closed"),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}), "public"),
        (json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), "outside"),
        (json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), "public"),
        (json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}), "public"),
        (json!({"IpAddress": {"aws:SourceIp": "8.0.0.0/7"}}), "public"),
        (json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), "public"),
        (json!({"IpAddress": {"aws:SourceIp": "2001:db8::/31"}}), "public"),
        (json!({"StringEquals": {"aws:userid": "AIDAEXAMPLE"}}), "closed"),
        (json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}), "public"),
        (json!({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}), "closed"),
        // What anyone can send.
        (json!({"StringLike": {"aws:Referer": "https://example.com/*"}}), "public"),
        (json!({"StringEquals": {"aws:UserAgent": "secret"}}), "public"),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), "public"),
        (json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}), "public"),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}), "public"),
        (json!({"StringEquals": {"aws:PrincipalType": "Anonymous"}}), "public"),
        (json!({"Null": {"aws:PrincipalArn": "true"}}), "public"),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}), "closed"),
        (json!({"StringLike": {"s3:prefix": "${aws:username}/*"}}), "public"),
    ] {
        assert_eq!(open(json!("*"), conditions.clone()), wanted, "{conditions}");
    }
}

#[test]
fn a_deny_closes_what_an_allow_opens() {
    let allow = json!({"Sid": "it", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let with = |deny: Value| opened(&policy(json!([allow, deny])));
    let deny = |conditions: Value| json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": conditions});
    assert_eq!(with(deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": ORG}}))), "closed");
    assert_eq!(with(deny(json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORG}}))), "closed");
    assert_eq!(with(deny(json!({"Bool": {"aws:SecureTransport": "false"}}))), "public");
    assert_eq!(
        with(deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": ORG}, "BoolIfExists": {"aws:x": "true"}}))),
        "public"
    );
    assert_eq!(
        with(json!({"Effect": "Deny", "NotPrincipal": {"AWS": [HERE]}, "Action": "*", "Resource": "*"})),
        "closed"
    );
    let mut narrow = deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": ORG}}));
    narrow["Action"] = json!("s3:Get*");
    assert_eq!(with(narrow), "public");
}

#[test]
fn a_zone_has_accounts_and_an_organization() {
    let bad = Zone { owner: "me".to_owned(), ..zone() };
    let said = public(&policy(json!([])), &bad).expect_err("no account");
    assert_eq!(said.to_string(), "`me` of zone is not valid: write 12 digits");
    assert_eq!(said.text().ja, "zone の `me` は正しくありません: 12 桁の数字を書いてください");
    let none = Zone { organization: None, accounts: Vec::new(), ..zone() };
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORG}}});
    let found = outside(&policy(json!([allow])), &none).expect("an answer").expect("an outsider");
    assert!(!found.anyone && found.witness.context["aws:PrincipalOrgID"] == ORG, "{found:#?}");
}
