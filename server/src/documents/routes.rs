//! `/api/v1/projects/{id}/documents` and `/events`, and `/api/v1/documents/{id}`.

use super::{
    download, repo,
    stream::DocumentEvents,
    upload::{self, Purpose},
};
use crate::{
    AppState,
    http::{
        error::{HttpError, Json, Path, Problems, Query},
        multipart::Multipart,
        page::PageQuery,
        plain,
    },
    session::UserSession,
    trash::routes::DeleteQuery,
};
use axum::{
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{
        IntoResponse, Redirect, Response,
        sse::{KeepAlive, Sse},
    },
};
use domain::{
    DocumentId, FolderId, Page, ProjectId,
    documents::{Document, DocumentPage, Documents},
    workspaces::Role,
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Documents";

/// Proxies close a connection that is silent for longer; 60 s is common.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn router() -> OpenApiRouter<AppState> {
    let files = OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(file, replace_file))
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .merge(files)
        .routes(routes!(events))
        .routes(routes!(find, delete))
        .routes(routes!(pages))
        .routes(routes!(retry))
}

/// A project's documents
///
/// Of all folders, the newest first; without those in the trash. `/projects/{id}/contents` lists one folder.
#[utoipa::path(get, path = "/projects/{id}/documents", operation_id = "list_documents", tag = TAG,
    params(("id" = ProjectId, Path), PageQuery), responses((status = OK, body = Page<Document>), Problems))]
async fn list(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Document>>, HttpError> {
    Ok(Json(session.list_documents(project, page.into()).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FolderQuery {
    /// The folder to add them to; the top of the project when absent.
    folder: Option<FolderId>,
}

/// Files to add.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read as it arrives")]
struct Upload {
    /// One or more files: PDF, Word, PowerPoint, Excel, EPUB, CSV, Markdown, plain text, HTML or pictures.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<u8>,
}

/// Add documents
///
/// All files of the form are added or, when one is refused, none. Each is then read and indexed by the worker; its
/// state and the project's events tell how far it is. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/documents", operation_id = "create_documents", tag = TAG,
    params(("id" = ProjectId, Path), FolderQuery), request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = CREATED, body = Vec<Document>), Problems))]
async fn create(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(FolderQuery { folder }): Query<FolderQuery>,
    headers: HeaderMap,
    Multipart(form): Multipart,
) -> Response {
    let state = session.state.clone();
    let made = upload::receive(session, Purpose::Documents { project, folder }, form).await;
    if !plain::is_wanted(&headers) {
        return made.map(|documents| (StatusCode::CREATED, Json(documents))).into_response();
    }
    let place = folder.map(|folder| format!("?folder={folder}")).unwrap_or_default();
    let back = format!("/projects/{project}/documents{place}");
    match made {
        Ok(_) => Redirect::to(&back).into_response(),
        Err(error) => plain::failure(&state.site, "The files were not added", &error, &back),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Microseconds since 1970: as `Last-Event-ID`, for who cannot send that.
    since: Option<u64>,
}

/// Follow a project's documents
///
/// Server-sent events. `document` carries a document that is being read or has changed, as JSON; `deleted` the `id` of
/// one that is gone. A reader that comes back with `Last-Event-ID` misses nothing.
#[utoipa::path(get, path = "/projects/{id}/events", operation_id = "follow_documents", tag = TAG,
    params(("id" = ProjectId, Path), EventsQuery),
    responses((status = OK, content_type = "text/event-stream", body = String), Problems))]
async fn events(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let last_event = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let events = DocumentEvents::open(session, project, last_event.or(query.since)).await?;
    let stream = Sse::new(events.into_stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx buffers what it proxies unless it is told not to.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, stream).into_response())
}

/// A document
///
/// With `trashed_at` it is in the trash.
#[utoipa::path(get, path = "/documents/{id}", operation_id = "get_document", tag = TAG, params(("id" = DocumentId, Path)),
    responses((status = OK, body = Document), Problems))]
