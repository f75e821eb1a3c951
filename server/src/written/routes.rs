//! `/api/v1/projects/{id}/written-documents`, what is written under `/api/v1/documents/{id}`, and `/api/v1/versions/{id}`.

use super::export::{self, Format};
use crate::{
    AppState,
    documents::download::{disposition, insert},
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        page::PageQuery,
    },
    session::UserSession,
};
use axum::{
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    DocumentId, Page, ProjectId, VersionId,
    documents::Document,
    written::{Difference, NewWritten, Save, Saved, StatusChange, Version, VersionText, Written, WrittenText},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Written documents";

pub fn router() -> OpenApiRouter<AppState> {
    // The limit of every request holds, which is above axum's own.
    let texts =
        OpenApiRouter::new().routes(routes!(create)).routes(routes!(text, save)).layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .merge(texts)
        .routes(routes!(set_status))
        .routes(routes!(export))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(difference))
        .routes(routes!(restore))
}

/// Write a document
///
/// In Markdown. Questions are answered from it like from any document of the project. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/written-documents", operation_id = "create_written_document", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = NewWritten, responses((status = CREATED, body = Document), Problems))]
async fn create(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(new): Json<NewWritten>,
) -> Result<(StatusCode, Json<Document>), HttpError> {
    Ok((StatusCode::CREATED, Json(session.create_written(project, new).await?)))
}

/// A written document's text
///
/// As it is now, with the revision that a change of it names. 409 when the document is a file.
#[utoipa::path(get, path = "/documents/{id}/text", operation_id = "get_document_text", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = OK, body = WrittenText), Problems))]
async fn text(session: UserSession, Path(id): Path<DocumentId>) -> Result<Json<WrittenText>, HttpError> {
    Ok(Json(session.written_text(id).await?))
}

/// Change a written document's text
///
/// 409 when it has changed since the revision that is named; nothing is written then. What one person saves within ten
/// minutes is one version, unless it takes more than a paragraph away. Answers are given from the new text some seconds
/// after the last change; until then from the old one. What was approved or published is a draft again. Needs the role
/// member.
#[utoipa::path(put, path = "/documents/{id}/text", operation_id = "save_document_text", tag = TAG,
    params(("id" = DocumentId, Path)), request_body = Save, responses((status = OK, body = Saved), Problems))]
async fn save(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Json(save): Json<Save>,
) -> Result<Json<Saved>, HttpError> {
    Ok(Json(session.save_text(id, save).await?))
}

/// Set a written document's status
///
/// From draft to review, to approved, to published, a step at a time; and back to any. 409 when the text has changed since
/// the revision that is named. Needs the role member for draft and review, admin for approved and published.
#[utoipa::path(post, path = "/documents/{id}/status", operation_id = "set_document_status", tag = TAG,
    params(("id" = DocumentId, Path)), request_body = StatusChange, responses((status = OK, body = Document), Problems))]
async fn set_status(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Json(change): Json<StatusChange>,
) -> Result<Json<Document>, HttpError> {
    Ok(Json(session.set_status(id, change).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// `md` (as it was typed) when absent.
    #[param(inline)]
    format: Option<Format>,
}

/// A written document as a file
///
/// Markdown, Word or PDF, of the text as it is now.
#[utoipa::path(get, path = "/documents/{id}/export", operation_id = "export_document", tag = TAG,
    params(("id" = DocumentId, Path), ExportQuery),
    responses((status = OK, content_type = "application/octet-stream", body = [u8]), Problems))]
async fn export(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Query(ExportQuery { format }): Query<ExportQuery>,
) -> Result<Response, HttpError> {
    let format = format.unwrap_or_default();
    let WrittenText { document, text, .. } = session.written_text(id).await?;
    let name = format!("{}.{}", document.name, format.extension());
    let file = export::make(document.name, text.into(), format).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    insert(&mut headers, header::CONTENT_DISPOSITION, &disposition("attachment", &name));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok((headers, file).into_response())
}

/// A written document's versions
///
/// The newest first; the first of them is the present text.
#[utoipa::path(get, path = "/documents/{id}/versions", operation_id = "list_document_versions", tag = TAG,
    params(("id" = DocumentId, Path), PageQuery), responses((status = OK, body = Page<Version>), Problems))]
async fn versions(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Version>>, HttpError> {
    Ok(Json(session.list_versions(id, page.into()).await?))
}

/// A version with its text
#[utoipa::path(get, path = "/versions/{id}", operation_id = "get_version", tag = TAG,
    params(("id" = VersionId, Path)), responses((status = OK, body = VersionText), Problems))]
async fn version(session: UserSession, Path(id): Path<VersionId>) -> Result<Json<VersionText>, HttpError> {
    Ok(Json(session.version(id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DifferenceQuery {
    /// Another version of the same document; the present text when absent.
    other: Option<VersionId>,
}

/// What has changed since a version
///
/// Line by line, with the words that differ.
#[utoipa::path(get, path = "/versions/{id}/difference", operation_id = "compare_version", tag = TAG,
    params(("id" = VersionId, Path), DifferenceQuery), responses((status = OK, body = Difference), Problems))]
async fn difference(
    session: UserSession,
    Path(id): Path<VersionId>,
    Query(query): Query<DifferenceQuery>,
) -> Result<Json<Difference>, HttpError> {
    Ok(Json(session.compare_version(id, query.other).await?))
}

/// Put a version's text back
///
/// As a new version: nothing that was written since is lost. 409 when it is the present text. Needs the role member.
#[utoipa::path(post, path = "/versions/{id}/restore", operation_id = "restore_version", tag = TAG,
    params(("id" = VersionId, Path)), responses((status = OK, body = Saved), Problems))]
async fn restore(session: UserSession, Path(id): Path<VersionId>) -> Result<Json<Saved>, HttpError> {
    Ok(Json(session.restore_version(id).await?))
}
