//! Whether resource policies let in strangers, against what AWS calls public.

use crate::ask::{HERE, THERE, outcome, policy};
use crate::laws::Dice;
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
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}), "outside"),
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

/// Principals, conditions and values that generated policies and strangers' requests are made of.
const PRINCIPALS: [&str; 6] = [
    r#""*""#,
    r#"{"AWS": "*"}"#,
    r#"{"AWS": "111122223333"}"#,
    r#"{"AWS": "arn:aws:iam::444455556666:role/R"}"#,
    r#"{"AWS": ["222233334444", "arn:aws:iam::444455556666:root"]}"#,
    r#"{"Service": "sns.amazonaws.com"}"#,
];

const CONDITIONS: [(&str, &str, &str); 24] = [
    ("StringEquals", "aws:PrincipalOrgID", r#""o-exampleorg""#),
    ("StringNotEquals", "aws:PrincipalOrgID", r#""o-exampleorg""#),
    ("StringNotEqualsIfExists", "aws:PrincipalOrgID", r#"["o-exampleorg", "o-partnerorg1"]"#),
    ("StringLike", "aws:PrincipalOrgID", r#""o-*""#),
    ("Null", "aws:PrincipalOrgID", r#""false""#),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", r#""o-exampleorg/r-*""#),
    ("StringEquals", "aws:PrincipalAccount", r#"["111122223333", "444455556666"]"#),
    ("StringNotEquals", "aws:PrincipalAccount", r#""111122223333""#),
    ("ArnLike", "aws:PrincipalArn", r#""arn:aws:iam::*:role/ci-*""#),
    ("ArnNotLike", "aws:PrincipalArn", r#""arn:aws:iam::111122223333:*""#),
    ("StringEquals", "aws:SourceVpce", r#""vpce-1""#),
    ("StringNotEquals", "aws:SourceVpce", r#"["vpce-1", "vpce-2"]"#),
    ("StringNotEqualsIfExists", "aws:SourceVpc", r#""vpc-1""#),
    ("StringEquals", "aws:SourceAccount", r#""111122223333""#),
    ("StringNotEquals", "aws:SourceAccount", r#""111122223333""#),
    ("ArnLike", "aws:SourceArn", r#""arn:aws:sns:*:111122223333:*""#),
    ("ArnNotLikeIfExists", "aws:SourceArn", r#""arn:aws:s3:::ours*""#),
    ("IpAddress", "aws:SourceIp", r#"["203.0.113.0/24", "10.0.0.0/8"]"#),
    ("NotIpAddress", "aws:SourceIp", r#""203.0.113.0/24""#),
    ("IpAddress", "aws:SourceIp", r#"["0.0.0.0/1", "128.0.0.0/1"]"#),
    ("Bool", "aws:SecureTransport", r#""true""#),
    ("Bool", "aws:SecureTransport", r#""false""#),
    ("StringLike", "aws:Referer", r#""https://ours/*""#),
    ("Null", "aws:PrincipalArn", r#""true""#),
];

fn generated(dice: &mut Dice) -> Value {
    let statements = (0..1 + dice.below(4)).map(|i| {
        let mut statement = json!({"Effect": dice.one(&["Allow", "Allow", "Deny"]), "Action": dice.one(&["s3:*", "s3:Get*"]),
            "Resource": dice.one(&["*", "arn:aws:s3:::b/*"]), "Sid": format!("s{i}")});
        let principal: &str = PRINCIPALS[dice.below(PRINCIPALS.len())];
        statement["Principal"] = serde_json::from_str(principal).expect("JSON");
        for _ in 0..dice.below(3) {
            let (operator, key, operands) = *dice.one(&CONDITIONS);
            statement["Condition"][operator][key] = serde_json::from_str(operands).expect("JSON");
        }
        statement
    });
    let statements: Vec<Value> = statements.collect();
    policy(json!(statements))
}

/// A request of somebody whom nothing names, or with `named` of somebody whom only the zone doesn't.
fn stranger(dice: &mut Dice, named: bool) -> Value {
    let mut context = json!({});
    let mut set = |dice: &mut Dice, key: &str, values: &[&str]| {
        if dice.below(3) > 0 {
            context[key] = json!(dice.one(values));
        }
    };
    set(dice, "aws:SourceVpce", &["vpce-9", "vpce-12"]);
    set(dice, "aws:SourceVpc", &["vpc-9"]);
    set(dice, "aws:SourceAccount", if named { &["444455556666", "888800001111"] } else { &["888800001111"] });
    set(dice, "aws:SourceArn", &["arn:aws:sns:us-east-1:888800001111:t", "arn:aws:s3:::oursx", "arn:aws:s3:::z"]);
    set(dice, "aws:SourceIp", &["8.8.8.8", "200.1.2.3", "2001:db8::1"]);
    if named {
        set(dice, "aws:SourceIp", &["203.0.113.9", "8.8.8.8", "10.1.1.1"]);
    }
    set(dice, "aws:SecureTransport", &["true", "false"]);
    set(dice, "aws:Referer", &["https://ours/x", "z"]);
    let account = if named { *dice.one(&["444455556666", "888800001111"]) } else { "888800001111" };
    let name = *dice.one(&["role/R", "role/ci-x", "user/u"]);
    let arn = format!("arn:aws:iam::{account}:{name}");
    let anonymous = dice.below(5) == 0;
    if !anonymous {
        context["aws:PrincipalArn"] = json!(arn);
        context["aws:PrincipalAccount"] = json!(account);
        let org = *dice.one(if named { &["o-partnerorg1", "o-strangeorg", ""] } else { &["o-strangeorg", ""] });
        if !org.is_empty() {
            context["aws:PrincipalOrgID"] = json!(org);
            context["aws:PrincipalOrgPaths"] = json!([format!("{org}/r-ab12/ou-1/")]);
        }
    }
    json!({"principal": if anonymous { "anonymous" } else { &arn }, "action": dice.one(&["s3:GetObject", "s3:PutObject"]),
        "resource": dice.one(&["arn:aws:s3:::b/k", "arn:aws:s3:::c"]), "context": context})
}

#[test]
fn no_stranger_gets_past_a_closed_policy() {
    let mut dice = Dice::new(41);
    let mut probes = |named| -> Vec<Probe> {
        (0..2_000).map(|_| Probe::read(&stranger(&mut dice, named)).expect("a request")).collect()
    };
    let (nobody, anybody) = (probes(false), probes(true));
    let (mut opened, mut closed) = (0, 0);
    for number in 0..400 {
        let policy = generated(&mut dice);
        let document = Document::read(&policy, PolicyKind::Resource).expect("a document");
        for (found, probes) in [(public(&policy, &zone()), &nobody), (outside(&policy, &zone()), &anybody)] {
            let past = probes.iter().find(|probe| document.allows(probe));
            let Some(found) = found.unwrap_or_else(|e| panic!("{e}: {policy:#}")) else {
                assert!(past.is_none(), "policy {number}: {past:?} {policy:#}");
                closed += 1;
                continue;
            };
            let probe = Probe::read(&found.witness.json()).expect("a request");
            assert!(document.allows(&probe), "policy {number}: {found:#?} {policy:#}");
            let context = &found.witness.context;
            let ours = |key: &str, values: &[&str]| values.iter().any(|v| context.get(key) == Some(&json!(v)));
            assert!(!ours("aws:PrincipalOrgID", &[ORG]) && !ours("aws:SourceAccount", &[HERE]), "{found:#?}");
            assert!(!ours("aws:SourceVpce", &["vpce-1", "vpce-2"]), "{found:#?}");
            let who = found.witness.principal.as_deref().expect("somebody");
            assert!(!who.contains(HERE) && !who.contains("222233334444") && !who.contains("sns."), "{found:#?}");
            opened += 1;
        }
    }
    assert!(opened > 200 && closed > 200, "{opened} {closed}");
}
