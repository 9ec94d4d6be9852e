//! What principals really did, by the lake's CloudTrail: the least policy, what nobody uses, who could share a group.

use super::{
    estate,
    sight::{is_of_principals, tell_gaps},
    write,
};
use crate::{
    args::Global,
    ask::{Groups, Least, Unused},
    exit::Stop,
    note, output, settings, terminal,
};
use anyhow::anyhow;
use chrono::Utc;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};
use yagura_access::escalate::Cut;
use yagura_access::usage::{self, Call, MiningOptions, Options, Skipped, What, Why, Window};
use yagura_lake::Lake;
use yagura_logs::parse_time;
use yagura_model::{Inventory, Lang};

/// Calls of one question that are kept in memory.
const MOST: usize = 3_000_000;

/// Days before a time in which an account that is logged has some event.
const LEAD: i64 = 30;

/// What the lake tells of calls.
struct Calls {
    calls: Vec<Call>,
    /// Events that could not be told as permissions, by service and name.
    unknown: BTreeMap<(String, String), u64>,
    /// Records that were looked at.
    records: u64,
}

/// Hands out what each of the lake's records since a time was, as permissions; the number of records.
async fn each(global: &Global, since: &str, mut each: impl FnMut(Result<Vec<Call>, Skipped>)) -> Result<u64, Stop> {
    let hub = settings::hub(global).await?;
    let lake = Lake::open(&settings::data_dir(global), hub.state()).await?;
    let read = |raw: &str| {
        if let Ok(record) = serde_json::from_str::<Value>(raw) {
            each(Call::of(&record));
        }
    };
    Ok(lake.records(parse_time(since), None, read).await?)
}

/// The calls since a time that are wanted.
async fn calls(global: &Global, since: &str, wanted: impl Fn(&Call) -> bool) -> Result<Calls, Stop> {
    let (mut calls, mut unknown) = (Vec::new(), BTreeMap::new());
    let records = each(global, since, |found| match found {
        Ok(found) if calls.len() < MOST => calls.extend(found.into_iter().filter(&wanted)),
        Err(Skipped::Unknown { source, name }) => *unknown.entry((source, name)).or_default() += 1,
        Ok(_) | Err(Skipped::NoIdentity | Skipped::NoPermission) => {}
    })
    .await?;
    if calls.len() >= MOST {
        return Err(Stop::failed(anyhow!("more than {MOST} calls since then: choose a later --since")));
    }
    Ok(Calls { calls, unknown, records })
}

fn nothing(records: u64) -> Option<Stop> {
    let empty = || anyhow!("the lake has no events of this time: fill it with `yagura ingest PATH`, or widen --since");
    (records == 0).then(|| Stop::failed(empty()))
}

