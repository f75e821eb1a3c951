//! Tools that are npm packages: `xtask/node/package-lock.json` pins their versions and checksums.

use super::announce;
use crate::{cache, process, repository};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

/// The folder with `program`, which is one of the packages' programs.
///
/// # Errors
/// When npm cannot install the packages, or none of them carries the program.
pub fn program(program: &str) -> Result<PathBuf> {
    let folder = packages()?.join("node_modules/.bin");
    if !folder.join(program).exists() {
        bail!("No package in xtask/node/package.json carries {program}");
    }
    Ok(folder)
}

/// The installed packages; a folder for each state of the lock file.
fn packages() -> Result<PathBuf> {
    let source = repository::root().join("xtask/node");
    let lock = fs::read(source.join("package-lock.json")).context("xtask/node/package-lock.json cannot be read")?;
    let mut hasher = DefaultHasher::new();
    lock.hash(&mut hasher);
    let folder = cache::tools()?.join(format!("node-{:016x}", hasher.finish()));
    if folder.is_dir() {
        return Ok(folder);
    }
    announce("Installing wasm-opt and sass");
    let scratch = cache::scratch("node")?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), scratch.path().join(file))?;
    }
    install(scratch.path(), &["--omit=optional"])?;
    fs::rename(scratch.path(), &folder)?;
    Ok(folder)
}

/// Installs exactly what the folder's lock file says. No package's own scripts are run.
///
/// # Errors
/// When npm fails.
pub fn install(folder: &Path, options: &[&str]) -> Result<()> {
    let mut npm = process::command("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .args(options)
        .current_dir(folder);
    process::run(&mut npm).with_context(|| format!("npm could not install the packages of {}", folder.display()))
}
