//! Which actions a trail shows by itself, which only when data events are logged, and which never.
//!
//! `docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html`, and the services' pages
//! on logging by CloudTrail. An action that isn't here is taken for one whose calls are management events.

/// Whether a trail shows that an action was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Logged {
    /// Always: its calls are management events.
    Management,
    /// Only if the trail is told to log data events of its kind.
    Data,
    /// Its use leaves no event of its own, or none that tells of it for certain.
    Never,
}

/// Beginnings of the names of data events' actions; a name that ends with `$` is meant as a whole.
const DATA: &[(&str, &[&str])] = &[
    ("appconfig", &["GetLatestConfiguration$", "StartConfigurationSession$"]),
    ("bedrock", &["InvokeAgent", "InvokeFlow", "InvokeInlineAgent", "Retrieve", "ApplyGuardrail$", "Rerank$"]),
    (
        "cloudwatch",
        &["GetMetricData$", "GetMetricStatistics$", "GetMetricWidgetImage$", "ListMetrics$", "PutMetricData$"],
    ),
    ("cognito-identity", &["GetCredentialsForIdentity$", "GetId$", "GetOpenIdToken"]),
    (
        "dynamodb",
        &[
            "BatchGetItem$",
            "BatchWriteItem$",
            "ConditionCheckItem$",
            "DeleteItem$",
            "GetItem$",
            "GetRecords$",
            "GetShardIterator$",
            "PartiQL",
            "PutItem$",
            "Query$",
            "Scan$",
            "UpdateItem$",
        ],
    ),
    ("ebs", &["GetSnapshotBlock$", "ListChangedBlocks$", "ListSnapshotBlocks$", "PutSnapshotBlock$"]),
    ("geo", &[""]),
    ("geo-maps", &[""]),
    ("geo-places", &[""]),
    ("geo-routes", &[""]),
    ("iot", &["DeleteThingShadow$", "GetThingShadow$", "Publish$", "UpdateThingShadow$"]),
    ("kendra", &["Query$", "Retrieve$"]),
    ("kinesis", &["GetRecords$", "GetShardIterator$", "PutRecord", "SubscribeToShard$"]),
    ("kinesisvideo", &["Get", "PutMedia$"]),
    ("lambda", &["Invoke"]),
    ("rds-data", &[""]),
    (
        "s3",
        &[
            "AbortMultipartUpload$",
            "DeleteObject",
            "GetObject",
            "ListBucket$",
            "ListBucketMultipartUploads$",
            "ListBucketVersions$",
            "ListMultipartUploadParts$",
            "PutObject",
            "RestoreObject$",
            "UpdateObject",
        ],
    ),
    ("s3-object-lambda", &[""]),
    ("s3-outposts", &["AbortMultipartUpload$", "DeleteObject", "GetObject", "ListBucket$", "PutObject"]),
    ("s3express", &["CreateSession$"]),
    ("s3tables", &["GetTableData$", "PutTableData$"]),
    ("s3vectors", &["DeleteVectors$", "GetVectors$", "ListVectors$", "PutVectors$", "QueryVectors$"]),
    (
        "sagemaker",
        &["BatchGetRecord$", "BatchPutMetrics$", "DeleteRecord$", "GetRecord$", "InvokeEndpoint", "PutRecord$"],
    ),
    ("sns", &["Publish$"]),
    ("sqs", &["ChangeMessageVisibility$", "DeleteMessage$", "ReceiveMessage$", "SendMessage$"]),
    ("ssmmessages", &[""]),
    ("timestream", &["Select", "WriteRecords$"]),
    ("xray", &["GetTraceSummaries$", "PutTelemetryRecords$", "PutTraceSegments$"]),
];

const NEVER: &[(&str, &[&str])] = &[
    ("aoss", &["APIAccessAll$", "DashboardsAccessAll$"]),
    ("aps", &["QueryMetrics$", "RemoteWrite$", "GetLabels$", "GetMetricMetadata$", "GetSeries$"]),
    ("aws-marketplace", &["MeterUsage$", "BatchMeterUsage$"]),
    // Reading what tables there are takes what reading their rows does.
    ("cassandra", &["Select", "Modify"]),
    ("cloudshell", &[""]),
    ("cognito-sync", &["SubscribeToDataset$"]),
    (
        "dax",
        &[
            "BatchGetItem$",
            "BatchWriteItem$",
            "ConditionCheckItem$",
            "DeleteItem$",
            "GetItem$",
            "PutItem$",
            "Query$",
            "Scan$",
            "UpdateItem$",
        ],
    ),
    ("ec2messages", &[""]),
    ("elasticache", &["Connect$"]),
    ("elasticfilesystem", &["Client"]),
    ("es", &["ESHttp"]),
    ("events", &["PutEvents$"]),
    ("execute-api", &[""]),
    ("firehose", &["PutRecord"]),
    // Passing a role is told by the call that passes it, which not every service does.
    ("iam", &["PassRole$"]),
    ("iot", &["Connect$", "Receive$", "RetainPublish$", "Subscribe$"]),
    ("kafka-cluster", &[""]),
    ("logs", &["FilterLogEvents$", "GetLogEvents$", "PutLogEvents$", "Unmask$", "StartLiveTail$"]),
    ("memorydb", &["Connect$"]),
    ("mobileanalytics", &[""]),
    ("neptune-db", &[""]),
    ("rds-db", &[""]),
    // Permissions beside a call's own.
    ("s3", &["BypassGovernanceRetention$", "ObjectOwnerOverrideToBucketOwner$", "Replicate", "InitiateReplication$"]),
    // Tags and identities that come with a session; calls that anybody may make.
    (
        "sts",
        &[
            "GetCallerIdentity$",
            "GetServiceBearerToken$",
            "GetSessionToken$",
            "SetContext$",
            "SetSourceIdentity$",
            "TagSession$",
        ],
    ),
    ("verifiedpermissions", &["IsAuthorized"]),
    ("vpc-lattice-svcs", &[""]),
    ("workspaces", &["Stream$"]),
];

/// What is logged of one service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    data: &'static [&'static str],
    never: &'static [&'static str],
}

impl Service {
    pub fn of(prefix: &str) -> Service {
        let words = |table: &'static [(&'static str, &'static [&'static str])]| {
            table.iter().find(|(of, _)| *of == prefix).map_or(&[][..], |(_, words)| words)
        };
        Service { data: words(DATA), never: words(NEVER) }
    }

    /// Whether a trail shows that the action of this name was used.
    pub fn logged(self, name: &str) -> Logged {
        let is = |words: &[&str]| {
            words.iter().any(|word| match word.strip_suffix('$') {
                Some(whole) => whole == name,
                None => name.starts_with(word),
            })
        };
        if is(self.never) {
            Logged::Never
        } else if is(self.data) {
            Logged::Data
        } else {
            Logged::Management
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn the_tables_speak_of_what_the_catalogue_has() {
        for (service, words) in DATA.iter().chain(NEVER) {
            for word in *words {
                let pattern = word.strip_suffix('$').map_or_else(|| format!("{word}*"), str::to_owned);
                assert!(!catalogue::expand(&format!("{service}:{pattern}")).is_empty(), "{service}:{word}");
            }
        }
    }
}
