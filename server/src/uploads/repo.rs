//! SQL of uploads.

use crate::{
    access::{ProjectAccess, UploadAccess},
    db::Scope,
    fault::Fault,
    storage::{ObjectKey, PART_BYTES},
};
use domain::{
    DocumentId, Error, UploadId,
    uploads::{NewUpload, Upload},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Unfinished uploads of one person to one project.
pub(super) const MOST: i64 = 100;

/// Seconds without a new chunk until what has arrived is thrown away.
const LIFETIME: f64 = 2.0 * 24.0 * 3600.0;

/// An upload as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub project_id: Uuid,
    pub folder_id: Option<Uuid>,
    pub is_attachment: bool,
    pub name: String,
    pub size_bytes: i64,
    pub modified_ms: Option<i64>,
    pub document_id: Uuid,
    pub media_type: Option<String>,
    pub store_upload: Option<String>,
    pub offset_bytes: i64,
    pub parts: Vec<String>,
    pub hash_state: Option<Vec<u8>>,
    pub text_tail: Vec<u8>,
    pub finished_at: Option<OffsetDateTime>,
    pub expires_at: OffsetDateTime,
}

impl Row {
    pub fn key(&self) -> ObjectKey {
        ObjectKey::Document { workspace: self.workspace_id.into(), document: self.document_id.into() }
    }

    pub fn size(&self) -> u64 {
        u64::try_from(self.size_bytes).unwrap_or_default()
    }

    pub fn offset(&self) -> u64 {
        u64::try_from(self.offset_bytes).unwrap_or_default()
    }

    /// Bytes of the next chunk: all of one size but the last. 0 when all are there.
    pub fn next_chunk(&self) -> u64 {
        (self.size() - self.offset()).min(PART_BYTES as u64)
    }

    pub fn upload(self) -> Upload {
        Upload {
            id: self.id.into(),
            project_id: self.project_id.into(),
            folder_id: self.folder_id.map(Into::into),
            size_bytes: self.size(),
            offset: self.offset(),
            name: self.name,
            modified_ms: self.modified_ms,
            chunk_bytes: PART_BYTES as u64,
            document_id: self.finished_at.map(|_| DocumentId::from(self.document_id)),
            expires_at: self.expires_at,
        }
    }
}

/// Reads uploads that fulfil a condition: one list of columns for every query here.
macro_rules! select_uploads {
    ($condition:tt, $($bind:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"select id, workspace_id, project_id, folder_id, is_attachment, name, size_bytes, modified_ms, document_id, media_type,
                   store_upload, offset_bytes, parts, hash_state, text_tail, finished_at as "finished_at: OffsetDateTime",
                   expires_at as "expires_at: OffsetDateTime"
               from uploads
               where "# + $condition,
            $($bind),*
        )
    };
}

pub(super) async fn find(scope: &mut Scope, access: &UploadAccess) -> Result<Row, Fault> {
    Ok(select_uploads!("id = $1", Uuid::from(access.id())).fetch_one(scope.conn()).await?)
}

pub(super) async fn list(scope: &mut Scope, access: &ProjectAccess) -> Result<Vec<Row>, Fault> {
    let user = Uuid::from(scope.user_id());
    let rows = select_uploads!(
        "created_by = $1 and project_id = $2 and finished_at is null and expires_at > now() order by id desc limit $3",
        user,
        Uuid::from(access.id()),
        MOST
    );
    Ok(rows.fetch_all(scope.conn()).await?)
}

/// The caller's unfinished upload of the same file.
pub(super) async fn find_same(
    scope: &mut Scope,
    access: &ProjectAccess,
    new: &NewUpload,
) -> Result<Option<Row>, Fault> {
    let user = Uuid::from(scope.user_id());
    let row = select_uploads!(
        "created_by = $1 and project_id = $2 and name = $3 and size_bytes = $4 and modified_ms is not distinct from $5
             and folder_id is not distinct from $6 and is_attachment = $7 and finished_at is null and expires_at > now()
         order by id desc limit 1",
        user,
        Uuid::from(access.id()),
        new.name,
        integer(new.size_bytes),
        new.modified_ms,
        new.folder_id.map(Uuid::from),
        new.attachment
    );
    Ok(row.fetch_optional(scope.conn()).await?)
}

