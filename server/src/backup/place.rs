//! Where a backup lies: a folder, or a prefix of another bucket. Both hold the same files.

use super::{
    BackupError,
    manifest::{Hash, TableName},
    refuse,
    stream::Pieces,
};
use crate::{
    config::{Config, backup::REQUIRED},
    embedded::{EmbeddedError, private_folder},
    fault::Fault,
    storage::{Key, ObjectStore, Stored},
};
use domain::Error;
use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

pub(super) const MANIFEST: &str = "manifest.json";

/// Below it is a folder for each run.
const RUNS: &str = "database/";

/// The file of a table.
pub(super) fn table(run: Uuid, table: &TableName) -> String {
    format!("{RUNS}{run}/{table}.copy.gz")
}

/// The list of files.
pub(super) fn list(run: Uuid) -> String {
    format!("{RUNS}{run}/files.jsonl.gz")
}

/// A file of a document. Its name is its content's, so that it is the same in every backup, and is never written over.
pub(super) fn file(sha256: Hash) -> String {
    let name = sha256.to_string();
    format!("files/{}/{name}", &name[..2])
}

// There is one in a process: the space that a folder wastes is no reason for a box.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(super) enum Place {
    Folder(PathBuf),
    Bucket {
        store: ObjectStore,
        /// As it was typed, for people.
        address: String,
        /// Empty, or ending with a slash.
        prefix: String,
    },
}

/// The name of a backup's file in its bucket.
struct BackupKey(String);

impl Key for BackupKey {}

impl fmt::Display for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { address, .. } => f.write_str(address),
        }
    }
}

impl Place {
    /// `s3://bucket/prefix`, or the path of a folder.
    ///
    /// # Errors
    /// A sentence when it is neither, or the configuration has no store for it.
    pub fn parse(text: &str, config: &Config) -> Result<Self, BackupError> {
        let Some(address) = text.strip_prefix("s3://") else {
            if text.contains("://") {
                return refuse(format!("{text} is neither a folder nor s3://bucket/prefix."));
            }
            let folder = std::path::absolute(text).map_err(Fault::from)?;
            return Ok(Self::Folder(folder));
        };
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        if bucket.is_empty() {
            return refuse("The bucket is missing: s3://bucket/prefix.");
        }
        let Some(configured) = &config.backup else {
            return refuse(format!("To use {text}, set {} to a store for backups.", REQUIRED.join(", ")));
        };
        let settings = configured.bucket(bucket);
        if let crate::config::store::Store::S3(files) = &config.store
            && (&files.endpoint, &files.bucket) == (&settings.endpoint, &settings.bucket)
        {
            return refuse(format!(
                "{bucket} is the bucket that the files are in: what loses them would lose their backup too. Use another one."
            ));
        }
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        Ok(Self::Bucket { store: ObjectStore::new(&settings), address: text.to_owned(), prefix })
    }

    /// Makes sure that it can be used.
    ///
    /// # Errors
    /// A sentence with what to do.
    pub async fn check(&self) -> Result<(), BackupError> {
        match self {
            Self::Folder(folder) => Ok(private_folder(folder)
                .map_err(|error| EmbeddedError::because(format!("{self} cannot be written to: {error}."), error))?),
            Self::Bucket { store, address, .. } => match store.check().await {
                // The store's own words name the variables of the files' bucket.
                Err(Fault::Store(why)) => {
                    let why = why.to_string().replace("R2_BUCKET", address).replace("R2_", "BACKUP_S3_");
                    refuse(format!("The store for backups cannot be used: {why}."))
                }
                other => Ok(other?),
            },
        }
    }

    /// Stores a file as a whole or not at all, whatever breaks off; in the place of one that was there.
    ///
    /// # Errors
    /// What the content fails with, and when it cannot be stored.
    pub async fn write(&self, file: &str, content: Pieces<'_>) -> Result<Stored, Fault> {
        match self {
            Self::Folder(folder) => write_to(&folder.join(file), content).await,
            Self::Bucket { store, .. } => {
                store.put_stream(self.key(file), "application/octet-stream", content, u64::MAX).await
            }
        }
    }

    /// # Errors
    /// `Refused(NotFound)`, and when it cannot be read.
    pub async fn read(&self, file: &str) -> Result<Pieces<'static>, Fault> {
        match self {
            Self::Folder(folder) => {
                let opened = tokio::fs::File::open(folder.join(file)).await.map_err(absent)?;
                Ok(ReaderStream::with_capacity(opened, 64 * 1024).map_err(Fault::from).boxed())
            }
            Self::Bucket { store, .. } => {
                let object = store.get(self.key(file), None).await?;
                Ok(object.stream.map_err(Fault::from).boxed())
            }
        }
    }

    /// Bytes of a file; none when it is not there.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub async fn size(&self, file: &str) -> Result<Option<u64>, Fault> {
        let found = match self {
            Self::Folder(folder) => {
                tokio::fs::metadata(folder.join(file)).await.map(|found| found.len()).map_err(absent)
            }
            Self::Bucket { store, .. } => store.head(self.key(file)).await.map(|head| head.size),
        };
        match found {
            Ok(size) => Ok(Some(size)),
            Err(Fault::Refused(Error::NotFound)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Removes the tables of the runs that are not to be kept.
    ///
    /// # Errors
    /// When some stay.
    pub async fn forget_runs(&self, keep: impl Fn(Uuid) -> bool) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => {
                let mut runs = tokio::fs::read_dir(folder.join(RUNS)).await?;
                while let Some(entry) = runs.next_entry().await? {
                    let run = entry.file_name().to_str().and_then(|name| name.parse().ok());
                    if run.is_some_and(|run| !keep(run)) {
                        tokio::fs::remove_dir_all(entry.path()).await?;
                    }
                }
                Ok(())
            }
            Self::Bucket { store, .. } => {
                let runs = self.key(RUNS).to_string();
                let mut after: Option<String> = None;
                loop {
                    let page = store.list(self.key(RUNS), after.as_deref()).await?;
                    let run = |key: &str| -> Option<Uuid> { key.strip_prefix(&runs)?.split('/').next()?.parse().ok() };
                    let keys = page.objects.iter().map(|object| &object.key);
                    let over: Vec<String> =
                        keys.filter(|key| run(key).is_some_and(|run| !keep(run))).cloned().collect();
                    store.delete_all(&over).await?;
                    match page.objects.last() {
                        Some(last) if page.more => after = Some(last.key.clone()),
                        _ => return Ok(()),
                    }
                }
            }
        }
    }

    fn key(&self, file: &str) -> BackupKey {
        match self {
            Self::Folder(_) => BackupKey(file.to_owned()),
            Self::Bucket { prefix, .. } => BackupKey(format!("{prefix}{file}")),
        }
    }
}

fn absent(error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound.into(),
        _ => error.into(),
    }
}

async fn write_to(path: &Path, mut content: Pieces<'_>) -> Result<Stored, Fault> {
    let folder = path.parent().unwrap_or(path);
    // A backup is as secret as the database.
    private_folder(folder)?;
    // Removed when it is dropped before it has its name.
    let draft = tempfile::Builder::new().prefix(".partial-").tempfile_in(folder)?;
    let mut file = tokio::fs::File::from_std(draft.reopen()?);
    let (mut hash, mut size) = (Sha256::new(), 0_u64);
    while let Some(piece) = content.next().await {
        let piece = piece?;
        hash.update(&piece);
        size += piece.len() as u64;
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    draft.persist(path).map_err(|error| error.error)?;
    Ok(Stored { size, sha256: hash.finalize().into() })
}
