//! `yagura access external`: who outside the zone of trust is let in, and by what.

use super::{
    estate,
    sight::{Sight, has_policies, tell_gaps},
    write,
};
use crate::{args::Global, ask::External, exit::Stop, note, output, settings, terminal};
use chrono::Utc;
use serde_json::Value;
use std::{collections::BTreeMap, process::ExitCode};
use yagura_inventory::mapping::Catalog;
use yagura_model::{Arn, Inventory, Lang, Severity};

const COLUMNS: [&str; 10] =
    ["resource", "type", "account", "principal", "actions", "statements", "request", "doubt", "archived", "unread"];

/// What a person's table has room for; the last only where what is accepted was asked for.
const SHOWN: [&str; 6] = ["account", "resource", "principal", "allows", "statements", "archived"];

/// `yagura access external`
pub async fn run(global: &Global, args: External) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let inventory = estate::inventory(global, &library, args.inventory.as_deref()).await?;
    let resources = &inventory.resources;
    let trust = settings::trust(global)?;
    let sight = Sight::new(&catalog, &inventory, &Inventory::default());
    let found = sight.exposures(&trust, Utc::now());
    let looked_at = found.len();
    let (mut rows, mut open, mut archived, mut doubts) = (Vec::new(), 0, 0, 0);
    let mut hidden: BTreeMap<&str, usize> = BTreeMap::new();
    let is_table = output::is_only_table(global);
    for (index, exposure) in found {
        let resource = &resources[index];
        let (account, arn) = (resource.account.as_deref().map(Value::from), resource.arn.as_deref());
        let (arn, kind) = (arn.unwrap_or(&resource.id), resource.kind.as_str());
        let missing = (!exposure.unread.is_empty()).then(|| Value::from(exposure.unread.clone()));
        for outsider in &exposure.outsiders {
            match outsider.archived {
                Some(_) => archived += 1,
                None => open += 1,
            }
            doubts += usize::from(outsider.archived.is_none() && outsider.doubt.is_some());
            if outsider.archived.is_some() && !args.archived {
                continue;
            }
            let statements = Some(Value::from(outsider.statements.clone()));
            let reason = outsider.archived.as_deref().map(Value::from);
            rows.push(match is_table {
                true => vec![
                    account.clone(),
                    Some(short(arn, resource.account.as_deref()).into()),
                    Some(short(&outsider.principal, None).into()),
                    Some(brief(&outsider.actions).into()),
                    statements,
                    reason,
                ],
                false => vec![
                    Some(arn.into()),
                    Some(kind.into()),
                    account.clone(),
                    Some(outsider.principal.as_str().into()),
                    Some(outsider.actions.clone().into()),
                    statements,
                    Some(outsider.witness.json()),
                    outsider.doubt.as_deref().map(Value::from),
                    reason,
                    missing.clone(),
                ],
            });
        }
        if missing.is_some() {
            *hidden.entry(kind).or_default() += 1;
            // A person is told how many; the list of what nobody could read would hide what is open.
            if exposure.outsiders.is_empty() && !is_table {
                rows.push(vec![
                    Some(arn.into()),
                    Some(kind.into()),
                    account,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    missing,
                ]);
            }
        }
    }
    let columns = if is_table { &SHOWN[..] } else { &COLUMNS[..] };
    let left = columns.len() - usize::from(is_table && !args.archived);
    write(global, "access external", columns, rows, &(0..left).collect::<Vec<_>>())?;
    match lang {
        Lang::En => note!(
            "{open} open to somebody outside, {archived} accepted in yagura.toml, of {looked_at} resources that can have a policy"
        ),
        Lang::Ja => note!(
            "信頼範囲の外に開かれているアクセス: {open} 件、yagura.toml で許容済み: {archived} 件（ポリシーの設定対象となるリソース \
             {looked_at} 件を確認）"
        ),
    }
    if doubts > 0 {
        match lang {
            Lang::En => note!(
                "{doubts} of them may be of the same organization, whose accounts are not known: scan the management account, or \
                 name them in `accounts` of [trust]"
            ),
            Lang::Ja => note!(
                "うち {doubts} 件は同じ組織のアカウントの可能性があります（組織のアカウント一覧が不明）。管理アカウントをスキャンするか、[trust] の \
                 accounts に指定してください"
            ),
        }
    }
    if !hidden.is_empty() {
        let listed: Vec<String> = hidden.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let listed = listed.join(", ");
        match lang {
            Lang::En => note!("not fully known: {listed} (--format json names what is missing)"),
            Lang::Ja => note!("情報が不足しているリソース: {listed}（詳細は --format json で確認できます）"),
        }
    }
    let ungoverned: Vec<(&str, &str)> = sight.estate.ungoverned_accounts().collect();
    let is_partial = tell_gaps(lang, inventory.gaps.iter().filter(|gap| has_policies(&catalog, gap)));
    let is_blind = is_partial || doubts > 0 || !hidden.is_empty() || !ungoverned.is_empty();
    estate::tell_ungoverned(lang, ungoverned);
    let is_found = open > 0 && global.fail_on.is_some_and(|least| least <= Severity::High);
    Ok(crate::exit::code(is_found, is_blind, global.strict))
}

/// An ARN without what stands beside it in the table: `role/deploy`; of another account `444455556666:role/deploy`.
pub fn short(arn: &str, own: Option<&str>) -> String {
    match Arn::parse(arn) {
        Some(arn) if arn.service == "iam" && own == Some(arn.account) => arn.resource.to_owned(),
        Some(arn) if arn.service == "iam" => format!("{}:{}", arn.account, arn.resource),
        Some(arn) => format!("{}:{}", arn.service, arn.resource),
        None => arn.to_owned(),
    }
}

/// The actions as a person's table has room for them.
pub fn brief(actions: &[String]) -> String {
    let shown: Vec<&str> = actions.iter().take(3).map(String::as_str).collect();
    let more = actions.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} +{more}", shown.join(", ")) }
}
