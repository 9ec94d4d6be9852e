//! What a call was about, by the record's own list of resources and by the request's parameters where these name a
//! resource for certain.

use super::arn::{MAX_ARN, is_plain_name, pattern_of};
use crate::catalogue::Action;
use serde_json::Value as Json;
use yagura_model::Arn;

/// Resources that are kept of one record. AWS's batches hold 100.
const MAX_RESOURCES: usize = 200;
/// Values of one record that are looked at for ARNs and ids.
const MAX_VALUES: usize = 2000;
const MAX_DEPTH: usize = 6;

/// Where a call was made: whose names its parameters are.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Who called, by ARN.
    pub principal: &'a str,
    pub partition: &'a str,
    /// Empty if it isn't known.
    pub region: &'a str,
    pub account: &'a str,
}

/// ARNs by the parameters of a service's requests: of the templates of a line, the first whose parameters are all there.
///
/// `{R}` is the Region, `{A}` the account, every other word in braces a parameter, in any case of letters.
struct Line {
    service: &'static str,
    /// Events that it is for; empty for all.
    events: &'static [&'static str],
    templates: &'static [&'static str],
}

const fn line(service: &'static str, templates: &'static [&'static str]) -> Line {
    Line { service, events: &[], templates }
}

const fn of(service: &'static str, events: &'static [&'static str], templates: &'static [&'static str]) -> Line {
    Line { service, events, templates }
}

const RULES: &[&str] = &[
    "DeleteRule",
    "DescribeRule",
    "DisableRule",
    "EnableRule",
    "ListTargetsByRule",
    "PutRule",
    "PutTargets",
    "RemoveTargets",
];
const CLUSTERS: &[&str] =
    &["CreateCluster", "DeleteCluster", "DescribeCluster", "UpdateClusterConfig", "UpdateClusterVersion"];
const TRAILS: &[&str] = &[
    "CreateTrail",
    "DeleteTrail",
    "GetEventSelectors",
    "GetInsightSelectors",
    "GetTrail",
    "GetTrailStatus",
    "PutEventSelectors",
    "PutInsightSelectors",
    "StartLogging",
    "StopLogging",
    "UpdateTrail",
];
const PARAMETERS: &[&str] = &[
    "DeleteParameter",
    "DeleteParameters",
    "GetParameter",
    "GetParameterHistory",
    "GetParameters",
    "LabelParameterVersion",
    "PutParameter",
    "UnlabelParameterVersion",
];

/// The forms are those of the catalogue; that a name alone tells the ARN is each service's own affair, so this is a list.
const LINES: &[Line] = &[
    line("athena", &["athena:{R}:{A}:workgroup/{workGroup}"]),
    line("autoscaling", &["autoscaling:{R}:{A}:autoScalingGroup:*:autoScalingGroupName/{autoScalingGroupName}"]),
    line("cloudformation", &["cloudformation:{R}:{A}:stack/{stackName}/*"]),
    line("cloudformation", &["cloudformation:{R}:{A}:stackset/{stackSetName}:*"]),
    of("cloudtrail", TRAILS, &["cloudtrail:{R}:{A}:trail/{name}", "cloudtrail:{R}:{A}:trail/{trailName}"]),
    line("cloudwatch", &["cloudwatch:{R}:{A}:alarm:{alarmName}", "cloudwatch:{R}:{A}:alarm:{alarmNames}"]),
    line("cloudwatch", &["cloudwatch::{A}:dashboard/{dashboardName}"]),
    line("codebuild", &["codebuild:{R}:{A}:project/{projectName}"]),
    line("codecommit", &["codecommit:{R}:{A}:{repositoryName}"]),
    line("codepipeline", &["codepipeline:{R}:{A}:{pipelineName}"]),
    line("cognito-idp", &["cognito-idp:{R}:{A}:userpool/{userPoolId}"]),
    line("dynamodb", &["dynamodb:{R}:{A}:table/{tableName}"]),
    line("dynamodb", &["dynamodb:{R}:{A}:table/{tableName}/index/{indexName}"]),
    line("ecr", &["ecr:{R}:{registryId}:repository/{repositoryName}", "ecr:{R}:{A}:repository/{repositoryName}"]),
    line("ecs", &["ecs:{R}:{A}:cluster/{cluster}"]),
    line("ecs", &["ecs:{R}:{A}:service/{cluster}/{service}"]),
    line("eks", &["eks:{R}:{A}:cluster/{clusterName}"]),
    of("eks", CLUSTERS, &["eks:{R}:{A}:cluster/{name}"]),
    line("eks", &["eks:{R}:{A}:nodegroup/{clusterName}/{nodegroupName}/*"]),
    line("elasticfilesystem", &["elasticfilesystem:{R}:{A}:file-system/{fileSystemId}"]),
    line("es", &["es:{R}:{A}:domain/{domainName}"]),
    of("events", RULES, &["events:{R}:{A}:rule/{eventBusName}/{name}", "events:{R}:{A}:rule/{name}"]),
    of("events", RULES, &["events:{R}:{A}:rule/{eventBusName}/{rule}", "events:{R}:{A}:rule/{rule}"]),
    line("firehose", &["firehose:{R}:{A}:deliverystream/{deliveryStreamName}"]),
    line("glue", &["glue:{R}:{A}:job/{jobName}"]),
    line("guardduty", &["guardduty:{R}:{A}:detector/{detectorId}"]),
    line("iam", &["iam::{A}:user/{userName}"]),
    line("iam", &["iam::{A}:user/*/{userName}"]),
    line("iam", &["iam::{A}:role/{roleName}"]),
    line("iam", &["iam::{A}:role/*/{roleName}"]),
    line("iam", &["iam::{A}:group/{groupName}"]),
    line("iam", &["iam::{A}:group/*/{groupName}"]),
    line("iam", &["iam::{A}:instance-profile/{instanceProfileName}"]),
    line("iam", &["iam::{A}:instance-profile/*/{instanceProfileName}"]),
    of("iam", &["CreatePolicy"], &["iam::{A}:policy/{policyName}"]),
    of("iam", &["CreatePolicy"], &["iam::{A}:policy/*/{policyName}"]),
    line("iam", &["iam::{A}:mfa/{virtualMFADeviceName}"]),
    line("kinesis", &["kinesis:{R}:{A}:stream/{streamName}"]),
    line("kms", &["kms:{R}:{A}:{aliasName}"]),
    line("lambda", &["lambda:{R}:{A}:function:{functionName}:{qualifier}", "lambda:{R}:{A}:function:{functionName}"]),
    line("lambda", &["lambda:{R}:{A}:event-source-mapping:{uUID}"]),
    line("lambda", &["lambda:{R}:{A}:layer:{layerName}:{versionNumber}", "lambda:{R}:{A}:layer:{layerName}"]),
    line("logs", &["logs:{R}:{A}:log-group:{logGroupName}:log-stream:{logStreamName}"]),
    line("logs", &["logs:{R}:{A}:log-group:{logGroupName}"]),
    // Most actions are about what lies in the group, and AWS asks for it by this.
    line("logs", &["logs:{R}:{A}:log-group:{logGroupName}:*"]),
    line("rds", &["rds:{R}:{A}:db:{dBInstanceIdentifier}"]),
    line("rds", &["rds:{R}:{A}:cluster:{dBClusterIdentifier}"]),
    line("rds", &["rds:{R}:{A}:snapshot:{dBSnapshotIdentifier}"]),
    line("rds", &["rds:{R}:{A}:cluster-snapshot:{dBClusterSnapshotIdentifier}"]),
    line("rds", &["rds:{R}:{A}:subgrp:{dBSubnetGroupName}"]),
    line("route53", &["route53:::hostedzone/{hostedZoneId}"]),
    line("s3", &["s3:::{bucketName}"]),
    line("s3", &["s3:::{bucketName}/{key}", "s3:::{bucketName}/*"]),
    // AWS ends the ARN of a secret by six characters of its own.
    line("secretsmanager", &["secretsmanager:{R}:{A}:secret:{secretId}-??????"]),
    of("secretsmanager", &["CreateSecret"], &["secretsmanager:{R}:{A}:secret:{name}-??????"]),
    of("sns", &["CreateTopic"], &["sns:{R}:{A}:{name}"]),
    of("sqs", &["CreateQueue", "GetQueueUrl"], &["sqs:{R}:{A}:{queueName}"]),
    of("ssm", PARAMETERS, &["ssm:{R}:{A}:parameter/{name}", "ssm:{R}:{A}:parameter/{names}"]),
    of("ssm", &["GetParametersByPath"], &["ssm:{R}:{A}:parameter/{path}"]),
    of("states", &["CreateStateMachine"], &["states:{R}:{A}:stateMachine:{name}"]),
    of("states", &["CreateActivity"], &["states:{R}:{A}:activity:{name}"]),
];

/// The member of an object, in any case of letters.
pub fn get<'a>(object: &'a Json, key: &str) -> Option<&'a Json> {
    let object = object.as_object()?;
    object.get(key).or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

/// A text among an object's members.
pub fn text<'a>(object: &'a Json, key: &str) -> Option<&'a str> {
    get(object, key).and_then(Json::as_str)
}

