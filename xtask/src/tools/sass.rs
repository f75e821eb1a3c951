//! sass: joins the style's parts. npm's package of the same name carries it.

use super::node;
use anyhow::Result;
use std::path::PathBuf;

/// # Errors
/// When npm cannot install it.
pub fn ensure() -> Result<PathBuf> {
    node::program("sass")
}
