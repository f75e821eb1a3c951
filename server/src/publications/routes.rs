//! `/api/v1/documents/{id}/publication`.

use crate::{
    AppState,
    http::error::{HttpError, Json, Path, Problems},
    session::UserSession,
};
use axum::http::StatusCode;
use domain::{
    DocumentId,
    publications::{Publication, PublicationStatus, Publications},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Publications";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, publish, unpublish))
}

/// Whether a document is published
///
/// And whether it can be: where the file store has no public address, nothing can.
#[utoipa::path(get, path = "/documents/{id}/publication", operation_id = "get_publication", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = OK, body = PublicationStatus), Problems))]
async fn show(session: UserSession, Path(id): Path<DocumentId>) -> Result<Json<PublicationStatus>, HttpError> {
    Ok(Json(session.publication(id).await?))
}

/// Publish a document
///
/// Its present file is copied to an address that everybody can read, without a link's end and without an account, until
/// it is withdrawn, put into the trash or deleted. Publishing again puts a newer version there. 409 where the file store
/// has no public address. Needs the role member, and a person, not an API key.
#[utoipa::path(put, path = "/documents/{id}/publication", operation_id = "publish_document", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = OK, body = Publication), Problems))]
async fn publish(session: UserSession, Path(id): Path<DocumentId>) -> Result<Json<Publication>, HttpError> {
    Ok(Json(session.publish(id).await?))
}

/// Withdraw a publication
///
/// The copy is removed from the file store. What others have kept of it, such as a cache of the public domain for five
/// minutes, is theirs. Needs the role member.
#[utoipa::path(delete, path = "/documents/{id}/publication", operation_id = "unpublish_document", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = NO_CONTENT), Problems))]
async fn unpublish(session: UserSession, Path(id): Path<DocumentId>) -> Result<StatusCode, HttpError> {
    session.unpublish(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
