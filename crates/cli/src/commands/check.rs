use super::judge;
use crate::{
    args::{Check, Global},
    exit::Stop,
    note, settings,
};
use anyhow::{Context as _, anyhow};
use std::process::ExitCode;
use yagura_hub::Scope;
use yagura_inventory::{
    files::{self, Input, Options, Parameters},
    mapping::Catalog,
};
use yagura_model::Inventory;

/// `yagura check`
pub async fn run(global: &Global, args: Check) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let parameters = match &args.parameters {
        None => Parameters::default(),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("`{name}` can't be read: check --parameters"))
                .map_err(Stop::usage)?;
            Parameters::parse(&name, &text).map_err(Stop::usage)?
        }
    };
    let (catalog, _) = Catalog::read(&library);
    let inputs: Vec<Input> = args.paths.into_iter().map(Input::Path).collect();
    let options = Options { catalog: &catalog, parameters, account: None, region: None };
    let read = files::read(&inputs, &options);
    for problem in &read.problems {
        note!("{problem}");
    }
    let missing = read.problems.iter().any(|p| p.missing);
    if read.files_read == 0 {
        let error = anyhow!("nothing was read: give CloudFormation templates, Terraform plans or Config snapshots");
        return Err(if missing { Stop::usage(error) } else { Stop::failed(error) });
    }
    if let Some(path) = &args.resources {
        judge::write_resources(path, &read.inventory)?;
    }
    let scope = if args.no_state { None } else { scope(&read.inventory) };
    let reading = judge::Reading { kind: "check", inventory: read.inventory, scope, blind: !read.problems.is_empty() };
    let code = judge::finish(global, &library, reading).await?;
    Ok(if missing { ExitCode::from(2) } else { code })
}

/// What a Config snapshot says is an account's state and is kept; what a template says is not.
fn scope(inventory: &Inventory) -> Option<Scope> {
    let real = inventory.resources.iter().all(|r| !r.source.is_template());
    (real && !inventory.resources.is_empty()).then(|| Scope::of(inventory))
}
