//! The ways by which a request comes, and how each is told that a layer refused it before any handler saw it.

use super::{error::HttpError, plain, public};
use crate::auth::NeedsSecondFactor;
use app::ApiError;
use app::Site;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Error;
use leptos::{
    prelude::*,
    server_fn::{error::SERVER_FN_ERROR_HEADER, redirect::REDIRECT_HEADER},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// The JSON API and its event streams.
    Json,
    /// A server function, called by the page's script.
    ServerFunction,
    /// A server function's form, sent by the browser itself.
    Form,
    Page,
}

/// Who is to be answered, and the page that they are on or asked for.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    transport: Transport,
    path: String,
    page: Option<String>,
    /// Signed in as far as a password goes: what is missing is a code of the second factor.
    needs_second_factor: bool,
}

impl Caller {
    pub(super) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let headers = request.headers();
        let transport = if public::is_server_function(path) {
            if plain::is_wanted(headers) { Transport::Form } else { Transport::ServerFunction }
        } else if path == "/api" || path.starts_with("/api/") || public::is_identity_provider(path) {
            Transport::Json
        } else {
            Transport::Page
        };
        let page = match transport {
            Transport::Json => None,
            Transport::Page => request.uri().path_and_query().map(ToString::to_string),
            Transport::ServerFunction | Transport::Form => app::redirect::referring_page(headers),
        };
        let needs_second_factor = request.extensions().get::<NeedsSecondFactor>().is_some();
        Self { transport, path: path.to_owned(), page, needs_second_factor }
    }

    pub(super) fn is_page(&self) -> bool {
        self.transport == Transport::Page
    }

    /// The refusal, in the shape that the caller reads. Whoever is not signed in and looks at pages is sent to the login
    /// page, and from there back.
    pub(super) fn refuse(&self, site: &Site, error: Error) -> Response {
        let sign_in_page =
            if self.needs_second_factor { app::redirect::second_factor_page } else { app::redirect::login_page };
        let login = (error == Error::Unauthenticated)
            .then(|| sign_in_page(self.page.as_deref().unwrap_or("/")))
            .and_then(|path| HeaderValue::from_str(&path).ok());
        match (self.transport, login) {
            (Transport::Json, Some(_)) if self.needs_second_factor => {
                HttpError::from(NeedsSecondFactor).into_response()
            }
            (Transport::Json, _) => HttpError::from(error).into_response(),
            (Transport::ServerFunction, login) => self.server_function_error(error, login),
            (Transport::Form | Transport::Page, Some(login)) => {
                let mut response = StatusCode::FOUND.into_response();
                response.headers_mut().insert(header::LOCATION, login);
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            (Transport::Form | Transport::Page, None) => self.page(site, error),
        }
    }

    /// As `leptos_axum` would have answered, had the function itself failed.
    fn server_function_error(&self, error: Error, login: Option<HeaderValue>) -> Response {
        // The status and `Retry-After`, as every other transport has them.
        let mut response = HttpError::from(error.clone()).into_response();
        *response.body_mut() = Body::from(ApiError::from(error).ser());
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(path) = HeaderValue::from_str(&self.path) {
            headers.insert(HeaderName::from_static(SERVER_FN_ERROR_HEADER), path);
        }
        if let Some(login) = login {
            headers.insert(header::LOCATION, login);
            headers.insert(HeaderName::from_static(REDIRECT_HEADER), HeaderValue::from_static(""));
        }
        response
    }

    fn page(&self, site: &Site, error: Error) -> Response {
        let retry_after = match &error {
            Error::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
            _ => None,
        };
        let back = self.page.clone().unwrap_or_else(|| "/".to_owned());
        let mut response = plain::failure(site, "That did not work", &error.into(), &back);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
