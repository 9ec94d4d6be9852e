use crate::{
    args::{Global, Policy},
    exit::Stop,
    output, settings,
};
use serde_json::json;
use std::{collections::BTreeSet, process::ExitCode};
use yagura_inventory::mapping::Catalog;

/// What every scan asks before it reads a resource.
const FIRST: [&str; 2] = ["sts:GetCallerIdentity", "ec2:DescribeRegions"];

/// `yagura policy`
pub fn run(global: &Global, args: &Policy) -> Result<ExitCode, Stop> {
    let library = settings::library(global)?;
    let (catalog, _) = Catalog::read(&library);
    let mut actions: BTreeSet<String> = FIRST.map(str::to_owned).into();
    for kind in catalog.types().filter(|t| args.service.is_empty() || args.service.contains(&t.service)) {
        actions.extend(kind.actions().into_iter().map(str::to_owned));
    }
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "YaguraRead", "Effect": "Allow", "Action": actions, "Resource": "*"}],
    });
    output::print(&format!("{policy:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}
