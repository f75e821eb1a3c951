//! `/api/v1/projects/{id}/uploads` and `/api/v1/uploads/{id}`: the core of tus 1.0 (`Upload-Offset`, `HEAD`, `PATCH`),
//! with JSON for what tus puts into headers of its own.

use super::chunk;
use crate::{
    AppState,
    http::error::{HttpError, Json, Path, Problems},
    session::UserSession,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    ProjectId, UploadId,
    uploads::{NewUpload, Upload, Uploads},
    workspaces::Role,
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TAG: &str = "Uploads";

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// tus' type of a chunk.
const CHUNK: &str = "application/offset+octet-stream";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, begin)).routes(routes!(find, append, discard))
}

/// The upload, with tus' headers.
struct Offset(Upload);

impl IntoResponse for Offset {
    fn into_response(self) -> Response {
        let headers = [(OFFSET, self.0.offset.to_string()), (LENGTH, self.0.size_bytes.to_string())];
        (headers, Json(self.0)).into_response()
    }
}

/// Your unfinished uploads to a project
///
/// The newest first, at most 100. Nobody else sees them.
#[utoipa::path(get, path = "/projects/{id}/uploads", operation_id = "list_uploads", tag = TAG,
    params(("id" = ProjectId, Path)), responses((status = OK, body = Vec<Upload>), Problems))]
async fn list(session: UserSession, Path(project): Path<ProjectId>) -> Result<Json<Vec<Upload>>, HttpError> {
    Ok(Json(session.list_uploads(project).await?))
}

/// Begin an upload, or find where it stopped
///
/// A file of the same name, size, time of change and folder that you have not finished goes on: send the chunk at `offset`. What
/// has arrived is kept for two days after the last chunk. Needs the role member.
#[utoipa::path(post, path = "/projects/{id}/uploads", operation_id = "begin_upload", tag = TAG,
    params(("id" = ProjectId, Path)), request_body = NewUpload, responses((status = CREATED, body = Upload), Problems))]
async fn begin(
    session: UserSession,
    Path(project): Path<ProjectId>,
    Json(new): Json<NewUpload>,
) -> Result<(StatusCode, Offset), HttpError> {
    Ok((StatusCode::CREATED, Offset(session.begin_upload(project, new).await?)))
}

/// An upload
///
/// `offset`, also as the header `Upload-Offset`, tells where it goes on; `HEAD` answers with the headers alone. With
/// `document_id` it is finished.
#[utoipa::path(get, path = "/uploads/{id}", operation_id = "get_upload", tag = TAG, params(("id" = UploadId, Path)),
    responses((status = OK, body = Upload), Problems))]
async fn find(session: UserSession, Path(id): Path<UploadId>) -> Result<Offset, HttpError> {
    Ok(Offset(session.upload(id).await?))
}

/// Send a chunk
///
/// The `chunk_bytes` of the file that begin at `Upload-Offset`, or what remains. It is kept when the answer says so; the
/// last one makes the document, and an empty one at the end does when that failed. 409 when the upload goes on
/// elsewhere. A file that cannot be read is refused, and its upload ends.
#[utoipa::path(patch, path = "/uploads/{id}", operation_id = "append_to_upload", tag = TAG,
    params(("id" = UploadId, Path), ("Upload-Offset" = u64, Header, description = "Where the chunk begins, in bytes.")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = OK, body = Upload), Problems))]
async fn append(
    session: UserSession,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Offset, HttpError> {
    let access = session.reading().await?.upload(id, Role::Member).await?;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_TYPE) != Some(CHUNK) {
        let detail = format!("Send the chunk as {CHUNK}.");
        return Err(HttpError::request(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let Some(offset) = text(OFFSET).and_then(|offset| offset.parse().ok()) else {
        let detail = "Say in the header Upload-Offset where the chunk begins, in bytes.";
        return Err(HttpError::request(StatusCode::BAD_REQUEST, detail));
    };
    chunk::append(session, access, offset, body).await.map(Offset)
}

/// Discard an upload
///
/// With all that has arrived. A document that it has become stays.
#[utoipa::path(delete, path = "/uploads/{id}", operation_id = "discard_upload", tag = TAG, params(("id" = UploadId, Path)),
    responses((status = NO_CONTENT), Problems))]
async fn discard(session: UserSession, Path(id): Path<UploadId>) -> Result<StatusCode, HttpError> {
    session.discard_upload(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
