//! `/api/v1/workspaces/{id}/projects` and `/api/v1/projects/{id}`.

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
    Page, ProjectId, WorkspaceId,
    projects::{NewProject, Project, ProjectChange, Projects},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Projects";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(find, change, delete))
}

/// A workspace's projects
///
/// The most recently changed first.
#[utoipa::path(get, path = "/workspaces/{id}/projects", operation_id = "list_projects", tag = TAG,
    params(("id" = WorkspaceId, Path), PageQuery), responses((status = OK, body = Page<Project>), Problems))]
async fn list(
    session: UserSession,
    Path(workspace): Path<WorkspaceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Project>>, HttpError> {
    Ok(Json(session.list_projects(workspace, page.into()).await?))
}

/// Make a project
///
/// Needs the role member.
#[utoipa::path(post, path = "/workspaces/{id}/projects", operation_id = "create_project", tag = TAG,
    params(("id" = WorkspaceId, Path)), request_body = NewProject, responses((status = CREATED, body = Project), Problems))]
async fn create(
    session: UserSession,
    Path(workspace): Path<WorkspaceId>,
    Json(new): Json<NewProject>,
) -> Result<(StatusCode, Json<Project>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_project(workspace, new).await?)))
}

/// A project
#[utoipa::path(get, path = "/projects/{id}", operation_id = "get_project", tag = TAG, params(("id" = ProjectId, Path)),
    responses((status = OK, body = Project), Problems))]
async fn find(session: UserSession, Path(id): Path<ProjectId>) -> Result<Json<Project>, HttpError> {
    Ok(Json(session.project(id).await?))
}

/// Change a project
///
/// What is absent stays as it is; a brief is replaced as a whole. Needs the role member.
#[utoipa::path(patch, path = "/projects/{id}", operation_id = "change_project", tag = TAG, params(("id" = ProjectId, Path)),
    request_body = ProjectChange, responses((status = OK, body = Project), Problems))]
async fn change(
    session: UserSession,
    Path(id): Path<ProjectId>,
    Json(change): Json<ProjectChange>,
) -> Result<Json<Project>, HttpError> {
    Ok(Json(session.change_project(id, change).await?))
}

/// Delete a project
///
/// With all its documents and conversations, for good. Needs the role admin.
#[utoipa::path(delete, path = "/projects/{id}", operation_id = "delete_project", tag = TAG, params(("id" = ProjectId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn delete(session: UserSession, Path(id): Path<ProjectId>) -> Result<StatusCode, HttpError> {
    session.delete_project(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
