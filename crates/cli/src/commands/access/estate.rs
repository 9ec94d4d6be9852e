//! Questions about what exists, by the inventory of the last scan or of files.

use super::{
    documents::document,
    sight::{bears, guard, tell_gaps},
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
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Display,
    path::Path,
    process::ExitCode,
};
use yagura_access::{Asked, Estate, Outcome, Permission, Told, catalogue};
use yagura_content::Library;
use yagura_inventory::{
    files::{self, Input, Options, Parameters},
    mapping::Catalog,
};
use yagura_model::{Arn, Inventory, Lang, Text};

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
    let lang = terminal::lang(global);
    check_question(&action, &resource, lang)?;
    let context = context(&args.known.context)?;
    let known = known(global, args.known.inventory.as_deref()).await?;
    let estate = &known.estate;
    let is_unknown = known.tell_unknown(&resource, lang);
    let session = args.session.as_deref().map(|path| document(path, lang)).transpose()?;
    let (context, session) = (&context, session.as_ref());
    let asked = Asked { principal: &principal, action: &action, resource: &resource, context, session };
    let permission = estate.permission(&asked).map_err(|e| Stop::usage(anyhow!("{}", e.text().get(lang))))?;
    let is_blind = known.is_partial || is_unknown || matches!(permission.told, Told::Unread(_));
    if permission.foreign {
        tell_foreign(lang, &principal);
    }
    let ungoverned = permission.ungoverned.clone();
    let is_blind = is_blind || !ungoverned.is_empty();
    write(global, "access can", &COLUMNS, vec![row(permission, &action, &resource, lang)], &SHOWN)?;
    let is_through = context.keys().any(|key| key.eq_ignore_ascii_case("aws:SourceVpce"));
    match session.is_some() || is_through {
        true => tell_ungoverned(lang, ungoverned),
        false => tell_limits(lang, ungoverned),
    }
    Ok(crate::exit::code(false, is_blind, global.strict))
}

