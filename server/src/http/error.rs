//! Errors as `application/problem+json` (RFC 9457), and the extractors whose rejections are such errors.

use crate::fault::Fault;
use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::QueryRejection},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Error, FieldError};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder},
};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

tokio::task_local! {
    static REQUEST_ID: String;
}

/// Makes the request's id known to the problems that its handler answers with. Layered around every API route, inside
/// the layer that sets `x-request-id`.
pub async fn carry_request_id(request: Request, next: Next) -> Response {
    match request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned) {
        Some(id) => REQUEST_ID.scope(id, next.run(request)).await,
        None => next.run(request).await,
    }
}

/// Why a request failed, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem; its fragment stands for it, whatever the host.
    #[serde(rename = "type")]
    #[schema(example = "/api/docs#problem-invalid")]
    pub kind: String,
    #[schema(example = "Check the fields")]
    pub title: String,
    #[schema(example = 422)]
    pub status: u16,
    /// A sentence that says what to do.
    #[schema(example = "Give it a name.")]
    pub detail: String,
    /// The request's id, as in the header `x-request-id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What is wrong with each field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// The kinds of problem: fragment of the type, title. In the order of their statuses.
pub(super) const KINDS: [(StatusCode, &str, &str); 12] = [
    (StatusCode::BAD_REQUEST, "malformed", "The request is malformed"),
    (StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in"),
    (StatusCode::FORBIDDEN, "forbidden", "Your role does not allow that"),
    (StatusCode::NOT_FOUND, "not-found", "Not found"),
    (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This address does not take that method"),
    (StatusCode::CONFLICT, "conflict", "Not possible in the present state"),
    (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Wrong content type"),
    (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Check the fields"),
    (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many tries"),
    (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side"),
    (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable"),
];

/// What a handler fails with.
#[derive(Clone, Debug)]
pub enum HttpError {
    /// What the port said.
    Refused(Error),
    /// What is wrong with the request itself, before any port was asked.
    Request { status: StatusCode, detail: String },
}

impl HttpError {
    /// A problem of the request itself, with a sentence that says what to do.
    pub fn request(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Request { status, detail: detail.into() }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Request { status, .. } => *status,
        }
    }

    /// The sentence for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::Request { detail, .. } => detail.clone(),
        }
    }

    fn problem(&self) -> Problem {
        let status = self.status();
        let (fragment, title) = KINDS
            .iter()
            .find(|(known, ..)| *known == status)
            .map_or(("other", status.canonical_reason().unwrap_or("Failed")), |(_, fragment, title)| {
                (*fragment, *title)
            });
        Problem {
            kind: format!("/api/docs#problem-{fragment}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
            instance: REQUEST_ID.try_with(Clone::clone).ok(),
            errors: match self {
                Self::Refused(Error::Invalid { fields }) => fields.clone(),
                _ => Vec::new(),
            },
        }
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for HttpError {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl From<FieldError> for HttpError {
    fn from(field: FieldError) -> Self {
        Self::Refused(field.into())
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), axum::Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Refused(Error::RateLimited { retry_after_seconds }) => {
                headers.insert(header::RETRY_AFTER, retry_after_seconds.into());
            }
            Self::Refused(Error::Unauthenticated) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

/// For `responses(…, Problems)`: every failure of every operation has this one shape.
pub struct Problems;

impl utoipa::IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description("A problem: 401 without a login, 403 when the role is too low, 404 when absent or another tenant's, 422 with `errors` for fields")
            .content("application/problem+json", content);
        BTreeMap::from([("default".to_owned(), RefOr::T(response.build()))])
    }
}

/// `axum::Json` whose rejections are problems, each wrong field with its path. As a response it is the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(HttpError::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."));
        }
        let body = bytes::Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => HttpError::request(StatusCode::PAYLOAD_TOO_LARGE, "Send a smaller body."),
            _ => HttpError::request(StatusCode::BAD_REQUEST, "The body broke off. Send it again."),
        })?;
        parse_json(&body).map(Self)
    }
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            return field_error(&path, &error.to_string()).into();
        }
        HttpError::request(StatusCode::BAD_REQUEST, format!("The body is not valid JSON: {error}."))
    })?;
    deserializer.end().map_err(|error| {
        HttpError::request(StatusCode::BAD_REQUEST, format!("The body is not valid JSON: {error}."))
    })?;
    Ok(value)
}

/// serde says `missing field `name`` at the parent's path, and serde_json adds ` at line 1 column 2`.
fn field_error(path: &str, message: &str) -> FieldError {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let parent = if path == "." { "" } else { path };
    if let Some(missing) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let field = if parent.is_empty() { missing.to_owned() } else { format!("{parent}.{missing}") };
        return FieldError::new(&field, "This is missing.");
    }
    FieldError::new(if parent.is_empty() { "body" } else { parent }, message)
}

/// `axum::extract::Path` for ids: what is not an id cannot exist, so it is `NotFound`.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Error::NotFound.into())
    }
}

/// `axum::extract::Query` whose rejections are problems that name the parameter.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                // axum's text is `Failed to deserialize query string: limit: invalid digit found in string`.
                let text = rejection.body_text();
                let cause = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                let (field, message) = cause.split_once(": ").unwrap_or(("", cause));
                field_error(field, message).into()
            })
    }
}

/// The answer to an unknown address under `/api`.
pub async fn unknown_route() -> HttpError {
    HttpError::request(
        StatusCode::NOT_FOUND,
        "There is no such address in the API. The list of addresses is at /api/docs.",
    )
}

/// The answer to a known address with another method.
pub async fn unknown_method() -> HttpError {
    HttpError::request(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address does not take that method. The list of operations is at /api/docs.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use domain::workspaces::NewWorkspace;

    #[test]
    fn too_many_tries_say_when_to_come_back() {
        let response = HttpError::from(Error::RateLimited { retry_after_seconds: 30 }).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "30");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn every_error_of_the_domain_is_of_a_known_kind() {
        for status in [401, 403, 404, 409, 413, 422, 429, 500, 503] {
            assert!(KINDS.iter().any(|(known, ..)| known.as_u16() == status), "{status}");
        }
        assert!(KINDS.is_sorted_by_key(|(status, ..)| *status));
    }

    #[test]
    fn a_wrong_body_is_400_and_a_wrong_field_422() {
        for body in ["", "{", "{\"name\":\"x\"}}", "nonsense"] {
            assert_eq!(parse_json::<NewWorkspace>(body.as_bytes()).unwrap_err().status(), 400, "{body}");
        }
        let field = |body: &str| match parse_json::<NewWorkspace>(body.as_bytes()).unwrap_err() {
            HttpError::Refused(Error::Invalid { mut fields }) => fields.remove(0),
            other => panic!("{other:?}"),
        };
        assert_eq!(field("{}"), FieldError::new("name", "This is missing."));
        assert_eq!(field(r#"{"name":""}"#), FieldError::new("name", "Give it a name."));
        assert_eq!(field("[]").field, "body");
        assert_eq!(field(r#"{"name":5}"#).field, "name");
        assert!(!field(r#"{"name":5}"#).message.contains("line"));
    }
}
