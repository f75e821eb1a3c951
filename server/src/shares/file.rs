//! `/shared/{token}/file`: the file of a share's document. It stands beside the page, outside of the API, because no
//! account comes with it: the token is all.

use super::repo;
use crate::{
    AppState,
    documents::download,
    fault::Fault,
    http::{error::HttpError, plain},
};
use app::shares::{ENDED_TEXT, ENDED_TITLE};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::Error;
use leptos::prelude::*;

pub fn router() -> Router<AppState> {
    Router::new().route("/shared/{token}/file", get(file))
}

async fn file(
    State(state): State<AppState>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let opened = match open(&state, &token).await {
        Ok(opened) => opened,
        Err(Fault::Refused(Error::NotFound)) => return Ok(ended(&state)),
        Err(fault) => return Err(fault.into()),
    };
    let mut response = download::serve(&state.store, opened.file, &method, &headers).await?;
    // Whoever is shown it by a link shall not find it in a cache when the link is gone.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn open(state: &AppState, token: &str) -> Result<repo::Opened, Fault> {
    let mut tx = state.db.system().await?;
    repo::open(state, tx.conn(), token).await
}

/// As the page of a share that opens nothing.
fn ended(state: &AppState) -> Response {
    let body = view! {
        <main class="plain" id="main">
            <h1>{ENDED_TITLE}</h1>
            <p role="alert">{ENDED_TEXT}</p>
            <p class="plain__actions"><a class="button" href="/">"Go to the start"</a></p>
        </main>
    };
    (StatusCode::NOT_FOUND, plain::page(&state.site, ENDED_TITLE, body)).into_response()
}