/// `yagura access least PRINCIPAL`
pub async fn least(global: &Global, args: Least) -> Result<ExitCode, Stop> {
    let (lang, since) = (terminal::lang(global), settings::time(&args.since)?);
    let mut found = calls(global, &since, |call| call.principal == args.principal).await?;
    if let Some(stop) = nothing(found.records) {
        return Err(stop);
    }
    if found.calls.is_empty() {
        return Err(Stop::failed(anyhow!(
            "`{}` did nothing since {since} that the lake knows: check the ARN (for a session, its role's), or widen --since",
            args.principal
        )));
    }
    let name = args.principal.rsplit('/').next().unwrap_or("least-privilege").to_owned();
    let mut least = usage::least(&found.calls, &Options { name, ..Options::default() });
    found.unknown.append(&mut least.skipped);
    let proof =
        usage::replay(&least.policies, &found.calls).map_err(|e| Stop::failed(anyhow!("{}", e.text().get(lang))))?;
    let kept = proof.denied.len();
    if output::is_only_table(global) {
        let document = match least.policies.as_slice() {
            [(_, policy)] => policy.clone(),
            policies => policies.iter().map(|(name, policy)| json!({"name": name, "policy": policy})).collect(),
        };
        output::print(&format!("{document:#}\n"))?;
    } else {
        let rows = least.policies.iter().map(|(name, policy)| {
            vec![
                Some(args.principal.as_str().into()),
                Some(name.as_str().into()),
                Some(yagura_access::size(policy).into()),
                Some(proof.asked.into()),
                Some(kept.into()),
                Some(policy.clone()),
            ]
        });
        let columns = ["principal", "name", "characters", "asked", "denied", "policy"];
        write(global, "access least", &columns, rows.collect(), &[0, 1, 2])?;
    }
    let (calls, actions, policies) = (found.calls.len(), least.actions.len(), least.policies.len());
    let asked = proof.asked;
    let refused = found.calls.iter().filter(|call| call.denied).count();
    match lang {
        Lang::En => {
            note!("{calls} calls since {since} ({refused} of them denied), {actions} actions, {policies} policy(ies)");
            note!("proof: {asked} different requests of these calls asked of this policy alone, {kept} denied");
        }
        Lang::Ja => {
            note!(
                "{since} 以降の呼び出し {calls} 件（うち拒否 {refused} 件）、アクション {actions} 種類、ポリシー {policies} 件"
            );
            note!("検証: このポリシーだけで、同じリクエスト {asked} 種類を評価（拒否 {kept} 件）");
        }
    }
    for wide in &least.widened {
        let (action, to, from) = (&wide.action, &wide.to, wide.from);
        match (lang, wide.why) {
            (Lang::En, Why::NotKnown) => note!("wider than used: {action} on {to} (the log doesn't tell the resource)"),
            (Lang::En, Why::Many) => note!("wider than used: {action} on {to} ({from} resources)"),
            (Lang::Ja, Why::NotKnown) => {
                note!("実績より広い: {to} に対する {action}（ログからは対象リソースが分かりません）")
            }
            (Lang::Ja, Why::Many) => note!("実績より広い: {to} に対する {action}（リソース {from} 件）"),
        }
    }
    tell_unknown(lang, &found.unknown);
    Ok(crate::exit::code(false, kept > 0, global.strict))
}

