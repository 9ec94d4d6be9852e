use crate::{
    args::{Findings, Global},
    exit::{self, Stop},
    note, output, settings,
};
use std::process::ExitCode;
use yagura_hub::{Filter, Page};
use yagura_model::Status;

/// `yagura findings`
pub async fn run(global: &Global, args: Findings) -> Result<ExitCode, Stop> {
    let hub = settings::hub(global).await?;
    let now = settings::now();
    if let Some(id) = &args.suppress {
        let until = settings::time(args.until.as_deref().unwrap_or_default())?;
        hub.suppress(id, args.reason.as_deref().unwrap_or_default(), &until, &now).await.map_err(Stop::usage)?;
        note!("{id}: suppressed until {until}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(id) = &args.unsuppress {
        hub.unsuppress(id, &now).await.map_err(Stop::usage)?;
        note!("{id}: open again");
        return Ok(ExitCode::SUCCESS);
    }
    hub.expire_suppressions(&now).await?;
    let statuses = match (args.all, args.status.is_empty()) {
        (true, _) => Vec::new(),
        (false, true) => vec![Status::New, Status::Notified],
        (false, false) => args.status,
    };
    let filter = Filter {
        statuses,
        min_severity: args.min_severity,
        rule: args.rule,
        account: args.account,
        text: args.search,
        ..Filter::default()
    };
    let findings = hub.findings(&filter, Page { limit: args.limit, offset: 0 }).await?;
    let total = hub.count(&filter).await?;
    output::write(global, "Yagura: findings", &findings)?;
    if total > args.limit {
        note!(
            "{} of {total} findings are shown: raise --limit, or narrow with --min-severity, --rule, --search",
            args.limit
        );
    }
    let found = global.fail_on.is_some_and(|least| findings.iter().any(|f| f.severity >= least));
    Ok(exit::code(found, false, global.strict))
}
