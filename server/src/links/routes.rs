//! `/api/v1/projects/{id}/links` and `/api/v1/documents/{id}/fetch`.

use crate::{
    AppState,
    http::error::{HttpError, Json, Path, Problems},
    session::UserSession,
};
use axum::http::StatusCode;
use domain::{
    DocumentId, ProjectId,
    documents::Document,
    links::{Links, NewLink},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Documents";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(fetch_again))
}

/// Add a page of the web
///
/// The worker fetches it, and makes a document of it that is read and indexed like a file. Only servers of the public web
/// are asked, on ports 80 and 443. Where one ready document of the project is of the same page, this is its next version.
/// Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/links", operation_id = "create_link", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = NewLink,
    responses((status = CREATED, body = Document), Problems))]
async fn add(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(new): Json<NewLink>,
) -> Result<(StatusCode, Json<Document>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.add_link(project, new).await?)))
}

/// Fetch a page again
///
/// Returns the version in the making. The old one answers until that is ready; then it takes its place in one step, under
/// the old one's id. 409 when the document is no link, or not ready. Needs the role member.
#[utoipa::path(post, path = "/documents/{id}/fetch", operation_id = "fetch_document", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = ACCEPTED, body = Document), Problems))]
async fn fetch_again(
    session: UserSession,
    Path(id): Path<DocumentId>,
) -> Result<(StatusCode, Json<Document>), HttpError> {
    Ok((StatusCode::ACCEPTED, Json(session.fetch_again(id).await?)))
}
