//! The extractors that handlers name to get at who asks.

use super::{
    AuthUser, RequestAccounts,
    layer::{NeedsSecondFactor, Unsettled},
};
use crate::http::error::HttpError;
use crate::{AppState, session::UserSession};
use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
};
use domain::Error;
use std::convert::Infallible;

/// A signed-in person; else 401, or 503 when the provider cannot be asked who it is.
impl<S> FromRequestParts<S> for UserSession
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Some(user) = parts.extensions.get::<AuthUser>().cloned() else {
            if parts.extensions.get::<NeedsSecondFactor>().is_some() {
                return Err(NeedsSecondFactor.into());
            }
            let unsettled = parts.extensions.get::<Unsettled>().map(|unsettled| unsettled.0.clone());
            return Err(unsettled.unwrap_or(Error::Unauthenticated).into());
        };
        Ok(Self::new(AppState::from_ref(state), user))
    }
}

impl From<NeedsSecondFactor> for HttpError {
    fn from(_: NeedsSecondFactor) -> Self {
        Self::request(
            StatusCode::UNAUTHORIZED,
            "Your account has a second factor: give a code of it first, on the sign-in page.",
        )
    }
}

/// A signed-in person or nobody; never refuses.
impl<S> OptionalFromRequestParts<S> for UserSession
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<AuthUser>().cloned().map(|user| Self::new(AppState::from_ref(state), user)))
    }
}

/// Present wherever [`super::session_layer`] ran; an API key changes nobody's account.
impl<S: Send + Sync> FromRequestParts<S> for RequestAccounts {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, HttpError> {
        if let Some(user) = parts.extensions.get::<AuthUser>() {
            user.as_person()?;
        }
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::unavailable("The sign-in service is not set up for this address."))?)
    }
}