/// `yagura access unused`
pub async fn unused(global: &Global, args: Unused) -> Result<ExitCode, Stop> {
    let (lang, now) = (terminal::lang(global), Utc::now());
    let from = now - chrono::Duration::days(i64::from(args.days));
    let library = settings::library(global)?;
    let Inventory { resources, gaps } = estate::inventory(global, &library, args.inventory.as_deref()).await?;
    if let Some(principal) = &args.principal
        && !resources.iter().any(|resource| resource.arn.as_ref() == Some(principal))
    {
        return Err(unknown_principal(principal, lang));
    }
    let is_partial = tell_gaps(lang, gaps.iter().filter(|gap| is_of_principals(gap)));
    let (mut used, mut since) = (usage::Used::new(), BTreeMap::new());
    // What came before shows that the lake holds the whole time, and not just from some day in it on.
    let records = each(global, &settings::stamp(from - chrono::Duration::days(LEAD)), |calls| {
        for call in calls.iter().flatten() {
            usage::note(&mut used, call);
            if let Ok(time) = chrono::DateTime::parse_from_rfc3339(&call.time) {
                let first = since.entry(call.account.clone()).or_insert(time.to_utc());
                *first = (*first).min(time.to_utc());
            }
        }
    })
    .await?;
    let found = usage::unused(&resources, &used, &Window { now, since: &since, days: args.days });
    let asked = |principal: &str| args.principal.as_deref().is_none_or(|asked| asked == principal);
    let found: Vec<_> = found.into_iter().filter(|unused| asked(&unused.principal)).collect();
    let (unknown, known): (Vec<_>, Vec<_>) = found.into_iter().partition(|u| matches!(u.what, What::Unknown(_)));
    let hidden: BTreeSet<&str> = unknown.iter().map(|unused| unused.principal.as_str()).collect();
    // A person is told how many are not known: their list would hide what is.
    let shown = unknown.iter().filter(|_| !output::is_only_table(global));
    let is_found = global.fail_on.is_some_and(|least| known.iter().any(|unused| unused.severity >= least));
    let rows = known.iter().chain(shown).map(|unused| {
        let (what, detail) = match &unused.what {
            What::Role => ("role", Value::Null),
            What::Password => ("password", Value::Null),
            What::AccessKey(id) => ("access-key", id.as_str().into()),
            What::Unknown(what) => ("unknown", what.as_str().into()),
            What::Permissions(services) => ("permissions", services.iter().map(service).collect()),
        };
        vec![
            Some(unused.principal.as_str().into()),
            Some(what.into()),
            Some(unused.severity.as_str().into()),
            unused.last.as_deref().map(Value::from),
            Some(unused.reason.get(lang).into()),
            Some(detail),
        ]
    });
    let columns = ["principal", "what", "severity", "last_used", "reason", "detail"];
    write(global, "access unused", &columns, rows.collect(), &[0, 1, 2, 4])?;
    let by_aws = known.iter().any(|unused| matches!(unused.what, What::Permissions(_)));
    // Days that the lake holds of the account that it holds most of.
    let held = since.values().min().map_or(0, |first| (now - *first).num_days());
    let is_short = records > 0 && !by_aws && held < i64::from(args.days);
    match (lang, records) {
        (Lang::En, _) if is_short => note!(
            "{} unused in {} days; the lake holds {held} days of events, so permissions were not judged by them (--days {held} \
             does)",
            known.len(),
            args.days
        ),
        (Lang::Ja, _) if is_short => note!(
            "{} 日間未使用: {} 件。レイクのイベントが {held} 日分しかないため、権限の利用状況は判定していません（--days {held} なら判定できます）",
            args.days,
            known.len()
        ),
        (Lang::En, 0) if by_aws => note!("{} unused in {} days, by what AWS remembers", known.len(), args.days),
        (Lang::Ja, 0) if by_aws => note!("{} 日間未使用: {} 件（AWS の記録から判定）", args.days, known.len()),
        (Lang::En, 0) => note!(
            "the lake has no events of the last {} days: permissions were not judged (`yagura scan --with last-accessed` asks AWS)",
            args.days
        ),
        (Lang::En, _) => note!("{} unused in {} days, by {records} events and the last scan", known.len(), args.days),
        (Lang::Ja, 0) => {
            note!(
                "過去 {} 日間のイベントがレイクにないため、権限の利用状況は判定していません（`yagura scan --with last-accessed` で AWS の記録を取得できます）",
                args.days
            )
        }
        (Lang::Ja, _) => {
            note!("{} 日間未使用: {} 件（イベント {records} 件と最後のスキャンから判定）", args.days, known.len())
        }
    }
    if !hidden.is_empty() {
        let count = hidden.len();
        match lang {
            Lang::En => note!("of {count} users and roles something is not known (--format json names it)"),
            Lang::Ja => note!(
                "一部の情報が不明なユーザーとロール: {count} 件（不足している情報は --format json で確認できます）"
            ),
        }
    }
    let is_blind = is_partial || !hidden.is_empty() || (records == 0 && !by_aws);
    Ok(crate::exit::code(is_found, is_blind, global.strict))
}

/// What to say of a principal that isn't there.
pub fn unknown_principal(principal: &str, lang: Lang) -> Stop {
    Stop::usage(match lang {
        Lang::En => anyhow!("`{principal}` is no user or role that is known: check the ARN, or scan anew"),
        Lang::Ja => anyhow!(
            "`{principal}` というユーザーやロールはスキャン結果にありません。ARN を確認するか、スキャンし直してください"
        ),
    })
}

fn service(service: &usage::UnusedService) -> Value {
    json!({
        "service": service.service, "last_used": service.last, "whole": service.whole,
        "actions": service.actions, "untold": service.untold,
    })
}

