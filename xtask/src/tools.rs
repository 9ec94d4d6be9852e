//! Installs what the tests need and a new machine lacks. Each step is skipped when its result is there already.

use crate::shell::{self, cache, command, exists, root, run, say};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::PathBuf};

/// A Python environment of our own with the packages of a requirements file; gives its folder of programs.
///
/// # Errors
/// When Python or the package registry is out of reach.
pub fn python(name: &str, requirements: &str) -> Result<PathBuf> {
    let list = root().join(requirements);
    let wanted = fs::read_to_string(&list).with_context(|| format!("`{}`", list.display()))?;
    let home = cache().join(name);
    let bin = home.join("bin");
    let stamp = home.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    say(&format!("installing the Python packages of {requirements} into {}", home.display()));
    fs::create_dir_all(cache())?;
    run(command("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    run(command(bin.join("pip")).args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&list))?;
    fs::write(&stamp, wanted)?;
    Ok(bin)
}

const DEBIAN: [&str; 3] = ["chromium", "fonts-noto-cjk", "fontconfig"];

/// Debian's Chromium and a font with Japanese, which a new machine lacks.
///
/// # Errors
/// When they are missing and can't be installed.
pub fn browser() -> Result<()> {
    let font = exists("fc-list")
        && shell::read(command("fc-list").arg(":lang=ja")).is_ok_and(|fonts| !fonts.trim().is_empty());
    if exists("chromium") && font {
        return Ok(());
    }
    let root = shell::read(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !exists("apt-get") {
        bail!(
            "the browser test needs `chromium`, `fc-list` and a font with Japanese: install them, on Debian by `sudo \
             apt-get install {}`",
            DEBIAN.join(" ")
        );
    }
    say(&format!("installing {}", DEBIAN.join(", ")));
    run(command("apt-get").args(["update", "-qq"]))?;
    run(command("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(DEBIAN)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

/// `playwright-core` and what else the browser test names, from npm; gives the folder that holds `node_modules`.
///
/// # Errors
/// When npm or its registry is out of reach.
pub fn playwright() -> Result<PathBuf> {
    let home = cache().join("node");
    let list = root().join("tests/browser/package.json");
    let wanted = fs::read_to_string(&list).with_context(|| format!("`{}`", list.display()))?;
    let stamp = home.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    say(&format!("installing the packages of tests/browser/package.json into {}", home.display()));
    fs::create_dir_all(&home)?;
    fs::write(home.join("package.json"), &wanted)?;
    run(command("npm").args(["install", "--loglevel", "error", "--no-audit", "--no-fund"]).current_dir(&home))?;
    fs::write(&stamp, wanted)?;
    Ok(home)
}
