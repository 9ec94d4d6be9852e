//! Questions about policy documents alone.

use super::{cases, write};
use crate::{
    args::Global,
    ask::{Attached, Diff, Lint, Public},
    exit::{self, Stop},
    note, terminal,
};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::{path::Path, process::ExitCode};
use yagura_access::{
    Error, Estate, Guard, OpenTo, Outsider, PolicyKind, Trust as ZoneOfTrust, Zone, diff as compare,
    lint::{PolicyType, lint_text},
    outside, public as is_public,
};
use yagura_model::{Lang, Severity};

fn text(path: &Path) -> Result<String, Stop> {
    cases::read(path).map_err(|e| Stop::usage(anyhow!("`{}` can't be read ({e}): check the path", path.display())))
}

/// A policy as JSON. A document wrapped as AWS's API answers (`{"Policy": "…"}`, `{"PolicyDocument": {…}}`) is taken out.
pub fn document(path: &Path, lang: Lang) -> Result<Value, Stop> {
    let source = text(path)?;
    let document: Value = serde_json::from_str(&source)
        .map_err(|e| Stop::usage(anyhow!("`{}` is not JSON ({e}): correct it", path.display())))?;
    let inner = ["Policy", "PolicyDocument", "ResourcePolicy", "policy"].iter().find_map(|key| document.get(*key));
    match inner {
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|e| Stop::usage(anyhow!("the policy in `{}` is not JSON ({e}): correct it", path.display()))),
        Some(inner @ Value::Object(_)) => Ok(inner.clone()),
        _ => check(path, &source, &document, lang).map(|()| document),
    }
}

/// Refuses what is no policy, with the line of the first element that is wrong.
fn check(path: &Path, source: &str, document: &Value, lang: Lang) -> Result<(), Stop> {
    let remarks = lint_text(source, PolicyType::guess(document));
    let Some(bad) = remarks.iter().find(|remark| remark.code == "unreadable") else { return Ok(()) };
    let place = bad.place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    Err(Stop::usage(anyhow!("`{}`{place}: {}", path.display(), bad.text.get(lang))))
}

/// An error about a document that can be read.
fn refused(path: &Path, error: &Error, lang: Lang) -> Stop {
    Stop::usage(anyhow!("`{}`: {}", path.display(), error.text().get(lang)))
}

/// `yagura access diff`
pub fn diff(global: &Global, args: &Diff) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let (old, new) = (document(&args.old, lang)?, document(&args.new, lang)?);
    let kind = match args.attached {
        Some(Attached::Identity) => PolicyKind::Identity,
        Some(Attached::Resource) => PolicyKind::Resource,
        None if names_principals(&old) || names_principals(&new) => PolicyKind::Resource,
        None => PolicyKind::Identity,
    };
    let access = compare(&old, &new, kind).map_err(|error| refused(&args.new, &error, lang))?;
    let columns = ["result", "because", "allowed_by", "denied_by", "witness"];
    let row = match &access {
        Some(access) => vec![
            Some("NewAccess".into()),
            Some(access.text().get(lang).into()),
            Some(access.allowed_by.as_str().into()),
            access.denied_by.as_deref().map(Value::from),
            Some(access.witness.json()),
        ],
        None => {
            let because = match lang {
                Lang::En => "Everything that the new policy allows, the old one allows, too.",
                Lang::Ja => "新ポリシーで許可されるものは、すべて旧ポリシーでも許可されています。",
            };
            vec![Some("NoNewAccess".into()), Some(because.into()), None, None, None]
        }
    };
    write(global, "access diff", &columns, vec![row], &[0, 1, 4])?;
    Ok(exit::code(access.is_some() && global.fail_on.is_some(), false, global.strict))
}

