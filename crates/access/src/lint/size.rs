//! Documents that are longer than AWS takes.
//!
//! `docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html` (IAM doesn't count white space),
//! `docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html`,
//! `docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html` (20 KB),
//! `docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html` (32 KB),
//! `docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html` (20,480 characters),
//! `docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html` (20,480 characters).

use super::read::View;
use super::{PolicyType, Remark};
use crate::policy::{MAX_MANAGED, size};
use serde_json::Value as Json;
use yagura_model::{Severity, Text};

/// What a resource's policy may hold, by the service of its first action.
const RESOURCE: [(&str, usize); 3] = [("s3", 20_480), ("kms", 32_768), ("secretsmanager", 20_480)];

pub fn check(document: &Json, views: &[View], kind: PolicyType, remarks: &mut Vec<Remark>) {
    let length = size(document);
    // What is refused, and from where on it depends on where the document is put.
    let (limit, soft) = match kind {
        PolicyType::Identity => (10_240, Some(MAX_MANAGED)),
        PolicyType::Trust => (8_192, Some(2_048)),
        PolicyType::ServiceControl => (10_240, None),
        PolicyType::ResourceControl => (5_120, None),
        PolicyType::Endpoint => (20_480, None),
        PolicyType::Resource => {
            let service = views.iter().flat_map(|v| &v.actions).find_map(|p| p.text.split_once(':'));
            let limit = service.and_then(|(prefix, _)| RESOURCE.iter().find(|(s, _)| s.eq_ignore_ascii_case(prefix)));
            let Some((_, limit)) = limit else { return };
            (*limit, None)
        }
    };
    let (severity, text) = if length > limit {
        let text = Text::new(
            format!("The document has {length} characters without white space, and AWS takes {limit}: split it"),
            format!(
                "ドキュメントが空白を除いて {length} 文字あり、AWS の上限 {limit} 文字を超えています。分割してください"
            ),
        );
        (Severity::Medium, text)
    } else if let Some(soft) = soft.filter(|soft| length > *soft) {
        let text = match kind {
            PolicyType::Trust => Text::new(
                format!(
                    "The document has {length} characters without white space: above {soft} the account's quota must be raised"
                ),
                format!(
                    "ドキュメントが空白を除いて {length} 文字あります。{soft} 文字を超えるにはアカウントのクォータ引き上げが必要です"
                ),
            ),
            _ => Text::new(
                format!(
                    "The document has {length} characters without white space: above {soft} it can't be a managed policy, only inline in a role"
                ),
                format!(
                    "ドキュメントが空白を除いて {length} 文字あります。{soft} 文字を超えるものは管理ポリシーにできず、ロールのインラインポリシーにしか使えません"
                ),
            ),
        };
        (Severity::Low, text)
    } else {
        return;
    };
    remarks.push(Remark { code: "too-long", severity, at: String::new(), place: None, statement: None, text });
}
