//! SQL of documents and their pages, as people see them. What ingestion writes is in [`super::jobs`].

use crate::{
    access::{DocumentAccess, ProjectAccess},
    db::Scope,
    fault::Fault,
    http::page,
    projects,
    storage::{ObjectKey, Stored},
    workspaces::repo::count,
};
use domain::{
    DocumentId, Error, Page, PageRequest,
    documents::{Document, DocumentPage, DocumentState},
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

struct Row {
    id: Uuid,
    project_id: Uuid,
    project_name: String,
    workspace_id: Uuid,
    workspace_name: String,
    folder_id: Option<Uuid>,
    name: String,
    media_type: String,
    size_bytes: i64,
    state: String,
    page_count: Option<i32>,
    chunks_done: i32,
    chunks_total: i32,
    failure: Option<String>,
    created_by: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn document(self, role: Role) -> Result<Document, Fault> {
        let state = DocumentState::parse(&self.state)
            .ok_or_else(|| Fault::while_doing("read a document")(format!("there is no state {:?}", self.state)))?;
        Ok(Document {
            id: self.id.into(),
            project: ProjectLink { id: self.project_id.into(), name: self.project_name },
            workspace: WorkspaceLink { id: self.workspace_id.into(), name: self.workspace_name },
            folder_id: self.folder_id.map(Into::into),
            name: self.name,
            media_type: self.media_type,
            size_bytes: u64::try_from(self.size_bytes).unwrap_or_default(),
            state,
            page_count: self.page_count.map(|pages| count(pages.into())),
            chunks_done: count(self.chunks_done.into()),
            chunks_total: count(self.chunks_total.into()),
            failure: self.failure,
            role,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Reads documents that fulfil a condition: one list of columns for every query here.
macro_rules! select_documents {
    ($condition:tt, $($bind:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"select d.id, d.project_id, p.name as project_name, d.workspace_id, w.name as workspace_name, d.folder_id,
                   d.name, d.media_type, d.size_bytes, d.state, d.page_count, d.chunks_done, d.chunks_total, d.failure,
                   coalesce(u.display_name, '') as "created_by!", d.created_at as "created_at: OffsetDateTime",
                   d.updated_at as "updated_at: OffsetDateTime"
               from documents d
               join projects p on p.id = d.project_id
               join workspaces w on w.id = d.workspace_id
               left join users u on u.id = d.created_by
               where "# + $condition,
            $($bind),*
        )
    };
}

/// Key of the documents' list: ids are UUIDv7, so their order is that of the uploads.
#[derive(Serialize, Deserialize)]
struct Newest {
    id: Uuid,
}

pub(super) async fn list(
    scope: &mut Scope,
    access: &ProjectAccess,
    request: &PageRequest,
) -> Result<Page<Document>, Fault> {
    let after: Option<Newest> = page::after(request)?;
    let rows = select_documents!(
        "d.project_id = $1 and d.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) order by d.id desc limit $3",
        Uuid::from(access.id()),
        after.map(|key| key.id),
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(page::page(documents(rows, access)?, request, |item| Newest { id: item.id.into() })?)
}

fn documents(rows: Vec<Row>, access: &ProjectAccess) -> Result<Vec<Document>, Fault> {
    rows.into_iter().map(|row| row.document(access.workspace().role())).collect()
}

pub(super) async fn find(scope: &mut Scope, access: &DocumentAccess) -> Result<Document, Fault> {
    let row = select_documents!("d.id = $1", Uuid::from(access.id())).fetch_one(scope.conn()).await?;
    row.document(access.project().workspace().role())
}

/// Those of `ids` that the project still has.
pub(super) async fn find_all(scope: &mut Scope, access: &ProjectAccess, ids: &[Uuid]) -> Result<Vec<Document>, Fault> {
    let rows = select_documents!("d.project_id = $1 and d.id = any($2) order by d.id", Uuid::from(access.id()), ids)
        .fetch_all(scope.conn())
        .await?;
    documents(rows, access)
}

/// Documents that a worker has or will have, and those that changed within `recently`, at most 500.
pub(super) async fn active(
    scope: &mut Scope,
    access: &ProjectAccess,
    recently: Duration,
) -> Result<Vec<Document>, Fault> {
    let rows = select_documents!(
        "d.id in (
             select id from documents where project_id = $1 and state in ('queued', 'extracting', 'embedding')
             union all
             select id from documents where project_id = $1 and updated_at > now() - make_interval(secs => $2)
         )
         order by d.id desc limit 500",
        Uuid::from(access.id()),
        recently.as_seconds_f64()
    )
    .fetch_all(scope.conn())
    .await?;
    documents(rows, access)
}

pub(super) async fn pages(
    scope: &mut Scope,
    access: &DocumentAccess,
    from: u32,
    limit: u32,
) -> Result<Vec<DocumentPage>, Fault> {
    let rows = sqlx::query!(
        "select number, text from document_pages where document_id = $1 and number >= $2 order by number limit $3",
        Uuid::from(access.id()),
        i32::try_from(from).unwrap_or(i32::MAX),
        i64::from(limit)
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(rows.into_iter().map(|row| DocumentPage { number: count(row.number.into()), text: row.text }).collect())
}

/// A file that is in the store and has no row yet.
#[derive(Clone, Debug)]
pub(super) struct NewDocument {
    pub id: DocumentId,
    pub name: String,
    pub media_type: &'static str,
    pub stored: Stored,
    pub key: ObjectKey,
}

pub(super) async fn insert(scope: &mut Scope, access: &ProjectAccess, new: &NewDocument) -> Result<(), Fault> {
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        Uuid::from(new.id),
        Uuid::from(access.workspace().id()),
        Uuid::from(access.id()),
        new.name,
        new.media_type,
        i64::try_from(new.stored.size).unwrap_or(i64::MAX),
        new.stored.sha256.as_slice(),
        new.key.to_string(),
        user
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// Puts a failed document back to the start; false when it has not failed. A worker that still holds it has lost its
/// lease.
pub(super) async fn requeue(scope: &mut Scope, access: &DocumentAccess) -> Result<bool, Fault> {
    let changed = sqlx::query!(
        "update documents set state = 'queued', failure = null, chunks_done = 0, chunks_total = 0, crashes = 0,
             lease_epoch = lease_epoch + 1, leased_until = null, updated_at = now()
         where id = $1 and state = 'failed'",
        Uuid::from(access.id())
    )
    .execute(scope.conn())
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// Deletes the document and, by cascade, its text, passages and citations.
pub(super) async fn delete(scope: &mut Scope, access: &DocumentAccess) -> Result<(), Fault> {
    let deleted =
        sqlx::query!("delete from documents where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    if deleted.rows_affected() == 0 {
        return Err(Error::NotFound.into());
    }
    projects::repo::touch(scope.conn(), &access.project()).await
}

/// What serving a document's file takes.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub name: String,
    pub media_type: String,
    pub size: u64,
    pub sha256: Vec<u8>,
    pub key: ObjectKey,
}

pub(super) async fn file(scope: &mut Scope, access: &DocumentAccess) -> Result<File, Fault> {
    let row = sqlx::query!(
        "select name, media_type, size_bytes, sha256 from documents where id = $1",
        Uuid::from(access.id())
    )
    .fetch_one(scope.conn())
    .await?;
    Ok(File {
        name: row.name,
        media_type: row.media_type,
        size: u64::try_from(row.size_bytes).unwrap_or_default(),
        sha256: row.sha256,
        key: ObjectKey::Document { workspace: access.project().workspace().id(), document: access.id() },
    })
}
