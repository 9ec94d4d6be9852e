//! `yagura access escalate`: who can become an administrator, step by step.

use super::{
    estate,
    sight::{Sight, bears, tell_gaps},
    usage, write,
};
use crate::{args::Global, ask::Escalate, exit::Stop, note, settings, terminal};
use anyhow::anyhow;
use chrono::Utc;
use serde_json::{Value, json};
use std::{cmp::Reverse, collections::BTreeSet, process::ExitCode};
use yagura_access::escalate::{Closure, Entry, Ground, Method, Path, Step, methods};
use yagura_access::{Estate, Exposure};
use yagura_inventory::mapping::Catalog;
use yagura_model::{Arn, Gap, Inventory, Lang, Resource, Severity};

const COLUMNS: [&str; 5] = ["principal", "steps", "because", "path", "doubt"];

/// Beside what has policies, the types of what lets somebody in from outside.
const ENTRANCES: [&str; 3] = ["AWS::EC2::Instance", "AWS::EC2::SecurityGroup", "AWS::EC2::PrefixList"];

/// `yagura access escalate`
pub async fn run(global: &Global, args: Escalate) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let library = settings::library(global)?;
    let (methods, errors) = methods(&library);
    if let Some(error) = errors.first() {
        return Err(Stop::usage(anyhow!("{error}")));
    }
    let (catalog, _) = Catalog::read(&library);
    let inventory = estate::inventory(global, &library, args.inventory.as_deref()).await?;
    let resources = &inventory.resources;
    let sight = Sight::new(&catalog, &inventory, &Inventory::default());
    let estate = &sight.estate;
    if let Some(principal) = &args.principal
        && !estate.principals().any(|known| known == principal)
    {
        return Err(usage::unknown_principal(principal, lang));
    }
    let closure = Closure::of(estate, &methods);
    let bearing = |gap: &&Gap| bears(&catalog, gap) || ENTRANCES.contains(&gap.kind.as_str());
    let is_partial = tell_gaps(lang, inventory.gaps.iter().filter(bearing));
    if args.cut {
        return cut(global, &args, estate, &methods, &closure, is_partial).await;
    }
    let asked = |name: &str| args.principal.as_deref().is_none_or(|principal| principal == name);
    if args.to_data {
        let (mut steps, mut unread) = closure.powers(estate, &methods);
        steps.retain(|step| asked(&step.from));
        unread.retain(|name| asked(name));
        return data(global, &steps, estate, &unread, is_partial);
    }
    let found = closure.escalation();
    let is_role = |resource: &Resource| resource.kind == "AWS::IAM::Role" && !resource.source.is_template();
    let doors = sight.exposures_of(&settings::trust(global)?, Utc::now(), is_role);
    let arn = |index: usize| resources[index].arn.as_deref().unwrap_or_default();
    let doors: Vec<(&str, &Exposure)> = doors.iter().map(|(index, exposure)| (arn(*index), exposure)).collect();
    let entries = if args.principal.is_none() { closure.entries(estate, &doors, &methods) } else { Vec::new() };
    let paths: Vec<&Path> = found.paths.iter().filter(|path| asked(&path.principal)).collect();
    let climbers = paths.iter().filter(|path| !path.steps.is_empty()).count();
    let admins = paths.len() - climbers;
    let known = paths.iter().map(|path| (*path, None));
    let all = known.chain(entries.iter().map(|entry| (&entry.path, entry.doubt.as_deref())));
    let rows = all.map(|(path, doubt)| {
        let steps = path.steps.iter().map(|step| json_of(step, lang)).collect::<Vec<Value>>();
        vec![
            Some(path.principal.as_str().into()),
            Some(path.steps.len().into()),
            Some(because(path, doubt, lang).into()),
            Some(steps.into()),
            doubt.map(Value::from),
        ]
    });
    write(global, "access escalate", &COLUMNS, rows.collect(), &[0, 1, 2])?;
    match lang {
        Lang::En => {
            note!("{climbers} can become an administrator, {admins} are one; {} methods were tried", methods.len())
        }
        Lang::Ja => note!(
            "管理者になれるプリンシパル: {climbers} 件、すでに管理者: {admins} 件（確認した手口: {} 種類）",
            methods.len()
        ),
    }
    if !entries.is_empty() {
        let count = entries.len();
        match lang {
            Lang::En => note!(
                "ways that begin outside: {count} (a role's trust policy lets in a whole account or anybody, or an instance that the \
                 Internet reaches gives away its role's credentials once something on it forwards a request)"
            ),
            Lang::Ja => note!(
                "外部から始まる経路: {count} 件（ロールの信頼ポリシーが外部アカウント全体や不特定の相手を許可しているか、インターネットから届くインスタンスが、リクエストを\
                 中継させられればロールの認証情報を渡してしまいます）"
            ),
        }
    }
    let untold = estate.untold_instances();
    let untold = if args.principal.is_none() { untold.first().map(|first| (first, untold.len())) } else { None };
    if let Some((first, count)) = untold {
        match lang {
            Lang::En => {
                note!("open instances of which it is not known whose role they give away: {count}, among them {first}")
            }
            Lang::Ja => note!("どのロールを渡してしまうか分からない、開かれたインスタンス: {first} など {count} 件"),
        }
    }
    let hidden = closure.hidden(estate, &methods);
    let unread: Vec<&str> = hidden.keys().map(String::as_str).filter(|name| asked(name)).collect();
    if let Some(first) = unread.first() {
        let count = unread.len();
        match lang {
            Lang::En => note!(
                "a path may be hidden: {count} principals could become an administrator if policies that could not be read allow it, \
                 among them `{first}` (what AWS managed policies say is known from a live scan only)"
            ),
            Lang::Ja => note!(
                "見つかっていない経路があるかもしれません。読み取れないポリシーの内容次第で、`{first}` など {count} 件のプリンシパルが管理者になれます（AWS 管理\
                 ポリシーの内容は、実際のアカウントのスキャンでのみ分かります）"
            ),
        }
    }
    // Of other accounts than the principal's nobody asked.
    let account = args.principal.as_deref().and_then(Arn::parse).map(|arn| arn.account);
    let bears = |(of, _): &(&str, &str)| account.is_none_or(|account| account == *of);
    let ungoverned: Vec<(&str, &str)> = estate.ungoverned_accounts().filter(bears).collect();
    // Who else comes in over a role with a path is not known where a policy of the role could not be read.
    let is_hidden = |(role, exposure): &(&str, &Exposure)| {
        args.principal.is_none() && closure.rank(role).is_some() && !exposure.unread.is_empty()
    };
    let is_blind = is_partial
        || untold.is_some()
        || !unread.is_empty()
        || !ungoverned.is_empty()
        || entries.iter().any(|entry| entry.doubt.is_some())
        || doors.iter().any(is_hidden);
    estate::tell_limits(lang, ungoverned);
    let is_found = global.fail_on.is_some_and(|least| least <= Severity::Critical)
        && (entries.iter().any(is_sure) || is_open(estate, &methods, asked));
    Ok(crate::exit::code(is_found, is_blind, global.strict))
}

