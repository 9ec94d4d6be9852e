//! Runs other programs, in this repository, saying what it runs.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The folder that outlives a checkout, for tools that tests need.
pub fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache")))
        .unwrap_or_else(|| root().join("target"));
    base.join("yagura")
}

/// Where cargo puts what it builds, which flags, variables and configuration files may change.
pub fn target() -> PathBuf {
    read(&mut cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]))
        .ok()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .and_then(|metadata| metadata["target_directory"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| root().join("target"))
}

/// Builds `yagura` for development, and says where it is.
///
/// The tests' own build makes it: a build of just the binary would choose other features for some libraries, and so
/// compile all that stands on them a second time.
///
/// # Errors
/// When it can't be built.
pub fn binary() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--workspace", "--all-targets", "--quiet"]))?;
    Ok(target().join("debug/yagura"))
}

pub fn say(text: &str) {
    let mut err = std::io::stderr();
    // Nothing can be done when standard error is gone.
    let _ = writeln!(err, "{}", text.trim_end());
}

pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// This toolchain's cargo, as from a shell. What cargo says of xtask itself to xtask (`CARGO_PKG_…`, `CARGO_MANIFEST_…`)
/// stays behind: build scripts watch these variables, and `ring` with all above it would be compiled anew at each turn
/// from plain cargo to xtask and back.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// Runs a command to its end.
///
/// # Errors
/// When it does not start or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    match status(command)? {
        0 => Ok(()),
        code => bail!("`{}` failed with exit code {code}", describe(command)),
    }
}

/// Runs a command to its end and gives its exit code; -1 for one that a signal ended.
///
/// # Errors
/// When it does not start.
pub fn status(command: &mut Command) -> Result<i32> {
    say(&format!("$ {}", describe(command)));
    let status = command.status().with_context(|| format!("`{}` does not start", describe(command)))?;
    Ok(status.code().unwrap_or(-1))
}

/// Runs a command quietly and gives its standard output.
///
/// # Errors
/// When it does not start or does not succeed.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("`{}` does not start", describe(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", describe(command), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}
