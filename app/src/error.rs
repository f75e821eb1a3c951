//! What a server function answers when it fails.

use domain::Error;
use leptos::{
    prelude::*,
    server_fn::{
        Bytes, Decodes,
        codec::JsonEncoding,
        error::{IntoAppError, ServerFnErrorErr},
    },
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A [`domain::Error`] on its way to the browser. Made by `?` in a server function, which also gives the response its
/// HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiError(Error);

impl ApiError {
    /// What is wrong, to be matched on.
    pub fn error(&self) -> &Error {
        &self.0
    }

    /// The error of an id in the URL that is no id.
    pub fn not_found() -> Self {
        Error::NotFound.into()
    }

    /// The sentence for one field of a form.
    pub fn for_field(&self, field: &str) -> Option<String> {
        self.0.for_field(field).map(ToOwned::to_owned)
    }

    /// The sentence for the form as a whole: what belongs to none of `fields`.
    pub fn outside(&self, fields: &[&str]) -> Option<String> {
        match &self.0 {
            Error::Invalid { fields: wrong } if wrong.iter().any(|one| fields.contains(&one.field.as_str())) => None,
            other => Some(other.to_string()),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ApiError {}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        #[cfg(feature = "ssr")]
        crate::status::set(&error);
        Self(error)
    }
}

impl From<domain::FieldError> for ApiError {
    fn from(field: domain::FieldError) -> Self {
        Error::from(field).into()
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// Reads what a server function answered. In the browser a session that has ended leads to the login page and back:
    /// of an answer with an error status Leptos itself follows no redirect.
    fn de(data: Bytes) -> Self {
        let error = Self::Encoder::decode(data)
            .unwrap_or_else(|error| ServerFnErrorErr::Deserialization(error.to_string()).into_app_error());
        #[cfg(feature = "hydrate")]
        if error == Self(Error::Unauthenticated) {
            crate::redirect::sign_in_again();
        }
        error
    }

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Error::Invalid { fields: Vec::new() },
            ServerFnErrorErr::Request(_) => {
                Error::unavailable("Atelier cannot be reached. Check your connection, then try again.")
            }
            _ => Error::unavailable("The answer could not be read. Reload the page, then try again."),
        }
        .into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ApiError;
    use domain::{Error, FieldError};

    #[test]
    fn every_error_is_read_as_it_was_written() {
        let message = || "Say why.".to_owned();
        for (error, kind) in [
            (Error::Unauthenticated, "unauthenticated"),
            (Error::Forbidden, "forbidden"),
            (Error::Denied { message: message() }, "denied"),
            (Error::NotFound, "not_found"),
            (
                Error::Invalid { fields: vec![FieldError::new("name", "Too long."), FieldError::new("role", "?")] },
                "invalid",
            ),
            (Error::Conflict { message: message() }, "conflict"),
            (Error::TooLarge { message: message() }, "too_large"),
            (Error::RateLimited { retry_after_seconds: 30 }, "rate_limited"),
            (Error::Unavailable { message: message() }, "unavailable"),
            (Error::Internal { reference: "01a2".to_owned() }, "internal"),
        ] {
            // Pages of the release before read this too.
            let written = serde_json::to_value(ApiError(error.clone())).unwrap();
            assert_eq!(written["kind"], kind);
            assert_eq!(serde_json::from_value::<ApiError>(written).unwrap(), ApiError(error));
        }
    }
}