/// Whether a way that begins outside hangs on nothing but the policies: whoever a trust policy lets in needs no more.
fn is_sure(entry: &Entry) -> bool {
    let mut steps = entry.path.steps.iter();
    let first = steps.next().is_some_and(|step| step.method.starts_with("sts-"));
    entry.doubt.is_none() && first && steps.all(|step| step.assumes.is_none())
}

/// Whether somebody who is asked about becomes an administrator by a way that hangs on nothing unknown.
fn is_open(estate: &Estate, methods: &[Method], asked: impl Fn(&str) -> bool) -> bool {
    let sure = Closure::sure(estate, methods).escalation();
    sure.paths.iter().any(|path| !path.steps.is_empty() && asked(&path.principal))
}

/// What leads to data or credentials, by principal and method.
fn data(
    global: &Global,
    steps: &[Step],
    estate: &Estate,
    unread: &BTreeSet<String>,
    is_partial: bool,
) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let rows = steps.iter().map(|step| {
        let mut grounds: Vec<String> = step.grounds.iter().map(|ground| ground_text(ground, lang)).collect();
        // Of one action on several resources the same would be said again.
        grounds.dedup();
        vec![
            Some(step.from.as_str().into()),
            Some(step.method.as_str().into()),
            Some(step.title.get(lang).into()),
            Some(grounds.join(if lang == Lang::Ja { "、" } else { ", " }).into()),
            step.assumes.as_ref().map(|text| text.get(lang).into()),
            Some(json_of(step, lang)["needs"].clone()),
        ]
    });
    let columns = ["principal", "method", "title", "because", "assumes", "needs"];
    write(global, "access escalate --to-data", &columns, rows.collect(), &[0, 1, 2, 3])?;
    let who: BTreeSet<&str> = steps.iter().map(|step| step.from.as_str()).collect();
    match lang {
        Lang::En => {
            note!("{} users and roles that are no administrator can come at data or credentials this way", who.len())
        }
        Lang::Ja => note!("管理者以外で、データや認証情報を手に入れられるユーザーとロール: {} 件", who.len()),
    }
    if let Some(first) = unread.first() {
        let count = unread.len();
        match lang {
            Lang::En => {
                note!("more may be hidden: policies of {count} principals could not be read, among them of `{first}`")
            }
            Lang::Ja => {
                note!("`{first}` など {count} 件のプリンシパルに読み取れないポリシーがあり、ほかにもあるかもしれません")
            }
        }
    }
    let ungoverned: Vec<(&str, &str)> = estate.ungoverned_accounts().collect();
    let is_blind = is_partial || !unread.is_empty() || !ungoverned.is_empty();
    estate::tell_limits(lang, ungoverned);
    let is_found = !steps.is_empty() && global.fail_on.is_some_and(|least| least <= Severity::Medium);
    Ok(crate::exit::code(is_found, is_blind, global.strict))
}

