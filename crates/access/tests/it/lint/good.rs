//! Policies as AWS's guides write them: a well-written one gets no remark.

use serde_json::{Value, json};
use yagura_access::lint::{PolicyType, lint};

fn policies() -> Vec<(&'static str, PolicyType, Value)> {
    use PolicyType::{Endpoint, Identity, Resource, ResourceControl, ServiceControl, Trust};
    let root = "arn:aws:iam::111122223333:root";
    vec![
        (
            "one bucket, read and write",
            Identity,
            json!([
                {"Sid": "ListObjectsInBucket", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::amzn-s3-demo-bucket"},
                {"Sid": "AllObjectActions", "Effect": "Allow", "Action": "s3:*Object", "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*"},
            ]),
        ),
        (
            "a home folder for each user",
            Identity,
            json!([
                {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], "Resource": "*"},
                {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::amzn-s3-demo-bucket",
                 "Condition": {"StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}}},
                {"Effect": "Allow", "Action": "s3:*", "Resource": [
                    "arn:aws:s3:::amzn-s3-demo-bucket/home/${aws:username}",
                    "arn:aws:s3:::amzn-s3-demo-bucket/home/${aws:username}/*",
                ]},
            ]),
        ),
        (
            "start and stop one's own instances",
            Identity,
            json!([
                {"Effect": "Allow", "Action": ["ec2:StartInstances", "ec2:StopInstances"], "Resource": "arn:aws:ec2:*:*:instance/*",
                 "Condition": {"StringEquals": {"aws:ResourceTag/Owner": "${aws:username}"}}},
                {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"},
            ]),
        ),
        (
            "deny all outside two Regions",
            ServiceControl,
            json!([{"Sid": "DenyAllOutsideRequestedRegions", "Effect": "Deny",
                "NotAction": ["cloudfront:*", "iam:*", "route53:*", "support:*", "organizations:*", "sts:*"], "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "ap-northeast-1"]},
                    "ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/Role1AllowedToBypassThisSCP"}}}]),
        ),
        (
            "manage one's own MFA, and nothing before it is used",
            Identity,
            json!([
                {"Sid": "AllowViewAccountInfo", "Effect": "Allow", "Action": "iam:ListVirtualMFADevices", "Resource": "*"},
                {"Sid": "AllowManageOwnVirtualMFADevice", "Effect": "Allow", "Action": "iam:CreateVirtualMFADevice",
                 "Resource": "arn:aws:iam::*:mfa/*"},
                {"Sid": "AllowManageOwnUserMFA", "Effect": "Allow",
                 "Action": ["iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"],
                 "Resource": "arn:aws:iam::*:user/${aws:username}"},
                {"Sid": "DenyAllExceptListedIfNoMFA", "Effect": "Deny",
                 "NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices",
                    "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"],
                 "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
            ]),
        ),
        (
            "tags of two projects only",
            Identity,
            json!([{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"StringEquals": {"aws:RequestTag/environment": ["preprod", "production"]},
                    "ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "costcenter"]}}}]),
        ),
        (
            "pass one role to one service",
            Identity,
            json!([
                {"Effect": "Allow", "Action": ["iam:GetRole", "iam:PassRole"], "Resource": "arn:aws:iam::111122223333:role/EC2-roles-for-XYZ-*"},
                {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                 "Condition": {"StringEquals": {"iam:PassedToService": "cloudwatch.amazonaws.com"}}},
            ]),
        ),
        (
            "a function's role",
            Identity,
            json!([
                {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "arn:aws:logs:ap-northeast-1:111122223333:*"},
                {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                 "Resource": "arn:aws:logs:ap-northeast-1:111122223333:log-group:/aws/lambda/app:*"},
                {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                 "Resource": ["arn:aws:dynamodb:ap-northeast-1:111122223333:table/orders", "arn:aws:dynamodb:ap-northeast-1:111122223333:table/orders/index/*"]},
                {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "arn:aws:kms:ap-northeast-1:111122223333:key/*",
                 "Condition": {"StringEquals": {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"}, "StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b/*"}}},
                {"Effect": "Allow", "Action": ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"], "Resource": "*"},
                {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": "arn:aws:sqs:ap-northeast-1:111122223333:jobs"},
                {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:app-??????"},
                {"Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:GetParametersByPath"], "Resource": "arn:aws:ssm:ap-northeast-1:111122223333:parameter/app/*"},
            ]),
        ),
        (
            "rows of one's own",
            Identity,
            json!([{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"],
                "Resource": "arn:aws:dynamodb:us-west-2:111122223333:table/GameScores",
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${www.amazon.com:user_id}"]}, "Null": {"dynamodb:LeadingKeys": "false"}}}]),
        ),
        (
            "users with a boundary, within dates",
            Identity,
            json!([
                {"Effect": "Allow", "Action": ["iam:CreateUser", "iam:AttachUserPolicy"], "Resource": "arn:aws:iam::111122223333:user/staff/*",
                 "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/Boundary"}}},
                {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
                 "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}},
                {"Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:*:111122223333:alerts",
                 "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-04-01T00:00:00Z"}, "DateLessThan": {"aws:CurrentTime": "2026-06-30T23:59:59Z"}}},
                {"Effect": "Allow", "Action": "iam:CreateServiceLinkedRole", "Resource": "arn:aws:iam::*:role/aws-service-role/*",
                 "Condition": {"StringLike": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}}},
            ]),
        ),
        (
            "launch only some instances",
            Identity,
            json!([
                {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "arn:aws:ec2:*:*:instance/*",
                 "Condition": {"StringEquals": {"ec2:InstanceType": ["t3.micro", "t3.small"], "ec2:MetadataHttpTokens": "required"}}},
                {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": ["arn:aws:ec2:*::image/ami-*", "arn:aws:ec2:*:*:subnet/*",
                    "arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:volume/*", "arn:aws:ec2:*:*:key-pair/*", "arn:aws:ec2:*:*:security-group/*"]},
            ]),
        ),
        (
            "roles that people assume, read-only consoles",
            Identity,
            json!([
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::444455556666:role/UpdateApp"},
                {"Effect": "Allow", "Action": ["cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "ec2:Describe*", "tag:GetResources"], "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:ResourceAccount": "111122223333"}}},
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]}, "Bool": {"aws:ViaAWSService": "false"}}},
            ]),
        ),
        (
            "a bucket of an organization, over TLS",
            Resource,
            json!([
                {"Sid": "Read for the organization", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
                 "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}},
                {"Sid": "TLS only", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                 "Condition": {"Bool": {"aws:SecureTransport": "false"}, "NumericLessThanIfExists": {"s3:TlsVersion": 1.2}}},
                {"Sid": "Trail", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject",
                 "Resource": "arn:aws:s3:::b/AWSLogs/111122223333/*",
                 "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"}}},
            ]),
        ),
        (
            "a bucket that only two VPC endpoints and one role reach",
            Resource,
            json!([{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                "Condition": {"StringNotEquals": {"aws:SourceVpce": ["vpce-1111111", "vpce-2222222"]}, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/Admin"}}}]),
        ),
        (
            "a key",
            Resource,
            json!([
                {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
                {"Sid": "Allow grants for AWS resources", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/App"},
                 "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*", "Condition": {"Bool": {"kms:GrantIsForAWSResource": true}}},
            ]),
        ),
        (
            "a queue that a topic fills",
            Resource,
            json!([{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-2:111122223333:q",
                "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-2:111122223333:t"}}}]),
        ),
        (
            "GitHub's workflows",
            Trust,
            json!([{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                    "StringLike": {"token.actions.githubusercontent.com:sub": "repo:octo-org/octo-repo:ref:refs/heads/octo-branch-*"}}}]),
        ),
        (
            "GitLab, Terraform Cloud, EKS, Cognito, SAML",
            Trust,
            json!([
                {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
                 "Condition": {"StringEquals": {"gitlab.com:aud": "https://gitlab.com"}, "StringLike": {"gitlab.com:sub": "project_path:mygroup/*:ref_type:branch:ref:main"}}},
                {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/app.terraform.io"}, "Action": "sts:AssumeRoleWithWebIdentity",
                 "Condition": {"StringEquals": {"app.terraform.io:aud": "aws.workload.identity"}, "StringLike": {"app.terraform.io:sub": "organization:acme:project:*:workspace:*:run_phase:*"}}},
                {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"},
                 "Action": "sts:AssumeRoleWithWebIdentity",
                 "Condition": {"StringEquals": {"oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE:aud": "sts.amazonaws.com"},
                    "StringLike": {"oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE:sub": "system:serviceaccount:default:*"}}},
                {"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
                 "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:12345678-abcd"}, "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}},
                {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/Okta"}, "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
                 "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}},
            ]),
        ),
        (
            "a third party with an external id, and a service",
            Trust,
            json!([
                {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"sts:ExternalId": "12345"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}},
                {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"},
            ]),
        ),
        (
            "everything for accounts of an organization, at its root",
            ServiceControl,
            json!([
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Sid": "DenyLeaving", "Effect": "Deny", "Action": ["organizations:LeaveOrganization", "cloudtrail:StopLogging", "guardduty:Delete*"], "Resource": "*"},
                {"Sid": "DenyRoot", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}},
            ]),
        ),
        (
            "only the organization reaches our data",
            ResourceControl,
            json!([{"Sid": "EnforceOrgIdentities", "Effect": "Deny", "Principal": "*", "Action": ["s3:*", "sqs:*", "kms:*", "secretsmanager:*", "sts:AssumeRole"], "Resource": "*",
                "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}]),
        ),
        (
            "an endpoint of VPC",
            Endpoint,
            json!([
                {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}},
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::prod-ap-northeast-1-starport-layer-bucket/*"},
            ]),
        ),
    ]
}

#[test]
fn a_well_written_policy_gets_no_remark() {
    let mut said = Vec::new();
    for (name, kind, statements) in policies() {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        for remark in lint(&document, kind) {
            said.push(format!("{name}: {} at {}: {}", remark.code, remark.at, remark.text.en));
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn their_kinds_are_guessed() {
    for (name, kind, statements) in policies() {
        let wanted = match kind {
            PolicyType::ServiceControl => PolicyType::Identity,
            PolicyType::ResourceControl | PolicyType::Endpoint => PolicyType::Resource,
            kind => kind,
        };
        assert_eq!(PolicyType::guess(&json!({"Statement": statements})), wanted, "{name}");
    }
}
