use super::judge;
use crate::{
    args::{Check, Global},
    exit::Stop,
    note, settings, terminal,
};
use anyhow::anyhow;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use yagura_hub::Scope;
use yagura_inventory::{
    files::{self, FilesResult, Input, Options, Parameters},
    mapping::Catalog,
};
use yagura_model::{Inventory, Lang};

/// Largest text that is taken from standard input.
const MAX_STDIN: u64 = 64 << 20;

/// `yagura check`
pub async fn run(global: &Global, args: Check) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let parameters = args.parameters.as_deref().map(|path| parameters(global, path)).transpose()?.unwrap_or_default();
    let (catalog, _) = Catalog::read(&library);
    let inputs = args.paths.into_iter().map(input).collect::<Result<Vec<_>, _>>()?;
    let options = Options { catalog: &catalog, parameters, account: None, region: None };
    let read = files::read(&inputs, &options);
    for problem in &read.problems {
        note!("{}", problem.line(terminal::lang(global)));
    }
    let missing = read.problems.iter().any(|p| p.missing);
    if read.files_read == 0 {
        let error = anyhow!(match terminal::lang(global) {
            Lang::En => "nothing was read: give CloudFormation templates, Terraform plans or Config snapshots",
            Lang::Ja =>
                "読み取れたものがありません。CloudFormation テンプレート、Terraform のプラン、Config スナップショットを指定してください",
        });
        return Err(if missing { Stop::usage(error) } else { Stop::failed(error) });
    }
    if let Some(path) = &args.resources {
        judge::write_resources(path, &read.inventory)?;
    }
    let scope = if args.no_state { None } else { scope(&read) };
    let reading = judge::Reading { kind: "check", inventory: read.inventory, scope, blind: !read.problems.is_empty() };
    let code = judge::finish(global, &library, reading).await?;
    Ok(if missing { ExitCode::from(2) } else { code })
}

fn parameters(global: &Global, path: &Path) -> Result<Parameters, Stop> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Stop::usage(anyhow!("`{name}` can't be read ({e}): check --parameters")))?;
    Parameters::parse(&name, &text).map_err(|problem| Stop::usage(anyhow!(problem.line(terminal::lang(global)))))
}

/// `-` is standard input: a plan need not be a file.
fn input(path: PathBuf) -> Result<Input, Stop> {
    if path.as_os_str() != "-" {
        return Ok(Input::Path(path));
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_STDIN + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Stop::failed(anyhow!("standard input could not be read ({e}): give a file")))?;
    Ok(Input::Bytes("-".to_owned(), bytes))
}

/// What a Config snapshot says is an account's state and is kept; what a template says is not. Where not all was read,
/// nothing counts as gone.
fn scope(read: &FilesResult) -> Option<Scope> {
    let Inventory { resources, .. } = &read.inventory;
    let real = resources.iter().all(|r| !r.source.is_template());
    (real && !resources.is_empty()).then(|| if read.partial { Scope::default() } else { Scope::of(&read.inventory) })
}
