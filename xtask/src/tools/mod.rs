//! What builds and tests need besides Rust: each tool in a pinned version, fetched once by its registry's own client.

pub mod apt;
pub mod cargo_leptos;
pub mod chromium;
pub mod crates;
pub mod node;
pub mod playwright;
pub mod prerequisites;
pub mod sass;
pub mod wasm_bindgen;
pub mod wasm_opt;
pub mod wasm_target;

use crate::{cache, cache::FolderLock, process};
use anyhow::Result;
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Command,
};

/// The tools of a build, at hand.
pub struct Tools {
    path: OsString,
}

impl Tools {
    /// The PATH that finds the tools before any others.
    pub fn path(&self) -> &OsStr {
        &self.path
    }

    /// A command that finds the tools on its PATH before any others.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = process::command(program);
        command.env("PATH", &self.path);
        command
    }
}

/// The tools of the tests, at hand.
pub struct TestTools {
    pub build: Tools,
    pub chromium: PathBuf,
}

/// Fetches what a build needs and is not there yet.
///
/// # Errors
/// A sentence that says what is missing and what to type.
pub fn for_builds() -> Result<Tools> {
    prerequisites::for_builds()?;
    fetch()
}

/// As [`for_builds`], for whoever also runs and checks what is built.
///
/// # Errors
/// A sentence that says what is missing and what to type.
pub fn for_development() -> Result<Tools> {
    prerequisites::for_development()?;
    fetch()
}

fn fetch() -> Result<Tools> {
    let _lock = FolderLock::take(&cache::folder()?.join("tools.lock"), "another run that fetches tools")?;
    wasm_target::ensure()?;
    let mut folders = vec![cargo_leptos::ensure()?, wasm_bindgen::ensure()?];
    // wasm-opt and sass come in one set of npm packages, so the second call finds what the first has fetched.
    for folder in [wasm_opt::ensure()?, sass::ensure()?] {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&inherited));
    Ok(Tools { path: std::env::join_paths(folders)? })
}

/// Fetches what the tests need and is not there yet.
///
/// # Errors
/// A sentence that says what is missing and what to type.
pub fn for_tests() -> Result<TestTools> {
    let build = for_development()?;
    let _lock = FolderLock::take(&cache::folder()?.join("tools.lock"), "another run that fetches tools")?;
    playwright::ensure()?;
    Ok(TestTools { build, chromium: chromium::ensure()? })
}

/// Announces something that takes a while.
fn announce(what: &str) {
    println!("==> {what}");
}
