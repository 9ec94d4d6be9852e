//! What AWS checks beside an operation's own action and logs no event for: passing roles, tags that are given with a new
//! thing, what is copied from.
//!
//! `docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html`; the "dependent actions" of the Service
//! Authorization Reference. Which service a role is passed to is that of the role's trust policy in the service's guide.

use super::arn::pattern_of;
use super::target::{Place, each_text, get, text};
use crate::catalogue::{self, Action, Level};
use serde_json::{Map, Value as Json};
use yagura_model::Arn;

/// An action that a call needs, too.
pub struct Extra {
    pub action: &'static Action,
    pub resources: Vec<String>,
    pub context: Map<String, Json>,
}

/// Parameters that hold a role's ARN, with the service that will use the role; empty if that depends.
const ROLES: [(&str, &str, &str); 67] = [
    ("airflow", "executionRoleArn", ""),
    ("amplify", "iamServiceRoleArn", "amplify.amazonaws.com"),
    ("apigateway", "authorizerCredentials", "apigateway.amazonaws.com"),
    ("apigateway", "authorizerCredentialsArn", "apigateway.amazonaws.com"),
    ("apigateway", "credentials", "apigateway.amazonaws.com"),
    ("apigateway", "credentialsArn", "apigateway.amazonaws.com"),
    ("application-autoscaling", "roleARN", "application-autoscaling.amazonaws.com"),
    ("apprunner", "accessRoleArn", "build.apprunner.amazonaws.com"),
    ("apprunner", "instanceRoleArn", "tasks.apprunner.amazonaws.com"),
    ("appsync", "serviceRoleArn", "appsync.amazonaws.com"),
    ("autoscaling", "roleARN", "autoscaling.amazonaws.com"),
    ("backup", "iamRoleArn", "backup.amazonaws.com"),
    ("batch", "executionRoleArn", "ecs-tasks.amazonaws.com"),
    ("batch", "jobRoleArn", "ecs-tasks.amazonaws.com"),
    ("batch", "serviceRole", "batch.amazonaws.com"),
    ("bedrock", "agentResourceRoleArn", "bedrock.amazonaws.com"),
    ("bedrock", "executionRoleArn", "bedrock.amazonaws.com"),
    ("bedrock", "roleArn", "bedrock.amazonaws.com"),
    ("cloudformation", "administrationRoleARN", "cloudformation.amazonaws.com"),
    ("cloudformation", "roleARN", "cloudformation.amazonaws.com"),
    ("cloudtrail", "cloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),
    ("codebuild", "serviceRole", "codebuild.amazonaws.com"),
    ("codedeploy", "serviceRoleArn", "codedeploy.amazonaws.com"),
    ("codepipeline", "roleArn", "codepipeline.amazonaws.com"),
    ("cognito-identity", "authenticated", "cognito-identity.amazonaws.com"),
    ("cognito-identity", "unauthenticated", "cognito-identity.amazonaws.com"),
    ("cognito-idp", "snsCallerArn", "cognito-idp.amazonaws.com"),
    ("config", "roleARN", "config.amazonaws.com"),
    ("dax", "iamRoleArn", "dax.amazonaws.com"),
    ("dlm", "executionRoleArn", "dlm.amazonaws.com"),
    ("dms", "serviceAccessRoleArn", "dms.amazonaws.com"),
    ("ec2", "deliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
    ("ecs", "executionRoleArn", "ecs-tasks.amazonaws.com"),
    ("ecs", "taskRoleArn", "ecs-tasks.amazonaws.com"),
    ("ecs", "role", "ecs.amazonaws.com"),
    ("ecs", "roleArn", ""),
    ("eks", "nodeRole", ""),
    ("eks", "podExecutionRoleArn", ""),
    ("eks", "roleArn", ""),
    ("elasticbeanstalk", "operationsRole", "elasticbeanstalk.amazonaws.com"),
    ("elasticmapreduce", "autoScalingRole", ""),
    ("elasticmapreduce", "serviceRole", "elasticmapreduce.amazonaws.com"),
    ("emr-serverless", "executionRoleArn", "emr-serverless.amazonaws.com"),
    ("events", "roleArn", "events.amazonaws.com"),
    ("firehose", "roleARN", "firehose.amazonaws.com"),
    ("glue", "role", "glue.amazonaws.com"),
    ("glue", "roleArn", "glue.amazonaws.com"),
    ("imagebuilder", "executionRole", "imagebuilder.amazonaws.com"),
    ("iot", "roleArn", ""),
    ("kinesisanalytics", "serviceExecutionRole", "kinesisanalytics.amazonaws.com"),
    ("lambda", "role", "lambda.amazonaws.com"),
    ("logs", "roleArn", "logs.amazonaws.com"),
    ("es", "roleArn", ""),
    ("pipes", "roleArn", "pipes.amazonaws.com"),
    ("rds", "monitoringRoleArn", "monitoring.rds.amazonaws.com"),
    ("rds", "roleArn", ""),
    ("redshift", "iamRoles", "redshift.amazonaws.com"),
    ("s3", "role", "s3.amazonaws.com"),
    ("s3", "roleArn", "batchoperations.s3.amazonaws.com"),
    ("sagemaker", "executionRoleArn", "sagemaker.amazonaws.com"),
    ("sagemaker", "roleArn", "sagemaker.amazonaws.com"),
    ("scheduler", "roleArn", "scheduler.amazonaws.com"),
    ("ssm", "serviceRole", "ssm.amazonaws.com"),
    ("ssm", "serviceRoleArn", "ssm.amazonaws.com"),
    ("states", "roleArn", "states.amazonaws.com"),
    ("transfer", "loggingRole", "transfer.amazonaws.com"),
    ("transfer", "role", "transfer.amazonaws.com"),
];

/// The action by which a service tags, for those that ask for it when a new thing brings tags.
const TAGGERS: [(&str, &str); 17] = [
    ("cloudwatch", "TagResource"),
    ("dynamodb", "TagResource"),
    ("ecr", "TagResource"),
    ("ecs", "TagResource"),
    ("eks", "TagResource"),
    ("events", "TagResource"),
    ("glue", "TagResource"),
    ("kinesis", "AddTagsToStream"),
    ("kms", "TagResource"),
    ("lambda", "TagResource"),
    ("logs", "TagResource"),
    ("rds", "AddTagsToResource"),
    ("s3", "PutBucketTagging"),
    ("secretsmanager", "TagResource"),
    ("sns", "TagResource"),
    ("sqs", "TagQueue"),
    ("states", "TagResource"),
];

/// What a call of an action needs beside it.
pub fn needed(action: &Action, event: &str, parameters: &Json, place: Place<'_>) -> Vec<Extra> {
    let mut found = Vec::new();
    if !matches!(action.level, Level::List | Level::Read) {
        passed(action, parameters, &mut found);
        tagged(action, event, parameters, place, &mut found);
    }
    match (action.service, event) {
        ("s3", "CopyObject" | "UploadPartCopy") => found.extend(copied(parameters, place)),
        ("sts", "AssumeRole") => {
            let role = text(parameters, "roleArn").and_then(pattern_of);
            let filled =
                |key: &str| get(parameters, key).is_some_and(|v| !v.is_null() && *v != Json::Array(Vec::new()));
            let asks = [("tags", "sts:TagSession"), ("sourceIdentity", "sts:SetSourceIdentity")];
            let asks = asks.iter().filter(|(key, _)| filled(key)).map(|(_, action)| extra(action, role.clone()));
            found.extend(asks.flatten());
        }
        _ => {}
    }
    found
}

fn extra(action: &str, resource: impl IntoIterator<Item = String>) -> Option<Extra> {
    let action = catalogue::action(action)?;
    Some(Extra { action, resources: resource.into_iter().collect(), context: Map::new() })
}

/// Roles that a service is told to act as.
fn passed(action: &Action, parameters: &Json, found: &mut Vec<Extra>) {
    let mut roles: Vec<(String, &str)> = Vec::new();
    each_text(parameters, &mut |key, text| {
        let is_role = Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
        let is_for =
            |(service, name, _): &&(&str, &str, &str)| *service == action.service && name.eq_ignore_ascii_case(key);
        let Some((_, _, to)) = ROLES.iter().find(is_for).filter(|_| is_role) else { return };
        let Some(role) = pattern_of(text).filter(|role| role == text) else { return };
        if !roles.iter().any(|(known, known_to)| *known == role && known_to == to) {
            roles.push((role, to));
        }
    });
    for (role, to) in roles {
        let Some(mut pass) = extra("iam:PassRole", Some(role)) else { continue };
        if !to.is_empty() {
            pass.context.insert("iam:PassedToService".to_owned(), Json::from(to));
        }
        found.push(pass);
    }
}

/// Tags that a new thing brings.
fn tagged(action: &Action, event: &str, parameters: &Json, place: Place<'_>, found: &mut Vec<Extra>) {
    if action.service == "ec2" {
        if has_key(parameters, "tagSpecification", 4) && action.name != "CreateTags" {
            found.extend(extra("ec2:CreateTags", None));
        }
        return;
    }
    let makes = ["Create", "Register", "Put", "Publish"].iter().any(|verb| action.name.starts_with(verb));
    let filled = |value: &Json| match value {
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
        _ => false,
    };
    let names = ["tags", "tag", "tagList", "tagSet"];
    if !makes || !names.iter().any(|name| get(parameters, name).is_some_and(filled)) {
        return;
    }
    let of_iam = format!("Tag{}", action.name.trim_start_matches("Create"));
    let tagger = match action.service {
        "iam" => Some(of_iam.as_str()),
        service => TAGGERS.iter().find(|(of, _)| *of == service).map(|(_, tagger)| *tagger),
    };
    let tagger = tagger.filter(|tagger| *tagger != action.name).map(|tagger| format!("{}:{tagger}", action.service));
    let Some(tagger) = tagger.as_deref().and_then(catalogue::action) else { return };
    let record = serde_json::json!({"requestParameters": parameters});
    let resources = super::target::named(tagger, event, &record, place);
    found.push(Extra { action: tagger, resources, context: Map::new() });
}

/// Whether a key of a value, or of what is in it, begins with a word.
fn has_key(value: &Json, word: &str, depth: usize) -> bool {
    let begins = |key: &str| key.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    match value {
        _ if depth == 0 => false,
        Json::Object(map) => map.iter().take(200).any(|(key, value)| begins(key) || has_key(value, word, depth - 1)),
        Json::Array(list) => list.iter().take(50).any(|value| has_key(value, word, depth - 1)),
        _ => false,
    }
}

/// The object that is read: `x-amz-copy-source` is `BUCKET/KEY`, perhaps with a slash before and `?versionId=` behind.
fn copied(parameters: &Json, place: Place<'_>) -> Option<Extra> {
    let source = text(parameters, "x-amz-copy-source").or_else(|| text(parameters, "copySource"));
    let Some(source) = source else { return extra("s3:GetObject", None) };
    let (path, version) = source.split_once("?versionId=").map_or((source, None), |(path, id)| (path, Some(id)));
    let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    // A key may come percent-encoded, which no policy's is.
    let arn = match path.trim_start_matches('/').split_once('/') {
        Some((bucket, key)) if key.contains('%') => Some(format!("arn:{}:s3:::{bucket}/*", place.partition)),
        Some((bucket, key)) => pattern_of(&format!("arn:{}:s3:::{bucket}/{key}", place.partition)),
        None => None,
    };
    let arn = arn.filter(|_| !path.starts_with("arn:"));
    extra(action, arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_speak_of_what_the_catalogue_has() {
        for (service, parameter, _) in ROLES {
            assert!(catalogue::is_service(service), "{service} {parameter}");
        }
        for (service, tagger) in TAGGERS {
            assert!(catalogue::is_action(&format!("{service}:{tagger}")), "{service}:{tagger}");
        }
    }
}
