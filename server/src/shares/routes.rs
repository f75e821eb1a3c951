//! `/api/v1/documents/{id}/shares` and `/api/v1/shares/{id}`.

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
    DocumentId, Page, ShareId,
    shares::{MadeShare, NewShare, Share, Shares},
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Shares";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A document's shares
///
/// Everybody's, with those that have expired, the newest first. Needs the role member.
#[utoipa::path(get, path = "/documents/{id}/shares", operation_id = "list_shares", tag = TAG,
    params(("id" = DocumentId, Path), PageQuery), responses((status = OK, body = Page<Share>), Problems))]
async fn list(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Share>>, HttpError> {
    Ok(Json(session.list_shares(id, page.into()).await?))
}

/// Share a document
///
/// Whoever has the link reads the document and its file, without an account, until the share expires: in 7 days, unless
/// something else is asked for. The link is in this answer only. It ends too with your membership, or when you may no
/// longer share. Needs the role member, and a person, not an API key.
#[utoipa::path(post, path = "/documents/{id}/shares", operation_id = "create_share", tag = TAG,
    params(("id" = DocumentId, Path)), request_body = NewShare,
    responses((status = CREATED, body = MadeShare), Problems))]
async fn create(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewShare>,
) -> Result<(StatusCode, Json<MadeShare>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.share(id, new).await?)))
}

/// Revoke a share
///
/// Its link opens nothing from then on. Yours, or with the role admin anyone's.
#[utoipa::path(delete, path = "/shares/{id}", operation_id = "delete_share", tag = TAG,
    params(("id" = ShareId, Path)), responses((status = NO_CONTENT), Problems))]
async fn revoke(session: UserSession, Path(id): Path<ShareId>) -> Result<StatusCode, HttpError> {
    session.revoke_share(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
