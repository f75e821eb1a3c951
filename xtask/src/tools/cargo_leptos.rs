//! cargo-leptos: builds the server and the WASM bundle together.

use super::crates::Tool;
use anyhow::Result;
use std::path::PathBuf;

/// The newest that builds on Rust 1.95.
const VERSION: &str = "0.3.10";

/// # Errors
/// When cargo cannot install it.
pub fn ensure() -> Result<PathBuf> {
    let tool = Tool {
        name: "cargo-leptos",
        krate: "cargo-leptos",
        version: VERSION,
        locked: true,
        duration: "about 6 minutes on two cores, once",
    };
    tool.ensure()
}
