//! The embedded parts of one data folder: who runs them, and how another process finds them.
//!
//! The process that holds the folder's lock starts what is not configured, and notes how to reach it in a file that
//! only its user can read. A process that comes later (`atelier doctor`, or a worker of its own) uses the same parts;
//! they stop with the one that started them.

use super::{
    EmbeddedError, at,
    postgres::{EmbeddedPostgres, Options},
    private_file,
};
use crate::{
    config::{
        Config,
        store::{S3, Store},
    },
    storage::embedded::EmbeddedStore,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long another process may take to start what this one wants to use: it may be fetching it.
const WAIT_LIMIT: Duration = Duration::from_secs(300);

/// Where the database and the object store are, and what runs of them here.
#[derive(Debug)]
pub struct EmbeddedParts {
    database: SecretString,
    store: S3,
    postgres: Option<EmbeddedPostgres>,
    objects: Option<EmbeddedStore>,
    held: Option<Held>,
}

/// The lock of the data folder, and the note beside it.
#[derive(Debug)]
struct Held {
    _lock: File,
    note: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Note {
    process: u32,
    database: Option<String>,
    store: Option<StoreNote>,
}

#[derive(Serialize, Deserialize)]
struct StoreNote {
    endpoint: String,
    access_key: String,
    secret_key: String,
    bucket: String,
}

impl EmbeddedParts {
    /// Starts what the configuration leaves to us, or finds it running.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to type.
    pub async fn start(config: &Config) -> Result<Self, EmbeddedError> {
        if let (Some(database), Store::S3(store)) = (&config.database.url, &config.store) {
            return Ok(Self {
                database: database.clone(),
                store: store.clone(),
                postgres: None,
                objects: None,
                held: None,
            });
        }
        let data = &config.paths.data;
        fs::create_dir_all(data).map_err(at("make the folder", data))?;
        match Held::take_or_find(data).await? {
            Found::Free(held) => Self::start_here(config, held).await,
            Found::Taken(note) => Self::borrow(config, note),
        }
    }

    async fn start_here(config: &Config, held: Held) -> Result<Self, EmbeddedError> {
        let postgres = match &config.database.url {
            Some(_) => None,
            None => Some(EmbeddedPostgres::start(postgres_options(config)).await?),
        };
        let objects = match &config.store {
            Store::S3(_) => None,
            Store::Embedded { limit_bytes } => {
                Some(EmbeddedStore::start(&config.paths.data.join("objects"), *limit_bytes).await?)
            }
        };
        let note = Note {
            process: std::process::id(),
            database: postgres.as_ref().map(|postgres| postgres.url().expose_secret().to_owned()),
            store: objects.as_ref().map(|objects| StoreNote::of(objects.settings())),
        };
        let text = serde_json::to_vec(&note)
            .map_err(|error| EmbeddedError::because("The note of what runs cannot be written.", error))?;
        private_file(&held.note, &text).map_err(at("write", &held.note))?;
        let parts = Self { held: Some(held), ..Self::borrow(config, note)? };
        Ok(Self { postgres, objects, ..parts })
    }

    fn borrow(config: &Config, note: Note) -> Result<Self, EmbeddedError> {
        let missing = |what: &str| {
            EmbeddedError::new(format!(
                "Atelier runs already on {} (process {}) with another configuration: it has no embedded {what}. Stop it, or set ATELIER_DATA_DIR.",
                config.paths.data.display(),
                note.process
            ))
        };
        if note.process != std::process::id() {
            tracing::info!(process = note.process, "using the embedded parts of the Atelier that runs already");
        }
        let database = config.database.url.clone().or_else(|| note.database.clone().map(SecretString::from));
        let store = match (&config.store, &note.store) {
            (Store::S3(store), _) => Some(store.clone()),
            (Store::Embedded { .. }, found) => found.as_ref().and_then(StoreNote::settings),
        };
        Ok(Self {
            database: database.ok_or_else(|| missing("database"))?,
            store: store.ok_or_else(|| missing("file store"))?,
            postgres: None,
            objects: None,
            held: None,
        })
    }

    pub fn database(&self) -> &SecretString {
        &self.database
    }

    pub fn store(&self) -> &S3 {
        &self.store
    }

    /// Stops what was started here: the store first, then the database.
    pub async fn stop(self) {
        if let Some(held) = &self.held
            && let Err(error) = fs::remove_file(&held.note)
        {
            tracing::warn!(%error, "the note of what runs could not be removed");
        }
        if let Some(objects) = self.objects {
            objects.stop().await;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

/// As configured.
pub fn postgres_options(config: &Config) -> Options {
    Options {
        major: config.database.postgres_major,
        data: config.paths.data.join("postgres"),
        cache: config.paths.cache.clone(),
        bin: config.database.postgres_bin.clone(),
        volatile: false,
    }
}

impl StoreNote {
    fn of(settings: &S3) -> Self {
        Self {
            endpoint: settings.endpoint.to_string(),
            access_key: settings.access_key.clone(),
            secret_key: settings.secret_key.expose_secret().to_owned(),
            bucket: settings.bucket.clone(),
        }
    }

    fn settings(&self) -> Option<S3> {
        Some(S3 {
            endpoint: self.endpoint.parse().ok()?,
            access_key: self.access_key.clone(),
            secret_key: SecretString::from(self.secret_key.clone()),
            bucket: self.bucket.clone(),
            public_url: None,
        })
    }
}

enum Found {
    Free(Held),
    Taken(Note),
}

impl Held {
    /// The lock, or what its holder has noted as soon as it has.
    async fn take_or_find(data: &Path) -> Result<Found, EmbeddedError> {
        let note = data.join("running.json");
        let path = data.join("lock");
        let lock = File::create(&path).map_err(at("make the lock", &path))?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => {
                    // Of a holder that was killed.
                    match fs::remove_file(&note) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            return Err(at("remove", &note)(error));
                        }
                        _ => return Ok(Found::Free(Self { _lock: lock, note })),
                    }
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(at("lock", &path)(error)),
            }
            if let Some(found) = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
                return Ok(Found::Taken(found));
            }
            if begun.elapsed() > WAIT_LIMIT {
                return Err(EmbeddedError::new(format!(
                    "Another Atelier holds {} and does not get ready. Stop it, or set ATELIER_DATA_DIR to another folder.",
                    data.display()
                )));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
