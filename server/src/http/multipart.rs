//! Multipart forms, read part by part as they arrive, with rejections that are problems.

use super::error::HttpError;
use axum::{
    extract::{FromRequest, Request, multipart::MultipartError},
    http::StatusCode,
};

/// `axum::extract::Multipart` whose rejection is a problem. A route that takes files sets its own limits and turns off
/// axum's for the whole body (`DefaultBodyLimit::disable()`).
#[derive(Debug)]
pub struct Multipart(pub axum::extract::Multipart);

impl<S: Send + Sync> FromRequest<S> for Multipart {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        axum::extract::Multipart::from_request(request, state).await.map(Self).map_err(|_| {
            HttpError::request(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the body as multipart/form-data, with a boundary.",
            )
        })
    }
}

impl From<MultipartError> for HttpError {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::request(StatusCode::PAYLOAD_TOO_LARGE, "The upload is larger than this server takes.");
        }
        // Also what axum calls an internal error: the connection broke, which is not ours to mend.
        tracing::debug!(%error, cause = error.body_text(), "a multipart body ended early");
        Self::request(
            StatusCode::BAD_REQUEST,
            "The upload broke off or is not valid multipart/form-data. Send it again.",
        )
    }
}
