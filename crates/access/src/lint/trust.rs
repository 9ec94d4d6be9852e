//! Trust in providers of OpenID Connect: without a condition on what their tokens say, all their customers get in.
//!
//! `docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html` lists the providers that
//! many organizations share, and the claim that tells them apart;
//! `…/reference_policies_iam-condition-keys.html#condition-keys-wif` the claims.

use super::read::{Condition, View};
use super::{PolicyType, Remark};
use crate::condition::Family;
use crate::principal::{Entry, Principals};
use serde_json::Value as Json;
use yagura_model::{Severity, Text};

/// Shared providers with the claim that names the customer.
const SHARED: [(&str, &str); 18] = [
    ("accounts.google.com", "aud"),
    ("agent.buildkite.com", "sub"),
    ("api.pulumi.com/oidc", "aud"),
    ("app.terraform.io", "sub"),
    ("cognito-identity.amazonaws.com", "aud"),
    ("gitlab.com", "sub"),
    ("graph.facebook.com", "app_id"),
    ("oidc-configuration.audit-log.githubusercontent.com", "sub"),
    ("oidc.codefresh.io", "sub"),
    ("oidc.vercel.com", "aud"),
    ("proidc.upbound.io", "sub"),
    ("sandboxes.cloud", "aud"),
    ("scalr.io", "sub"),
    ("studio.datachain.ai/api", "sub"),
    ("token.actions.githubusercontent.com", "sub"),
    ("tokens.cloud.shisho.dev", "sub"),
    ("vstoken.actions.githubusercontent.com", "sub"),
    ("www.amazon.com", "app_id"),
];

/// How the subjects of a provider begin, whose address begins so; the text after it, as far as the sign, names the
/// customer or, of a cluster of EKS, the namespace.
const SUBJECTS: [(&str, &str, char); 7] = [
    ("oidc.eks.", "system:serviceaccount:", ':'),
    ("token.actions.githubusercontent.com", "repo:", '/'),
    ("vstoken.actions.githubusercontent.com", "repo:", '/'),
    ("gitlab.com", "project_path:", '/'),
    ("app.terraform.io", "organization:", ':'),
    ("agent.buildkite.com", "organization:", ':'),
    ("scalr.io", "account:", ':'),
];

/// Claims that name the customer beside those. Each is enough, since all conditions must hold.
const NAMING: [&str; 8] = [
    "enterprise_id",
    "job_workflow_ref",
    "namespace_id",
    "project_id",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
];

/// The statements of a trust policy, by Sid or number from 1, that let in customers of a shared provider whoever they are.
pub(crate) fn open_to_customers(document: &Json) -> Vec<String> {
    let remarks = super::lint(document, PolicyType::Trust).into_iter();
    let open = remarks.filter(|remark| {
        matches!(remark.code, "oidc-no-subject" | "oidc-wide-subject") && remark.severity == Severity::Critical
    });
    open.filter_map(|remark| remark.statement).collect()
}

/// Whether many organizations share a provider, as a policy names it.
pub(crate) fn is_shared(name: &str) -> bool {
    provider(name).is_some_and(|host| SHARED.iter().any(|(shared, _)| *shared == host))
}

pub fn check(views: &[View], remarks: &mut Vec<Remark>) {
    for view in views.iter().filter(|v| v.allows()) {
        let Principals::These(entries) = &view.principals else { continue };
        let by_token = view.covered().iter().any(|a| a.service == "sts" && a.name == "AssumeRoleWithWebIdentity");
        if !by_token && !view.is_open() {
            continue;
        }
        for entry in entries {
            if let Entry::Federated(name) = entry
                && let Some(provider) = provider(name)
            {
                of_provider(view, &provider, remarks);
            }
        }
    }
}

/// The provider's address without its scheme, in lower case; `None` for one of SAML.
fn provider(name: &str) -> Option<String> {
    let host = match name.split_once(":oidc-provider/") {
        Some((_, host)) => host,
        None if name.starts_with("arn:") || name == "*" => return None,
        None => name,
    };
    Some(host.to_ascii_lowercase())
}

