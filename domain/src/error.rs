//! What a user can be told. The cause stays in the server's log; what crosses a port is one of these.

use serde::{Deserialize, Serialize};

/// Why an operation did not happen, in words that say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "Flat")]
pub enum Error {
    /// No valid session. HTTP 401.
    #[error("Sign in to go on.")]
    Unauthenticated,
    /// A member whose role is too low. HTTP 403.
    #[error("Your role in this workspace does not allow that. Ask an owner or admin.")]
    Forbidden,
    /// What no role would change, for example an API key that would manage people. HTTP 403.
    #[error("{message}")]
    Denied { message: String },
    /// Absent, or another tenant's: the two cannot be told apart. HTTP 404.
    #[error("That is not here. It may have been deleted, or you may not have access to it.")]
    NotFound,
    /// One or more fields are wrong. HTTP 422.
    #[error("{}", first_message(.fields))]
    Invalid { fields: Vec<FieldError> },
    /// The state of the resource forbids it, for example a second answer while one is being written. HTTP 409.
    #[error("{message}")]
    Conflict { message: String },
    /// More bytes than allowed. HTTP 413.
    #[error("{message}")]
    TooLarge { message: String },
    /// Too many tries. HTTP 429 with `Retry-After`.
    #[error("Too many tries. Wait {retry_after_seconds} seconds and try again.")]
    RateLimited { retry_after_seconds: u32 },
    /// Something that Atelier depends on does not answer. HTTP 503.
    #[error("{message}")]
    Unavailable { message: String },
    /// A fault of ours; the log has the cause under the same reference. HTTP 500.
    #[error(
        "Something went wrong on our side. Try again; if it happens again, tell your administrator the number {reference}."
    )]
    Internal { reference: String },
}

/// An [`Error`] as it is written, all kinds in one: read by this, no value has to be kept until its kind is known, which was
/// 18 kB of the entrance's code (3 kB of them compressed).
#[derive(Deserialize)]
struct Flat {
    kind: Kind,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<FieldError>,
    #[serde(default)]
    retry_after_seconds: u32,
    #[serde(default)]
    reference: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Unauthenticated,
    Forbidden,
    Denied,
    NotFound,
    Invalid,
    Conflict,
    TooLarge,
    RateLimited,
    Unavailable,
    Internal,
}

impl From<Flat> for Error {
    fn from(Flat { kind, message, fields, retry_after_seconds, reference }: Flat) -> Self {
        match kind {
            Kind::Unauthenticated => Self::Unauthenticated,
            Kind::Forbidden => Self::Forbidden,
            Kind::Denied => Self::Denied { message },
            Kind::NotFound => Self::NotFound,
            Kind::Invalid => Self::Invalid { fields },
            Kind::Conflict => Self::Conflict { message },
            Kind::TooLarge => Self::TooLarge { message },
            Kind::RateLimited => Self::RateLimited { retry_after_seconds },
            Kind::Unavailable => Self::Unavailable { message },
            Kind::Internal => Self::Internal { reference },
        }
    }
}

/// What is wrong with one field of a form or a JSON body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's name, as in the form and in JSON.
    pub field: String,
    /// A sentence to show beside it.
    pub message: String,
}

impl FieldError {
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::Invalid { fields: vec![field] }
    }
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        FieldError::new(field, message).into()
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    pub fn denied(message: impl Into<String>) -> Self {
        Self::Denied { message: message.into() }
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into() }
    }

    /// The message for `field`, if that field is what is wrong.
    pub fn for_field(&self, field: &str) -> Option<&str> {
        match self {
            Self::Invalid { fields } => fields.iter().find(|f| f.field == field).map(|f| f.message.as_str()),
            _ => None,
        }
    }

    /// The HTTP status that stands for this error on every transport.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::Denied { .. } => 403,
            Self::NotFound => 404,
            Self::Conflict { .. } => 409,
            Self::TooLarge { .. } => 413,
            Self::Invalid { .. } => 422,
            Self::RateLimited { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }
}

fn first_message(fields: &[FieldError]) -> &str {
    fields.first().map_or("Check the fields and try again.", |field| field.message.as_str())
}
