//! The JSON API as a whole: the routes of every resource under `/api/v1`, their description at `/api/openapi.json`, and
//! that description for people at `/api/docs`.

mod html;
#[cfg(test)]
mod tests;

use super::{
    error::{HttpError, Problem, unknown_method, unknown_route},
    plain,
};
use crate::{
    AppState, api_keys, chat, documents, fault::Fault, folders, links, members, models, navigation, projects,
    publications, search, shares, trash, uploads, workspaces, written,
};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use std::sync::LazyLock;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        RefOr, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| {
    let mut document = resources().into_openapi();
    describe_responses(&mut document);
    document
});

/// OpenAPI 3.1 wants a description of each response; that of its status serves where there is nothing more to say.
fn describe_responses(document: &mut utoipa::openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                    && let Ok(status) = StatusCode::from_bytes(status.as_bytes())
                {
                    response.description = status.canonical_reason().unwrap_or_default().to_owned();
                }
            }
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Atelier",
        description = "The same operations as the pages. Send an API key or an access token as \
            `Authorization: Bearer …`, or the session's cookie. An API key sees its own workspace only, and manages neither \
            workspaces nor people nor keys. Lists come in pages: pass `next` of one page as `cursor` of the following. Every failure is \
            `application/problem+json`."
    ),
    tags((name = "You"), (name = "Workspaces"), (name = "Members"), (name = "API keys"), (name = "Projects"), (name = "Documents"), (name = "Written documents"), (name = "Shares"), (name = "Publications"), (name = "Folders"), (name = "Trash"), (name = "Uploads"), (name = "Search"), (name = "Conversations")),
    components(schemas(Problem)),
    modifiers(&Access)
)]
struct Api;

/// How a request says who sends it.
struct Access;

impl Modify for Access {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description("__Host-atelier-access", "Set by the login page.");
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let none: [String; 0] = [];
        document.security =
            Some(vec![SecurityRequirement::new("token", none.clone()), SecurityRequirement::new("cookie", none)]);
    }
}

/// Every resource's routes. A new resource is one line here, and its tag one above.
fn resources() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(navigation::routes::router())
        .merge(workspaces::routes::router())
        .merge(members::routes::router())
        .merge(api_keys::routes::router())
        .merge(projects::routes::router())
        .merge(documents::routes::router())
        .merge(links::routes::router())
        .merge(shares::routes::router())
        .merge(publications::routes::router())
        .merge(folders::routes::router())
        .merge(trash::routes::router())
        .merge(written::routes::router())
        .merge(uploads::routes::router())
        .merge(search::routes::router())
        .merge(models::routes::router())
        .merge(chat::routes::router());
    OpenApiRouter::with_openapi(Api::openapi()).nest("/api/v1", v1)
}

/// The description of the API, as the subcommand `openapi` prints it and `docs/openapi.json` holds it.
pub fn document() -> &'static utoipa::openapi::OpenApi {
    &DOCUMENT
}

/// Everything under `/api`; what it does not know is a problem, not a page.
pub fn router() -> Router<AppState> {
    Router::from(resources())
        .route("/api/openapi.json", get(json))
        .route("/api/docs", get(page))
        .method_not_allowed_fallback(unknown_method)
        .route("/api/{*rest}", any(unknown_route))
}

async fn json() -> Response {
    axum::Json(document()).into_response()
}

async fn page(State(state): State<AppState>) -> Result<Response, HttpError> {
    let document = serde_json::to_value(document()).map_err(Fault::while_doing("describe the API"))?;
    Ok(plain::page(&state.site, "API", html::body(&document)))
}
