//! The port where the figures are had: no login guards it, so it is for a network that only the operator reaches.

use super::{Catalogue, recorded, sampled::Sampled};
use crate::AppState;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use std::sync::Arc;

#[derive(Debug)]
struct Endpoint {
    catalogue: Catalogue,
    sampled: Sampled,
}

/// `/metrics`, and nothing else.
pub fn router(state: AppState) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new(Endpoint::new(state)))
}

impl Endpoint {
    fn new(state: AppState) -> Self {
        let mut catalogue = Catalogue::default();
        let sampled = Sampled::new(state);
        recorded::register(&mut catalogue);
        sampled.register(&mut catalogue);
        Self { catalogue, sampled }
    }
}

async fn scrape(State(endpoint): State<Arc<Endpoint>>) -> Response {
    endpoint.sampled.refresh().await;
    match endpoint.catalogue.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the figures could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The names of everything that is exported.
#[cfg(test)]
pub(super) fn names(state: AppState) -> Vec<String> {
    Endpoint::new(state).catalogue.names
}
