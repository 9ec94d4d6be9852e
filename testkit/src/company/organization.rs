//! The company's organization, as `yagura scan --resources` writes it from the management account: AWS Config records
//! nothing of it.

use super::world::ACCOUNTS;
use serde_json::{Value, json};

const MANAGEMENT: (&str, &str) = ("888877776666", "kanri");
const ID: &str = "o-minato0001";
const ROOT: &str = "r-mnt1";

fn resource(kind: &str, id: &str, what: &str, properties: &Value, observed: &Value) -> Value {
    let account = MANAGEMENT.0;
    json!({
        "type": kind, "id": id, "arn": format!("arn:aws:organizations::{account}:{what}/{ID}/{id}"), "account": account,
        "region": "us-east-1", "tags": {}, "properties": properties, "observed": observed, "relations": [], "source": "live",
    })
}

/// One resource a line: the accounts below the root, and the one policy that allows everything.
pub(super) fn lines() -> String {
    let accounts = ACCOUNTS.map(|account| (account.id, account.env)).into_iter().chain([MANAGEMENT]);
    let account = |(id, name): (&str, &str)| {
        let properties = json!({"AccountId": id, "AccountName": format!("minato-{name}"), "ParentIds": [ROOT]});
        let observed = json!({
            "Status": "ACTIVE", "Path": format!("{ID}/{ROOT}/{id}/"), "ManagementAccountId": MANAGEMENT.0,
            "DelegatedServices": [],
        });
        resource("AWS::Organizations::Account", id, "account", &properties, &observed)
    };
    let everything =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let properties = json!({
        "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY", "Content": everything,
        "TargetIds": ACCOUNTS.iter().map(|account| account.id).chain([ROOT]).collect::<Vec<_>>(),
    });
    let policy = resource("AWS::Organizations::Policy", "p-FullAWSAccess", "policy", &properties, &json!({}));
    accounts.map(account).chain([policy]).map(|line| format!("{line}\n")).collect()
}
