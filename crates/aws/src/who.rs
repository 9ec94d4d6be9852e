//! Who calls, and where: the questions that come before any other.

use crate::{Api, Call, CallError, ErrorKind, endpoint};
use serde_json::{Value, json};

/// The caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    pub arn: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
}

fn ask(service: &str, operation: &str, params: Value, region: &str, account: Option<&str>) -> Call {
    Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        params,
        region: region.to_owned(),
        account: account.map(str::to_owned),
    }
}

/// Who the credentials belong to, asked of STS in `region`.
pub async fn identity(api: &dyn Api, region: &str) -> Result<Identity, CallError> {
    let call = ask("sts", "GetCallerIdentity", json!({}), region, None);
    let answer = api.call(&call).await?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (account, arn) = (text("Account"), text("Arn"));
    let partition = arn.split(':').nth(1).filter(|p| !p.is_empty()).map(str::to_owned);
    if account.is_empty() {
        return Err(CallError {
            service: call.service,
            operation: call.operation,
            region: call.region,
            kind: ErrorKind::Other,
            code: "broken_answer".to_owned(),
            message: "the answer names no account; is the endpoint AWS's?".to_owned(),
            status: 200,
        });
    }
    Ok(Identity { account, arn, partition: partition.unwrap_or_else(|| endpoint::partition(region).id.clone()) })
}

/// The Regions that are switched on for an account, sorted. EC2 is asked, and the account service where EC2 may not be.
pub async fn enabled_regions(api: &dyn Api, region: &str, account: Option<&str>) -> Result<Vec<String>, CallError> {
    let params = json!({"Filters": [{"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]}]});
    let names = |answer: &Value, list: &str| {
        let items = answer.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut names: Vec<String> = items
            .iter()
            .filter_map(|item| item.get("RegionName")?.as_str().map(str::to_owned))
            .filter(|name| endpoint::is_region(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let refused = match api.call(&ask("ec2", "DescribeRegions", params, region, account)).await {
        Ok(answer) => return Ok(names(&answer, "Regions")),
        Err(error) => error,
    };
    let params = json!({"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]});
    match api.call_all(&ask("account", "ListRegions", params, region, account)).await {
        Ok(answer) => Ok(names(&answer, "Regions")),
        // EC2's is the permission that people know to give.
        Err(_) => Err(refused),
    }
}

/// The Region in which a partition's global resources (IAM, CloudFront, …) are shown.
pub fn global_region(region: &str) -> &'static str {
    &endpoint::partition(region).global
}
