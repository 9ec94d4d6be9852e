//! Events whose action has another name than the event, and sources whose prefix is another than their host's.
//!
//! From AWS's Service Authorization Reference (the actions of each service and the operations that they say they allow)
//! and the services' pages on logging by CloudTrail.

/// Hosts before `.amazonaws.com` to the prefixes of their actions, the likeliest first.
pub const PREFIXES: [(&str, &[&str]); 73] = [
    ("a2i-runtime.sagemaker", &["sagemaker"]),
    ("admin.wickr", &["wickr"]),
    ("agreement-marketplace", &["aws-marketplace"]),
    ("api.detective", &["detective"]),
    ("api.ecr", &["ecr"]),
    ("api.ecr-public", &["ecr-public"]),
    ("api.iotdeviceadvisor", &["iotdeviceadvisor"]),
    ("api.iotmanagedintegrations", &["iotmanagedintegrations"]),
    ("api.iotwireless", &["iotwireless"]),
    ("api.mediatailor", &["mediatailor"]),
    ("api.pricing", &["pricing"]),
    ("api.sagemaker", &["sagemaker"]),
    ("api.tunneling.iot", &["iot"]),
    ("appconfigdata", &["appconfig"]),
    ("appstream2", &["appstream"]),
    // Application Auto Scaling and AWS Auto Scaling log under the same host.
    ("autoscaling", &["autoscaling", "application-autoscaling", "autoscaling-plans"]),
    ("bedrock-agent", &["bedrock"]),
    ("bedrock-agent-runtime", &["bedrock"]),
    ("bedrock-data-automation", &["bedrock"]),
    ("bedrock-runtime", &["bedrock"]),
    ("cassandra-streams", &["cassandra"]),
    ("catalog.marketplace", &["aws-marketplace"]),
    ("cloudcontrolapi", &["cloudformation"]),
    ("cloudhsmv2", &["cloudhsm"]),
    ("cloudsearchdomain", &["cloudsearch"]),
    ("contact-lens", &["connect"]),
    ("controlplane.payment-cryptography", &["payment-cryptography"]),
    ("data.iot", &["iot"]),
    ("data.jobs.iot", &["iotjobsdata", "iot"]),
    ("data.mediastore", &["mediastore"]),
    ("dataplane.payment-cryptography", &["payment-cryptography"]),
    ("deployment-marketplace", &["aws-marketplace"]),
    ("edge.sagemaker", &["sagemaker"]),
    ("email", &["ses"]),
    ("entitlement-marketplace", &["aws-marketplace"]),
    ("entitlement.marketplace", &["aws-marketplace"]),
    ("eventsv2", &["events"]),
    ("featurestore-runtime.sagemaker", &["sagemaker"]),
    ("forecastquery", &["forecast"]),
    ("identity-chime", &["chime"]),
    ("ingest.timestream", &["timestream"]),
    ("iotdata", &["iot"]),
    ("ivsrealtime", &["ivs"]),
    ("lexv2", &["lex"]),
    ("mail-manager", &["ses"]),
    ("media-pipelines-chime", &["chime"]),
    ("meetings-chime", &["chime"]),
    ("memory-db", &["memorydb"]),
    ("messaging-chime", &["chime"]),
    ("metering-marketplace", &["aws-marketplace"]),
    ("metering.marketplace", &["aws-marketplace"]),
    ("metrics.sagemaker", &["sagemaker"]),
    ("migrationhub-config", &["mgh"]),
    ("models-v2-lex", &["lex"]),
    ("models.lex", &["lex"]),
    ("monitoring", &["cloudwatch"]),
    ("mturk-requester", &["mechanicalturk"]),
    ("oidc", &["sso-oauth"]),
    ("personalize-events", &["personalize"]),
    ("personalize-runtime", &["personalize"]),
    ("pinpoint", &["mobiletargeting"]),
    ("query.timestream", &["timestream"]),
    ("rdsdata", &["rds-data"]),
    ("runtime-v2-lex", &["lex"]),
    ("runtime.lex", &["lex"]),
    ("runtime.sagemaker", &["sagemaker"]),
    ("s3-control", &["s3"]),
    ("servicecatalog-appregistry", &["servicecatalog"]),
    ("sms-voice.pinpoint", &["sms-voice"]),
    ("ssmincidents", &["ssm-incidents"]),
    ("streams.dynamodb", &["dynamodb"]),
    ("tagging", &["tag"]),
    ("voice-chime", &["chime"]),
];

