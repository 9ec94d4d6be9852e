use super::judge;
use crate::{
    args::{Access, Global, Scan},
    exit::Stop,
    settings, terminal,
};
use anyhow::{Context as _, anyhow};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, BufWriter},
    process::ExitCode,
    sync::Arc,
};
use yagura_aws::{Api, Call, CallError, Client, ErrorKind, Identity, Record, Replay, Role};
use yagura_hub::Scope;
use yagura_inventory::{live, mapping::Catalog};
use yagura_model::{Gap, Inventory, Resource};

/// A way to an account, and whose it is.
pub struct Account {
    pub api: Arc<dyn Api>,
    pub identity: Identity,
    /// The account that calls must name; `None` for the caller's own.
    pub assumed: Option<String>,
    pub region: String,
}

/// `yagura scan`
pub async fn run(global: &Global, args: Scan) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    check_services(&catalog, &args.service)?;
    check_extras(&catalog, &args.extras)?;
    let (client, region) = client(&args.access).await?;
    let recorder = args.record.as_ref().map(File::create).transpose().context("--record").map_err(Stop::usage)?;
    let api: Arc<dyn Api> = match (&args.replay, recorder) {
        (Some(path), _) => {
            let file = File::open(path).context("--replay").map_err(Stop::usage)?;
            Arc::new(Replay::read(BufReader::new(file)).context("--replay").map_err(Stop::usage)?)
        }
        (None, Some(file)) => Arc::new(Record::new(client, BufWriter::new(file))),
        (None, None) => Arc::new(client),
    };
    let account = identify(api, &args.access, region).await?;
    let mut options = live::Options::new(&account.identity.account, &account.identity.partition);
    options.regions.clone_from(&args.access.region);
    let kinds = kinds_of(&catalog, &args.service);
    if !kinds.is_empty() {
        options.types.extend(judge::compiled(&library)?.looked_at(&kinds));
        options.types.extend(kinds.iter().cloned());
    }
    options.extras.clone_from(&args.extras);
    options.concurrency = args.concurrency.clamp(1, 256);
    options.credentials.clone_from(&account.assumed);
    let bar = terminal::bar(0, &account.identity.account);
    let inventory = live::collect(Arc::clone(&account.api), &library, &options, &|p| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        if p.done > 0 {
            bar.set_message(format!("{} {} · {}", p.kind, p.region, p.resources));
        }
    })
    .await;
    bar.finish_and_clear();
    let unread = nothing_read(&catalog, &inventory, &kinds);
    if let Some(path) = &args.resources {
        let asked = |kind: &String| kinds.is_empty() || kinds.contains(kind);
        let resources = inventory.resources.iter().filter(|resource| asked(&resource.kind)).cloned().collect();
        let gaps = inventory.gaps.iter().filter(|gap| asked(&gap.kind)).cloned().collect();
        judge::write_resources(path, &Inventory { resources, gaps })?;
    }
    let scope = (!args.no_state && !unread).then(|| scope(&catalog, &inventory, &account.identity, &options, &kinds));
    let blind = is_blind(&inventory, &kinds);
    let reading = judge::Reading { kind: "scan", inventory, scope, blind };
    let code = judge::finish_only(global, &library, reading, &kinds).await?;
    if unread {
        return Err(Stop::failed(anyhow!(
            "nothing could be read of account {}: `yagura policy` prints the permissions that are needed",
            account.identity.account
        )));
    }
    Ok(code)
}

/// Whether nothing at all is known of the types that were asked for (none: all). One call alone that AWS refuses is a blind
/// spot: its lines say all there is to say.
fn nothing_read(catalog: &Catalog, inventory: &Inventory, kinds: &[String]) -> bool {
    let asked = |kind: &String| kinds.is_empty() || kinds.contains(kind);
    let gaps: Vec<&Gap> = inventory.gaps.iter().filter(|gap| asked(&gap.kind)).collect();
    let resources: Vec<&Resource> = inventory.resources.iter().filter(|resource| asked(&resource.kind)).collect();
    let empty = |kind: &str| !gaps.iter().any(|g| g.kind == kind) && !resources.iter().any(|r| r.kind == kind);
    // Codes of our own, for what never reached AWS, are in lower case.
    let refused = gaps.iter().all(|gap| gap.reason.starts_with(|c: char| c.is_ascii_uppercase()));
    let one = gaps.windows(2).all(|pair| matches!(pair, [a, b] if a.action == b.action));
    let known = resources.iter().any(|r| holds_known(&r.properties) || holds_known(&r.observed));
    let complete = gaps.is_empty() || known || (one && refused);
    !complete && !catalog.types().filter(|t| asked(&t.kind)).any(|t| empty(&t.kind))
}

fn holds_known(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::Object(map) => !yagura_model::is_unknown(value) && map.values().any(holds_known),
        serde_json::Value::Array(items) => items.iter().any(holds_known),
        _ => true,
    }
}

/// The resource types of some services; none for all of them.
fn kinds_of(catalog: &Catalog, services: &[String]) -> Vec<String> {
    catalog.types().filter(|t| services.contains(&t.service)).map(|t| t.kind.clone()).collect()
}

fn check_extras(catalog: &Catalog, wanted: &[String]) -> Result<(), Stop> {
    let known: BTreeSet<&str> = catalog.types().flat_map(|kind| kind.extras()).collect();
    match wanted.iter().find(|name| !known.contains(name.as_str())) {
        Some(name) => {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            Err(Stop::usage(anyhow!("--with `{name}` is nothing that can be read: there is {known}")))
        }
        None => Ok(()),
    }
}

