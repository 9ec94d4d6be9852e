//! What the serverless transform makes of `AWS::Serverless::*`, as far as rules look at it: the function and the role
//! that it gets, tables, APIs, state machines.
//! Reference: AWS SAM developer guide, "Generated AWS CloudFormation resources".

use serde_json::{Map, Value, json};
use yagura_content::shapes;
use yagura_model::{is_unknown, unknown};

/// One resource that the transform makes.
pub(super) struct Made {
    pub id: String,
    pub kind: &'static str,
    pub properties: Value,
}

/// A serverless type, the type that it becomes, and the properties that are renamed.
type Renaming = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Names that differ between a serverless type and the type that it becomes.
const RENAMES: &[Renaming] = &[
    ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion", &[]),
    (
        "AWS::Serverless::StateMachine",
        "AWS::StepFunctions::StateMachine",
        &[("Name", "StateMachineName"), ("Role", "RoleArn"), ("Type", "StateMachineType")],
    ),
    ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Api", &[]),
];

/// The resources that a serverless type becomes; empty when it is another type or one that we leave as it is.
pub(super) fn transform(id: &str, kind: &str, properties: &Value, globals: &Value) -> Vec<Made> {
    let section = kind.strip_prefix("AWS::Serverless::").unwrap_or_default();
    let merged = merge(globals.get(section).cloned().unwrap_or_default(), properties.clone());
    let Value::Object(source) = merged else { return Vec::new() };
    match kind {
        "AWS::Serverless::Function" => function(id, &source),
        "AWS::Serverless::SimpleTable" => vec![table(id, &source)],
        "AWS::Serverless::Api" => api(id, &source),
        _ => RENAMES
            .iter()
            .filter(|(sam, ..)| *sam == kind)
            .map(|(_, to, names)| Made {
                id: id.to_owned(),
                kind: to,
                properties: fit(to, renamed(source.clone(), names)),
            })
            .collect(),
    }
}

/// A global section under a resource's own properties: maps are merged, lists joined, the resource's own value holds.
fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(global), Value::Object(mut own)) if !is_unknown(&Value::Object(own.clone())) => {
            for (key, value) in global {
                let merged = match own.remove(&key) {
                    Some(inner) => merge(value, inner),
                    None => value,
                };
                own.insert(key, merged);
            }
            Value::Object(own)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (global, Value::Null) => global,
        (_, own) => own,
    }
}

fn renamed(mut source: Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    for (from, to) in names {
        if let Some(value) = source.remove(*from) {
            source.insert((*to).to_owned(), value);
        }
    }
    source
}

/// What of `source` the type `kind` has, with serverless's map of tags as CloudFormation's list.
fn fit(kind: &str, mut source: Map<String, Value>) -> Value {
    let Some(shape) = shapes::of(kind) else { return Value::Object(source) };
    let wants_list = shape.child("Tags").is_some_and(|tags| tags.element().is_some());
    if let (true, Some(Value::Object(tags))) = (wants_list, source.get("Tags"))
        && !is_unknown(&Value::Object(tags.clone()))
    {
        let list = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        source.insert("Tags".to_owned(), Value::Array(list));
    }
    source.retain(|key, _| shape.child(key).is_some());
    super::typed::value(Value::Object(source), Some(shape))
}

fn function(id: &str, source: &Map<String, Value>) -> Vec<Made> {
    let mut properties = source.clone();
    if let Some(code) = source.get("InlineCode") {
        properties.insert("Code".to_owned(), json!({"ZipFile": code}));
    }
    if let Some(mode) = source.get("Tracing") {
        properties.insert("TracingConfig".to_owned(), json!({"Mode": mode}));
    }
    if let Some(target) = source.get("DeadLetterQueue").and_then(|q| q.get("TargetArn")) {
        properties.insert("DeadLetterConfig".to_owned(), json!({"TargetArn": target}));
    }
    let mut made = Vec::new();
    if source.get("Role").is_none_or(Value::is_null) {
        properties.insert("Role".to_owned(), json!(format!("${{{id}Role.Arn}}")));
        made.push(role(id, source));
    }
    if let Some(auth) = source.get("FunctionUrlConfig").map(|url| url.get("AuthType").cloned().unwrap_or_default()) {
        let target = format!("${{{id}.Arn}}");
        if auth == "NONE" {
            made.push(Made {
                id: format!("{id}UrlPublicPermissions"),
                kind: "AWS::Lambda::Permission",
                properties: json!({"Action": "lambda:InvokeFunctionUrl", "FunctionName": id, "Principal": "*",
                    "FunctionUrlAuthType": "NONE"}),
            });
        }
        made.push(Made {
            id: format!("{id}Url"),
            kind: "AWS::Lambda::Url",
            properties: json!({"AuthType": auth, "TargetFunctionArn": target}),
        });
    }
    let kind = "AWS::Lambda::Function";
    made.insert(0, Made { id: id.to_owned(), kind, properties: fit(kind, properties) });
    made
}