/// Events, with the prefix of their source, to the actions that they take: of the same service unless one is named.
pub const ACTIONS: [(&str, &str); 105] = [
    ("bedrock:Converse", "InvokeModel"),
    ("bedrock:ConverseStream", "InvokeModelWithResponseStream"),
    ("bedrock:InvokeModelWithBidirectionalStream", "InvokeModelWithResponseStream"),
    ("bedrock:StartAsyncInvoke", "InvokeModel"),
    ("cloudfront:CreateDistributionWithTags", "CreateDistribution TagResource"),
    ("cloudfront:CreateStreamingDistributionWithTags", "CreateStreamingDistribution TagResource"),
    ("dynamodb:TransactGetItems", "GetItem"),
    ("kms:ReEncrypt", "ReEncryptFrom ReEncryptTo"),
    ("lambda:GetLayerVersionByArn", "GetLayerVersion"),
    ("lambda:Invoke", "InvokeFunction"),
    ("lambda:InvokeWithResponseStream", "InvokeFunction"),
    ("s3:CompleteMultipartUpload", "PutObject"),
    ("s3:CopyObject", "PutObject"),
    ("s3:CreateBucketMetadataConfiguration", "CreateBucketMetadataTableConfiguration"),
    ("s3:CreateMultipartUpload", "PutObject"),
    ("s3:CreateSession", "s3express:CreateSession"),
    ("s3:DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock"),
    ("s3:DeleteBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("s3:DeleteBucketCors", "PutBucketCORS"),
    ("s3:DeleteBucketEncryption", "PutEncryptionConfiguration"),
    ("s3:DeleteBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"),
    ("s3:DeleteBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("s3:DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("s3:DeleteBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("s3:DeleteBucketMetadataConfiguration", "DeleteBucketMetadataTableConfiguration"),
    ("s3:DeleteBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("s3:DeleteBucketOwnershipControls", "PutBucketOwnershipControls"),
    ("s3:DeleteBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("s3:DeleteBucketReplication", "PutReplicationConfiguration"),
    ("s3:DeleteBucketTagging", "PutBucketTagging"),
    ("s3:DeleteMultipleObjects", "DeleteObject"),
    ("s3:DeleteObjects", "DeleteObject"),
    ("s3:DeletePublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("s3:GetBucketAccelerate", "GetAccelerateConfiguration"),
    ("s3:GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("s3:GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration"),
    ("s3:GetBucketEncryption", "GetEncryptionConfiguration"),
    ("s3:GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration"),
    ("s3:GetBucketInventoryConfiguration", "GetInventoryConfiguration"),
    ("s3:GetBucketLifecycle", "GetLifecycleConfiguration"),
    ("s3:GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("s3:GetBucketMetadataConfiguration", "GetBucketMetadataTableConfiguration"),
    ("s3:GetBucketMetricsConfiguration", "GetMetricsConfiguration"),
    ("s3:GetBucketNotificationConfiguration", "GetBucketNotification"),
    ("s3:GetBucketReplication", "GetReplicationConfiguration"),
    ("s3:GetObjectAttributes", "GetObject GetObjectAttributes"),
    ("s3:GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("s3:GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("s3:HeadBucket", "ListBucket"),
    ("s3:HeadObject", "GetObject"),
    ("s3:InitiateMultipartUpload", "PutObject"),
    ("s3:ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration"),
    ("s3:ListBucketIntelligentTieringConfigurations", "GetIntelligentTieringConfiguration"),
    ("s3:ListBucketInventoryConfigurations", "GetInventoryConfiguration"),
    ("s3:ListBucketMetricsConfigurations", "GetMetricsConfiguration"),
    ("s3:ListBuckets", "ListAllMyBuckets"),
    ("s3:ListDirectoryBuckets", "s3express:ListAllMyDirectoryBuckets"),
    ("s3:ListMultipartUploads", "ListBucketMultipartUploads"),
    ("s3:ListObjectVersions", "ListBucketVersions"),
    ("s3:ListObjects", "ListBucket"),
    ("s3:ListObjectsV2", "ListBucket"),
    ("s3:ListParts", "ListMultipartUploadParts"),
    ("s3:PostObject", "PutObject"),
    ("s3:PutBucketAccelerate", "PutAccelerateConfiguration"),
    ("s3:PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"),
    ("s3:PutBucketAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    ("s3:PutBucketEncryption", "PutEncryptionConfiguration"),
    ("s3:PutBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration"),
    ("s3:PutBucketInventoryConfiguration", "PutInventoryConfiguration"),
    ("s3:PutBucketLifecycle", "PutLifecycleConfiguration"),
    ("s3:PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"),
    ("s3:PutBucketMetricsConfiguration", "PutMetricsConfiguration"),
    ("s3:PutBucketNotificationConfiguration", "PutBucketNotification"),
    ("s3:PutBucketReplication", "PutReplicationConfiguration"),
    ("s3:PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"),
    ("s3:PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
    ("s3:SelectObjectContent", "GetObject"),
    ("s3:UploadPart", "PutObject"),
    ("s3:UploadPartCopy", "PutObject"),
    ("s3:WriteGetObjectResponse", "s3-object-lambda:WriteGetObjectResponse"),
    ("s3express:ListDirectoryBuckets", "ListAllMyDirectoryBuckets"),
    ("sns:PublishBatch", "Publish"),
    ("sqs:ChangeMessageVisibilityBatch", "ChangeMessageVisibility"),
    ("sqs:DeleteMessageBatch", "DeleteMessage"),
    ("sqs:SendMessageBatch", "SendMessage"),
    // The control plane of directory buckets, and of S3's objects in them, is allowed by the session alone.
    ("s3express:CompleteMultipartUpload", "CreateSession"),
    ("s3express:CopyObject", "CreateSession"),
    ("s3express:CreateMultipartUpload", "CreateSession"),
    ("s3express:AbortMultipartUpload", "CreateSession"),
    ("s3express:DeleteObject", "CreateSession"),
    ("s3express:DeleteObjects", "CreateSession"),
    ("s3express:GetObject", "CreateSession"),
    ("s3express:GetObjectAttributes", "CreateSession"),
    ("s3express:HeadBucket", "CreateSession"),
    ("s3express:HeadObject", "CreateSession"),
    ("s3express:ListMultipartUploads", "CreateSession"),
    ("s3express:ListObjectsV2", "CreateSession"),
    ("s3express:ListParts", "CreateSession"),
    ("s3express:PutObject", "CreateSession"),
    ("s3express:RenameObject", "CreateSession"),
    ("s3express:UploadPart", "CreateSession"),
    ("s3express:UploadPartCopy", "CreateSession"),
    ("s3express:GetBucketEncryption", "GetEncryptionConfiguration"),
    ("s3express:PutBucketEncryption", "PutEncryptionConfiguration"),
    ("s3express:DeleteBucketEncryption", "PutEncryptionConfiguration"),
];

/// Actions of S3 and those that a call takes in their place when it names a version
/// (`docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html`).
pub const VERSIONED: [(&str, &str); 9] = [
    ("DeleteObject", "DeleteObjectVersion"),
    ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    ("GetObject", "GetObjectVersion"),
    ("GetObjectAcl", "GetObjectVersionAcl"),
    ("GetObjectAttributes", "GetObjectVersionAttributes"),
    ("GetObjectTagging", "GetObjectVersionTagging"),
    ("GetObjectTorrent", "GetObjectVersionTorrent"),
    ("PutObjectAcl", "PutObjectVersionAcl"),
    ("PutObjectTagging", "PutObjectVersionTagging"),
];

/// Events that anybody may cause: the service asks no policy.
pub const FREE: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn the_tables_speak_of_what_the_catalogue_has() {
        assert!(PREFIXES.is_sorted_by_key(|(host, _)| host));
        for prefix in PREFIXES.iter().flat_map(|(_, prefixes)| *prefixes) {
            assert!(catalogue::is_service(prefix), "{prefix}");
        }
        for (event, actions) in ACTIONS {
            let prefix = event.split(':').next().unwrap_or_default();
            for action in actions.split(' ') {
                let full = if action.contains(':') { action.to_owned() } else { format!("{prefix}:{action}") };
                assert!(catalogue::is_action(&full), "{event}: {full}");
            }
        }
        for (plain, versioned) in VERSIONED {
            assert!(catalogue::is_action(&format!("s3:{plain}")) && catalogue::is_action(&format!("s3:{versioned}")));
        }
    }
}
