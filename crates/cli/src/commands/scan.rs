use super::judge;
use crate::{
    args::{Access, Global, Scan},
    exit::Stop,
    note, settings, terminal,
};
use anyhow::{Context as _, anyhow};
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    process::ExitCode,
    sync::Arc,
};
use yagura_aws::{Api, CallError, Client, ErrorKind, Identity, Record, Replay, Role};
use yagura_hub::Scope;
use yagura_inventory::{live, mapping::Catalog};
use yagura_model::Inventory;

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
    options.services.clone_from(&args.service);
    options.concurrency = args.concurrency.clamp(1, 256);
    options.credentials.clone_from(&account.assumed);
    let bar = terminal::bar(0, &account.identity.account);
    let inventory = live::collect(Arc::clone(&account.api), &library, &options, &|p| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        bar.set_message(format!("{} {} · {}", p.kind, p.region, p.resources));
    })
    .await;
    bar.finish_and_clear();
    if inventory.resources.is_empty() && !inventory.gaps.is_empty() {
        for gap in inventory.gaps.iter().take(5) {
            note!("{}: {}", gap.action, gap.reason);
        }
        return Err(Stop::failed(anyhow!(
            "nothing could be read of account {}: `yagura doctor` says what is missing",
            account.identity.account
        )));
    }
    if let Some(path) = &args.resources {
        judge::write_resources(path, &inventory)?;
    }
    let scope = (!args.no_state).then(|| scope(&catalog, &inventory, &account.identity, &options));
    let blind = is_blind(&inventory);
    judge::finish(global, &library, judge::Reading { kind: "scan", inventory, scope, blind }).await
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
    let role = access.role.as_deref().map(|arn| Role {
        name: arn.rsplit_once(":role/").map_or(arn, |(_, name)| name).to_owned(),
        external_id: access.external_id.clone(),
        session_name: "yagura".to_owned(),
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
        if account == identity.account {
            return Err(Stop::usage(anyhow!(
                "`{role}` is in the credentials' own account: use a profile with `role_arn` and --profile"
            )));
        }
        identity.account.clone_from(&account);
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
        ErrorKind::NotFound | ErrorKind::Other => anyhow!("{error}: check the Region and the endpoint"),
        // The client's own messages say what to do about the rest.
        _ => anyhow!("{error}"),
    }
}

/// Everything that was asked for, less what could not be listed.
fn scope(catalog: &Catalog, inventory: &Inventory, identity: &Identity, options: &live::Options) -> Scope {
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
    for kind in catalog.types().filter(|t| options.services.is_empty() || options.services.contains(&t.service)) {
        // Region-wide and account-wide verdicts are filed under the account's type.
        for kind in [kind.kind.as_str(), yagura_model::ACCOUNT_TYPE] {
            for region in &regions {
                scope.add(Some(&identity.account), Some(region), kind);
            }
        }
    }
    scope.without(&inventory.gaps)
}

/// Something was denied or failed: a listing, or a detail that is now an unknown marker.
fn is_blind(inventory: &Inventory) -> bool {
    !inventory.gaps.is_empty()
        || inventory.resources.iter().any(|r| holds_unknown(&r.properties) || holds_unknown(&r.observed))
}

fn holds_unknown(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(map) => yagura_model::is_unknown(value) || map.values().any(holds_unknown),
        serde_json::Value::Array(items) => items.iter().any(holds_unknown),
        _ => false,
    }
}
