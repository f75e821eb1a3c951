//! wasm-opt: makes the WASM module of an optimised build smaller. npm's package `binaryen` carries it.

use super::node;
use anyhow::Result;
use std::path::PathBuf;

/// # Errors
/// When npm cannot install it.
pub fn ensure() -> Result<PathBuf> {
    node::program("wasm-opt")
}
