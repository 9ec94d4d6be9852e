use crate::{args::Global, exit::Stop, output, settings, terminal};
use std::process::ExitCode;
use yagura_hub::{Filter, Page};
use yagura_model::Lang;

/// `yagura report`: all open findings, in the forms that were asked for.
pub async fn run(global: &Global) -> Result<ExitCode, Stop> {
    let hub = settings::hub(global).await?;
    hub.expire_suppressions(&settings::now()).await?;
    let findings = hub.findings(&Filter::open(), Page { limit: i64::MAX, offset: 0 }).await?;
    let title = match terminal::lang(global) {
        Lang::En => "Yagura: open findings",
        Lang::Ja => "Yagura: 未解決の課題",
    };
    output::write(global, title, &findings)?;
    Ok(ExitCode::SUCCESS)
}
