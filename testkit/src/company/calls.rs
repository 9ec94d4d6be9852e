//! The calls that daily work is made of, as tables. `{name}` in a parameter stands for a thing of the place, see [`fill`].

use super::world::Place;
use crate::random::Random;
use std::fmt::Write;

pub(crate) struct Call<'a> {
    pub service: &'a str,
    pub name: &'a str,
    pub read_only: bool,
    pub request: &'a str,
    pub response: &'a str,
}

pub(crate) const fn read<'a>(service: &'a str, name: &'a str, request: &'a str) -> Call<'a> {
    Call { service, name, read_only: true, request, response: "null" }
}

pub(crate) const fn write<'a>(service: &'a str, name: &'a str, request: &'a str, response: &'a str) -> Call<'a> {
    Call { service, name, read_only: false, request, response }
}

/// What a monitoring service asks every few minutes.
pub(crate) const MONITORING: &[Call<'_>] = &[
    read("monitoring", "GetMetricData", r#"{"startTime":"{time}","endTime":"{time}","scanBy":"TimestampDescending"}"#),
    read("monitoring", "ListMetrics", r#"{"namespace":"AWS/Lambda","recentlyActive":"PT3H"}"#),
    read("ec2", "DescribeInstances", r#"{"maxResults":1000,"instancesSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeInstanceStatus", r#"{"includeAllInstances":true,"instancesSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeVolumes", r#"{"maxResults":500,"volumeSet":{},"filterSet":{}}"#),
    read("rds", "DescribeDBInstances", r#"{"maxRecords":100}"#),
    read("lambda", "ListFunctions20150331", r#"{"maxItems":50}"#),
    read("lambda", "ListTags20170331", r#"{"resource":"{functionarn}"}"#),
    read("sqs", "GetQueueAttributes", r#"{"queueUrl":"{queue}","attributeNames":["All"]}"#),
    read("elasticloadbalancing", "DescribeLoadBalancers", r#"{"pageSize":400}"#),
    read("elasticloadbalancing", "DescribeTargetHealth", r#"{"targetGroupArn":"{targetgroup}"}"#),
    read("autoscaling", "DescribeAutoScalingGroups", r#"{"maxRecords":100}"#),
    read("tagging", "GetResources", r#"{"resourcesPerPage":100,"paginationToken":""}"#),
    read("cloudtrail", "LookupEvents", r#"{"startTime":"{time}","maxResults":50}"#),
];

/// How AWS Config looks at what it records.
pub(crate) const RECORDING: &[Call<'_>] = &[
    read("ec2", "DescribeSecurityGroups", r#"{"maxResults":1000,"securityGroupSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeSubnets", r#"{"subnetSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeVpcs", r#"{"vpcSet":{"items":[{"vpcId":"{vpc}"}]},"filterSet":{}}"#),
    read("ec2", "DescribeVolumes", r#"{"volumeSet":{"items":[{"volumeId":"{volume}"}]},"filterSet":{}}"#),
    read("ec2", "DescribeNetworkInterfaces", r#"{"networkInterfaceIdSet":{},"filterSet":{}}"#),
    read(
        "s3",
        "GetBucketPolicy",
        r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","policy":""}"#,
    ),
    read("s3", "GetBucketAcl", r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","acl":""}"#),
    read(
        "s3",
        "GetBucketVersioning",
        r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","versioning":""}"#,
    ),
    read(
        "s3",
        "GetBucketEncryption",
        r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","encryption":""}"#,
    ),
    read("kms", "DescribeKey", r#"{"keyId":"{key}"}"#),
    read("kms", "GetKeyRotationStatus", r#"{"keyId":"{key}"}"#),
    read("lambda", "GetFunction20150331v2", r#"{"functionName":"{function}"}"#),
    read("lambda", "GetPolicy20150331v2", r#"{"functionName":"{function}"}"#),
    read("sqs", "ListQueues", r#"{"maxResults":1000}"#),
    read("sns", "GetTopicAttributes", r#"{"topicArn":"{topic}"}"#),
    read("rds", "DescribeDBSnapshots", r#"{"maxRecords":100,"includeShared":false,"includePublic":false}"#),
    read("secretsmanager", "DescribeSecret", r#"{"secretId":"{secret}"}"#),
    read("cloudtrail", "GetTrailStatus", r#"{"name":"{trail}"}"#),
];

/// A console page or a command line on a working day.
pub(crate) const BROWSING: &[Call<'_>] = &[
    read("ec2", "DescribeInstances", r#"{"maxResults":100,"instancesSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeSecurityGroups", r#"{"maxResults":200,"securityGroupSet":{},"filterSet":{}}"#),
    read("ec2", "DescribeRegions", r#"{"regionSet":{},"allRegions":true}"#),
    read("ec2", "DescribeVpcs", r#"{"vpcSet":{},"filterSet":{}}"#),
    read("monitoring", "DescribeAlarms", r#"{"maxRecords":100,"stateValue":"ALARM"}"#),
    read("monitoring", "GetMetricData", r#"{"startTime":"{time}","endTime":"{time}"}"#),
    read("logs", "DescribeLogGroups", r#"{"logGroupNamePrefix":"/aws/lambda/","limit":50}"#),
    read("logs", "FilterLogEvents", r#"{"logGroupName":"/aws/lambda/{function}","filterPattern":"ERROR","limit":100}"#),
    read("logs", "GetLogEvents", r#"{"logGroupName":"/aws/lambda/{function}","limit":100}"#),
    read("lambda", "GetFunction20150331v2", r#"{"functionName":"{function}"}"#),
    read("lambda", "ListFunctions20150331", r#"{"maxItems":50}"#),
    read("cloudformation", "DescribeStacks", r#"{"stackName":"{stack}"}"#),
    read("cloudformation", "DescribeStackEvents", r#"{"stackName":"{stack}"}"#),
    read("rds", "DescribeDBInstances", r#"{"dBInstanceIdentifier":"{database}"}"#),
    read(
        "s3",
        "GetBucketLocation",
        r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","location":""}"#,
    ),
    read(
        "s3",
        "GetBucketTagging",
        r#"{"bucketName":"{bucket}","Host":"{bucket}.s3.{region}.amazonaws.com","tagging":""}"#,
    ),
    read(
        "health",
        "DescribeEventAggregates",
        r#"{"filter":{"eventStatusCodes":["open","upcoming"]},"aggregateField":"eventTypeCategory"}"#,
    ),
    read("ce", "GetCostAndUsage", r#"{"granularity":"DAILY","metrics":["UnblendedCost"]}"#),
    read("resource-explorer-2", "ListIndexes", "null"),
    read("notifications", "ListNotificationHubs", "null"),
];

pub(crate) const OPERATIONS: &[Call<'_>] = &[
    read("ssm", "DescribeInstanceInformation", r#"{"maxResults":50}"#),
    read("autoscaling", "DescribeScalingActivities", r#"{"maxRecords":50}"#),
    read("iam", "GetRole", r#"{"roleName":"{role}"}"#),
    read("iam", "ListAttachedRolePolicies", r#"{"roleName":"{role}"}"#),
    read("ec2", "DescribeSnapshots", r#"{"maxResults":100,"ownersSet":{"items":[{"owner":"self"}]},"filterSet":{}}"#),
    write(
        "ec2",
        "CreateTags",
        r#"{"resourcesSet":{"items":[{"resourceId":"{instance}"}]},"tagSet":{"items":[{"key":"Owner","value":"sato.kenichi"}]}}"#,
        r#"{"requestId":"{uuid}","_return":true}"#,
    ),
    write(
        "ec2",
        "RebootInstances",
        r#"{"instancesSet":{"items":[{"instanceId":"{instance}"}]}}"#,
        r#"{"requestId":"{uuid}","_return":true}"#,
    ),
    write(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        r#"{"groupId":"{group}","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.20.0.0/16","description":"社内"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#,
        r#"{"requestId":"{uuid}","_return":true}"#,
    ),
    write(
        "monitoring",
        "PutMetricAlarm",
        r#"{"alarmName":"{function}-errors","metricName":"Errors","namespace":"AWS/Lambda","threshold":5.0}"#,
        "null",
    ),
    write("logs", "PutRetentionPolicy", r#"{"logGroupName":"/aws/lambda/{function}","retentionInDays":90}"#, "null"),
];

pub(crate) const DEVELOPMENT: &[Call<'_>] = &[
    read("sqs", "ReceiveMessage", r#"{"queueUrl":"{queue}","maxNumberOfMessages":10}"#),
    read("secretsmanager", "ListSecrets", r#"{"maxResults":20}"#),
    read("ssm", "GetParameter", r#"{"name":"/minato/{env}/feature-flags","withDecryption":false}"#),
    read("logs", "StartQuery", r#"{"logGroupNames":["/aws/lambda/{function}"],"limit":1000}"#),
    read("logs", "GetQueryResults", r#"{"queryId":"{uuid}"}"#),
    read("dynamodb", "DescribeTable", r#"{"tableName":"minato-{env}-orders"}"#),
    write(
        "lambda",
        "UpdateFunctionConfiguration20150331v2",
        r#"{"functionName":"{function}","memorySize":512,"timeout":30}"#,
        r#"{"functionName":"{function}","functionArn":"{functionarn}","lastUpdateStatus":"InProgress"}"#,
    ),
    write(
        "events",
        "PutRule",
        r#"{"name":"{function}-schedule","scheduleExpression":"rate(1 hour)","state":"ENABLED"}"#,
        r#"{"ruleArn":"arn:aws:events:{region}:{account}:rule/{function}-schedule"}"#,
    ),
    write(
        "cloudformation",
        "CreateChangeSet",
        r#"{"stackName":"{stack}","changeSetName":"review-{hex}","capabilities":["CAPABILITY_NAMED_IAM"]}"#,
        r#"{"stackId":"arn:aws:cloudformation:{region}:{account}:stack/{stack}/{uuid}","id":"{uuid}"}"#,
    ),
];

pub(crate) const ANALYSIS: &[Call<'_>] = &[
    write(
        "athena",
        "StartQueryExecution",
        r#"{"queryString":"***OMITTED***","workGroup":"bunseki","queryExecutionContext":{"database":"juchu"}}"#,
        r#"{"queryExecutionId":"{uuid}"}"#,
    ),
    read("athena", "GetQueryExecution", r#"{"queryExecutionId":"{uuid}"}"#),
    read("athena", "GetQueryResults", r#"{"queryExecutionId":"{uuid}","maxResults":100}"#),
    read("glue", "GetTables", r#"{"databaseName":"juchu"}"#),
    read("glue", "GetPartitions", r#"{"databaseName":"juchu","tableName":"orders"}"#),
    read("lakeformation", "GetDataAccess", r#"{"tableArn":"arn:aws:glue:{region}:{account}:table/juchu/orders"}"#),
    read("quicksight", "ListDashboards", r#"{"awsAccountId":"{account}"}"#),
];

pub(crate) const REVIEWING: &[Call<'_>] = &[
    read("securityhub", "GetFindings", r#"{"maxResults":100}"#),
    read("guardduty", "ListFindings", r#"{"detectorId":"{detector}","maxResults":50}"#),
    read("guardduty", "GetFindings", r#"{"detectorId":"{detector}","findingIds":["{hex}"]}"#),
    read("config", "GetComplianceSummaryByConfigRule", "null"),
    read(
        "config",
        "SelectResourceConfig",
        r#"{"expression":"SELECT resourceId WHERE resourceType = 'AWS::S3::Bucket'","limit":100}"#,
    ),
    read(
        "access-analyzer",
        "ListFindingsV2",
        r#"{"analyzerArn":"arn:aws:access-analyzer:{region}:{account}:analyzer/minato"}"#,
    ),
    read("iam", "GenerateCredentialReport", "null"),
    read("iam", "GetCredentialReport", "null"),
    read("iam", "GetAccountSummary", "null"),
    read(
        "cloudtrail",
        "LookupEvents",
        r#"{"lookupAttributes":[{"attributeKey":"EventName","attributeValue":"ConsoleLogin"}],"maxResults":50}"#,
    ),
    read("cloudtrail", "DescribeTrails", r#"{"includeShadowTrails":true}"#),
    read("inspector2", "ListFindings", r#"{"maxResults":100}"#),
];

pub(crate) const SUPPORTING: &[Call<'_>] = &[
    read("support", "DescribeCases", r#"{"language":"ja","includeResolvedCases":false}"#),
    read("trustedadvisor", "ListRecommendations", r#"{"maxResults":100}"#),
    read("connect", "GetMetricDataV2", r#"{"maxResults":100}"#),
    read("health", "DescribeEvents", r#"{"filter":{"eventStatusCodes":["open"]}}"#),
    read("dynamodb", "DescribeTable", r#"{"tableName":"minato-{env}-orders"}"#),
];

/// One deployment, in this order.
pub(crate) const DEPLOYMENT: &[Call<'_>] = &[
    read("sts", "GetCallerIdentity", "null"),
    read("cloudformation", "DescribeStacks", r#"{"stackName":"{stack}"}"#),
    read("cloudformation", "GetTemplateSummary", r#"{"stackName":"{stack}"}"#),
    read("ecr", "GetAuthorizationToken", "null"),
    read("ecr", "DescribeRepositories", r#"{"repositoryNames":["{stack}"]}"#),
    read("ecr", "BatchCheckLayerAvailability", r#"{"repositoryName":"{stack}","layerDigests":["sha256:{hex}"]}"#),
    write(
        "ecr",
        "InitiateLayerUpload",
        r#"{"repositoryName":"{stack}"}"#,
        r#"{"uploadId":"{uuid}","partSize":10485760}"#,
    ),
    write(
        "ecr",
        "CompleteLayerUpload",
        r#"{"repositoryName":"{stack}","uploadId":"{uuid}"}"#,
        r#"{"repositoryName":"{stack}"}"#,
    ),
    write(
        "ecr",
        "PutImage",
        r#"{"repositoryName":"{stack}","imageTag":"{hex}"}"#,
        r#"{"image":{"repositoryName":"{stack}","registryId":"{account}"}}"#,
    ),
    write(
        "cloudformation",
        "CreateChangeSet",
        r#"{"stackName":"{stack}","changeSetName":"deploy-{hex}","capabilities":["CAPABILITY_IAM"]}"#,
        r#"{"stackId":"arn:aws:cloudformation:{region}:{account}:stack/{stack}/{uuid}","id":"{uuid}"}"#,
    ),
    read("cloudformation", "DescribeChangeSet", r#"{"stackName":"{stack}","changeSetName":"deploy-{hex}"}"#),
    write("cloudformation", "ExecuteChangeSet", r#"{"stackName":"{stack}","changeSetName":"deploy-{hex}"}"#, "null"),
    read("lambda", "GetFunction20150331v2", r#"{"functionName":"{function}"}"#),
    write(
        "lambda",
        "UpdateFunctionCode20150331v2",
        r#"{"functionName":"{function}","s3Bucket":"minato-{env}-artifacts","s3Key":"{function}/{hex}.zip","publish":true,"dryRun":false}"#,
        r#"{"functionName":"{function}","functionArn":"{functionarn}","version":"12","lastUpdateStatus":"InProgress"}"#,
    ),
    read("lambda", "GetFunctionConfiguration20150331v2", r#"{"functionName":"{function}"}"#),
    write(
        "lambda",
        "PublishVersion20150331",
        r#"{"functionName":"{function}"}"#,
        r#"{"functionName":"{function}","version":"13"}"#,
    ),
    write(
        "lambda",
        "UpdateAlias20150331",
        r#"{"functionName":"{function}","name":"live","functionVersion":"13"}"#,
        r#"{"name":"live","functionVersion":"13"}"#,
    ),
    read("ecs", "DescribeServices", r#"{"cluster":"minato-{env}","services":["{stack}"]}"#),
    write(
        "ecs",
        "UpdateService",
        r#"{"cluster":"minato-{env}","service":"{stack}","forceNewDeployment":true}"#,
        r#"{"service":{"serviceName":"{stack}","status":"ACTIVE"}}"#,
    ),
    read("cloudformation", "DescribeStackEvents", r#"{"stackName":"{stack}"}"#),
    read("cloudformation", "DescribeStacks", r#"{"stackName":"{stack}"}"#),
];

/// Writes `template` to `out` with its `{names}` replaced by things of the place. JSON itself never has a letter
/// behind an opening brace, so nothing needs escaping.
pub(crate) fn fill(out: &mut String, template: &str, place: &Place, random: &mut Random, time: &str) {
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        let name = after.find('}').map(|end| &after[..end]);
        match name.filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_lowercase())) {
            Some(name) => {
                out.push_str(&rest[..open]);
                value(out, name, place, random, time);
                rest = &after[name.len() + 1..];
            }
            None => {
                out.push_str(&rest[..=open]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

fn value(out: &mut String, name: &str, place: &Place, random: &mut Random, time: &str) {
    let (account, region) = (place.account.id, place.region);
    let _ = match name {
        "account" => write!(out, "{account}"),
        "region" => write!(out, "{region}"),
        "env" => write!(out, "{}", place.account.env),
        "time" => write!(out, "{time}"),
        "uuid" => write!(out, "{}", random.uuid()),
        "hex" => write!(out, "{}", random.hex(12)),
        "stack" => write!(out, "minato-{}-{}", place.account.env, random.pick(super::people::SYSTEMS).name),
        "trail" => write!(out, "arn:aws:cloudtrail:{region}:{account}:trail/minato-trail"),
        "detector" => write!(out, "{}", super::detector(account, region)),
        "targetgroup" => {
            write!(out, "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{}/app", place.account.env)
        }
        "queue" => write!(out, "https://sqs.{region}.amazonaws.com/{account}/{}", any(place, "queue", random)),
        "topic" => write!(out, "arn:aws:sns:{region}:{account}:{}", any(place, "topic", random)),
        "key" => write!(out, "arn:aws:kms:{region}:{account}:key/{}", any(place, "key", random)),
        "functionarn" => write!(out, "arn:aws:lambda:{region}:{account}:function:{}", any(place, "function", random)),
        kind => write!(out, "{}", any(place, kind, random)),
    };
}

/// A thing of the place, as calls name it.
fn any<'p>(place: &'p Place, kind: &str, random: &mut Random) -> &'p str {
    let asset = place.nth(kind, random.below(1 << 16));
    asset.map_or("unknown", |a| match kind {
        "bucket" | "function" | "queue" | "topic" | "role" | "database" => &a.name,
        _ => &a.id,
    })
}