/// Visits the texts in a value with the keys that they stand under.
pub fn each_text<'a>(value: &'a Json, visit: &mut impl FnMut(&'a str, &'a str)) {
    let mut left = MAX_VALUES;
    walk("", value, MAX_DEPTH, &mut left, visit);
}

fn walk<'a>(key: &'a str, value: &'a Json, depth: usize, left: &mut usize, visit: &mut impl FnMut(&'a str, &'a str)) {
    if depth == 0 || *left == 0 {
        return;
    }
    *left -= 1;
    match value {
        Json::String(text) => visit(key, text),
        Json::Array(list) => list.iter().for_each(|value| walk(key, value, depth - 1, left, visit)),
        Json::Object(map) => map.iter().for_each(|(key, value)| walk(key, value, depth - 1, left, visit)),
        _ => {}
    }
}

/// Everything that a record names and that a call of an action could be about. Empty if it isn't sure to be all.
pub fn named(action: &Action, event: &str, record: &Json, place: Place<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let listed = record["resources"].as_array().map_or(&[][..], Vec::as_slice);
    for resource in listed.iter().take(MAX_RESOURCES) {
        found.extend(get(resource, "ARN").and_then(Json::as_str).map(pattern_of));
        let begins = get(resource, "ARNPrefix").and_then(Json::as_str);
        found.extend(
            begins.map(|begins| pattern_of(&format!("{begins}**")).map(|cut| cut.trim_end_matches("**").to_owned())),
        );
    }
    found.extend(parameters(action, event, &record["requestParameters"], place));
    let sure = found.len() <= MAX_RESOURCES && listed.len() <= MAX_RESOURCES && found.iter().all(Option::is_some);
    let mut found: Vec<String> = if sure { found.into_iter().flatten().collect() } else { Vec::new() };
    found.sort_unstable();
    found.dedup();
    found
}

