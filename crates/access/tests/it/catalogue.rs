//! What the catalogue of AWS's actions holds.

use serde_json::json;
use std::path::Path;
use yagura_access::catalogue::{self, Level};
use yagura_access::{Case, Outcome};

#[test]
fn holds_as_much_as_aws_has() {
    let services = catalogue::services().count();
    let actions = catalogue::expand("*").len();
    assert!((400..700).contains(&services), "{services}");
    assert!((18_000..30_000).contains(&actions), "{actions}");
    assert_eq!(catalogue::expand("*:*").len(), actions);
    for service in catalogue::services() {
        assert!(!catalogue::expand(&format!("{service}:*")).is_empty(), "{service}");
    }
    let level = |level| catalogue::expand("*").iter().filter(|a| a.level == level).count();
    for wanted in [Level::List, Level::Read, Level::Tagging, Level::Write, Level::Permissions] {
        assert!(level(wanted) > 400, "{} {}", wanted.as_str(), level(wanted));
    }
}

/// One of AWS's actions has a hyphen, others an underscore.
#[test]
fn every_action_is_covered_by_its_name_and_by_its_services_wildcard() {
    for action in catalogue::expand("*") {
        let pattern = format!("{}:*", action.service);
        for text in [action.full(), pattern] {
            let policy = json!({"Statement": {"Effect": "Allow", "Action": text, "Resource": "*"}});
            let case = json!({"principal": "arn:aws:iam::111122223333:user/a", "action": action.full(), "resource": "*",
                "resourceAccount": "111122223333", "identityPolicies": [{"name": "p", "policy": policy}]});
            let answer = Case::read(&case).and_then(|case| case.judge()).expect("an answer");
            assert_eq!(answer.outcome, Outcome::Allowed, "{text} {}", action.full());
        }
    }
}

#[test]
fn knows_which_services_resource_control_policies_bind() {
    for bound in ["s3", "sts", "kms", "SQS", "secretsmanager", "ecr", "aoss", "dynamodb", "logs"] {
        assert!(catalogue::is_bound_by_rcp(bound), "{bound}");
    }
    for free in ["sns", "lambda", "iam", "ec2", "nothing"] {
        assert!(!catalogue::is_bound_by_rcp(free), "{free}");
    }
}

#[test]
fn knows_actions_with_their_resources_and_keys() {
    let get = catalogue::action("S3:getobject").expect("an action in any case");
    assert_eq!((get.full().as_str(), get.level), ("s3:GetObject", Level::Read));
    let table = [
        ("s3:GetObject", "arn:${Partition}:s3:::${BucketName}/${ObjectName}"),
        ("s3:ListBucket", "arn:${Partition}:s3:::${BucketName}"),
        ("iam:PassRole", "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"),
        ("sts:AssumeRole", "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}"),
        ("sqs:SendMessage", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"),
        (
            "logs:PutLogEvents",
            "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}",
        ),
    ];
    for (action, arn) in table {
        let found = catalogue::resources_of(action);
        assert!(found.iter().any(|f| f == arn), "{action} {found:?}");
    }
    for action in ["s3:ListAllMyBuckets", "ec2:DescribeInstances", "sts:GetCallerIdentity"] {
        assert!(catalogue::is_action(action) && catalogue::resources_of(action).is_empty(), "{action}");
    }
    let keys = [
        ("iam:PassRole", "iam:PassedToService"),
        ("s3:ListBucket", "s3:prefix"),
        ("ec2:RunInstances", "ec2:InstanceType"),
        ("kms:Decrypt", "kms:ViaService"),
        ("s3:GetObject", "s3:ExistingObjectTag/*"),
        ("ec2:RunInstances", "aws:RequestTag/*"),
        ("dynamodb:Query", "dynamodb:LeadingKeys"),
    ];
    for (action, key) in keys {
        assert!(catalogue::keys_of(action).contains(&key), "{action} {:?}", catalogue::keys_of(action));
    }
    let taken = catalogue::action("ec2:RunInstances").expect("an action").takes();
    assert!(taken.iter().any(|t| t.name() == "instance" && t.needed));
    assert!(taken.iter().any(|t| t.name() == "key-pair" && !t.needed));
}

#[test]
fn expands_patterns() {
    let names = |pattern| catalogue::expand(pattern).iter().map(|a| a.full()).collect::<Vec<_>>();
    assert_eq!(names("iam:passrole"), ["iam:PassRole"]);
    assert_eq!(names("iam:?assRole"), ["iam:PassRole"]);
    assert_eq!(names("sts:assumerole*"), ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]);
    assert!(names("s3:Got*").is_empty() && names("*:Get*").is_empty() && names("s3").is_empty());
}

#[test]
fn knows_what_is_meant() {
    let table = [
        ("s3:GetObjects", Some("s3:GetObject")),
        ("s3:GteObject", Some("s3:GetObject")),
        ("iam:PasRole", Some("iam:PassRole")),
        ("lamda:InvokeFunction", Some("lambda:InvokeFunction")),
        ("elbv2:DescribeLoadBalancers", Some("elasticloadbalancing:DescribeLoadBalancers")),
        ("cloudwatch:PutLogEvents", Some("logs:PutLogEvents")),
        ("s3:SomethingElseAltogether", None),
        ("nosuchservice:Go", None),
    ];
    for (text, wanted) in table {
        assert_eq!(catalogue::nearest(text).as_deref(), wanted, "{text}");
    }
    assert_eq!(catalogue::nearest_service("dyna"), None);
    assert_eq!(catalogue::nearest_service("dynamodbb"), Some("dynamodb"));
}

/// An action that a playbook needs and that AWS doesn't have would be a playbook that never runs.
#[test]
fn has_every_action_of_the_playbooks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/playbooks");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("playbooks") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        let mut entry = Vec::new();
        // A call's own `action` is what it needs; without one, that is named like its `api`.
        let blocks = text.split("\n[[").skip(1);
        for block in blocks {
            let value = |name: &str| {
                let start = format!("{name} = \"");
                block.lines().find_map(|l| l.strip_prefix(&start)?.split('"').next().map(str::to_owned))
            };
            entry.extend(value("action").or_else(|| value("api")));
        }
        for action in entry {
            seen += 1;
            assert!(catalogue::is_action(&action), "{action}: did you mean {:?}?", catalogue::nearest(&action));
        }
    }
    assert!(seen > 10, "{seen}");
}
