//! HTTP: what every request passes through, and the router.

pub mod error;
pub mod headers;
pub mod health;
pub mod limits;
pub mod multipart;
pub mod openapi;
pub mod page;
pub mod plain;
pub mod request_id;
pub mod serve;
pub mod ssr;
#[cfg(test)]
mod tests;

use crate::{AppState, mail};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    timeout::RequestBodyTimeoutLayer,
};

/// How long a client may pause in the middle of a request's body.
const BODY_PAUSE: std::time::Duration = std::time::Duration::from_secs(30);

/// Everything that is served: health, the JSON API, the embedded identity provider, the pages with their server
/// functions, and the site's files. The same router serves the program and the tests.
pub fn build_router(state: AppState) -> Router {
    let mut router = Router::new()
        .merge(openapi::router())
        .merge(ssr::router(&state))
        .merge(health::router())
        .merge(mail::outbox::router());
    router = router.route("/favicon.ico", get(ssr::favicon));
    let mut router = router.with_state(state.clone());
    if let Some(provider) = state.identity.routes() {
        router = router.nest("/auth/v1", provider);
    }
    // Event streams are small pieces that must leave at once; what is compressed already is left alone by the layer.
    let compressible = SizeAbove::new(512)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::new("font/"))
        .and(NotForContentType::new("application/pdf"))
        .and(NotForContentType::new("application/octet-stream"));
    router
        .layer(from_fn_with_state(state.clone(), crate::auth::session_layer))
        .layer(from_fn_with_state(state.clone(), limits::limit))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn_with_state(state.clone(), limits::catch_panic))
        .layer(from_fn_with_state(state.clone(), headers::secure))
        .layer(from_fn(error::carry_request_id))
        .layer(from_fn_with_state(state, request_id::identify))
}
