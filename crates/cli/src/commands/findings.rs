use crate::{
    args::{Findings, Global},
    exit::{self, Stop},
    note, output, settings, terminal,
};
use std::process::ExitCode;
use yagura_hub::{Filter, Page};
use yagura_model::{Lang, Status};

/// `yagura findings`
pub async fn run(global: &Global, args: Findings) -> Result<ExitCode, Stop> {
    let hub = settings::hub(global).await?;
    let now = settings::now();
    if let Some(id) = &args.suppress {
        let until = settings::time(args.until.as_deref().unwrap_or_default())?;
        hub.suppress(id, args.reason.as_deref().unwrap_or_default(), &until, &now).await.map_err(Stop::usage)?;
        match terminal::lang(global) {
            Lang::En => note!("{id}: suppressed until {until}"),
            Lang::Ja => note!("{id}: {until} まで抑止しました"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(id) = &args.unsuppress {
        hub.unsuppress(id, &now).await.map_err(Stop::usage)?;
        match terminal::lang(global) {
            Lang::En => note!("{id}: open again"),
            Lang::Ja => note!("{id}: 抑止を取り消しました"),
        }
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
    let title = match terminal::lang(global) {
        Lang::En => "Yagura: findings",
        Lang::Ja => "Yagura: 課題",
    };
    output::write(global, title, &findings)?;
    let ja = terminal::lang(global) == Lang::Ja;
    match (total > args.limit, ja) {
        (true, false) => note!(
            "{} of {total} findings are shown: raise --limit, or narrow with --min-severity, --rule, --search",
            args.limit
        ),
        (true, true) => note!(
            "{total} 件のうち {} 件を表示しました。--limit を増やすか、--min-severity、--rule、--search で絞り込めます",
            args.limit
        ),
        (false, false) if total == 0 => {
            note!("no such findings: `yagura scan` and `yagura check` judge, `yagura findings --all` lists the others");
        }
        (false, true) if total == 0 => {
            note!(
                "該当する課題はありません。`yagura scan` や `yagura check` で診断し、`yagura findings --all` ですべて表示できます"
            );
        }
        _ => {}
    }
    let found = global.fail_on.is_some_and(|least| findings.iter().any(|f| f.severity >= least));
    Ok(exit::code(found, false, global.strict))
}
