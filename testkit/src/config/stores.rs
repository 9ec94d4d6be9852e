//! Where data and messages are, the keys to them, and the guards of the account.

use super::{Moment, Recorded, existing, id_of, key_arn, millis};
use crate::company::{
    detector,
    flaws::{CUSTOMER_BUCKET, PUBLIC_BUCKET},
    outside_policy,
    world::{Asset, DEV, PROD, Place, TOKYO},
};
use chrono::Duration;
use serde_json::{Value, json};

pub(crate) fn items(place: &Place, moment: Moment) -> Vec<Recorded> {
    let mut all: Vec<Recorded> = existing(place, "bucket", moment).map(|a| bucket(place, a, moment)).collect();
    all.extend(existing(place, "database", moment).map(|a| database(place, a, moment)));
    all.extend(existing(place, "database", moment).map(|a| snapshot(place, a, moment)));
    all.extend(existing(place, "key", moment).map(|a| key(place, a, moment)));
    all.extend(existing(place, "topic", moment).map(|a| topic(place, a, moment)));
    all.extend(existing(place, "queue", moment).map(|a| queue(place, a, moment)));
    all.extend(existing(place, "secret", moment).map(|a| secret(place, a, moment)));
    all
}

/// The account's guards in this Region: trail, recorder, detector.
pub(crate) fn guards(place: &Place, moment: Moment) -> Vec<Recorded> {
    let account = place.account.id;
    let mut all = Vec::new();
    if place.region == TOKYO {
        let arn = place.arn("cloudtrail", "trail/minato-trail");
        let configuration = json!({
            "name": "minato-trail", "s3BucketName": "minato-security-cloudtrail", "s3KeyPrefix": Value::Null, "snsTopicName": Value::Null,
            "includeGlobalServiceEvents": true, "isMultiRegionTrail": true, "homeRegion": place.region, "trailARN": arn,
            "logFileValidationEnabled": account != DEV.id, "cloudWatchLogsLogGroupArn": Value::Null, "cloudWatchLogsRoleArn": Value::Null,
            "kmsKeyId": if account == DEV.id { Value::Null } else { json!(key_arn(place, 0)) }, "hasCustomEventSelectors": true,
            "hasInsightSelectors": false, "isOrganizationTrail": false});
        all.push(Recorded {
            name: Some("minato-trail".to_owned()),
            ..Recorded::new("AWS::CloudTrail::Trail", "minato-trail", arn, configuration)
        });
    }
    let role = format!("arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig");
    let configuration = json!({
        "Name": "default", "RoleARN": role, "Recording": true,
        "RecordingGroup": {"AllSupported": true, "IncludeGlobalResourceTypes": place.region == TOKYO, "ResourceTypes": []}});
    let arn = place.arn("config", "configuration-recorder/default");
    all.push(Recorded::new("AWS::Config::ConfigurationRecorder", "default", arn, configuration));
    // The attack suspends it; dev never had it in Virginia.
    if !(account == DEV.id && place.region != TOKYO) {
        let id = detector(account, place.region);
        let enabled = moment.first || account != PROD.id || place.region != TOKYO;
        let configuration = json!({"Id": id, "Enable": enabled, "FindingPublishingFrequency": "FIFTEEN_MINUTES"});
        all.push(Recorded::new(
            "AWS::GuardDuty::Detector",
            &id,
            place.arn("guardduty", &format!("detector/{id}")),
            configuration,
        ));
    }
    all
}

fn flags(on: bool) -> Value {
    json!({"blockPublicAcls": on, "ignorePublicAcls": on, "blockPublicPolicy": on, "restrictPublicBuckets": on})
}

fn lifecycle() -> Value {
    let rule = json!({"id": "old-versions", "status": "Enabled", "prefix": "", "expirationInDays": -1, "noncurrentVersionExpirationInDays": 180,
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}});
    json!({"rules": [rule]})
}

