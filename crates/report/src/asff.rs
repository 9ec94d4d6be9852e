//! AWS Security Finding Format 2018-10-08, as `BatchImportFindings` takes it.
//! Reference: AWS Security Hub user guide, "Required ASFF attributes" and "Optional top-level attributes".

use crate::{Context, Record};
use serde_json::{Value, json};
use std::io::{self, Write};
use yagura_model::{Finding, FindingClass, Lang, Status, partition_of};

/// Longest texts that Security Hub takes, in characters.
const ID: usize = 512;
const TITLE: usize = 256;
const DESCRIPTION: usize = 1024;
const FIELD: usize = 2048;

/// One array, which `aws securityhub batch-import-findings --findings file://…` reads (100 findings a call).
pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (i, finding) in records.iter().filter_map(|record| record.asff(context.lang)).enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &finding)?;
    }
    out.write_all(if records.is_empty() { b"]\n" } else { b"\n]\n" })
}

pub(crate) fn finding(f: &Finding, lang: Lang) -> Value {
    // Security Hub takes no finding without an account; an account of zeros is none that exists.
    let account = f.account.as_deref().unwrap_or("000000000000");
    let region = f.region.as_deref().unwrap_or("us-east-1");
    let partition = partition_of(region);
    let types = match f.class {
        FindingClass::Compliance => ["Software and Configuration Checks/AWS Security Best Practices"],
        FindingClass::Detection => ["TTPs"],
    };
    let mut fields = json!({"yagura/Rule": f.rule, "yagura/Class": f.class.as_str()});
    if let Some(owner) = &f.owner {
        fields["yagura/Owner"] = json!(cut(owner, FIELD));
    }
    if let Some(until) = &f.suppressed_until {
        fields["yagura/SuppressedUntil"] = json!(until);
    }
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": cut(&f.id, ID),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Yagura",
        "CompanyName": "Yagura",
        "GeneratorId": cut(&format!("yagura/{}", f.rule), ID),
        "AwsAccountId": account,
        "Region": region,
        "CreatedAt": f.first_seen,
        "UpdatedAt": f.last_seen,
        "FirstObservedAt": f.first_seen,
        "LastObservedAt": f.last_seen,
        "Title": cut(f.title.get(lang), TITLE),
        "Description": cut(f.reason.get(lang), DESCRIPTION),
        "Types": types,
        "Severity": {"Label": f.severity.as_str().to_ascii_uppercase(), "Normalized": f.severity.normalized()},
        "FindingProviderFields": {
            "Severity": {"Label": f.severity.as_str().to_ascii_uppercase()},
            "Types": types,
        },
        "Resources": [{
            "Type": f.resource_type.as_deref().map_or("Other", resource_type),
            "Id": cut(&f.resource, ID),
            "Partition": partition,
            "Region": region,
        }],
        "ProductFields": fields,
        "Workflow": {"Status": f.status.as_str().to_ascii_uppercase()},
        "RecordState": if f.status == Status::Resolved { "ARCHIVED" } else { "ACTIVE" },
    });
    if f.class == FindingClass::Compliance {
        let status = if f.status == Status::Resolved { "PASSED" } else { "FAILED" };
        finding["Compliance"] = json!({"Status": status, "SecurityControlId": f.rule});
    }
    if let (Some(reason), Status::Suppressed) = (&f.suppressed_reason, f.status) {
        finding["Note"] = json!({"Text": cut(reason, 512), "UpdatedBy": "yagura", "UpdatedAt": f.last_seen});
    }
    finding
}

/// Security Hub's own word for a CloudFormation type; `Other` is its word for those that it has none for.
fn resource_type(kind: &str) -> &'static str {
    match kind {
        "AWS::::Account" => "AwsAccount",
        "AWS::CloudTrail::Trail" => "AwsCloudTrailTrail",
        "AWS::EC2::Instance" => "AwsEc2Instance",
        "AWS::EC2::NetworkAcl" => "AwsEc2NetworkAcl",
        "AWS::EC2::NetworkInterface" => "AwsEc2NetworkInterface",
        "AWS::EC2::SecurityGroup" => "AwsEc2SecurityGroup",
        "AWS::EC2::Subnet" => "AwsEc2Subnet",
        "AWS::EC2::VPC" => "AwsEc2Vpc",
        "AWS::EC2::Volume" => "AwsEc2Volume",
        "AWS::IAM::Group" => "AwsIamGroup",
        "AWS::IAM::ManagedPolicy" => "AwsIamPolicy",
        "AWS::IAM::Role" => "AwsIamRole",
        "AWS::IAM::User" => "AwsIamUser",
        "AWS::KMS::Key" => "AwsKmsKey",
        "AWS::Lambda::Function" => "AwsLambdaFunction",
        "AWS::RDS::DBCluster" => "AwsRdsDbCluster",
        "AWS::RDS::DBClusterSnapshot" => "AwsRdsDbClusterSnapshot",
        "AWS::RDS::DBInstance" => "AwsRdsDbInstance",
        "AWS::RDS::DBSnapshot" => "AwsRdsDbSnapshot",
        "AWS::S3::Bucket" => "AwsS3Bucket",
        "AWS::SNS::Topic" => "AwsSnsTopic",
        "AWS::SQS::Queue" => "AwsSqsQueue",
        "AWS::SecretsManager::Secret" => "AwsSecretsManagerSecret",
        _ => "Other",
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