/// The permissions whose loss leaves fewest paths, those first that were used least.
async fn cut(
    global: &Global,
    args: &Escalate,
    estate: &Estate,
    methods: &[Method],
    closure: &Closure,
    is_partial: bool,
) -> Result<ExitCode, Stop> {
    let lang = terminal::lang(global);
    let cuts = closure.cuts(estate, methods, args.principal.as_deref());
    let since = settings::time(&args.since)?;
    let uses = if cuts.is_empty() { None } else { usage::uses(global, &since, &cuts).await? };
    let used = |i: usize| uses.as_ref().map(|uses| &uses[i]);
    let mut order: Vec<usize> = (0..cuts.len()).collect();
    // What was never used breaks nothing. Without uses they stay as they come, what frees most first.
    order.sort_by_key(|i| used(*i).map(|used| (used.count > 0, Reverse(cuts[*i].freed.len()), used.count)));
    let rows = order.into_iter().map(|i| {
        let cut = &cuts[i];
        vec![
            Some(cut.principal.as_str().into()),
            Some(cut.action.as_str().into()),
            Some(cut.resource.as_str().into()),
            cut.statement.as_deref().map(Value::from),
            Some(cut.freed.len().into()),
            used(i).map(|used| used.count.into()),
            used(i).filter(|used| used.count > 0).map(|used| used.last.as_str().into()),
            Some(cut.freed.clone().into()),
        ]
    });
    let columns = ["principal", "action", "resource", "statement", "frees", "uses", "last_used", "freed"];
    write(global, "access escalate --cut", &columns, rows.collect(), &[0, 1, 2, 4, 5])?;
    let is_known = uses.is_some() || cuts.is_empty();
    let asked = |path: &&Path| args.principal.as_deref().is_none_or(|principal| principal == path.principal);
    let paths = closure.escalation().paths;
    let climbers = paths.iter().filter(|path| !path.steps.is_empty()).filter(asked).count();
    match (lang, cuts.is_empty()) {
        (Lang::En, true) if climbers == 0 => note!("nobody has a path to an administrator: there is nothing to cut"),
        (Lang::Ja, true) if climbers == 0 => note!("管理者になれる経路はありません。外すべき権限もありません"),
        (Lang::En, true) => note!(
            "no single permission frees anybody: each of the {climbers} with a path has another one that stays open (`access \
             escalate` shows the shortest)"
        ),
        (Lang::En, false) => {
            note!("`frees`: how many can no longer become an administrator once it is denied; `uses` since {since}")
        }
        (Lang::Ja, true) => {
            note!(
                "1 つの権限を外して防げるものはありません。経路のあるプリンシパル {climbers} 件には、いずれも別の経路が残ります（最短の経路は `access \
                 escalate` で確認できます）"
            )
        }
        (Lang::Ja, false) => {
            note!("frees: 拒否すれば管理者になれなくなるプリンシパルの数、uses: {since} 以降の利用回数")
        }
    }
    match (lang, is_known) {
        (_, true) => {}
        (Lang::En, false) => note!(
            "the lake has no events since {since}, so that what a cut would break is not known: fill it with `yagura ingest \
             PATH`"
        ),
        (Lang::Ja, false) => note!(
            "{since} 以降のイベントがレイクにないため、拒否した場合の影響は分かりません。`yagura ingest PATH` で取り込んでください"
        ),
    }
    Ok(crate::exit::code(false, is_partial || !is_known, global.strict))
}

