//! The browser of the browser tests: the distribution's Chromium.

use super::{announce, apt};
use crate::process::{self, find};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// `CHROMIUM`, or one on PATH, or one newly installed.
///
/// # Errors
/// What to type, when there is none and this user may not install one.
pub fn ensure() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM").filter(|value| !value.is_empty()) {
        let chosen = PathBuf::from(chosen);
        if !runs(&chosen) {
            bail!("CHROMIUM is {}, which does not run: set it to a Chromium or Chrome, or unset it", chosen.display());
        }
        return Ok(chosen);
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    announce("Installing Chromium");
    apt::install("chromium")?;
    match installed() {
        Some(found) => Ok(found),
        None => bail!(
            "The distribution's Chromium does not run here (Ubuntu's is a snap, which containers cannot start): \
             install Chromium or Chrome and set CHROMIUM to its path"
        ),
    }
}

fn installed() -> Option<PathBuf> {
    NAMES.iter().filter_map(|name| find(name)).find(|program| runs(program))
}

/// On Ubuntu, `chromium-browser` may be a script that only says to install a snap.
fn runs(program: &Path) -> bool {
    process::output(process::command(program).arg("--version")).is_ok()
}
