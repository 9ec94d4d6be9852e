//! Actions that AWS doesn't have.

use super::read::{Part, View};
use super::{PolicyType, Remark};
use crate::catalogue;
use yagura_model::{Severity, Text};

/// Actions that a role's trust policy may name.
///
/// `docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html` and the STS API's reference.
const TRUST: [&str; 7] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoot",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// Whether a pattern names only what a trust policy may.
pub fn is_of_trust(pattern: &str) -> bool {
    let covered = catalogue::expand(pattern);
    let is_trust = |name: &str| TRUST.iter().any(|t| t.eq_ignore_ascii_case(name));
    is_trust(pattern) || pattern.contains('*') && covered.iter().any(|a| is_trust(&a.full()) && a.service == "sts")
}

pub fn check(view: &View, kind: PolicyType, remarks: &mut Vec<Remark>) {
    for part in &view.actions {
        if part.text == "*" || part.text == "*:*" {
            continue;
        }
        let Some(found) = unknown(view, part) else {
            if kind == PolicyType::Trust && !is_of_trust(&part.text) {
                let name = &part.text;
                let text = Text::new(
                    format!("A role's trust policy can't allow `{name}`: put it into a policy attached to the role"),
                    format!(
                        "ロールの信頼ポリシーに `{name}` は書けません。ロールにアタッチするポリシーに移してください"
                    ),
                );
                remarks.push(view.remark("not-a-trust-action", Severity::Medium, &part.at, text));
            }
            continue;
        };
        remarks.push(found);
        if remarks.len() > super::MAX_REMARKS {
            return;
        }
    }
}

fn unknown(view: &View, part: &Part) -> Option<Remark> {
    let (prefix, name) = part.text.split_once(':')?;
    // What a Deny or an exception fails to name stays allowed.
    let severity = if view.allows() == view.not_action { Severity::High } else { Severity::Medium };
    let shown: String = part.text.chars().take(120).collect();
    if prefix.contains(['*', '?']) {
        let text = Text::new(
            format!("`{shown}` matches nothing: a service's prefix takes no wildcard, so name the services"),
            format!(
                "`{shown}` は何にも一致しません。サービスプレフィックスにワイルドカードは使えないため、サービスごとに書いてください"
            ),
        );
        return Some(view.remark("service-wildcard", severity, &part.at, text));
    }
    if !catalogue::is_service(prefix) {
        let near = if name.contains(['*', '?']) {
            catalogue::nearest_service(prefix).map(|near| format!("{near}:{name}"))
        } else {
            catalogue::nearest(&part.text)
        };
        let (en, ja) = meant(near);
        let prefix: String = prefix.chars().take(120).collect();
        let text = Text::new(
            format!("AWS is not known to have a service with the prefix `{prefix}`{en}"),
            format!("サービスプレフィックス `{prefix}` は AWS のカタログにありません{ja}"),
        );
        return Some(view.remark("unknown-service", severity, &part.at, text));
    }
    if !name.contains(['*', '?']) {
        if catalogue::is_action(&part.text) {
            return None;
        }
        let (en, ja) = meant(catalogue::nearest(&part.text));
        let text = Text::new(
            format!("AWS is not known to have an action `{shown}`{en}"),
            format!("アクション `{shown}` は AWS のカタログにありません{ja}"),
        );
        return Some(view.remark("unknown-action", severity, &part.at, text));
    }
    if catalogue::expand(&part.text).is_empty() {
        let text = Text::new(
            format!("`{shown}` matches none of the service's actions: correct the pattern or remove it"),
            format!("`{shown}` に一致するアクションがありません。パターンを修正するか削除してください"),
        );
        return Some(view.remark("matches-no-action", severity, &part.at, text));
    }
    None
}

fn meant(near: Option<String>) -> (String, String) {
    match near {
        Some(near) => (format!(": did you mean `{near}`?"), format!("。`{near}` の誤りではありませんか")),
        None => (": check its spelling".to_owned(), "。綴りを確認してください".to_owned()),
    }
}
