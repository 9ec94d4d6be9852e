//! Resources by the hundred thousand, in the form that `--resources` writes: properties in the CloudFormation schema's
//! shape. For measuring rules, not for stories.

use crate::random::Random;
use serde_json::{Value, json};

const TEAMS: [&str; 4] = ["受注チーム", "在庫管理チーム", "会員基盤チーム", "クラウド基盤チーム"];
const REGIONS: [&str; 2] = ["ap-northeast-1", "us-east-1"];
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

type Maker = fn(&Place<'_>, &mut Random) -> Made;

/// The mix of a grown account: per hundred resources, how many of each kind.
const MIX: [(usize, Maker); 11] = [
    (10, bucket),
    (16, instance),
    (16, group),
    (16, volume),
    (12, role),
    (3, user),
    (9, function),
    (5, database),
    (4, key),
    (5, queue),
    (4, topic),
];

struct Place<'a> {
    account: &'a str,
    region: &'a str,
    n: usize,
}

struct Made {
    kind: &'static str,
    id: String,
    arn: String,
    properties: Value,
    observed: Value,
}

/// `n` resources, the same for the same `seed`, about one in eight with something wrong. All ids differ.
pub fn resources(n: usize, seed: u64) -> Vec<Value> {
    let mut random = Random::of(seed, &["bulk"]);
    let total: usize = MIX.iter().map(|(share, _)| share).sum();
    (0..n)
        .map(|n| {
            let place = Place { account: ACCOUNTS[n % 3], region: REGIONS[usize::from(n % 5 == 4)], n };
            let mut at = random.below(total);
            let make = MIX.iter().find(|(share, _)| {
                let here = at < *share;
                at = at.saturating_sub(*share);
                here
            });
            let made = make.map_or(bucket as Maker, |(_, make)| *make)(&place, &mut random);
            let global = made.kind.starts_with("AWS::IAM::");
            json!({
                "type": made.kind, "id": made.id, "arn": made.arn, "account": place.account,
                "region": if global { "us-east-1" } else { place.region },
                "tags": {"Name": format!("bulk-{n}"), "Team": random.pick(&TEAMS), "Env": if n % 3 == 0 { "prod" } else { "dev" }},
                "properties": made.properties, "observed": made.observed, "relations": []})
        })
        .collect()
}

fn wrong(random: &mut Random) -> bool {
    random.chance(0.125)
}

fn arn(place: &Place<'_>, service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{}:{}:{rest}", place.region, place.account)
}

fn bucket(place: &Place<'_>, random: &mut Random) -> Made {
    let (name, open, plain) = (format!("bulk-bucket-{}", place.n), wrong(random), wrong(random));
    let arn = format!("arn:aws:s3:::{name}");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "TlsOnly", "Effect": if open { "Allow" } else { "Deny" }, "Principal": "*",
        "Action": "s3:*", "Resource": [arn, format!("{arn}/*")], "Condition": {"Bool": {"aws:SecureTransport": open.to_string()}}}]});
    let properties = json!({
        "BucketName": name, "AccessControl": null, "PolicyDocument": policy,
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": !open, "BlockPublicPolicy": !open, "IgnorePublicAcls": !open, "RestrictPublicBuckets": !open},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": null}, "BucketKeyEnabled": true}]},
        "VersioningConfiguration": if plain { Value::Null } else { json!({"Status": "Enabled"}) },
        "LoggingConfiguration": if plain { Value::Null } else { json!({"DestinationBucketName": "bulk-logs", "LogFilePrefix": name}) },
        "LifecycleConfiguration": null, "ReplicationConfiguration": null, "ObjectLockConfiguration": null});
    let grant = json!({"Grantee": {"Type": "CanonicalUser", "URI": null, "ID": "owner"}, "Permission": "FULL_CONTROL"});
    let observed = json!({"Acl": {"Owner": {"ID": "owner"}, "Grants": [grant]}, "PolicyStatus": {"IsPublic": open}, "MfaDelete": null,
        "CreationDate": "2024-04-01T00:00:00Z"});
    Made { kind: "AWS::S3::Bucket", id: name, arn, properties, observed }
}

