//! Questions about what exists, by the inventory of the last scan or of files.

use super::{
    documents::document,
    sight::{guard, tell_gaps},
    write,
};
use crate::{
    args::Global,
    ask::{Can, WhoCan},
    exit::Stop,
    note, settings, terminal,
};
use anyhow::anyhow;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Display, path::Path, process::ExitCode};
use yagura_access::{Asked, Estate, Permission, Told};
use yagura_content::Library;
use yagura_inventory::{
    files::{self, Input, Options, Parameters},
    mapping::Catalog,
};
use yagura_model::{Inventory, Lang, Text};

const COLUMNS: [&str; 12] = [
    "principal",
    "action",
    "resource",
    "result",
    "because",
    "layer",
    "statement",
    "conditions",
    "witness",
    "foreign",
    "unread",
    "ungoverned",
];

/// What a person's table has room for.
const SHOWN: [usize; 4] = [0, 3, 6, 4];

/// `yagura access can PRINCIPAL ACTION RESOURCE`
pub async fn can(global: &Global, args: Can) -> Result<ExitCode, Stop> {
    let (Some(principal), Some(action), Some(resource)) = (args.principal, args.action, args.resource) else {
        return Err(Stop::usage(anyhow!("give PRINCIPAL ACTION RESOURCE, or --input FILE")));
    };
    let context = context(&args.known.context)?;
    let (estate, is_partial) = estate(global, args.known.inventory.as_deref()).await?;
    let lang = terminal::lang(global);
    let session = args.session.as_deref().map(|path| document(path, lang)).transpose()?;
    let (context, session) = (&context, session.as_ref());
    let asked = Asked { principal: &principal, action: &action, resource: &resource, context, session };
    let permission = estate.permission(&asked).map_err(|e| Stop::usage(anyhow!("{}", e.text().get(lang))))?;
    let is_blind = is_partial || matches!(permission.told, Told::Unread(_));
    if permission.foreign {
        tell_foreign(lang, &principal);
    }
    let ungoverned = permission.ungoverned.clone();
    let is_blind = is_blind || !ungoverned.is_empty();
    write(global, "access can", &COLUMNS, vec![row(permission, &action, &resource, lang)], &SHOWN)?;
    tell_limits(lang, ungoverned);
    Ok(crate::exit::code(false, is_blind, global.strict))
}

/// `yagura access who-can ACTION RESOURCE`
pub async fn who_can(global: &Global, args: WhoCan) -> Result<ExitCode, Stop> {
    let context = context(&args.known.context)?;
    let (estate, is_partial) = estate(global, args.known.inventory.as_deref()).await?;
    let lang = terminal::lang(global);
    let found = estate
        .who_can(&args.action, &args.resource, &context)
        .map_err(|e| Stop::usage(anyhow!("{}", e.text().get(lang))))?;
    let is_blind = is_partial || found.iter().any(|p| matches!(p.told, Told::Unread(_)));
    let asked = estate.principals().count();
    let can = found.len();
    let ungoverned: BTreeMap<String, String> = found.iter().flat_map(|p| p.ungoverned.iter().cloned()).collect();
    let is_blind = is_blind || !ungoverned.is_empty();
    let rows = found.into_iter().map(|permission| row(permission, &args.action, &args.resource, lang)).collect();
    write(global, "access who-can", &COLUMNS, rows, &SHOWN)?;
    match lang {
        Lang::En => note!("{can} can, or may be able to; {asked} users and roles are known"),
        Lang::Ja => {
            note!("実行できる（可能性のある）プリンシパル: {can} 件（把握しているユーザーとロール: {asked} 件）")
        }
    }
    tell_limits(lang, ungoverned);
    Ok(crate::exit::code(false, is_blind, global.strict))
}

fn row(permission: Permission, action: &str, resource: &str, lang: Lang) -> Vec<Option<Value>> {
    let text = |text: &str| Some(Value::from(text));
    let ungoverned: Vec<Value> =
        permission.ungoverned.iter().map(|(account, reason)| format!("{account} ({reason})").into()).collect();
    let ungoverned = Some(Value::from(ungoverned)).filter(|_| !permission.ungoverned.is_empty());
    let (result, because, layer, statement, conditions, witness, unread) = match permission.told {
        Told::Answer(answer) => (
            answer.outcome.as_str(),
            answer.because.get(lang).to_owned(),
            text(answer.layer.as_str()),
            Some(answer.statement.into()),
            Some(answer.conditions.into()),
            Some(answer.witness.into()),
            None,
        ),
        Told::Unread(names) => {
            ("Unknown", unread(&names).get(lang).to_owned(), None, None, None, None, Some(Value::from(names)))
        }
    };
    vec![
        text(&permission.principal),
        text(action),
        text(resource),
        text(result),
        text(&because),
        layer,
        statement,
        conditions,
        witness,
        Some(permission.foreign.into()),
        unread,
        ungoverned,
    ]
}

