//! What surrounds every endpoint: the API key, both formats of errors, and CORS.

use super::{
    Provider,
    error::{AuthError, Code},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

const MAX_BODY_BYTES: usize = 1024 * 1024;
const API_VERSION: HeaderName = HeaderName::from_static("x-supabase-api-version");
/// From this version on, errors have their name in `code`.
const DATED_VERSION: &str = "2024-01-01";

/// Middleware around all endpoints.
pub(super) async fn protocol(State(provider): State<Arc<Provider>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let dated = request.headers().get(API_VERSION).is_some_and(is_dated);
    let mut response = if request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        StatusCode::NO_CONTENT.into_response()
    } else if let Some(refusal) = refuse_api_key(&provider, &request) {
        refusal
    } else {
        next.run(request).await
    };
    if let Some(error) = response.extensions_mut().remove::<AuthError>() {
        response = error.to_response(dated);
    }
    if dated {
        response.headers_mut().insert(API_VERSION, HeaderValue::from_static(DATED_VERSION));
        // Caches must not mix the two formats.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("x-supabase-api-version"));
    }
    allow_origin(response.headers_mut(), origin);
    response
}

/// Versions are dates, so they compare as text.
fn is_dated(version: &HeaderValue) -> bool {
    version.to_str().is_ok_and(|version| version.len() == DATED_VERSION.len() && version >= DATED_VERSION)
}

/// As Supabase's gateway does it: everything but the public keys wants one, in the header or the query.
fn refuse_api_key(provider: &Provider, request: &Request) -> Option<Response> {
    // A link in a mail carries no key. (The path here is what follows `/auth/v1`.)
    let is_link = request.uri().path() == "/verify" && request.method().is_safe();
    if is_link || request.uri().path().ends_with("/.well-known/jwks.json") {
        return None;
    }
    let (message, hint) = match api_key(request.headers(), request.uri()) {
        Some(key) if provider.keys.is_api_key(&key) => return None,
        Some(_) => ("Invalid API key", "Double check your API key."),
        None => ("No API key found in request", "No `apikey` request header or url param was found."),
    };
    Some((StatusCode::UNAUTHORIZED, axum::Json(json!({ "message": message, "hint": hint }))).into_response())
}

pub(super) fn api_key(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let from_header = headers.get("apikey").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let query = uri.query().unwrap_or_default().as_bytes();
    from_header.or_else(|| {
        url::form_urlencoded::parse(query).find(|(name, _)| name == "apikey").map(|(_, key)| key.into_owned())
    })
}

/// Any page may call: the endpoints know no cookies, only tokens that the page already holds.
fn allow_origin(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, PUT, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "accept, authorization, content-type, apikey, x-client-ip, x-client-info, x-supabase-api-version, redirect_to",
        ),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "X-Total-Count, Link, X-Supabase-Api-Version, X-Sb-Error-Code"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The body as JSON, whatever its `Content-Type`, as GoTrue reads it; an empty one is an empty object.
pub(super) async fn json_body<T: DeserializeOwned>(body: Body) -> Result<T, AuthError> {
    let bytes = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| AuthError::new(413, Code::RequestTooLarge, "Request body is too large"))?;
    let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| AuthError::new(400, Code::BadJson, &format!("Could not parse request body as JSON: {error}")))
}

/// Who is behind the request: what our own server says in `Sb-Forwarded-For` with the secret key, else the peer.
pub(super) fn visitor(provider: &Provider, request: &Request) -> Option<IpAddr> {
    let key = api_key(request.headers(), request.uri());
    let from_our_server = key.is_some_and(|key| provider.keys.is_secret_key(&key));
    if from_our_server {
        // Without a visitor's address it asks on its own account.
        return request.headers().get("sb-forwarded-for").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    }
    crate::auth::layer::address(request.extensions())
}
