//! `/api/v1/workspaces`.

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
    Page, WorkspaceId,
    text::Name,
    workspaces::{NewWorkspace, Workspace, Workspaces},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Workspaces";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(find, change, delete))
}

/// What to change.
#[derive(Debug, Deserialize, ToSchema)]
struct WorkspaceChange {
    name: Name,
}

/// Your workspaces
///
/// The most recently changed first.
#[utoipa::path(get, path = "/workspaces", operation_id = "list_workspaces", tag = TAG, params(PageQuery),
    responses((status = OK, body = Page<Workspace>), Problems))]
async fn list(session: UserSession, Query(page): Query<PageQuery>) -> Result<Json<Page<Workspace>>, HttpError> {
    Ok(Json(session.list_workspaces(page.into()).await?))
}

/// Make a workspace
///
/// You become its owner.
#[utoipa::path(post, path = "/workspaces", operation_id = "create_workspace", tag = TAG, request_body = NewWorkspace,
    responses((status = CREATED, body = Workspace), Problems))]
async fn create(
    session: UserSession,
    Json(new): Json<NewWorkspace>,
) -> Result<(StatusCode, Json<Workspace>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_workspace(new).await?)))
}

/// A workspace
#[utoipa::path(get, path = "/workspaces/{id}", operation_id = "get_workspace", tag = TAG, params(("id" = WorkspaceId, Path)),
    responses((status = OK, body = Workspace), Problems))]
async fn find(session: UserSession, Path(id): Path<WorkspaceId>) -> Result<Json<Workspace>, HttpError> {
    Ok(Json(session.workspace(id).await?))
}

/// Rename a workspace
///
/// Needs the role admin.
#[utoipa::path(patch, path = "/workspaces/{id}", operation_id = "change_workspace", tag = TAG, params(("id" = WorkspaceId, Path)),
    request_body = WorkspaceChange, responses((status = OK, body = Workspace), Problems))]
async fn change(
    session: UserSession,
    Path(id): Path<WorkspaceId>,
    Json(change): Json<WorkspaceChange>,
) -> Result<Json<Workspace>, HttpError> {
    Ok(Json(session.rename_workspace(id, change.name).await?))
}

/// Delete a workspace
///
/// With all its projects, documents and conversations, for good. Needs the role owner.
#[utoipa::path(delete, path = "/workspaces/{id}", operation_id = "delete_workspace", tag = TAG, params(("id" = WorkspaceId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn delete(session: UserSession, Path(id): Path<WorkspaceId>) -> Result<StatusCode, HttpError> {
    session.delete_workspace(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