fn check_services(catalog: &Catalog, wanted: &[String]) -> Result<(), Stop> {
    let mut known: Vec<&str> = catalog.types().map(|t| t.service.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    match wanted.iter().find(|s| !known.contains(&s.as_str())) {
        Some(unknown) => {
            Err(Stop::usage(anyhow!("`{unknown}` is no service that is read: use one of {}", known.join(", "))))
        }
        None => Ok(()),
    }
}

/// The signed client, and the Region that it works in.
pub async fn client(access: &Access) -> Result<(Client, String), Stop> {
    if let Some(wrong) = access.region.iter().find(|region| !yagura_aws::is_region(region)) {
        return Err(Stop::usage(anyhow!("`{wrong}` is no Region's name: use one like ap-northeast-1")));
    }
    let role = access.role.as_deref().map(|arn| Role {
        name: arn.rsplit_once(":role/").map_or(arn, |(_, name)| name).to_owned(),
        external_id: access.external_id.clone(),
        session_name: "yagura".to_owned(),
        own_account: true,
    });
    let options = yagura_aws::Options {
        profile: access.profile.clone(),
        region: access.region.first().cloned(),
        role,
        ..yagura_aws::Options::default()
    };
    let client = Client::connect(options).await.map_err(Stop::usage)?;
    let region = client.region().to_owned();
    Ok((client, region))
}

/// Asks AWS who calls; the account is the role's when one is assumed.
pub async fn identify(api: Arc<dyn Api>, access: &Access, region: String) -> Result<Account, Stop> {
    let mut identity = yagura_aws::identity(api.as_ref(), &region).await.map_err(|e| Stop::failed(explain(&e)))?;
    let mut assumed = None;
    if let Some(role) = &access.role {
        let account = yagura_model::Arn::parse(role)
            .map(|arn| arn.account.to_owned())
            .ok_or_else(|| Stop::usage(anyhow!("`{role}` is no role's ARN: write arn:aws:iam::ACCOUNT:role/NAME")))?;
        identity.account.clone_from(&account);
        // Whether the role may be taken on shows here, rather than in every call.
        let call = Call {
            service: "sts".to_owned(),
            operation: "GetCallerIdentity".to_owned(),
            params: serde_json::json!({}),
            region: region.clone(),
            account: Some(account.clone()),
        };
        let who = api.call(&call).await.map_err(|e| Stop::failed(explain(&e)))?;
        if let Some(arn) = who.get("Arn").and_then(serde_json::Value::as_str) {
            identity.arn = arn.to_owned();
        }
        assumed = Some(account);
    }
    Ok(Account { api, identity, assumed, region })
}

/// What a failed first call means to a person.
pub fn explain(error: &CallError) -> anyhow::Error {
    match error.kind {
        ErrorKind::Denied => {
            anyhow!("{error}: the credentials work but may not ask this: `yagura policy` prints what is needed")
        }
        // The client's own messages say what happened and what to do.
        _ if error.status == 0 || error.code == "broken_answer" => anyhow!("{}", error.message),
        ErrorKind::NotFound | ErrorKind::Other => anyhow!("{error}: check the Region and the endpoint"),
        _ => anyhow!("{error}"),
    }
}

/// Everything that was asked for, less what could not be listed.
fn scope(
    catalog: &Catalog,
    inventory: &Inventory,
    identity: &Identity,
    options: &live::Options,
    kinds: &[String],
) -> Scope {
    let global = live::global_region(&identity.partition);
    // Regions that were read are those that something was seen in; every Region has its own pseudo-resource.
    let mut regions: Vec<&str> = inventory.resources.iter().filter_map(|r| r.region.as_deref()).collect();
    regions.extend(options.regions.iter().map(String::as_str));
    if options.regions.is_empty() {
        regions.push(global);
    }
    regions.sort_unstable();
    regions.dedup();
    let mut scope = Scope::default();
    // Region-wide and account-wide verdicts are filed under the account's type, whatever service they are about: only a
    // scan of all services has seen them all, and may take those that are missing for gone.
    let listed = catalog.types().map(|t| t.kind.as_str()).filter(|k| *k != yagura_model::ACCOUNT_TYPE);
    let wanted = listed.filter(|k| kinds.is_empty() || kinds.iter().any(|wanted| wanted == k));
    for kind in wanted.chain(kinds.is_empty().then_some(yagura_model::ACCOUNT_TYPE)) {
        for region in &regions {
            scope.add(Some(&identity.account), Some(region), kind);
        }
    }
    let scope = scope.without(&inventory.gaps);
    if options.regions.is_empty() { scope.everywhere() } else { scope }
}

/// Something was denied or failed: a listing, or a detail that is now an unknown marker.
fn is_blind(inventory: &Inventory, kinds: &[String]) -> bool {
    let mut asked = inventory.resources.iter().filter(|r| kinds.is_empty() || kinds.contains(&r.kind));
    let unknown = |r: &Resource| {
        r.tags.contains_key(yagura_model::UNKNOWN_KEY) || holds_unknown(&r.properties) || holds_unknown(&r.observed)
    };
    !inventory.gaps.is_empty() || asked.any(unknown)
}

fn holds_unknown(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(map) => yagura_model::is_unknown(value) || map.values().any(holds_unknown),
        serde_json::Value::Array(items) => items.iter().any(holds_unknown),
        _ => false,
    }
}
