//! Playwright and what else the browser tests import: npm packages in end2end/node_modules.

use super::{announce, node};
use crate::repository;
use anyhow::{Context, Result};
use std::fs;

/// # Errors
/// When npm cannot install the packages.
pub fn ensure() -> Result<()> {
    let folder = repository::root().join("end2end");
    let lock = fs::read(folder.join("package-lock.json")).context("end2end/package-lock.json cannot be read")?;
    let stamp = folder.join("node_modules/.installed-package-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    announce("Installing Playwright");
    node::install(&folder, &[])?;
    fs::write(stamp, lock)?;
    Ok(())
}
