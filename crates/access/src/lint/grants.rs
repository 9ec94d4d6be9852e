//! Statements that allow more than their authors are likely to want.
//!
//! Security warnings of `docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html`;
//! `…/reference_policies_elements_principal.html` and `…/reference_policies_elements_notprincipal.html` for principals.

use super::pattern::covers;
use super::read::{Condition, View};
use super::{PolicyType, Remark};
use crate::catalogue::{self, Level};
use crate::condition::Family;
use crate::principal::{Entry, Principals};
use yagura_model::{Severity, Text};

pub fn check(view: &View, kind: PolicyType, remarks: &mut Vec<Remark>) {
    principals(view, kind, remarks);
    if kind == PolicyType::ResourceControl && view.allows() {
        let text = Text::new(
            "An RCP of yours can only deny: AWS's own RCPFullAWSAccess allows, so write Deny",
            "ユーザー定義の RCP で使えるのは Deny のみです。許可は AWS 管理の RCPFullAWSAccess が行います",
        );
        remarks.push(view.remark("rcp-allow", Severity::High, &format!("{}.Effect", view.at), text));
    }
    if view.allows() && kind.grants() {
        elements(view, kind, remarks);
        if kind == PolicyType::Identity {
            width(view, remarks);
        }
    }
}

fn elements(view: &View, kind: PolicyType, remarks: &mut Vec<Remark>) {
    if view.not_action {
        let text = Text::new(
            "Allow with NotAction allows every other action of AWS, those to come included: list what is to be allowed",
            "Allow と NotAction の組み合わせは、今後追加されるものも含め他のすべてのアクションを許可します。許可するものを Action に列挙してください",
        );
        remarks.push(view.remark("allow-not-action", Severity::High, &view.at_action(), text));
    }
    if view.not_resource && kind != PolicyType::Trust {
        let text = Text::new(
            "Allow with NotResource allows every other resource, those to come included: list what is to be allowed",
            "Allow と NotResource の組み合わせは、今後作成されるものも含め他のすべてのリソースを許可します。許可するものを Resource に列挙してください",
        );
        remarks.push(view.remark("allow-not-resource", Severity::Medium, &format!("{}.NotResource", view.at), text));
    }
}

/// `*` on `*`, a whole service on `*`, and passing any role.
fn width(view: &View, remarks: &mut Vec<Remark>) {
    let anything = !view.not_resource && view.resources.iter().any(|part| part.text == "*");
    if view.not_action || !view.conditions.is_empty() && !anything {
        return pass_role(view, remarks);
    }
    let mut told = false;
    if anything && view.conditions.is_empty() {
        for part in &view.actions {
            if part.text == "*" || part.text == "*:*" {
                let text = Text::new(
                    "This allows every action on everything, as an administrator: list what is needed",
                    "すべてのリソースに対するすべてのアクション（管理者権限）を許可しています。必要なものだけを列挙してください",
                );
                remarks.push(view.remark("allow-everything", Severity::High, &part.at, text));
                told = true;
            } else if let Some((service, "*")) = part.text.split_once(':') {
                let covered = catalogue::expand(&part.text);
                if covered.iter().all(|a| matches!(a.level, Level::Read | Level::List)) {
                    continue;
                }
                let changes = covered.iter().filter(|a| a.level == Level::Permissions).count();
                let severity = if service.eq_ignore_ascii_case("iam") { Severity::High } else { Severity::Medium };
                let text = Text::new(
                    format!(
                        "This allows all {} actions of `{service}` on everything, {changes} of which change permissions: list what is needed, or name resources",
                        covered.len()
                    ),
                    format!(
                        "`{service}` の全 {} アクション（うち {changes} 件は権限を変更するもの）をすべてのリソースに許可しています。必要なアクションかリソースに絞ってください",
                        covered.len()
                    ),
                );
                remarks.push(view.remark("allow-service", severity, &part.at, text));
                told |= service.eq_ignore_ascii_case("iam");
            }
        }
    }
    if !told {
        pass_role(view, remarks);
    }
}

/// `docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html`
fn pass_role(view: &View, remarks: &mut Vec<Remark>) {
    let passes = |text: &str| {
        let text = text.to_ascii_lowercase();
        text != "*" && covers(&text, "iam:passrole")
    };
    let any_role = "arn:aws:iam::*:role/*";
    let wide = |text: &str| text == "*" || covers(text, any_role) || is_any_role(text);
    let Some(part) = view.actions.iter().find(|part| !view.not_action && passes(&part.text)) else { return };
    let limits = ["iam:passedtoservice", "iam:associatedresourcearn"];
    let limited =
        view.conditions.iter().any(|c| c.is_positive() && limits.contains(&c.clause.key.as_str()) && !any_value(c));
    if limited || view.not_resource || !view.resources.iter().any(|part| wide(&part.text)) {
        return;
    }
    let text = Text::new(
        "This lets any role be passed to any service, an administrator's too: name the roles, or add a condition on iam:PassedToService",
        "管理者権限のロールも含め、あらゆるロールを任意のサービスに渡せます。ロールを指定するか iam:PassedToService の条件を追加してください",
    );
    remarks.push(view.remark("pass-role-anywhere", Severity::High, &part.at, text));
}