pub(super) async fn insert(scope: &mut Scope, access: &ProjectAccess, new: &NewUpload) -> Result<Row, Fault> {
    let user = Uuid::from(scope.user_id());
    let (id, document) = (Uuid::now_v7(), Uuid::now_v7());
    let workspace = access.workspace().id();
    sqlx::query!(
        "insert into uploads (id, workspace_id, project_id, created_by, name, size_bytes, modified_ms, document_id,
             object_key, expires_at, folder_id, is_attachment)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10), $11, $12)",
        id,
        Uuid::from(workspace),
        Uuid::from(access.id()),
        user,
        new.name,
        integer(new.size_bytes),
        new.modified_ms,
        document,
        ObjectKey::Document { workspace, document: document.into() }.to_string(),
        LIFETIME,
        new.folder_id.map(Uuid::from),
        new.attachment
    )
    .execute(scope.conn())
    .await?;
    Ok(select_uploads!("id = $1", id).fetch_one(scope.conn()).await?)
}

/// Deletes the upload. What of it lies in the store is the caller's to remove; none when it is gone already.
pub(super) async fn delete(conn: &mut PgConnection, id: UploadId) -> Result<Option<Row>, Fault> {
    let row = select_uploads!("id = $1 for update", Uuid::from(id)).fetch_optional(&mut *conn).await?;
    sqlx::query!("delete from uploads where id = $1", Uuid::from(id)).execute(conn).await?;
    Ok(row)
}

/// Takes the turn to store the chunk at `offset`: whoever had it before moves the offset no more. None when the upload
/// is elsewhere by now.
pub(super) async fn begin_chunk(scope: &mut Scope, access: &UploadAccess, offset: u64) -> Result<Option<i64>, Fault> {
    let epoch = sqlx::query_scalar!(
        "update uploads set epoch = epoch + 1
         where id = $1 and offset_bytes = $2 and finished_at is null returning epoch",
        Uuid::from(access.id()),
        integer(offset)
    );
    Ok(epoch.fetch_optional(scope.conn()).await?)
}

/// Notes what the store calls the upload in parts.
pub(super) async fn begun(scope: &mut Scope, row: &Row, epoch: i64) -> Result<(), Fault> {
    let noted = sqlx::query!(
        "update uploads set store_upload = $3, media_type = $4 where id = $1 and epoch = $2",
        row.id,
        epoch,
        row.store_upload,
        row.media_type
    )
    .execute(scope.conn())
    .await?;
    if noted.rows_affected() == 0 { Err(elsewhere().into()) } else { Ok(()) }
}

/// Notes a chunk that is stored: `row` is the upload with it.
pub(super) async fn advance(scope: &mut Scope, row: &Row, epoch: i64) -> Result<(), Fault> {
    let advanced = sqlx::query!(
        "update uploads
         set offset_bytes = $3, parts = $4, hash_state = $5, text_tail = $6, media_type = $7,
             expires_at = now() + make_interval(secs => $8)
         where id = $1 and epoch = $2",
        row.id,
        epoch,
        row.offset_bytes,
        &row.parts,
        row.hash_state,
        row.text_tail,
        row.media_type,
        LIFETIME
    )
    .execute(scope.conn())
    .await?;
    if advanced.rows_affected() == 0 { Err(elsewhere().into()) } else { Ok(()) }
}

/// Takes the right to make the document; false when somebody has made it.
pub(super) async fn finish(scope: &mut Scope, access: &UploadAccess) -> Result<bool, Fault> {
    let finished = sqlx::query!(
        "update uploads set finished_at = now() where id = $1 and finished_at is null",
        Uuid::from(access.id())
    );
    Ok(finished.execute(scope.conn()).await?.rows_affected() > 0)
}

/// Two senders of one upload, or one that does not know how far it is.
pub(super) fn elsewhere() -> Error {
    Error::conflict("The upload goes on at another place. Ask for it, and send the chunk at its offset.")
}

pub(super) fn integer(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
