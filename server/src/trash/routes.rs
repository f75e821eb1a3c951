//! `/api/v1/projects/{id}/trash`.

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
    Page, ProjectId,
    folders::Items,
    trash::{Trash, Trashed},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Trash";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, move_to, empty)).routes(routes!(restore)).routes(routes!(delete_forever))
}

/// For what a deletion puts into the trash.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Past the trash.
    #[serde(default)]
    pub forever: bool,
}

/// A project's trash
///
/// Documents and folders, what was put there last first. What was in a folder comes and goes with it, and is not listed.
/// After 30 days it is deleted for good.
#[utoipa::path(get, path = "/projects/{id}/trash", operation_id = "list_trash", tag = TAG,
    params(("id" = ProjectId, Path), PageQuery), responses((status = OK, body = Page<Trashed>), Problems))]
async fn list(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Trashed>>, HttpError> {
    Ok(Json(session.list_trash(project, page.into()).await?))
}

/// Put folders and documents into the trash
///
/// All of them, at most 500, or none; folders with all that is in them. No list, search or answer finds them from then on;
/// of folders with more than a thousand documents, the rest follows within seconds. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/trash", operation_id = "move_to_trash", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = Items, responses((status = NO_CONTENT), Problems))]
async fn move_to(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(items): Json<Items>,
) -> Result<StatusCode, HttpError> {
    session.move_to_trash(project, items).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Empty the trash
///
/// All that is in it is deleted for good, with its files: it is gone for everybody at once, and what is much is removed
/// within minutes. Needs the role member.
#[utoipa::path(delete, path = "/projects/{id}/trash", operation_id = "empty_trash", tag = TAG,
    params(("id" = ProjectId, Path)), responses((status = NO_CONTENT), Problems))]
async fn empty(session: UserSession, Path(project): Path<ProjectId>) -> Result<StatusCode, HttpError> {
    session.empty_trash(project).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore from the trash
///
/// All of them, at most 500, or none: to the folder where they were or, where that is gone, to the top of the project. A
/// folder whose name has been taken meanwhile gets a number; of folders with more than a thousand documents, the rest comes
/// back within seconds. 409 for a folder that is in the trash inside another. Needs
/// the role member.
#[utoipa::path(post, path = "/projects/{id}/trash/restore", operation_id = "restore_from_trash", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = Items, responses((status = NO_CONTENT), Problems))]
async fn restore(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(items): Json<Items>,
) -> Result<StatusCode, HttpError> {
    session.restore(project, items).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete from the trash
///
/// All of them, at most 500, or none; for good, with their files. What is much is removed within minutes. 409 as for restoring. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/trash/delete", operation_id = "delete_from_trash", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = Items, responses((status = NO_CONTENT), Problems))]
async fn delete_forever(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(items): Json<Items>,
) -> Result<StatusCode, HttpError> {
    session.delete_forever(project, items).await?;
    Ok(StatusCode::NO_CONTENT)
}
