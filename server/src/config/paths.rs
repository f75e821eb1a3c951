//! Where files lie on this machine.

use super::reader::Reader;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct Paths {
    /// What must not be lost when something is embedded: the database, the objects, the keys. Absolute.
    pub data: PathBuf,
    /// What can be fetched again: tools, wheels, weights. Absolute.
    pub cache: PathBuf,
}

impl Paths {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let data = reader.text("ATELIER_DATA_DIR").map_or_else(|| PathBuf::from(".atelier"), PathBuf::from);
        let cache = reader.text("ATELIER_CACHE_DIR").map(PathBuf::from).unwrap_or_else(|| {
            let user_cache = reader.text("XDG_CACHE_HOME").map(PathBuf::from);
            let home_cache = || reader.text("HOME").map(|home| Path::new(&home).join(".cache"));
            user_cache.or_else(home_cache).unwrap_or_else(|| PathBuf::from("/var/cache")).join("atelier")
        });
        Self { data: absolute(data), cache: absolute(cache) }
    }
}

/// Postgres and others start in another folder, so a relative path would mean another place to them.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
