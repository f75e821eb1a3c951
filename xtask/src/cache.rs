//! The user's cache folder, where fetched tools are kept apart from the checkout.

use anyhow::{Context, Result};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

/// `ATELIER_CACHE_DIR`, or `atelier` in the user's cache folder: the same rule as in `atelier` itself.
///
/// # Errors
/// When no variable says where it is, or it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("ATELIER_CACHE_DIR")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("atelier")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/atelier")))
        .context("There is no home folder: set ATELIER_CACHE_DIR to a folder for fetched tools")?;
    let folder = std::path::absolute(folder)?;
    std::fs::create_dir_all(&folder).with_context(|| {
        format!("{} cannot be made: set ATELIER_CACHE_DIR to a folder that can be written to", folder.display())
    })?;
    Ok(folder)
}

/// `tools` in the cache folder.
///
/// # Errors
/// See [`folder`].
pub fn tools() -> Result<PathBuf> {
    let tools = folder()?.join("tools");
    std::fs::create_dir_all(&tools)?;
    Ok(tools)
}

/// A folder beside the tools for work that either succeeds as a whole or leaves nothing; emptied first.
///
/// # Errors
/// When it cannot be made.
pub fn scratch(name: &str) -> Result<Scratch> {
    let path = folder()?.join(format!("unfinished-{name}"));
    if path.exists() {
        std::fs::remove_dir_all(&path)?;
    }
    std::fs::create_dir_all(&path)?;
    Ok(Scratch { path })
}

/// Removed when dropped; see [`scratch`].
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is removed by the next run of the same name.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A lock that ends with the process, however it ends.
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Waits for `holder` to finish, and says so.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn take(path: &Path, holder: &str) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                println!("Waiting for {holder} to finish ({})", path.display());
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(Self { _file: file })
    }
}
