//! HTTP: what every request passes through, and the router.

pub mod access;
pub mod error;
pub mod flash;
mod guard;
#[cfg(test)]
mod guard_tests;
pub mod headers;
pub mod health;
#[cfg(test)]
mod isolation;
pub mod limits;
pub mod multipart;
pub mod openapi;
pub mod page;
pub mod plain;
pub mod public;
mod rate;
pub mod request_id;
pub mod serve;
pub mod ssr;
#[cfg(test)]
mod tests;
mod transport;
pub mod unsent;

use crate::{AppState, mail, shares};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use std::sync::Arc;
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
    let compressible = compressible();
    let rates = Arc::new(rate::Rates::new(&state.config));
    routes(&state)
        .layer(from_fn_with_state(state.clone(), flash::carry))
        .layer(from_fn_with_state(state.clone(), unsent::keep))
        .layer(from_fn_with_state(state.clone(), crate::auth::session_layer))
        .layer(from_fn_with_state((state.clone(), rates), rate::count))
        .layer(from_fn_with_state(state.clone(), limits::limit))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn_with_state(state.clone(), limits::catch_panic))
        .layer(from_fn_with_state(state.clone(), headers::secure))
        .layer(from_fn(error::carry_request_id))
        .layer(from_fn_with_state(state, request_id::identify))
}

/// Every route there is, each behind the guard.
fn routes(state: &AppState) -> Router {
    let router = Router::new()
        .merge(openapi::router())
        .merge(ssr::router(state))
        .merge(health::router())
        .merge(mail::outbox::router())
        .merge(shares::file::router());
    let mut router = router.route("/favicon.ico", get(ssr::favicon)).with_state(state.clone());
    if let Some(provider) = state.identity.routes() {
        router = router.nest("/auth/v1", provider);
    }
    // The last of all, because it guards the routes that are there already.
    router.route_layer(from_fn_with_state(state.clone(), guard::require_login))
}

fn compressible() -> impl Predicate {
    // Event streams are small pieces that must leave at once; what is compressed already is left alone by the layer.
    SizeAbove::new(512)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::new("font/"))
        .and(NotForContentType::new("application/pdf"))
        .and(NotForContentType::new("application/octet-stream"))
}
