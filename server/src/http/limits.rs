//! How long a request may take, how large it may be, and what is answered when a handler panics.

use super::{error::HttpError, plain};
use crate::AppState;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http_body_util::Limited;
use leptos::prelude::*;
use std::panic::AssertUnwindSafe;

/// Uploads have a limit of their own, which counts each file while it streams, and no time limit; a pause ends them.
fn is_upload(method: &Method, path: &str) -> bool {
    let ends = |folder: &str, name: &str| path.strip_prefix(folder).is_some_and(|rest| rest.ends_with(name));
    match *method {
        Method::POST => ends("/api/v1/projects/", "/documents"),
        Method::PUT => ends("/api/v1/documents/", "/file"),
        // A chunk, whose size is fixed.
        Method::PATCH => path.starts_with("/api/v1/uploads/"),
        _ => false,
    }
}

/// Bounds the body and the time until the response begins. A response may then stream for as long as it likes.
pub async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_upload(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let limits = &state.config.limits;
    let wants_page = wants_page(&request);
    let stated =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|length| length > limits.max_body_bytes) {
        return fail(&state, wants_page, HttpError::request(StatusCode::PAYLOAD_TOO_LARGE, "Send a smaller body."));
    }
    let max_bytes = limits.max_body_bytes;
    let request = request.map(|body| Body::new(Limited::new(body, max_bytes)));
    match tokio::time::timeout(limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!("a request took too long");
            let error =
                HttpError::request(StatusCode::SERVICE_UNAVAILABLE, "This took too long. Try again in a moment.");
            fail(&state, wants_page, error)
        }
    }
}

/// Turns a panic into an answer: the process goes on, and the log has the place.
pub async fn catch_panic(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let wants_page = wants_page(&request);
    let Ok(response) = AssertUnwindSafe(next.run(request)).catch_unwind().await else {
        let reference = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
        tracing::error!(reference, "a handler panicked");
        let error = HttpError::from(domain::Error::Internal { reference });
        return fail(&state, wants_page, error);
    };
    response
}

fn wants_page(request: &Request) -> bool {
    plain::is_wanted(request.headers()) && !request.uri().path().starts_with("/api/")
}

fn fail(state: &AppState, wants_page: bool, error: HttpError) -> Response {
    if wants_page { page(state, &error) } else { error.into_response() }
}

fn page(state: &AppState, error: &HttpError) -> Response {
    let body = view! {
        <main class="plain" id="main">
            <h1>"That did not work"</h1>
            <p role="alert">{error.detail()}</p>
            <p><a href="/">"Go to the start"</a></p>
        </main>
    };
    (error.status(), plain::page(&state.site, "Something went wrong", body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uploads_are_exempt() {
        assert!(is_upload(&Method::POST, "/api/v1/projects/1/documents"));
        assert!(is_upload(&Method::PATCH, "/api/v1/uploads/1"));
        assert!(is_upload(&Method::PUT, "/api/v1/documents/1/file"));
        assert!(!is_upload(&Method::GET, "/api/v1/documents/1/file"));
        assert!(!is_upload(&Method::GET, "/api/v1/projects/1/documents"));
        assert!(!is_upload(&Method::POST, "/api/v1/projects/1/conversations"));
        assert!(!is_upload(&Method::POST, "/api/v1/documents/1/retry"));
    }
}