/// `yagura access who-can ACTION RESOURCE`
pub async fn who_can(global: &Global, args: WhoCan) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    check_question(&args.action, &args.resource, lang)?;
    let context = context(&args.known.context)?;
    let known = known(global, args.known.inventory.as_deref()).await?;
    let estate = &known.estate;
    let is_unknown = known.tell_unknown(&args.resource, lang);
    let failed = |e: yagura_access::Error| Stop::usage(anyhow!("{}", e.text().get(lang)));
    let mut found = estate.who_can(&args.action, &args.resource, &context).map_err(failed)?;
    // What is sure first.
    found.sort_by_key(|permission| match &permission.told {
        Told::Answer(answer) => usize::from(answer.outcome != Outcome::Allowed),
        Told::Unread(_) => 2,
    });
    let partly = match args.resource.contains(['*', '?']) && args.resource != "*" {
        true => estate.who_can_partly(&args.action, &args.resource, &context, &found).map_err(failed)?,
        false => Vec::new(),
    };
    let is_blind = known.is_partial || is_unknown || found.iter().any(|p| matches!(p.told, Told::Unread(_)));
    let asked = estate.principals().count();
    let of = |outcome: Option<Outcome>| {
        let is = |permission: &&Permission| match &permission.told {
            Told::Answer(answer) => Some(answer.outcome) == outcome,
            Told::Unread(_) => outcome.is_none(),
        };
        found.iter().filter(is).count()
    };
    let (can, hangs, unknown) = (of(Some(Outcome::Allowed)), of(Some(Outcome::Conditional)), of(None));
    let ungoverned: BTreeMap<String, String> = found.iter().flat_map(|p| p.ungoverned.iter().cloned()).collect();
    let is_blind = is_blind || !ungoverned.is_empty();
    let rows = found.into_iter().map(|permission| row(permission, &args.action, &args.resource, lang)).collect();
    write(global, "access who-can", &COLUMNS, rows, &SHOWN)?;
    match lang {
        Lang::En => note!("can: {can}, on a condition: {hangs}, not known: {unknown} (known users and roles: {asked})"),
        Lang::Ja => {
            note!(
                "実行できる: {can} 件、条件による: {hangs} 件、不明: {unknown} 件（把握しているユーザーとロール: {asked} 件）"
            )
        }
    }
    if let Some(first) = partly.first() {
        let (count, resource) = (partly.len(), &args.resource);
        match lang {
            Lang::En => note!(
                "on a part of `{resource}` only, and so not listed: {count}, among them `{first}` (ask for one resource to see \
                 who can)"
            ),
            Lang::Ja => note!(
                "`{resource}` の一部でだけ実行できるため、一覧に含めていないもの: `{first}` など {count} 件（リソースを 1 つ指定すると確認できます）"
            ),
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
            "`{principal}` はスキャン結果にありません。プリンシパル側のポリシーはすべて許可しているものとして判断しました"
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

/// Refuses what no request asks: an action is one action of a service, a resource one ARN. Says of an action that AWS doesn't
/// have which one was probably meant.
fn check_question(action: &str, resource: &str, lang: Lang) -> Result<(), Stop> {
    if action.contains(['*', '?']) || !action.contains(':') {
        let text = match lang {
            Lang::En => format!("`{action}` is no single action: write one like s3:GetObject, without wildcards"),
            Lang::Ja => format!(
                "`{action}`: アクションは s3:GetObject のように 1 つ指定してください（ワイルドカードは使えません）"
            ),
        };
        return Err(Stop::usage(anyhow!(text)));
    }
    if resource != "*" && Arn::parse(resource).is_none() {
        let text = match lang {
            Lang::En => format!("`{resource}` is no ARN: write one like arn:aws:s3:::bucket/key, or *"),
            Lang::Ja => format!(
                "`{resource}` は ARN ではありません。arn:aws:s3:::bucket/key のような ARN か * を指定してください"
            ),
        };
        return Err(Stop::usage(anyhow!(text)));
    }
    if !catalogue::is_action(action) {
        match (lang, catalogue::nearest(action)) {
            (Lang::En, Some(near)) => {
                note!("`{action}` is no action that AWS is known to have; did you mean `{near}`?")
            }
            (Lang::En, None) => note!("`{action}` is no action that AWS is known to have"),
            (Lang::Ja, Some(near)) => {
                note!("`{action}` は AWS のアクションのカタログにありません。`{near}` の誤りではありませんか")
            }
            (Lang::Ja, None) => note!("`{action}` は AWS のアクションのカタログにありません"),
        }
    }
    Ok(())
}

/// What is asked about.
struct Known {
    estate: Estate,
    catalog: Catalog,
    arns: HashSet<String>,
    /// Some of what bears on an answer could not be listed.
    is_partial: bool,
}

impl Known {
    /// Says of a resource that could have a policy of its own that none was asked. Whether it is one.
    fn tell_unknown(&self, resource: &str, lang: Lang) -> bool {
        let unasked = self.estate.unasked(resource);
        if unasked > 0 {
            match lang {
                Lang::En => note!(
                    "policies of {unasked} resources that `{resource}` covers were not asked: ask for each by itself"
                ),
                Lang::Ja => note!(
                    "`{resource}` に該当する {unasked} 件のリソースのポリシーは考慮していません。1 件ずつ指定してください"
                ),
            }
            return true;
        }
        let service = Arn::parse(resource).map_or("", |arn| arn.service);
        let has_policies = self.catalog.types().any(|kind| kind.service == service && kind.has_policies());
        if !has_policies || resource.contains(['*', '?']) || self.estate.knows(resource) || self.arns.contains(resource)
        {
            return false;
        }
        match lang {
            Lang::En => note!(
                "`{resource}` is not in the inventory: if it has a policy of its own, that was not asked (check the ARN)"
            ),
            Lang::Ja => note!(
                "`{resource}` はスキャン結果にありません。リソース側にポリシーがあっても考慮していません（ARN を確認してください）"
            ),
        }
        true
    }
}

/// The principals and policies that are known.
async fn known(global: &Global, inventory: Option<&Path>) -> Result<Known, Stop> {
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let Inventory { resources, gaps } = self::inventory(global, &library, inventory).await?;
    let bearing = gaps.iter().filter(|gap| bears(&catalog, gap));
    let is_partial = tell_gaps(terminal::lang(global), bearing);
    let estate = Estate::of(&resources, |resource| guard(&catalog, resource)).unlisted(gaps.iter());
    let arns = resources.into_iter().filter_map(|resource| resource.arn).collect();
    Ok(Known { estate, catalog, arns, is_partial })
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
        let demo = settings::data_dir(global).join("demo");
        let hint = match demo.join(yagura_state::FILE_NAME).exists() {
            true => format!("; the demo's data is asked with --data {}", demo.display()),
            false => String::new(),
        };
        return Err(Stop::failed(anyhow!("nothing is known yet: run `yagura scan`, or give --inventory DIR{hint}")));
    }
    let resources = rows.into_iter().map(|row| row.resource).collect();
    Ok(Inventory { resources, gaps: hub.gaps().await? })
}
