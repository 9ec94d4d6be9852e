//! Where things are kept, what time it is, which content holds: what the environment decides.

use crate::{args::Global, exit::Stop, note};
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Deserialize;
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use yagura_access::Trust;
use yagura_content::Library;
use yagura_hub::{Hub, Route};
use yagura_model::{Lang, Severity};
use yagura_respond::Notifier;
use yagura_state::State;

/// Now, as RFC 3339 UTC in whole seconds.
pub fn now() -> String {
    stamp(Utc::now())
}

/// A moment as RFC 3339 UTC in whole seconds.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time that a person wrote: RFC 3339, a date, which stands for its first second in UTC, or how many days ago (`90d`).
pub fn time(text: &str) -> Result<String, Stop> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok()) {
        return Ok(stamp(Utc::now() - chrono::Duration::days(i64::from(days))));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Ok(format!("{text}T00:00:00Z"));
    }
    Err(Stop::usage(anyhow!("`{text}` is no time: write 90d, 2026-01-31 or 2026-01-31T09:00:00+09:00")))
}

/// The data directory: `--data`, `YAGURA_DATA`, `$XDG_DATA_HOME/yagura`, `~/.local/share/yagura`.
pub fn data_dir(global: &Global) -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    global
        .data
        .clone()
        .or_else(|| from("YAGURA_DATA"))
        .or_else(|| from("XDG_DATA_HOME").map(|d| d.join("yagura")))
        .or_else(|| from("HOME").map(|d| d.join(".local/share/yagura")))
        .unwrap_or_else(|| PathBuf::from("yagura-data"))
}

/// `yagura.toml` in the data directory.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub notifier: Vec<NotifierSettings>,
    /// Who may have access from outside an account without anybody being told.
    pub trust: Trust,
}

/// One notifier of the settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifierSettings {
    pub name: String,
    /// `slack`
    pub kind: String,
    /// The webhook's address, or `env:NAME` to take it from the environment.
    pub url: String,
    #[serde(default)]
    pub lang: Option<String>,
    #[serde(default = "high")]
    pub min_severity: Severity,
    /// Where the console is reached, for links.
    #[serde(default)]
    pub console: Option<String>,
    /// Addresses inside the own network are refused unless this allows them.
    #[serde(default)]
    pub allow_private: bool,
}

fn high() -> Severity {
    Severity::High
}

/// Reads the settings of a data directory; none is as good as empty ones.
pub fn read(data: &Path) -> Result<Settings, Stop> {
    let path = data.join("yagura.toml");
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text)
            .with_context(|| format!("`{}` can't be read: correct it", path.display()))
            .map_err(Stop::usage),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(e) => Err(Stop::usage(anyhow!("`{}` can't be read: {e}: check its permissions", path.display()))),
    }
}

/// What the settings say of trust.
pub fn trust(global: &Global) -> Result<Trust, Stop> {
    let data = data_dir(global);
    let trust = read(&data)?.trust;
    let at = data.join("yagura.toml");
    trust.check().map_err(|e| Stop::usage(anyhow!("`{}`: {}", at.display(), e.text().en)))?;
    Ok(trust)
}

/// The notifiers of the settings, ready to be called.
pub fn notifiers(global: &Global) -> Result<Vec<Notifier>, Stop> {
    read(&data_dir(global))?
        .notifier
        .into_iter()
        .map(|n| {
            if n.kind != "slack" {
                return Err(Stop::usage(anyhow!("notifier `{}`: `{}` is no kind: use slack", n.name, n.kind)));
            }
            let url = match n.url.strip_prefix("env:") {
                None => n.url,
                Some(name) => {
                    env::var(name).map_err(|_| Stop::usage(anyhow!("notifier `{}`: ${name} is not set", n.name)))?
                }
            };
            let lang = match n.lang.as_deref().map(str::parse::<Lang>) {
                None => Lang::En,
                Some(Ok(lang)) => lang,
                Some(Err(e)) => return Err(Stop::usage(anyhow!("notifier `{}`: {e}", n.name))),
            };
            Ok(Notifier { name: n.name, url, lang, console: n.console, allow_private: n.allow_private })
        })
        .collect()
}

/// Opens the hub of the data directory.
pub async fn hub(global: &Global) -> Result<Hub, Stop> {
    let data = data_dir(global);
    let settings = read(&data)?;
    let routes =
        settings.notifier.iter().map(|n| Route { notifier: n.name.clone(), min_severity: n.min_severity }).collect();
    let state = State::open(data.join(yagura_state::FILE_NAME)).await?;
    Ok(Hub::new(state, routes))
}

/// The content that is built in, under what `--content` adds. A file that can't be read is named; the rest holds.
pub fn library(global: &Global) -> Result<Library, Stop> {
    let mut library = Library::builtin()
        .map_err(|errors| Stop::failed(anyhow!("the built-in content is broken: {}", join(&errors))))?;
    for dir in &global.content {
        let files = content_files(dir)?;
        let errors = library.add(files.iter().map(|(p, t)| (p.as_str(), t.as_str())), true);
        if !errors.is_empty() {
            for error in &errors {
                note!("{}/{error}", dir.display());
            }
            return Err(Stop::usage(anyhow!("{} file(s) of `{}` can't be used", errors.len(), dir.display())));
        }
    }
    Ok(library)
}

fn join(errors: &[yagura_content::Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// All content files below a folder, as (path below it, text).
pub fn content_files(dir: &Path) -> Result<Vec<(String, String)>, Stop> {
    let mut files = Vec::new();
    walk(dir, dir, &mut files)
        .with_context(|| format!("the content folder `{}` can't be read", dir.display()))
        .map_err(Stop::usage)?;
    files.sort();
    Ok(files)
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "md" || e == "toml") {
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
            files.push((name, text));
        }
    }
    Ok(())
}