fn instance(place: &Place<'_>, random: &mut Random) -> Made {
    let (id, old, public) = (format!("i-0{:016x}", place.n), wrong(random), wrong(random));
    let properties = json!({
        "ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.medium", "SubnetId": format!("subnet-0{:016x}", place.n % 64), "KeyName": null,
        "SecurityGroupIds": [format!("sg-0{:016x}", place.n % 512)], "IamInstanceProfile": "bulk", "EbsOptimized": true, "Monitoring": true,
        "SourceDestCheck": true, "MetadataOptions": {"HttpTokens": if old { "optional" } else { "required" }, "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
        "NetworkInterfaces": [{"AssociatePublicIpAddress": public, "DeviceIndex": "0", "GroupSet": [format!("sg-0{:016x}", place.n % 512)]}]});
    let observed = json!({"InstanceId": id, "State": "running", "PublicIpAddress": if public { json!("192.0.2.9") } else { Value::Null },
        "LaunchTime": "2026-01-10T00:00:00Z", "StoppedSince": null, "VpcId": "vpc-00000000000000001"});
    Made { kind: "AWS::EC2::Instance", arn: arn(place, "ec2", &format!("instance/{id}")), id, properties, observed }
}

fn group(place: &Place<'_>, random: &mut Random) -> Made {
    let (id, open) = (format!("sg-0{:016x}", place.n), wrong(random));
    let rule = |port: usize, cidr: &str| json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": cidr});
    let mut ingress = vec![rule(443, "0.0.0.0/0"), rule(8080, "10.0.0.0/8")];
    if open {
        ingress.push(rule(*random.pick(&[22, 3389, 3306, 5432]), "0.0.0.0/0"));
    }
    let properties = json!({
        "GroupId": id, "GroupName": format!("bulk-{}", place.n), "GroupDescription": "bulk", "VpcId": "vpc-00000000000000001",
        "SecurityGroupIngress": ingress, "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]});
    Made {
        kind: "AWS::EC2::SecurityGroup",
        arn: arn(place, "ec2", &format!("security-group/{id}")),
        id,
        properties,
        observed: json!({}),
    }
}

fn volume(place: &Place<'_>, random: &mut Random) -> Made {
    let (id, plain) = (format!("vol-0{:016x}", place.n), wrong(random));
    let properties = json!({"VolumeId": id, "Encrypted": !plain, "KmsKeyId": if plain { Value::Null } else { json!("alias/aws/ebs") }, "Size": 100, "VolumeType": "gp3", "SnapshotId": null});
    let observed = json!({"State": "in-use", "Attachments": [{"InstanceId": format!("i-0{:016x}", place.n)}]});
    Made { kind: "AWS::EC2::Volume", arn: arn(place, "ec2", &format!("volume/{id}")), id, properties, observed }
}

fn role(place: &Place<'_>, random: &mut Random) -> Made {
    let (name, broad) = (format!("bulk-role-{}", place.n), wrong(random));
    let statement = json!({"Effect": "Allow", "Action": if broad { "*" } else { "s3:GetObject" }, "Resource": if broad { "*" } else { "arn:aws:s3:::bulk/*" }});
    let properties = json!({
        "RoleName": name, "Path": "/", "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"], "PermissionsBoundary": null, "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
        "Policies": [{"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]});
    let observed = json!({"CreateDate": "2024-04-01T00:00:00Z", "LastUsedDate": "2026-01-10T00:00:00Z"});
    Made {
        kind: "AWS::IAM::Role",
        arn: format!("arn:aws:iam::{}:role/{name}", place.account),
        id: name,
        properties,
        observed,
    }
}

fn user(place: &Place<'_>, random: &mut Random) -> Made {
    let (name, lax) = (format!("bulk-user-{}", place.n), wrong(random));
    let properties = json!({"UserName": name, "Path": "/", "Groups": ["developers"], "ManagedPolicyArns": [], "Policies": [], "PermissionsBoundary": null, "LoginProfile": {}});
    let key = json!({"Id": null, "Active": lax, "CreateDate": "2023-04-01T00:00:00Z", "LastRotated": "2023-04-01T00:00:00Z", "LastUsedDate": null});
    let observed = json!({
        "CreateDate": "2023-04-01T00:00:00Z", "PasswordEnabled": true, "PasswordLastUsed": "2026-01-10T00:00:00Z", "PasswordLastChanged": "2025-11-01T00:00:00Z",
        "MfaActive": !lax, "MfaDevices": [], "AccessKeys": [key]});
    Made {
        kind: "AWS::IAM::User",
        arn: format!("arn:aws:iam::{}:user/{name}", place.account),
        id: name,
        properties,
        observed,
    }
}

fn function(place: &Place<'_>, random: &mut Random) -> Made {
    let (name, old) = (format!("bulk-function-{}", place.n), wrong(random));
    let arn = arn(place, "lambda", &format!("function:{name}"));
    let allowed = json!({"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceAccount": place.account}}});
    let properties = json!({
        "FunctionName": name, "Runtime": if old { "python3.8" } else { "python3.13" }, "Role": format!("arn:aws:iam::{}:role/bulk", place.account), "Handler": "index.handler",
        "Timeout": 30, "MemorySize": 256, "PackageType": "Zip", "Architectures": ["arm64"], "Layers": [], "KmsKeyArn": null, "DeadLetterConfig": null,
        "TracingConfig": {"Mode": "Active"}, "VpcConfig": {"SubnetIds": ["subnet-00000000000000001"], "SecurityGroupIds": ["sg-00000000000000001"]},
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}});
    Made {
        kind: "AWS::Lambda::Function",
        id: name,
        arn,
        properties,
        observed: json!({"LastModified": "2026-01-10T00:00:00Z", "State": "Active"}),
    }
}

fn database(place: &Place<'_>, random: &mut Random) -> Made {
    let (name, weak) = (format!("bulk-db-{}", place.n), wrong(random));
    let properties = json!({
        "DBInstanceIdentifier": name, "DBInstanceClass": "db.t4g.medium", "Engine": "postgres", "EngineVersion": "16.9", "AllocatedStorage": "100", "StorageType": "gp3",
        "StorageEncrypted": !weak, "KmsKeyId": null, "PubliclyAccessible": weak, "MultiAZ": !weak, "BackupRetentionPeriod": if weak { 0 } else { 14 }, "Port": "5432",
        "EnableIAMDatabaseAuthentication": true, "DeletionProtection": !weak, "CopyTagsToSnapshot": true, "AutoMinorVersionUpgrade": true, "MonitoringInterval": 60,
        "EnableCloudwatchLogsExports": ["postgresql"], "MasterUsername": "bulk", "DBClusterIdentifier": null, "VPCSecurityGroups": ["sg-00000000000000001"],
        "DBSubnetGroupName": "bulk", "EnablePerformanceInsights": true, "PerformanceInsightsKMSKeyId": null, "CACertificateIdentifier": "rds-ca-rsa2048-g1"});
    let observed = json!({"DBInstanceStatus": "available", "VpcId": "vpc-00000000000000001"});
    Made { kind: "AWS::RDS::DBInstance", arn: arn(place, "rds", &format!("db:{name}")), id: name, properties, observed }
}

fn key(place: &Place<'_>, random: &mut Random) -> Made {
    let id = format!("00000000-0000-4000-8000-{:012x}", place.n);
    let root = json!({"AWS": format!("arn:aws:iam::{}:root", place.account)});
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}]});
    let properties = json!({
        "KeyId": id, "Description": "bulk", "KeyPolicy": policy, "EnableKeyRotation": !wrong(random), "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT", "Enabled": true, "Origin": "AWS_KMS", "MultiRegion": false});
    let observed = json!({"KeyManager": "CUSTOMER", "KeyState": "Enabled", "DeletionDate": null, "CreationDate": "2024-04-01T00:00:00Z"});
    Made { kind: "AWS::KMS::Key", arn: arn(place, "kms", &format!("key/{id}")), id, properties, observed }
}

fn queue(place: &Place<'_>, random: &mut Random) -> Made {
    let name = format!("bulk-queue-{}", place.n);
    let properties = json!({"QueueName": name, "KmsMasterKeyId": null, "SqsManagedSseEnabled": !wrong(random), "MessageRetentionPeriod": 345_600, "VisibilityTimeout": 30, "PolicyDocument": null});
    Made { kind: "AWS::SQS::Queue", arn: arn(place, "sqs", &name), id: name, properties, observed: json!({}) }
}

fn topic(place: &Place<'_>, random: &mut Random) -> Made {
    let name = format!("bulk-topic-{}", place.n);
    let key = if wrong(random) { Value::Null } else { json!("alias/aws/sns") };
    let properties = json!({"TopicName": name, "DisplayName": null, "KmsMasterKeyId": key, "PolicyDocument": null});
    Made { kind: "AWS::SNS::Topic", arn: arn(place, "sns", &name), id: name, properties, observed: json!({}) }
}