async fn find(session: UserSession, Path(id): Path<DocumentId>) -> Result<Json<Document>, HttpError> {
    Ok(Json(session.document(id).await?))
}

/// Delete a document
///
/// The document goes into the project's trash: no list, search or answer finds it, it can still be read by its id, and it
/// can be restored for 30 days. One that is in the trash already, and any with `forever=true`, is deleted with its text,
/// the passages found in it and its file. Needs the role member.
#[utoipa::path(delete, path = "/documents/{id}", operation_id = "delete_document", tag = TAG,
    params(("id" = DocumentId, Path), DeleteQuery), responses((status = NO_CONTENT), Problems))]
async fn delete(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, HttpError> {
    session.delete_document(id, query.forever).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PagesQuery {
    /// Number of the first page that is wanted; 1 when absent.
    from: Option<u32>,
    /// Most pages, 1 to 50; 10 when absent.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

/// A document's text
///
/// Page by page, in order. Empty until the text has been read out of the file.
#[utoipa::path(get, path = "/documents/{id}/pages", operation_id = "get_document_pages", tag = TAG,
    params(("id" = DocumentId, Path), PagesQuery), responses((status = OK, body = Vec<DocumentPage>), Problems))]
async fn pages(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Query(query): Query<PagesQuery>,
) -> Result<Json<Vec<DocumentPage>>, HttpError> {
    Ok(Json(session.document_pages(id, query.from.unwrap_or(1), query.limit.unwrap_or(10)).await?))
}

/// A document's file
///
/// As it was uploaded. Takes `Range`, `If-Range` and `If-None-Match`; the `ETag` is the file's SHA-256. Where the file store
/// is open to browsers, the answer is 302 to an address there that works for a few minutes.
#[utoipa::path(get, path = "/documents/{id}/file", operation_id = "get_document_file", tag = TAG,
    params(("id" = DocumentId, Path)),
    responses((status = OK, content_type = "application/octet-stream", body = [u8]), (status = PARTIAL_CONTENT), (status = FOUND), Problems))]
async fn file(
    session: UserSession,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let mut scope = session.reading().await?;
    let access = scope.document(id, Role::Viewer).await?;
    let file = repo::file(&mut scope, &access).await?;
    // The connection goes back before the file is read, which may take long.
    drop(scope);
    download::serve(&session.state.store, file, &method, &headers).await
}

/// The new version of a document's file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read as it arrives")]
struct Version {
    /// One file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Replace a document's file
///
/// The old version answers until the new one is ready; then it takes its place in one step, under the old one's id and
/// name. Returns the version in the making, whose state can be followed like any document's. Uploading a file whose name
/// one ready document of the same folder has does the same. Needs the role member.
#[utoipa::path(put, path = "/documents/{id}/file", operation_id = "replace_document_file", tag = TAG,
    params(("id" = DocumentId, Path)), request_body(content = Version, content_type = "multipart/form-data"),
    responses((status = ACCEPTED, body = Document), Problems))]
async fn replace_file(
    session: UserSession,
    Path(id): Path<DocumentId>,
    Multipart(form): Multipart,
) -> Result<(StatusCode, Json<Document>), HttpError> {
    let versions = upload::receive(session, Purpose::Version { of: id }, form).await?;
    Ok((StatusCode::ACCEPTED, Json(versions.into_iter().next().ok_or(domain::Error::NotFound)?)))
}

/// Read a failed document again
///
/// 409 when it has not failed. Needs the role member.
#[utoipa::path(post, path = "/documents/{id}/retry", operation_id = "retry_document", tag = TAG,
    params(("id" = DocumentId, Path)), responses((status = ACCEPTED, body = Document), Problems))]
async fn retry(session: UserSession, Path(id): Path<DocumentId>) -> Result<(StatusCode, Json<Document>), HttpError> {
    Ok((StatusCode::ACCEPTED, Json(session.retry_document(id).await?)))
}