/// What the parameters name; `None` for a name that no pattern can hold.
fn parameters(action: &Action, event: &str, parameters: &Json, place: Place<'_>) -> Vec<Option<String>> {
    let mut found = Vec::new();
    each_text(parameters, &mut |_, text| {
        if text.len() <= MAX_ARN
            && Arn::parse(text).is_some_and(|arn| arn.service == action.service || arn.service == "iam")
        {
            found.push(pattern_of(text));
        }
    });
    match action.service {
        // A user who names none means itself.
        "iam" if means_itself(parameters, place.principal) => found.push(pattern_of(place.principal)),
        // Which groups of parameters, options and subnets it asks about isn't told.
        "rds" if ["Create", "Modify", "Restore"].iter().any(|verb| action.name.starts_with(verb)) => {
            return if action.takes().len() > 1 { vec![None] } else { lines(action, event, parameters, place) };
        }
        "ec2" => super::ec2::named(action, event, parameters, place, &mut found),
        "kms" => {
            let key = text(parameters, "keyId")
                .filter(|id| id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'));
            found.extend(key.map(|id| place.arn(&format!("kms:{{R}}:{{A}}:key/{id}"))));
        }
        "sqs" => found.extend(text(parameters, "queueUrl").map(|url| queue(url, place))),
        // An alias of an access point and a directory bucket have other ARNs.
        "s3" if text(parameters, "bucketName")
            .is_some_and(|name| name.ends_with("-s3alias") || name.contains("--")) =>
        {
            return found;
        }
        _ => {}
    }
    let itself = action.service == "iam" && means_itself(parameters, place.principal);
    let own = |arn: &Option<String>| itself && arn.as_ref().is_some_and(|arn| arn.contains(":user/"));
    found.extend(lines(action, event, parameters, place).into_iter().filter(|arn| !own(arn)));
    found
}

/// Whether a user calls for itself, of whom, unlike of others, the ARN is known.
fn means_itself(parameters: &Json, principal: &str) -> bool {
    let name = text(parameters, "userName");
    principal.contains(":user/") && name.is_none_or(|name| principal.rsplit('/').next() == Some(name))
}

fn lines(action: &Action, event: &str, parameters: &Json, place: Place<'_>) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for line in LINES.iter().filter(|line| line.service == action.service) {
        if line.events.is_empty() || line.events.contains(&event) {
            let arns = line.templates.iter().map(|template| fill(template, parameters, place));
            found.extend(arns.into_iter().find(|arns| !arns.is_empty()).unwrap_or_default());
        }
    }
    found
}

