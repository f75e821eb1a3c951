//! wasm-bindgen: writes the JavaScript around the WASM module. Must match the crate of that name to the letter.

use super::crates::Tool;
use crate::repository;
use anyhow::Result;
use std::path::PathBuf;

/// # Errors
/// When cargo cannot install it.
pub fn ensure() -> Result<PathBuf> {
    let version = repository::locked_version("wasm-bindgen")?;
    // Its own lock file is older than Rust 1.95 likes.
    let tool = Tool {
        name: "wasm-bindgen",
        krate: "wasm-bindgen-cli",
        version: &version,
        locked: false,
        duration: "about 90 seconds on two cores, once",
    };
    tool.ensure()
}
