//! Tools that are Rust crates: installed by cargo into the cache folder, each version in a folder of its own.

use super::announce;
use crate::{cache, process};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// A program in a crate.
pub struct Tool<'a> {
    pub name: &'a str,
    pub krate: &'a str,
    pub version: &'a str,
    /// Whether the crate's own Cargo.lock is followed.
    pub locked: bool,
    /// For the announcement.
    pub duration: &'a str,
}

impl Tool<'_> {
    /// Installs it unless that is done. Returns the folder to put on PATH.
    ///
    /// # Errors
    /// When cargo cannot fetch or build it.
    pub fn ensure(&self) -> Result<PathBuf> {
        let tools = cache::tools()?;
        let root = tools.join(format!("{}-{}", self.name, self.version));
        let folder = root.join("bin");
        // cargo puts the program there last, in one step: it serves as the stamp.
        if folder.join(self.name).is_file() {
            return Ok(folder);
        }
        announce(&format!("Installing {} {} ({})", self.name, self.version, self.duration));
        let mut cargo = process::command("cargo");
        cargo
            .args(["install", self.krate, "--version", self.version, "--bin", self.name, "--root"])
            .arg(&root)
            // Compiled for being compiled fast: optimised, cargo-leptos takes 16 minutes instead of 6 on two cores.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            .env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback")
            .env_remove("CARGO_TARGET_DIR")
            .current_dir(&tools);
        if self.locked {
            cargo.arg("--locked");
        }
        process::run(&mut cargo).with_context(|| format!("{} {} could not be installed", self.name, self.version))?;
        Ok(folder)
    }
}