/// `yagura access public`
pub fn public(global: &Global, args: &Public) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let mut policy = document(&args.policy, lang)?;
    // What is no policy at all is for the reading to tell.
    let is_policy =
        !listed(&policy["Statement"]).is_empty() && listed(&policy["Statement"]).iter().all(Value::is_object);
    if is_policy && !names_principals(&policy) {
        return Err(Stop::usage(match lang {
            Lang::En => anyhow!("`{}` names no Principal: give the policy of a resource", args.policy.display()),
            Lang::Ja => {
                anyhow!("`{}` に Principal がありません。リソースのポリシーを指定してください", args.policy.display())
            }
        }));
    }
    let customers = customers(&policy, &args.account);
    if let Some(kind) = &args.kind {
        narrow(&mut policy, kind, lang)?;
    }
    let zone =
        Zone { owner: args.account.clone(), organization: args.organization.clone(), accounts: args.trust.clone() };
    let failed = |error: Error| refused(&args.policy, &error, lang);
    let anyone = is_public(&policy, &zone).map_err(failed)?;
    // Who is trusted beside the owner is not known unless it is said.
    let has_zone = zone.organization.is_some() || !zone.accounts.is_empty();
    let open = match anyone {
        None if has_zone => outside(&policy, &zone).map_err(failed)?,
        anyone => anyone,
    };
    let columns = ["result", "because", "statement", "witness"];
    let row = match &open {
        Some(open) => vec![
            Some(if open.anyone { "Public" } else { "Outside" }.into()),
            Some(open.text().get(lang).into()),
            Some(open.statement.as_str().into()),
            Some(open.witness.json()),
        ],
        None if !customers.is_empty() => customer_row(&customers[0], lang),
        None => {
            let because = match (lang, has_zone) {
                (Lang::En, true) => "Nobody outside the trusted accounts is let in.",
                (Lang::Ja, true) => "信頼範囲の外には誰にも許可していません。",
                (Lang::En, false) => "Nobody is let in but whom the policy names.",
                (Lang::Ja, false) => "ポリシーで特定されている相手以外には許可していません。",
            };
            vec![Some("NotPublic".into()), Some(because.into()), None, None]
        }
    };
    write(global, "access public", &columns, vec![row], &[0, 1, 3])?;
    let is_bad = |open: &OpenTo| {
        let severity = if open.anyone { Severity::Critical } else { Severity::High };
        global.fail_on.is_some_and(|least| severity >= least)
    };
    let is_open = !customers.is_empty() && global.fail_on.is_some_and(|least| least <= Severity::Critical);
    Ok(exit::code(open.as_ref().map_or(is_open, is_bad), false, global.strict))
}

/// Those whom a trust policy lets in because it names a provider of tokens that many organizations share, and doesn't say
/// whose tokens it means.
fn customers(policy: &Value, owner: &str) -> Vec<Outsider> {
    let arn = format!("arn:aws:iam::{owner}:role/this");
    let role = json!({"type": "AWS::IAM::Role", "id": "this", "arn": arn, "account": owner, "properties": {}});
    let Ok(role) = serde_json::from_value(role) else { return Vec::new() };
    let guard = Guard { arn, policies: vec![("policy".to_owned(), policy.clone())] };
    let estate = Estate::guarded(&[(&role, Some(&guard))]);
    let exposure = estate.exposure(&guard, owner, &ZoneOfTrust::default(), "");
    exposure.outsiders.into_iter().filter(|outsider| outsider.witness.action.ends_with("WithWebIdentity")).collect()
}

fn customer_row(outsider: &Outsider, lang: Lang) -> Vec<Option<Value>> {
    let (provider, statement) = (&outsider.principal, outsider.statements.join(" "));
    let because = match lang {
        Lang::En => {
            format!("Statement `{statement}` lets in every customer of `{provider}`: it doesn't say whose tokens.")
        }
        Lang::Ja => {
            format!(
                "ステートメント `{statement}` は `{provider}` の全利用者に許可しています。誰のトークンかを限定していません。"
            )
        }
    };
    vec![Some("Public".into()), Some(because.into()), Some(statement.into()), Some(outsider.witness.json())]
}

/// Services whose actions begin with another word than their resource types' names.
const RENAMED: [(&str, &[&str]); 6] = [
    ("ApiGateway", &["execute-api", "apigateway"]),
    ("CertificateManager", &["acm"]),
    ("EFS", &["elasticfilesystem"]),
    ("Elasticsearch", &["es"]),
    ("OpenSearchService", &["es"]),
    ("StepFunctions", &["states"]),
];

