//! `/api/v1/projects/{id}/folders`, `/contents` and `/move`, and `/api/v1/folders/{id}`.

use crate::{
    AppState,
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        page::PageQuery,
    },
    session::UserSession,
    trash::routes::DeleteQuery,
};
use axum::http::StatusCode;
use domain::{
    FolderId, PageRequest, ProjectId,
    folders::{Folder, FolderContents, FolderLink, Folders, Move, NewFolder},
    text::Name,
    trash::Trash,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Folders";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(contents))
        .routes(routes!(move_items))
        .routes(routes!(find, rename, delete))
}

/// A project's folders
///
/// All of them, each right before those in it; `depth` counts the folders around it. A project has at most 1,000.
#[utoipa::path(get, path = "/projects/{id}/folders", operation_id = "list_folders", tag = TAG,
    params(("id" = ProjectId, Path)), responses((status = OK, body = Vec<FolderLink>), Problems))]
async fn list(session: UserSession, Path(project): Path<ProjectId>) -> Result<Json<Vec<FolderLink>>, HttpError> {
    Ok(Json(session.list_folders(project).await?))
}

/// Make a folder
///
/// 409 when there is one of that name in the same place, and when it would be more than 8 deep. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/folders", operation_id = "create_folder", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = NewFolder, responses((status = CREATED, body = Folder), Problems))]
async fn create(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(new): Json<NewFolder>,
) -> Result<(StatusCode, Json<Folder>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_folder(project, new).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PlaceQuery {
    /// The folder; the top of the project when absent.
    folder: Option<FolderId>,
}

/// What is in a folder
///
/// Or at the top of the project: the folders in it by name, on the first page, and its documents, the newest first.
#[utoipa::path(get, path = "/projects/{id}/contents", operation_id = "get_folder_contents", tag = TAG,
    params(("id" = ProjectId, Path), PlaceQuery, PageQuery), responses((status = OK, body = FolderContents), Problems))]
async fn contents(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(place): Query<PlaceQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<FolderContents>, HttpError> {
    Ok(Json(session.folder_contents(project, place.folder, PageRequest::from(page)).await?))
}

/// Move folders and documents
///
/// All of them, at most 500, or none. 409 when a folder would be in itself, more than 8 deep, or beside one of its name.
/// Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/move", operation_id = "move_items", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = Move, responses((status = NO_CONTENT), Problems))]
async fn move_items(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(wanted): Json<Move>,
) -> Result<StatusCode, HttpError> {
    session.move_items(project, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A folder
#[utoipa::path(get, path = "/folders/{id}", operation_id = "get_folder", tag = TAG, params(("id" = FolderId, Path)),
    responses((status = OK, body = Folder), Problems))]
async fn find(session: UserSession, Path(id): Path<FolderId>) -> Result<Json<Folder>, HttpError> {
    Ok(Json(session.folder(id).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
struct FolderChange {
    name: Name,
}

/// Rename a folder
///
/// 409 when there is one of that name in the same place. Needs the role member.
#[utoipa::path(patch, path = "/folders/{id}", operation_id = "rename_folder", tag = TAG, params(("id" = FolderId, Path)),
    request_body = FolderChange, responses((status = OK, body = Folder), Problems))]
async fn rename(
    session: UserSession,
    Path(id): Path<FolderId>,
    Json(change): Json<FolderChange>,
) -> Result<Json<Folder>, HttpError> {
    Ok(Json(session.rename_folder(id, change.name).await?))
}

/// Delete a folder
///
/// The folder goes into the project's trash with all that is in it, and can be restored for 30 days. One that is in the
/// trash already, and any with `forever=true`, is deleted with its documents. Needs the role member.
#[utoipa::path(delete, path = "/folders/{id}", operation_id = "delete_folder", tag = TAG,
    params(("id" = FolderId, Path), DeleteQuery), responses((status = NO_CONTENT), Problems))]
async fn delete(
    session: UserSession,
    Path(id): Path<FolderId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, HttpError> {
    session.delete_folder(id, query.forever).await?;
    Ok(StatusCode::NO_CONTENT)
}