/// `yagura access groups`
pub async fn groups(global: &Global, args: Groups) -> Result<ExitCode, Stop> {
    let (lang, since) = (terminal::lang(global), settings::time(&args.since)?);
    let library = settings::library(global)?;
    let resources = estate::inventory(global, &library, args.inventory.as_deref()).await?.resources;
    let (used, records) = used(global, &since).await?;
    if let Some(stop) = nothing(records) {
        return Err(stop);
    }
    let managed: Vec<(String, Value)> = resources
        .iter()
        .filter(|r| r.kind == "AWS::::ManagedPolicy")
        .map(|r| (r.id.clone(), r.properties["PolicyDocument"].clone()))
        .collect();
    let used: BTreeMap<String, BTreeSet<String>> = used
        .into_iter()
        .filter(|(who, _)| !who.contains(":role/aws-service-role/"))
        .map(|(who, actions)| (who, actions.into_keys().collect()))
        .collect();
    let proposals = usage::propose(&used, &managed, &MiningOptions::default());
    let rows = proposals.iter().map(|proposal| {
        let members: Vec<Value> = proposal
            .members
            .iter()
            .map(|member| json!({"principal": member.principal, "used": member.used, "over": member.over}))
            .collect();
        let covering = proposal.managed.as_ref();
        vec![
            Some(proposal.members.len().into()),
            Some(proposal.actions.len().into()),
            Some(proposal.over.into()),
            covering.filter(|covering| covering.preferred).map(|covering| covering.name.as_str().into()),
            Some(members.into()),
            Some(proposal.actions.iter().map(String::as_str).collect()),
            covering.map(|covering| json!({"name": covering.name, "over": covering.over})),
            Some(who(&proposal.members).into()),
        ]
    });
    let columns = ["members", "actions", "over", "use", "principals", "allowed", "managed", "who"];
    write(global, "access groups", &columns, rows.collect(), &[0, 1, 2, 3, 7])?;
    match lang {
        Lang::En => note!(
            "{} groups proposed for {} principals that did something since {since}; `over` counts permissions that members \
             would get and never used",
            proposals.len(),
            used.len()
        ),
        Lang::Ja => note!(
            "{since} 以降に操作のあったプリンシパル {} 件から、グループ候補を {} 個見つけました。over は、グループ化でメンバーに増える\
             未使用の権限の延べ数です",
            used.len(),
            proposals.len()
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// The members as a person's table has room for them.
fn who(members: &[usage::Member]) -> String {
    let names = members.iter().map(|m| m.principal.rsplit(['/', ':']).next().unwrap_or(&m.principal));
    let shown: Vec<&str> = names.clone().take(4).collect();
    let more = members.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} +{more}", shown.join(", ")) }
}

/// What everybody used since a time, and how many records tell it.
async fn used(global: &Global, since: &str) -> Result<(usage::Used, u64), Stop> {
    let mut used = usage::Used::new();
    let records =
        each(global, since, |calls| calls.iter().flatten().for_each(|call| usage::note(&mut used, call))).await?;
    Ok((used, records))
}

fn tell_unknown(lang: Lang, unknown: &BTreeMap<(String, String), u64>) {
    for ((source, name), count) in unknown {
        match lang {
            Lang::En => {
                note!("no permission is known for `{name}` of {source} ({count} events): nothing was granted for it")
            }
            Lang::Ja => {
                note!("{source} の `{name}`（{count} 件）に対応する権限が分からないため、許可には含めていません")
            }
        }
    }
}

/// How often, and when last, a principal used an action on a resource.
pub struct Use {
    pub count: u64,
    pub last: String,
}

/// The uses that the permission of each cut had since a time; `None` if the lake has no events of it.
pub async fn uses(global: &Global, since: &str, cuts: &[Cut]) -> Result<Option<Vec<Use>>, Stop> {
    let principals: BTreeSet<&str> = cuts.iter().map(|cut| cut.principal.as_str()).collect();
    let found = calls(global, since, |call| principals.contains(call.principal.as_str())).await?;
    let of = |cut: &Cut| {
        let is = |call: &&Call| {
            call.principal == cut.principal
                && call.action.eq_ignore_ascii_case(&cut.action)
                && (call.resources.is_empty()
                    || call.resources.iter().any(|r| yagura_access::overlap(&cut.resource, r)))
        };
        let used = found.calls.iter().filter(is);
        let last = used.clone().map(|call| call.time.as_str()).max().unwrap_or_default();
        Use { count: used.count() as u64, last: last.to_owned() }
    };
    Ok((found.records > 0).then(|| cuts.iter().map(of).collect()))
}
