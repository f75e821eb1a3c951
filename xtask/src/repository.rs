//! Where things lie in this checkout.

use crate::cache::FolderLock;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The folder with the workspace's Cargo.toml. Asked of the running cargo, so that a moved checkout still works.
pub fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
}

/// Cargo's output, also when the user moved it away by `CARGO_TARGET_DIR`.
pub fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target)
}

/// Keeps two tasks from building and testing in one checkout at once.
///
/// # Errors
/// When the lock's file cannot be made.
pub fn lock() -> Result<FolderLock> {
    let target = target();
    std::fs::create_dir_all(&target).with_context(|| format!("{} cannot be made", target.display()))?;
    FolderLock::take(&target.join("xtask.lock"), "another task in this checkout")
}

/// The version of a package in Cargo.lock, for tools that must match it.
///
/// # Errors
/// When Cargo.lock is missing or does not name the package.
pub fn locked_version(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    version_in(&lock, package).with_context(|| format!("Cargo.lock does not name {package}"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in;

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";

    #[test]
    fn finds_exactly_the_package() {
        assert_eq!(version_in(LOCK, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(LOCK, "wasm"), None);
    }
}
