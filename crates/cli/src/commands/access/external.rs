//! `yagura access external`: who outside the zone of trust is let in, and by what.

use super::{estate, write};
use crate::{args::Global, ask::External, commands::derive, exit::Stop, note, output, settings, terminal};
use chrono::Utc;
use serde_json::Value;
use std::{collections::BTreeMap, process::ExitCode};
use yagura_inventory::mapping::Catalog;
use yagura_model::{Lang, Severity};

const COLUMNS: [&str; 10] =
    ["resource", "type", "account", "principal", "actions", "statements", "request", "archived", "unread", "allows"];

/// `yagura access external`
pub async fn run(global: &Global, args: External) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let resources = estate::resources(global, &library, args.inventory.as_deref()).await?;
    let trust = settings::trust(global)?;
    let found = derive::exposures(&catalog, &resources, &trust, Utc::now());
    let looked_at = found.len();
    let (mut rows, mut open, mut archived, mut unread) = (Vec::new(), 0, 0, 0);
    let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
    for (index, exposure) in found {
        let resource = &resources[index];
        let place = || {
            vec![
                Some(Value::from(resource.arn.as_deref().unwrap_or(&resource.id))),
                Some(resource.kind.as_str().into()),
                resource.account.as_deref().map(Value::from),
            ]
        };
        for outsider in &exposure.outsiders {
            if outsider.archived.is_some() {
                archived += 1;
                if !args.archived {
                    continue;
                }
            } else {
                open += 1;
            }
            let mut row = place();
            row.extend([
                Some(outsider.principal.as_str().into()),
                Some(outsider.actions.clone().into()),
                Some(outsider.statements.clone().into()),
                Some(outsider.witness.json()),
                outsider.archived.as_deref().map(Value::from),
                (!exposure.unread.is_empty()).then(|| exposure.unread.clone().into()),
                Some(brief(&outsider.actions).into()),
            ]);
            rows.push(row);
        }
        if !exposure.unread.is_empty() {
            unread += 1;
            // A person is told how many; the list of what nobody could read would hide what is open.
            if exposure.outsiders.is_empty() && !output::is_only_table(global) {
                let mut row = place();
                row.extend([None, None, None, None, None, Some(exposure.unread.clone().into())]);
                row.push(None);
                rows.push(row);
            }
            *hidden.entry(resource.kind.clone()).or_default() += 1;
        }
    }
    write(global, "access external", &COLUMNS, rows, &[0, 3, 5, 9])?;
    match lang {
        Lang::En => note!(
            "{open} open to somebody outside, {archived} accepted in yagura.toml, of {looked_at} resources that can have a policy"
        ),
        Lang::Ja => note!(
            "信頼範囲の外に開かれているアクセス: {open} 件、yagura.toml で許容済み: {archived} 件（ポリシーを持てるリソース {looked_at} 件を\
             確認）"
        ),
    }
    if !hidden.is_empty() {
        let listed: Vec<String> = hidden.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let listed = listed.join(", ");
        match lang {
            Lang::En => note!("not fully known: {listed} (--format json names what is missing)"),
            Lang::Ja => note!("一部不明なリソース: {listed}（不足している情報は --format json で確認できます）"),
        }
    }
    let is_found = open > 0 && global.fail_on.is_some_and(|least| least <= Severity::High);
    Ok(crate::exit::code(is_found, unread > 0, global.strict))
}

/// The actions as a person's table has room for them.
fn brief(actions: &[String]) -> String {
    let shown: Vec<&str> = actions.iter().take(3).map(String::as_str).collect();
    let more = actions.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} +{more}", shown.join(", ")) }
}