fn bucket(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let (weak, arn) = (a.weak(moment.first), format!("arn:aws:s3:::{}", a.name));
    let robbed = a.name == CUSTOMER_BUCKET && !moment.first;
    let policy = if robbed {
        outside_policy()
    } else if a.name == PUBLIC_BUCKET && weak {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "Campaign", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("{arn}/*")}]})
            .to_string()
    } else {
        json!({"Version": "2012-10-17", "Statement": [{"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})
        .to_string()
    };
    let algorithm = if weak {
        json!({"sseAlgorithm": "AES256", "kmsMasterKeyID": Value::Null})
    } else {
        json!({"sseAlgorithm": "aws:kms", "kmsMasterKeyID": key_arn(place, 0)})
    };
    let owner = json!({"id": format!("{}minato", place.account.id), "displayName": Value::Null});
    let acl = json!({"grantSet": Value::Null, "grantList": [{"grantee": owner, "permission": "FullControl"}], "owner": owner, "isRequesterCharged": false});
    let log = if weak { Value::Null } else { json!(format!("minato-{}-access-logs", place.account.env)) };
    let supplementary = json!({
        "AccessControlList": acl.to_string(),
        "BucketAccelerateConfiguration": {"status": Value::Null},
        "BucketLifecycleConfiguration": if a.n.is_multiple_of(4) { Value::Null } else { lifecycle() },
        "BucketLoggingConfiguration": {"destinationBucketName": log, "logFilePrefix": if weak { Value::Null } else { json!(format!("{}/", a.name)) }},
        "BucketPolicy": {"policyText": policy},
        "BucketVersioningConfiguration": {"status": if weak { "Off" } else { "Enabled" }, "isMfaDeleteEnabled": Value::Null},
        "IsRequesterPaysEnabled": false,
        "PublicAccessBlockConfiguration": flags(!weak && !robbed),
        "ServerSideEncryptionConfiguration": {"rules": [{"applyServerSideEncryptionByDefault": algorithm, "bucketKeyEnabled": !weak}]}});
    let configuration = json!({"name": a.name, "owner": owner, "creationDate": "2023-04-01T00:00:00.000Z"});
    let mut item = Recorded::of("AWS::S3::Bucket", a, place, arn, configuration).with(supplementary);
    if matches!(a.name.as_str(), PUBLIC_BUCKET | CUSTOMER_BUCKET) {
        item.tags["DataClass"] = json!("個人情報");
        item.tags["Team"] = json!("会員基盤チーム");
        item.tags["Owner"] = json!("suzuki.misaki");
    }
    item
}

fn database(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let weak = a.weak(moment.first);
    let public = weak && place.account.id == DEV.id;
    let arn = place.arn("rds", &format!("db:{}", a.name));
    let prod = place.account.id == PROD.id;
    let configuration = json!({
        "dBInstanceIdentifier": a.name, "dBInstanceClass": "db.t4g.medium", "engine": "postgres", "dBInstanceStatus": "available",
        "masterUsername": "minato", "dBName": "minato", "endpoint": {"address": format!("{}.{}.rds.amazonaws.com", a.name, place.region), "port": 5432},
        "allocatedStorage": 100, "instanceCreateTime": millis(moment.end - Duration::days(300)), "preferredBackupWindow": "17:00-17:30",
        "backupRetentionPeriod": if weak { 0 } else { 14 }, "dBSecurityGroups": [],
        "vpcSecurityGroups": [{"vpcSecurityGroupId": id_of(place, "group", 2), "status": "active"}],
        "dBSubnetGroup": {"dBSubnetGroupName": "minato-db", "vpcId": id_of(place, "vpc", 0), "subnetGroupStatus": "Complete"},
        "multiAZ": prod && !weak, "engineVersion": "16.9", "autoMinorVersionUpgrade": !weak, "publiclyAccessible": public, "storageType": "gp3",
        "dbInstancePort": 0, "storageEncrypted": !weak, "kmsKeyId": if weak { Value::Null } else { json!(key_arn(place, 0)) },
        "dbiResourceId": a.id, "cACertificateIdentifier": "rds-ca-rsa2048-g1", "copyTagsToSnapshot": true, "monitoringInterval": if prod { 60 } else { 0 },
        "dBInstanceArn": arn, "iAMDatabaseAuthenticationEnabled": !weak, "performanceInsightsEnabled": prod, "deletionProtection": prod && !weak,
        "enabledCloudwatchLogsExports": if weak { json!([]) } else { json!(["postgresql", "upgrade"]) }});
    Recorded::of("AWS::RDS::DBInstance", a, place, arn, configuration).in_vpc(&id_of(place, "vpc", 0))
}

fn snapshot(place: &Place, db: &Asset, moment: Moment) -> Recorded {
    let name = format!("{}-before-release", db.name);
    let arn = place.arn("rds", &format!("snapshot:{name}"));
    let encrypted = !db.weak(moment.first);
    let configuration = json!({
        "dBSnapshotIdentifier": name, "dBInstanceIdentifier": db.name, "snapshotCreateTime": millis(moment.end - Duration::days(20)), "engine": "postgres",
        "allocatedStorage": 100, "status": "available", "port": 5432, "snapshotType": "manual", "encrypted": encrypted,
        "kmsKeyId": if encrypted { json!(key_arn(place, 0)) } else { Value::Null }, "dBSnapshotArn": arn, "iAMDatabaseAuthenticationEnabled": true});
    let item =
        Recorded { name: Some(name.clone()), ..Recorded::new("AWS::RDS::DBSnapshot", &name, arn, configuration) };
    item.with(json!({"DBSnapshotAttributes": [{"attributeName": "restore", "attributeValues": []}]}))
}

fn key(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let arn = place.arn("kms", &format!("key/{}", a.id));
    let configuration = json!({
        "awsaccountId": place.account.id, "keyId": a.id, "arn": arn, "creationDate": millis(moment.end - Duration::days(500)), "enabled": true,
        "description": a.name, "keyUsage": "ENCRYPT_DECRYPT", "keyState": "Enabled", "origin": "AWS_KMS", "keyManager": "CUSTOMER",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keySpec": "SYMMETRIC_DEFAULT", "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "multiRegion": false});
    let statement = json!({"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", place.account.id)}, "Action": "kms:*", "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}).to_string();
    Recorded::of("AWS::KMS::Key", a, place, arn, configuration)
        .with(json!({"Policy": policy, "KeyRotationStatus": !a.weak(moment.first)}))
}

fn topic(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let arn = place.arn("sns", &a.name);
    let owner = json!({"Sid": "owner", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sns:Publish", "sns:Subscribe"], "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": place.account.id}}});
    let key = if a.weak(moment.first) { "" } else { "alias/aws/sns" };
    let configuration = json!({
        "TopicArn": arn, "Owner": place.account.id, "DisplayName": "", "KmsMasterKeyId": key, "SubscriptionsConfirmed": "1", "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0", "Policy": json!({"Version": "2008-10-17", "Statement": [owner]}).to_string()});
    Recorded { id: arn.clone(), ..Recorded::of("AWS::SNS::Topic", a, place, arn, configuration) }
}

fn queue(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let arn = place.arn("sqs", &a.name);
    let url = format!("https://sqs.{}.amazonaws.com/{}/{}", place.region, place.account.id, a.name);
    let managed = if a.weak(moment.first) { "false" } else { "true" };
    let configuration = json!({
        "QueueArn": arn, "QueueName": a.name, "QueueUrl": url, "SqsManagedSseEnabled": managed, "MessageRetentionPeriod": 345_600,
        "VisibilityTimeout": 60, "DelaySeconds": 0, "MaximumMessageSize": 262_144, "ReceiveMessageWaitTimeSeconds": 20});
    Recorded { id: url, ..Recorded::of("AWS::SQS::Queue", a, place, arn, configuration) }
}

fn secret(place: &Place, a: &Asset, moment: Moment) -> Recorded {
    let rotated = !a.weak(moment.first);
    let configuration = json!({
        "Name": a.name, "ARN": a.id, "Description": format!("{} の認証情報", a.team), "KMSKeyId": key_arn(place, 1), "RotationEnabled": rotated,
        "RotationRules": if rotated { json!({"AutomaticallyAfterDays": 60}) } else { Value::Null }, "RotationOccurringAsScheduled": rotated});
    Recorded::of("AWS::SecretsManager::Secret", a, place, a.id.clone(), configuration)
}
