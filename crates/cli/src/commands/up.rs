use super::demo;
use crate::{
    args::{Global, Up},
    exit::Stop,
    note, settings, terminal,
};
use std::{process::ExitCode, sync::Arc};
use tokio::sync::watch;
use yagura_hub::{Catalog, Hub};
use yagura_model::Lang;
use yagura_web::Console;

/// `yagura up`
pub async fn run(global: &Global, args: Up) -> Result<ExitCode, Stop> {
    // Taken first: an address that can't be had should not cost a demo's worth of waiting.
    let (listener, address) = yagura_web::bind(&args.listen).await.map_err(Stop::usage)?;
    let global = &if args.demo { beside(global) } else { global.clone() };
    let library = Arc::new(settings::library(global)?);
    if args.demo {
        demo::prepare(global, &library, args.demo_scale).await?;
    }
    let hub = settings::hub(global).await?;
    let catalog = Catalog::of(&library);
    say_today(global, &hub, &catalog).await?;
    let lang = terminal::lang(global);
    match lang {
        Lang::En => note!("console: http://{address}   (Ctrl-C stops)"),
        Lang::Ja => note!("コンソール: http://{address}   (Ctrl-C で終了)"),
    }
    if args.demo {
        let data = settings::data_dir(global);
        let data = data.display();
        match lang {
            Lang::En => note!("other commands on the demo's data: yagura access external --data {data}"),
            Lang::Ja => note!("デモのデータでほかのコマンドを試す例: yagura access external --data {data}"),
        }
    }
    if args.prepare_only {
        return Ok(ExitCode::SUCCESS);
    }
    let (stop, stopping) = watch::channel(false);
    let notices = tokio::spawn(deliver(global.clone(), hub.clone(), catalog, stopping));
    let console = Console::new(hub, library, settings::now);
    let served = yagura_web::serve(console, listener, stopped()).await;
    stop.send_replace(true);
    notices.await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Where nobody said where data is kept, the demo has a folder of its own, so that it never mixes with real findings.
fn beside(global: &Global) -> Global {
    let said = global.data.is_some() || std::env::var_os("YAGURA_DATA").is_some_and(|v| !v.is_empty());
    let data = settings::data_dir(global);
    Global { data: Some(if said { data } else { data.join("demo") }), ..global.clone() }
}

/// Sends due notices for as long as the console runs, and finishes the one under way when it ends.
async fn deliver(global: Global, hub: Hub, catalog: Catalog, mut stopping: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
    while !*stopping.borrow() {
        tokio::select! {
            _ = every.tick() => {}
            _ = stopping.changed() => return,
        }
        if let Err(stop) = super::fix::notify(&global, &hub, &catalog, &|| *stopping.borrow()).await {
            note!("{:#}", stop.error);
        }
    }
}

/// The three things to do today, on the terminal.
async fn say_today(global: &Global, hub: &Hub, catalog: &Catalog) -> Result<(), Stop> {
    let lang = terminal::lang(global);
    let today = hub.today(catalog, 3).await?;
    if today.is_empty() {
        return Ok(());
    }
    note!("{}", if lang == Lang::Ja { "今日やること:" } else { "Three things to do today:" });
    for (i, thing) in today.iter().enumerate() {
        let group = &thing.group;
        note!("  {}. [{}] {} ({})", i + 1, group.severity, group.title.get(lang), group.count);
        if let Some(reason) = thing.before_next {
            note!("     {}", reason.text(lang));
        }
    }
    Ok(())
}

/// Ends at Ctrl-C or, where there is one, SIGTERM.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(_) => {
                // Without a handler for SIGTERM the system ends the process by itself.
                let _ = interrupt.await;
                return;
            }
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