fn unread(names: &[String]) -> Text {
    let listed = |between: &str| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between);
    Text::new(
        format!("It hangs on policies that could not be read: {}.", listed(", ")),
        format!("読み取れなかったポリシーの内容によって変わります: {}", listed("、")),
    )
}

fn tell_foreign(lang: Lang, principal: &str) {
    match lang {
        Lang::En => note!("`{principal}` is not in the inventory: its own policies were taken to allow"),
        Lang::Ja => note!(
            "`{principal}` は把握している資産にありません。プリンシパル側のポリシーはすべて許可しているものとして判断しました"
        ),
    }
}

/// What no inventory holds, so that nobody takes the answer for more than it is; first the accounts of which the
/// organization's policies are not known, each with the reason.
pub fn tell_limits(lang: Lang, ungoverned: impl IntoIterator<Item = (impl Display, impl Display)>) {
    tell_ungoverned(lang, ungoverned);
    match lang {
        Lang::En => note!(
            "session policies and VPC endpoint policies count only where `access can` is given them (--session FILE, --context \
             aws:SourceVpce=ID)"
        ),
        Lang::Ja => note!(
            "セッションポリシーと VPC エンドポイントポリシーは、`access can` に --session FILE や --context aws:SourceVpce=ID で指定した\
             場合だけ考慮します"
        ),
    }
}

/// The accounts of which the organization's policies are not known, each with the reason.
pub fn tell_ungoverned(lang: Lang, ungoverned: impl IntoIterator<Item = (impl Display, impl Display)>) {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (account, reason) in ungoverned {
        by_reason.entry(reason.to_string()).or_default().push(account.to_string());
    }
    for (reason, accounts) in by_reason {
        match lang {
            Lang::En => note!(
                "the organization's policies over {} are not known ({reason}): they were taken to deny nothing; scan the \
                 management account, too",
                accounts.join(", ")
            ),
            Lang::Ja => note!(
                "{} に適用される組織のポリシーを読み取れなかった（{reason}）ため、拒否はないものとして判定しました。管理アカウントも\
                 スキャンしてください",
                accounts.join("、")
            ),
        }
    }
}

/// `KEY=VALUE`s as a request's context.
fn context(given: &[String]) -> Result<Map<String, Value>, Stop> {
    let mut context: Map<String, Value> = Map::new();
    for pair in given {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Stop::usage(anyhow!("`{pair}`: write --context KEY=VALUE")));
        };
        match context.get_mut(key) {
            None => _ = context.insert(key.to_owned(), value.into()),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(one) => *one = Value::Array(vec![one.take(), value.into()]),
        }
    }
    Ok(context)
}

/// The principals and policies that are known, and whether some could not be listed.
async fn estate(global: &Global, inventory: Option<&Path>) -> Result<(Estate, bool), Stop> {
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let Inventory { resources, gaps } = self::inventory(global, &library, inventory).await?;
    let is_blind = tell_gaps(terminal::lang(global), &catalog, &gaps);
    Ok((Estate::of(&resources, |resource| guard(&catalog, resource)), is_blind))
}

/// What is known by the last scans, or by files, and what is not.
pub async fn inventory(global: &Global, library: &Library, inventory: Option<&Path>) -> Result<Inventory, Stop> {
    match inventory {
        Some(path) => of_files(global, &Catalog::read(library).0, path),
        None => of_scan(global).await,
    }
}

fn of_files(global: &Global, catalog: &Catalog, path: &Path) -> Result<Inventory, Stop> {
    let options = Options { catalog, parameters: Parameters::default(), account: None, region: None };
    let read = files::read(&[Input::Path(path.to_owned())], &options);
    for problem in &read.problems {
        note!("{}", problem.line(terminal::lang(global)));
    }
    if read.files_read == 0 {
        return Err(Stop::usage(anyhow!(
            "nothing was read from `{}`: give AWS Config snapshots or what `scan --resources` wrote",
            path.display()
        )));
    }
    Ok(read.inventory)
}

async fn of_scan(global: &Global) -> Result<Inventory, Stop> {
    let hub = settings::hub(global).await?;
    let rows = hub.resources(None, None, i64::MAX, 0).await?;
    if rows.is_empty() {
        return Err(Stop::failed(anyhow!("nothing is known yet: run `yagura scan`, or give --inventory DIR")));
    }
    let resources = rows.into_iter().map(|row| row.resource).collect();
    Ok(Inventory { resources, gaps: hub.gaps().await? })
}