impl Place<'_> {
    /// The ARN of a template without parameters.
    pub fn arn(self, template: &str) -> Option<String> {
        if self.region.is_empty() && template.contains("{R}") {
            return None;
        }
        let rest = template.replace("{R}", self.region).replace("{A}", self.account);
        Some(format!("arn:{}:{rest}", self.partition))
    }
}

/// The ARNs of a template: none if a parameter is missing or an ARN already; one for each text of a list.
fn fill(template: &str, parameters: &Json, place: Place<'_>) -> Vec<Option<String>> {
    let Some(whole) = place.arn(template) else { return vec![None] };
    let mut arns = vec![Some(whole)];
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        rest = after;
        if name == "R" || name == "A" {
            continue;
        }
        let values: Vec<&str> = match get(parameters, name) {
            Some(Json::String(text)) => vec![text],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).take(MAX_RESOURCES + 1).collect(),
            _ => return Vec::new(),
        };
        if values.iter().any(|value| value.starts_with("arn:")) {
            return Vec::new();
        }
        let hole = format!("{{{name}}}");
        let with = |arn: &Option<String>, value: &str| {
            // A parameter's path begins with the slash that parts it from the type, and RDS writes its names small.
            let value = if template.contains(":parameter/") { value.strip_prefix('/').unwrap_or(value) } else { value };
            let value = if template.starts_with("rds:") { value.to_ascii_lowercase() } else { value.to_owned() };
            // A function's name may be given as a part of its ARN.
            let whole = name != "functionName" || !value.contains(':');
            let plain = whole && is_plain_name(&value) && value.len() + template.len() < MAX_ARN;
            let is_key = name == "key" && !plain && !value.is_empty();
            match arn {
                Some(arn) if plain => Some(arn.replace(&hole, &value)),
                // Of an object's key as much as a policy can name.
                Some(arn) if is_key => pattern_of(&arn.replace(&hole, &value)),
                _ => None,
            }
        };
        arns = arns
            .iter()
            .flat_map(|arn| values.iter().map(move |value| with(arn, value)))
            .take(MAX_RESOURCES + 1)
            .collect();
    }
    arns
}

/// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn queue(url: &str, place: Place<'_>) -> Option<String> {
    let mut parts = url.rsplitn(3, '/');
    let (name, account, host) = (parts.next()?, parts.next()?, parts.next()?);
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    let region = host.strip_prefix("sqs.").and_then(|host| host.split('.').next()).unwrap_or(place.region);
    let arn = format!("arn:{}:sqs:{region}:{account}:{name}", place.partition);
    pattern_of(&arn).filter(|pattern| *pattern == arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::usage::form::{form_of, forms_of};
    use serde_json::Map;

    /// Every line makes ARNs of a type that some action of its service takes.
    #[test]
    fn lines_make_arns_of_the_catalogues_types() {
        let place = Place {
            principal: "arn:aws:iam::111122223333:user/x",
            partition: "aws",
            region: "us-east-1",
            account: "111122223333",
        };
        for line in LINES {
            for template in line.templates {
                let names = template.split('{').skip(1).filter_map(|part| part.split('}').next());
                let value = |name: &str| match name {
                    "registryId" => "444455556666",
                    "aliasName" => "alias/x",
                    _ => "x",
                };
                let given: Map<String, Json> = names.map(|name| (name.to_owned(), Json::from(value(name)))).collect();
                let arns = fill(template, &Json::Object(given), place);
                assert_eq!(arns.len(), 1, "{template}");
                let arn = arns[0].as_deref().expect("an ARN");
                let actions = catalogue::expand(&format!("{}:*", line.service));
                assert!(actions.iter().any(|action| form_of(&forms_of(action), arn).is_some()), "{template}: {arn}");
            }
            for event in line.events {
                assert!(catalogue::is_action(&format!("{}:{event}", line.service)), "{event}");
            }
        }
    }
}