fn json_of(step: &Step, lang: Lang) -> Value {
    json!({
        "method": step.method,
        "title": step.title.get(lang),
        "from": step.from,
        "to": step.to,
        "needs": step.grounds.iter().map(|ground| json!({
            "action": ground.action,
            "resource": ground.resource,
            "statement": ground.statement,
            "conditions": ground.conditions,
        })).collect::<Vec<_>>(),
        "assumes": step.assumes.as_ref().map(|text| text.get(lang)),
    })
}

/// The path as a person reads it.
fn because(path: &Path, doubt: Option<&str>, lang: Lang) -> String {
    if path.steps.is_empty() {
        return match lang {
            Lang::En => "It is an administrator.",
            Lang::Ja => "すでに管理者です。",
        }
        .to_owned();
    }
    let mut text = String::new();
    for (i, step) in path.steps.iter().enumerate() {
        let to = step.to.as_deref().map(short);
        let grounds = step.grounds.iter().map(|ground| ground_text(ground, lang)).collect::<Vec<_>>();
        let (n, title) = (i + 1, step.title.get(lang));
        text += &match (lang, to) {
            (Lang::En, Some(to)) => format!("{n}. {title} → {to}: {}. ", grounds.join(", ")),
            (Lang::En, None) => format!("{n}. {title}: {}. ", grounds.join(", ")),
            (Lang::Ja, Some(to)) => format!("{n}. {title} → {to}（{}）", grounds.join("、")),
            (Lang::Ja, None) => format!("{n}. {title}（{}）", grounds.join("、")),
        };
        if let Some(assumes) = &step.assumes {
            text += &match lang {
                Lang::En => format!("If: {} ", assumes.en),
                Lang::Ja => format!("前提: {}", assumes.ja),
            };
        }
    }
    if let Some(doubt) = doubt {
        text += &match lang {
            Lang::En => format!("Not known for sure: {doubt}."),
            Lang::Ja => format!("確実ではありません: {doubt}"),
        };
    }
    text.trim_end().to_owned()
}

fn ground_text(ground: &Ground, lang: Lang) -> String {
    let statement = ground.statement.as_deref().unwrap_or_default();
    let keys = ground.conditions.join(", ");
    match (lang, ground.conditions.is_empty()) {
        (Lang::En, true) => format!("{} by `{statement}`", ground.action),
        (Lang::En, false) => format!("{} by `{statement}` (hangs on {keys})", ground.action),
        (Lang::Ja, true) => format!("{}: `{statement}`", ground.action),
        (Lang::Ja, false) => format!("{}: `{statement}`、{keys} の値による", ground.action),
    }
}

/// A user or role without the account in front of it.
fn short(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}