/// Leaves of a policy what a type's service can be asked: all else grants nothing there.
fn narrow(policy: &mut Value, kind: &str, lang: Lang) -> Result<(), Stop> {
    let services: Vec<String> = match kind.split("::").collect::<Vec<_>>()[..] {
        ["AWS", "IAM", "Role" | "AssumeRolePolicyDocument"] => vec!["sts".to_owned()],
        ["AWS", service, _] => match RENAMED.iter().find(|(name, _)| *name == service) {
            Some((_, actions)) => actions.iter().map(|service| (*service).to_owned()).collect(),
            None => vec![service.to_lowercase()],
        },
        _ => Vec::new(),
    };
    if !services.iter().any(|service| yagura_access::catalogue::is_service(service)) {
        return Err(Stop::usage(match lang {
            Lang::En => anyhow!("`{kind}` is no resource type that is known: write one like AWS::S3::Bucket"),
            Lang::Ja => anyhow!("`{kind}` というリソースタイプはありません。AWS::S3::Bucket のように指定してください"),
        }));
    }
    if !services.iter().any(|service| speaks_of(policy, service)) {
        let service = &services[0];
        return Err(Stop::usage(match lang {
            Lang::En => {
                anyhow!("no statement allows an action of `{service}`: `{kind}` is not what this policy is about")
            }
            Lang::Ja => {
                anyhow!(
                    "`{service}` のアクションを許可するステートメントがありません。`{kind}` のポリシーではないようです"
                )
            }
        }));
    }
    let rest = json!({"Sid": "OtherServices", "Effect": "Deny", "Principal": "*", "NotAction": services.iter().map(|service| format!("{service}:*")).collect::<Vec<_>>(), "Resource": "*"});
    match policy.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.push(rest),
        Some(one) => *one = Value::Array(vec![one.take(), rest]),
        // The reading says what is missing.
        None => {}
    }
    Ok(())
}

/// Whether a policy says who is meant, as one of a resource does.
fn names_principals(document: &Value) -> bool {
    matches!(PolicyType::guess(document), PolicyType::Resource | PolicyType::Trust)
}

/// A list, or the one that stands for it; of nothing none.
fn listed(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// Whether a policy allows an action of a service. What can't be read is for the reading to tell.
fn speaks_of(policy: &Value, service: &str) -> bool {
    let is_of_it = |action: &Value| {
        let prefix = action.as_str().map(|text| text.split(':').next().unwrap_or_default().to_lowercase());
        prefix.is_none_or(|prefix| prefix == "*" || prefix == service)
    };
    let statements = listed(&policy["Statement"]);
    statements.is_empty()
        || statements.iter().any(|statement| {
            let may = statement["Effect"] != "Deny";
            may && (statement.get("Action").is_none() || listed(&statement["Action"]).iter().any(is_of_it))
        })
}

/// `yagura access lint`
pub fn lint(global: &Global, args: &Lint) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let source = text(&args.file)?;
    let kind = match args.kind.as_deref().map(|word| (word, PolicyType::parse(word))) {
        Some((_, Some(kind))) => kind,
        Some((word, None)) => {
            let known: Vec<&str> = PolicyType::ALL.iter().map(|t| t.as_str()).collect();
            return Err(Stop::usage(anyhow!("`{word}` is no type of policy: use one of {}", known.join(", "))));
        }
        None => serde_json::from_str(&source).map_or(PolicyType::Identity, |document| PolicyType::guess(&document)),
    };
    let remarks = lint_text(&source, kind);
    let columns = ["code", "severity", "line", "column", "element", "statement", "text"];
    let rows = remarks.iter().map(|remark| {
        vec![
            Some(remark.code.into()),
            Some(remark.severity.to_string().into()),
            remark.place.map(|(line, _)| line.into()),
            remark.place.map(|(_, column)| column.into()),
            Some(remark.at.as_str().into()),
            remark.statement.as_deref().map(Value::from),
            Some(remark.text.get(lang).into()),
        ]
    });
    write(global, "access lint", &columns, rows.collect(), &[1, 2, 4, 6, 0])?;
    if remarks.is_empty() {
        match lang {
            Lang::En => note!("nothing to remark"),
            Lang::Ja => note!("指摘はありません"),
        }
    }
    let is_bad = |least: Severity| remarks.iter().any(|remark| remark.severity >= least);
    Ok(exit::code(global.fail_on.is_some_and(is_bad), false, global.strict))
}
