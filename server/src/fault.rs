//! Why an operation behind a port failed: the cause for the log, turned into a sentence for the user at the port.

use crate::web::FetchError;
use domain::Error;

/// Repositories and services return this; `?` in a port turns it into a [`domain::Error`], and logs the cause.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// What the user is told as it is.
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("object store: {0}")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("identity provider: {0}")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("model: {0}")]
    Model(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A page of the web that somebody asked for.
    #[error("web page: {0}")]
    Web(#[from] FetchError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A fault that has no better place; say what was being done.
    #[error("{doing}: {cause}")]
    Other { doing: &'static str, cause: Box<dyn std::error::Error + Send + Sync> },
}

impl Fault {
    /// For `map_err`: `.map_err(Fault::while_doing("read the signing key"))`.
    pub fn while_doing<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        doing: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |cause| Self::Other { doing, cause: cause.into() }
    }
}

impl From<domain::FieldError> for Fault {
    fn from(field: domain::FieldError) -> Self {
        Self::Refused(field.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let unavailable = |what: &str| {
            Self::unavailable(format!("{what} does not answer right now. Nothing is lost; try again in a moment."))
        };
        match &fault {
            Fault::Refused(error) => return error.clone(),
            Fault::Web(error) => return Self::unavailable(error.to_string()),
            Fault::Database(sqlx::Error::RowNotFound) => return Self::NotFound,
            Fault::Database(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => {
                tracing::error!(error = %fault, "the database does not answer");
                return unavailable("The database");
            }
            Fault::Store(_) => {
                tracing::error!(error = ?fault, "the object store failed");
                return unavailable("The file store");
            }
            Fault::Identity(_) => {
                tracing::error!(error = ?fault, "the identity provider failed");
                return unavailable("The sign-in service");
            }
            Fault::Model(_) => {
                tracing::error!(error = ?fault, "the model failed");
                return unavailable("The model");
            }
            _ => {}
        }
        let reference = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        tracing::error!(error = ?fault, reference, "internal error");
        Self::Internal { reference }
    }
}
