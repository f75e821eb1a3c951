//! The session of each request.

use super::Identity;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

/// Middleware for `axum::middleware::from_fn_with_state(state.identity.clone(), session_layer)`.
pub async fn session_layer(State(_identity): State<Identity>, request: Request, next: Next) -> Response {
    next.run(request).await
}