/// The role that a function without one gets.
fn role(id: &str, source: &Map<String, Value>) -> Made {
    let managed = |name: &str| json!(format!("arn:aws:iam::aws:policy/{name}"));
    let mut arns = vec![managed("service-role/AWSLambdaBasicExecutionRole")];
    if source.get("VpcConfig").is_some_and(|v| !v.is_null()) {
        arns.push(managed("service-role/AWSLambdaVPCAccessExecutionRole"));
    }
    if source.get("Tracing").is_some_and(|v| v == "Active") {
        arns.push(managed("AWSXrayWriteOnlyAccess"));
    }
    let mut inline = Vec::new();
    let policies = source.get("Policies").cloned().unwrap_or_default();
    let policies = if let Value::Array(list) = policies { list } else { vec![policies] };
    for (i, policy) in policies.into_iter().filter(|p| !p.is_null()).enumerate() {
        let document = match policy {
            Value::String(arn) if arn.starts_with("arn:") || arn.starts_with("${") => {
                arns.push(Value::String(arn));
                continue;
            }
            Value::String(name) => {
                arns.push(managed(&name));
                continue;
            }
            policy if is_unknown(&policy) => {
                arns.push(policy);
                continue;
            }
            Value::Object(map) if map.contains_key("Statement") => Value::Object(map),
            Value::Object(map) => {
                unknown(format!("SAM policy {}", map.keys().next().map(String::as_str).unwrap_or_default()))
            }
            _ => continue,
        };
        inline.push(json!({"PolicyName": format!("{id}RolePolicy{i}"), "PolicyDocument": document}));
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}]});
    let mut properties = json!({"AssumeRolePolicyDocument": source.get("AssumeRolePolicyDocument").unwrap_or(&trust),
        "ManagedPolicyArns": arns});
    if let (Value::Object(map), false) = (&mut properties, inline.is_empty()) {
        map.insert("Policies".to_owned(), Value::Array(inline));
    }
    if let (Value::Object(map), Some(boundary)) = (&mut properties, source.get("PermissionsBoundary")) {
        map.insert("PermissionsBoundary".to_owned(), boundary.clone());
    }
    Made { id: format!("{id}Role"), kind: "AWS::IAM::Role", properties }
}

fn table(id: &str, source: &Map<String, Value>) -> Made {
    let kind = "AWS::DynamoDB::Table";
    let mut properties = source.clone();
    let key = source.get("PrimaryKey").cloned().unwrap_or_else(|| json!({"Name": "id", "Type": "String"}));
    let code = match key.get("Type").and_then(Value::as_str) {
        Some("Number") => "N",
        Some("Binary") => "B",
        _ => "S",
    };
    let name = key.get("Name").cloned().unwrap_or_default();
    properties.insert("AttributeDefinitions".to_owned(), json!([{"AttributeName": name, "AttributeType": code}]));
    properties.insert("KeySchema".to_owned(), json!([{"AttributeName": name, "KeyType": "HASH"}]));
    if !properties.contains_key("ProvisionedThroughput") {
        properties.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
    }
    Made { id: id.to_owned(), kind, properties: fit(kind, properties) }
}

fn api(id: &str, source: &Map<String, Value>) -> Vec<Made> {
    let (api, stage) = ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage");
    let name = source.get("StageName").cloned().unwrap_or_default();
    let mut stage_properties = fit(stage, source.clone());
    if let Value::Object(map) = &mut stage_properties {
        map.insert("RestApiId".to_owned(), json!(id));
        map.insert("StageName".to_owned(), name.clone());
    }
    let suffix = name.as_str().map(|n| n.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
    vec![
        Made { id: id.to_owned(), kind: api, properties: fit(api, source.clone()) },
        Made { id: format!("{id}{}Stage", suffix.unwrap_or_default()), kind: stage, properties: stage_properties },
    ]
}
