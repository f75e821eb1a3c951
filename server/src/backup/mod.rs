//! `atelier backup` and `atelier restore`: the database and its files, in a folder or in another bucket. What lies there and
//! why is in docs/adr/0015-backups.md.

mod files;
mod make;
mod manifest;
mod place;
mod restore;
mod stream;
mod tables;
#[cfg(test)]
mod tests;
mod verify;

pub use make::backup;
pub use restore::restore;
pub use verify::verify;

use crate::{
    config::Config,
    db::Db,
    embedded::EmbeddedError,
    fault::Fault,
    startup::{self, StartError},
    storage::{Object, ObjectKey, ObjectStore},
};
use domain::Error;

/// Where progress is told, a line at a time.
pub type Tell<'a> = &'a (dyn Fn(String) + Send + Sync);

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A sentence that says what to do.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("It was not finished: {0}. Nothing is lost; start it again when that is mended.")]
    Fault(#[from] Fault),
}

impl From<EmbeddedError> for BackupError {
    fn from(error: EmbeddedError) -> Self {
        Self::Start(error.into())
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

fn refuse<T>(sentence: impl Into<String>) -> Result<T, BackupError> {
    Err(BackupError::Refused(sentence.into()))
}

/// What is backed up, and what a backup is restored into.
struct Installation<'a> {
    db: &'a Db,
    store: &'a ObjectStore,
    /// Whether the embedded identity provider keeps its accounts in the database.
    with_accounts: bool,
}

/// Does something with what is configured.
async fn with_installation<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Installation<'_>) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let with_accounts = config.identity.is_embedded();
    startup::with_stores(config, async |db, store| work(&Installation { db, store, with_accounts }).await).await
}

/// What was done, and what could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub tables: u64,
    pub rows: u64,
    /// Files of documents, and published copies.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Of these, files that had to be transferred.
    pub transferred: u64,
    /// Files that should be there and are not, or are not what they were. Each was told.
    pub lost: u64,
}

impl Report {
    fn count(&mut self, size: u64, transferred: bool) {
        self.files += 1;
        self.bytes += size;
        self.transferred += u64::from(transferred);
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tables, rows, files, bytes, transferred, lost } = self;
        let megabytes = bytes.div_ceil(1_000_000);
        write!(
            f,
            "{rows} rows of {tables} tables, {files} files with {megabytes} MB, {transferred} of them transferred"
        )?;
        if *lost > 0 {
            write!(f, "; {lost} files are missing or damaged, see above")?;
        }
        Ok(())
    }
}

/// Tells now and then how many files are done: the first time after a thousand.
fn tell_files(tell: Tell<'_>, done: u64) {
    if done.is_multiple_of(1000) && done > 0 {
        tell(format!("  {done} files"));
    }
}

/// `None` for an object that is not there.
async fn open(store: &ObjectStore, key: ObjectKey) -> Result<Option<Object>, Fault> {
    match store.get(key, None).await {
        Ok(object) => Ok(Some(object)),
        Err(Fault::Refused(Error::NotFound)) => Ok(None),
        Err(fault) => Err(fault),
    }
}
