//! `yagura access internal`: who inside reaches the data of critical resources, and by what.

use super::{
    estate,
    external::{brief, short},
    sight::{self, Sight},
    write,
};
use crate::{args::Global, ask::Internal, exit::Stop, note, output, settings, terminal};
use anyhow::anyhow;
use chrono::Utc;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};
use yagura_access::{Critical, Insider};
use yagura_inventory::mapping::Catalog;
use yagura_model::{Inventory, Lang, Resource, Severity};

const COLUMNS: [&str; 11] = [
    "resource",
    "type",
    "account",
    "principal",
    "actions",
    "statements",
    "conditions",
    "expected",
    "archived",
    "ungoverned",
    "unread",
];

/// What a person's table has room for.
const SHOWN: [&str; 4] = ["resource", "principal", "can", "statements"];

/// `yagura access internal`
pub async fn run(global: &Global, args: Internal) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let mut trust = settings::trust(global)?;
    // Of a resource that is named here only, nobody is expected.
    let named: Vec<Critical> = args.resources.iter().map(Critical::of).collect();
    let wanted = if named.is_empty() { trust.critical.clone() } else { named.clone() };
    if wanted.is_empty() {
        return Err(Stop::usage(anyhow!(
            "no resource is critical: name one here (ARN, with * for any text), or under [[trust.critical]] in yagura.toml"
        )));
    }
    trust.critical.extend(named);
    let inventory = estate::inventory(global, &library, args.inventory.as_deref()).await?;
    let resources = &inventory.resources;
    let view = Sight::new(&catalog, &inventory, &Inventory::default());
    let asked = |resource: &&Resource| {
        resource.arn.as_deref().is_some_and(|arn| wanted.iter().any(|critical| critical.names(arn)))
    };
    let is_table = output::is_only_table(global);
    let mut seen = Seen::default();
    let mut rows = Vec::new();
    let bar = terminal::bar(resources.iter().filter(asked).count() as u64, "");
    for resource in resources.iter().filter(asked) {
        bar.inc(1);
        let Some(inside) = view.inside(&catalog, resource, &trust, Utc::now()) else { continue };
        seen.resources += 1;
        seen.unread.extend(inside.unread.iter().cloned());
        let unread = (!inside.unread.is_empty()).then(|| Value::from(inside.unread.clone()));
        let told = inside.insiders.iter().filter(|insider| args.archived || insider.is_open());
        rows.extend(told.map(|insider| match is_table {
            true => brief_row(resource, insider),
            false => row(resource, insider, unread.clone()),
        }));
        for insider in &inside.insiders {
            seen.open += usize::from(insider.is_open());
            seen.accepted += usize::from(!insider.is_open());
            seen.ungoverned.extend(insider.ungoverned.iter().cloned());
        }
    }
    bar.finish_and_clear();
    let unanswered = sight::unanswered(&catalog, resources, &wanted);
    sight::tell_unanswered(lang, &unanswered);
    if seen.resources == 0 {
        return Err(Stop::usage(anyhow!(
            "of no such resource it can be said who reaches it: check the ARN, or scan anew"
        )));
    }
    let columns = if is_table { &SHOWN[..] } else { &COLUMNS[..] };
    write(global, "access internal", columns, rows, &(0..columns.len()).collect::<Vec<_>>())?;
    let Seen { open, accepted, resources: count, .. } = seen;
    match lang {
        Lang::En => note!(
            "{count} resources: {open} ways of somebody unexpected to their data, {accepted} expected or accepted"
        ),
        Lang::Ja => {
            note!("対象リソース {count} 件: 想定外のアクセス {open} 件、想定内または許容済み {accepted} 件")
        }
    }
    if let Some(first) = seen.unread.first() {
        let count = seen.unread.len();
        match lang {
            Lang::En => {
                note!("somebody may be missing: {count} policies or principals are not known, among them {first}")
            }
            Lang::Ja => note!("{first} など {count} 件のポリシーやプリンシパルが不明なため、漏れがあるかもしれません"),
        }
    }
    let is_partial = sight::tell_gaps(lang, inventory.gaps.iter().filter(|gap| sight::bears(&catalog, gap)));
    let is_blind = is_partial || !unanswered.is_empty() || !seen.unread.is_empty() || !seen.ungoverned.is_empty();
    estate::tell_ungoverned(lang, seen.ungoverned);
    let is_found = open > 0 && global.fail_on.is_some_and(|least| least <= Severity::High);
    Ok(crate::exit::code(is_found, is_blind, global.strict))
}

/// What all answers together tell.
#[derive(Default)]
struct Seen {
    resources: usize,
    open: usize,
    accepted: usize,
    unread: BTreeSet<String>,
    ungoverned: BTreeMap<String, String>,
}

fn actions(insider: &Insider) -> Vec<String> {
    insider.reached.iter().map(|reached| reached.action.clone()).collect()
}

fn statements(insider: &Insider) -> Vec<&str> {
    let all: BTreeSet<&str> = insider.reached.iter().filter_map(|reached| reached.statement.as_deref()).collect();
    all.into_iter().collect()
}

fn brief_row(resource: &Resource, insider: &Insider) -> Vec<Option<Value>> {
    let account = resource.account.as_deref();
    let arn = resource.arn.as_deref().unwrap_or(&resource.id);
    vec![
        Some(short(arn, account).into()),
        Some(short(&insider.principal, account).into()),
        Some(brief(&actions(insider)).into()),
        Some(statements(insider).into()),
    ]
}

fn row(resource: &Resource, insider: &Insider, unread: Option<Value>) -> Vec<Option<Value>> {
    let conditions: BTreeSet<&str> = insider.reached.iter().flat_map(|r| &r.conditions).map(String::as_str).collect();
    let conditions: Vec<&str> = conditions.into_iter().collect();
    let ungoverned: Vec<String> =
        insider.ungoverned.iter().map(|(account, reason)| format!("{account} ({reason})")).collect();
    vec![
        resource.arn.as_deref().map(Value::from),
        Some(resource.kind.as_str().into()),
        resource.account.as_deref().map(Value::from),
        Some(insider.principal.as_str().into()),
        Some(actions(insider).into()),
        Some(statements(insider).into()),
        Some(conditions.into()),
        Some(insider.expected.into()),
        insider.archived.as_deref().map(Value::from),
        (!ungoverned.is_empty()).then(|| ungoverned.into()),
        unread,
    ]
}