fn of_provider(view: &View, provider: &str, remarks: &mut Vec<Remark>) {
    let shared = SHARED.iter().find(|(host, _)| *host == provider);
    let claim = shared.map_or("sub", |(_, claim)| claim);
    let on = |claim: &str| {
        let key = format!("{provider}:{claim}");
        view.conditions.iter().filter(|c| c.clause.key == key && c.is_positive()).collect::<Vec<_>>()
    };
    let at = view.at_principal();
    let severity = if shared.is_some() { Severity::Critical } else { Severity::High };
    let limits = on(claim);
    let also = if claim == "sub" { Vec::new() } else { on("sub") };
    let narrow = |c: &&Condition| {
        let mut values = c.clause.operands.iter().map(|o| o.source());
        values.all(|v| c.clause.family != Family::Like || !v.starts_with(['*', '?']))
    };
    let is_named = NAMING.iter().any(|claim| on(claim).iter().any(narrow));
    if limits.is_empty() && also.is_empty() && !is_named {
        let who = if shared.is_some() {
            ("every customer of", "の全利用者")
        } else {
            ("everyone with a token of", "のトークンを持つ全員")
        };
        let text = Text::new(
            format!("This lets in {} `{provider}`: add a condition on `{provider}:{claim}`", who.0),
            format!(
                "`{provider}` {}がこのロールを引き受けられます。`{provider}:{claim}` の条件を追加してください",
                who.1
            ),
        );
        remarks.push(view.remark("oidc-no-subject", severity, &at, text));
        return;
    }
    let wide = |c: &Condition| {
        let places = c.clause.operands.iter().enumerate().filter(|(_, o)| is_wide(provider, c, o.source()));
        places.map(|(i, o)| (c.at_operand(i), o.source().to_owned())).collect::<Vec<_>>()
    };
    let found: Vec<Vec<(String, String)>> = limits.iter().chain(&also).map(|c| wide(c)).collect();
    if !is_named && found.iter().all(|wide| !wide.is_empty()) {
        for (at, value) in found.into_iter().flatten() {
            let value: String = value.chars().take(120).collect();
            let text = Text::new(
                format!(
                    "`{value}` matches the tokens of others of `{provider}`, too: write out the part that names yours"
                ),
                format!(
                    "`{value}` は `{provider}` の他の利用者のトークンにも一致します。自分たちを示す部分を具体的に書いてください"
                ),
            );
            remarks.push(view.remark("oidc-wide-subject", severity, &at, text));
        }
    }
    if on("aud").is_empty() && claim == "sub" {
        let text = Text::new(
            format!("A token that was made for another audience is taken, too: add a condition on `{provider}:aud`"),
            format!("別の用途に発行されたトークンも受け入れます。`{provider}:aud` の条件を追加してください"),
        );
        remarks.push(view.remark("oidc-no-audience", Severity::Low, &at, text));
    }
}

/// Whether a value leaves open whose tokens match it.
fn is_wide(provider: &str, condition: &Condition, value: &str) -> bool {
    if condition.clause.family != Family::Like {
        return false;
    }
    let Some(wild) = value.find(['*', '?']) else { return false };
    let fixed = &value[..wild];
    let begins = |start: &str| fixed.starts_with(start) || start.starts_with(fixed);
    let own = SUBJECTS.iter().find(|(host, start, _)| provider.starts_with(host) && begins(start));
    if let Some((_, start, end)) = own {
        // The name must be whole: `repo:acme*` is also `repo:acme-evil`.
        let name = fixed.strip_prefix(start).and_then(|rest| rest.split_once(*end)).map(|(name, _)| name);
        return name.is_none_or(str::is_empty);
    }
    // Of any other provider, something must stand after the first sign, as in `user:NAME`.
    let named = fixed.split_once([':', '/', '|']).map_or(fixed, |(_, rest)| rest);
    named.is_empty()
}
