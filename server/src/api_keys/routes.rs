//! `/api/v1/workspaces/{id}/api-keys` and `/api/v1/api-keys/{id}`.

use crate::{
    AppState,
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        page::PageQuery,
    },
    session::UserSession,
};
use axum::http::StatusCode;
use domain::{
    ApiKeyId, Page, WorkspaceId,
    api_keys::{ApiKey, ApiKeys, MadeApiKey, NewApiKey},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "API keys";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A workspace's API keys
///
/// Yours; for an admin, everybody's. The newest first.
#[utoipa::path(get, path = "/workspaces/{id}/api-keys", operation_id = "list_api_keys", tag = TAG,
    params(("id" = WorkspaceId, Path), PageQuery), responses((status = OK, body = Page<ApiKey>), Problems))]
async fn list(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ApiKey>>, HttpError> {
    Ok(Json(session.list_api_keys(id, page.into()).await?))
}

/// Make an API key
///
/// For yourself. It sees this workspace alone, and ends with your membership. Its token is in this answer only. A key
/// that may write needs the role member.
#[utoipa::path(post, path = "/workspaces/{id}/api-keys", operation_id = "create_api_key", tag = TAG,
    params(("id" = WorkspaceId, Path)), request_body = NewApiKey,
    responses((status = CREATED, body = MadeApiKey), Problems))]
async fn create(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Json<MadeApiKey>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_api_key(id, new).await?)))
}

/// Revoke an API key
///
/// It ends at once. Yours, or with the role admin anyone's.
#[utoipa::path(delete, path = "/api-keys/{id}", operation_id = "delete_api_key", tag = TAG,
    params(("id" = ApiKeyId, Path)), responses((status = NO_CONTENT), Problems))]
async fn revoke(session: UserSession, Path(id): Path<ApiKeyId>) -> Result<StatusCode, HttpError> {
    session.revoke_api_key(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