/// All roles of an account.
fn is_any_role(text: &str) -> bool {
    text.starts_with("arn:") && text.ends_with(":role/*") && text.split(':').nth(2) == Some("iam")
}

/// Whether a condition is met by every value of its key.
fn any_value(condition: &Condition) -> bool {
    let star = |source: &str| match condition.clause.family {
        Family::Like => source.chars().all(|c| c == '*') && !source.is_empty(),
        Family::Arn => {
            source.chars().all(|c| c == '*' || c == ':') || source == "arn:*:*:*:*:*" || source == "arn:aws:*:*:*:*"
        }
        Family::Address => matches!(source, "0.0.0.0/0" | "::/0"),
        _ => false,
    };
    condition.clause.operands.iter().any(|o| star(o.source()))
}

/// Keys that say who asks, from where, or on whose behalf. `…/reference_policies_elements_principal.html` and, for EFS
/// and S3, what AWS itself counts as not public
/// (`docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html`,
/// `docs.aws.amazon.com/efs/latest/ug/access-control-block-public-access.html`).
const LIMITS: [&str; 25] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "elasticfilesystem:accessedviamounttarget",
    "elasticfilesystem:accesspointarn",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "aws:vpcsourceip",
];

fn principals(view: &View, kind: PolicyType, remarks: &mut Vec<Remark>) {
    let at = view.at_principal();
    match &view.principals {
        Principals::Attached => {}
        Principals::Nobody => {
            let text = Text::new(
                "A statement of a resource's policy without Principal matches nobody: add it",
                "リソースポリシーでは Principal のないステートメントは誰にも一致しません。追加してください",
            );
            remarks.push(view.remark("no-principal", Severity::Medium, &view.at, text));
        }
        Principals::NotThese(_) if view.allows() => {
            let text = Text::new(
                "Allow with NotPrincipal lets in everyone else, without signing in too: name in Principal who is to be let in",
                "Allow と NotPrincipal の組み合わせは、匿名ユーザーを含む他のすべてのプリンシパルを許可します。許可する相手を Principal に指定してください",
            );
            remarks.push(view.remark("allow-not-principal", Severity::Critical, &at, text));
        }
        Principals::NotThese(_) => {
            let text = Text::new(
                "Deny with NotPrincipal also strikes sessions and roles with a boundary that it means to spare: use Principal \"*\" with a condition on aws:PrincipalArn",
                "Deny と NotPrincipal の組み合わせは、除外したつもりのセッションやアクセス許可の境界を持つロールまで拒否します。Principal を \"*\" にし、aws:PrincipalArn の条件で除外してください",
            );
            remarks.push(view.remark("deny-not-principal", Severity::Medium, &at, text));
        }
        Principals::These(entries) => {
            let anyone = entries.contains(&Entry::Anyone);
            if anyone && view.allows() && kind != PolicyType::Endpoint {
                public(view, kind, &at, remarks);
            }
            for entry in entries {
                if let Entry::Aws(name) = entry
                    && name.contains(['*', '?'])
                {
                    let shown: String = name.chars().take(120).collect();
                    let text = Text::new(
                        format!(
                            "`{shown}` matches nobody: a principal takes no wildcard but `*`, so use a condition on aws:PrincipalArn"
                        ),
                        format!(
                            "`{shown}` は誰にも一致しません。Principal に使えるワイルドカードは `*` だけです。aws:PrincipalArn の条件を使ってください"
                        ),
                    );
                    remarks.push(view.remark("wildcard-in-principal", Severity::Medium, &at, text));
                }
            }
        }
    }
}

fn public(view: &View, kind: PolicyType, at: &str, remarks: &mut Vec<Remark>) {
    let limits = |c: &&Condition| {
        let key = c.clause.key.as_str();
        c.is_positive() && (LIMITS.contains(&key) || key.starts_with("aws:principaltag/")) && !any_value(c)
    };
    if view.conditions.iter().any(|c| limits(&c)) {
        return;
    }
    let severity = if kind == PolicyType::Trust { Severity::Critical } else { Severity::High };
    let text = if view.conditions.is_empty() {
        Text::new(
            "This lets in anyone in the world: name principals, or add a condition such as aws:PrincipalOrgID or aws:SourceArn",
            "世界中の誰にでも許可しています。Principal を特定するか、aws:PrincipalOrgID や aws:SourceArn などの条件を追加してください",
        )
    } else {
        Text::new(
            "None of the conditions limits who is let in, so this is open to the world: add one such as aws:PrincipalOrgID or aws:SourceArn",
            "どの条件もアクセス元を限定していないため、世界中の誰にでも許可されます。aws:PrincipalOrgID や aws:SourceArn などの条件を追加してください",
        )
    };
    remarks.push(view.remark("public", severity, at, text));
}
