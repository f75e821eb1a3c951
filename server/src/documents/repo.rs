//! SQL of documents and their pages, as people see them. What ingestion writes is in [`super::jobs`].

use crate::{
    access::{DocumentAccess, ProjectAccess},
    db::Scope,
    events::{self, Notice},
    fault::Fault,
    http::page,
    projects,
    storage::{ObjectKey, Stored},
    workspaces::repo::count,
};
use domain::{
    DocumentId, Error, FolderId, Page, PageRequest, ProjectId, WorkspaceId,
    documents::{Document, DocumentPage, DocumentState},
    projects::ProjectLink,
    workspaces::{Role, WorkspaceLink},
    written::WritingStatus,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::{borrow::Cow, collections::HashSet};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

struct Row {
    id: Uuid,
    project_id: Uuid,
    project_name: String,
    workspace_id: Uuid,
    workspace_name: String,
    folder_id: Option<Uuid>,
    trashed_at: Option<OffsetDateTime>,
    replaces: Option<Uuid>,
    name: String,
    media_type: String,
    size_bytes: i64,
    state: String,
    page_count: Option<i32>,
    chunks_done: i32,
    chunks_total: i32,
    failure: Option<String>,
    source_url: Option<String>,
    fetched_at: Option<OffsetDateTime>,
    writing: Option<String>,
    in_chat: bool,
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
            trashed_at: self.trashed_at,
            replaces: self.replaces.map(Into::into),
            name: self.name,
            media_type: self.media_type,
            size_bytes: u64::try_from(self.size_bytes).unwrap_or_default(),
            state,
            page_count: self.page_count.map(|pages| count(pages.into())),
            chunks_done: count(self.chunks_done.into()),
            chunks_total: count(self.chunks_total.into()),
            failure: self.failure,
            source_url: self.source_url,
            fetched_at: self.fetched_at,
            writing: self.writing.as_deref().and_then(WritingStatus::parse),
            in_chat: self.in_chat,
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
            r#"select d.id, d.project_id, p.name as project_name, d.workspace_id, w.name as workspace_name, d.folder_id, d.replaces,
                   d.trashed_at as "trashed_at: OffsetDateTime", d.name, d.media_type, d.size_bytes, d.state, d.page_count,
                   d.chunks_done, d.chunks_total, d.failure, d.source_url, d.fetched_at as "fetched_at: OffsetDateTime",
                   d.in_chat, wd.status as "writing?", coalesce(u.display_name, '') as "created_by!",
                   d.created_at as "created_at: OffsetDateTime",
                   d.updated_at as "updated_at: OffsetDateTime"
               from documents d
               join projects p on p.id = d.project_id
               join workspaces w on w.id = d.workspace_id
               left join users u on u.id = d.created_by
               left join written_documents wd on wd.document_id = d.id
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

pub(crate) async fn list(
    scope: &mut Scope,
    access: &ProjectAccess,
    request: &PageRequest,
) -> Result<Page<Document>, Fault> {
    let after: Option<Newest> = page::after(request)?;
    let rows = select_documents!(
        "d.project_id = $1 and d.trashed_at is null
           -- The next text of a written document is no document of its own to anybody.
           and not exists (select from written_documents x where x.document_id = d.replaces)
           and d.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         order by d.id desc limit $3",
        Uuid::from(access.id()),
        after.map(|key| key.id),
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(page::page(documents(rows, access)?, request, |item| Newest { id: item.id.into() })?)
}

/// Those in the folder, or at the top of the project, the newest first.
pub(crate) async fn list_in(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    request: &PageRequest,
) -> Result<Page<Document>, Fault> {
    let after: Option<Newest> = page::after(request)?;
    let (project, after, most) = (Uuid::from(access.id()), after.map(|key| key.id), page::rows_and_one(request));
    let rows = match folder {
        Some(folder) => {
            select_documents!(
                "d.project_id = $1 and d.folder_id = $4 and d.trashed_at is null
                 and not exists (select from written_documents x where x.document_id = d.replaces)
                 and d.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) order by d.id desc limit $3",
                project,
                after,
                most,
                Uuid::from(folder)
            )
            .fetch_all(scope.conn())
            .await?
        }
        None => {
            select_documents!(
                "d.project_id = $1 and d.folder_id is null and d.trashed_at is null
                 and not exists (select from written_documents x where x.document_id = d.replaces)
                 and d.id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) order by d.id desc limit $3",
                project,
                after,
                most
            )
            .fetch_all(scope.conn())
            .await?
        }
    };
    Ok(page::page(documents(rows, access)?, request, |item| Newest { id: item.id.into() })?)
}

fn documents(rows: Vec<Row>, access: &ProjectAccess) -> Result<Vec<Document>, Fault> {
    rows.into_iter().map(|row| row.document(access.workspace().role())).collect()
}

pub(crate) async fn find(scope: &mut Scope, access: &DocumentAccess) -> Result<Document, Fault> {
    let row = select_documents!("d.id = $1", Uuid::from(access.id())).fetch_one(scope.conn()).await?;
    row.document(access.project().workspace().role())
}

/// Those of `ids` that the project still has, and not in its trash.
pub(crate) async fn find_all(scope: &mut Scope, access: &ProjectAccess, ids: &[Uuid]) -> Result<Vec<Document>, Fault> {
    let rows = select_documents!(
        "d.project_id = $1 and d.id = any($2) and d.trashed_at is null
             and not exists (select from written_documents x where x.document_id = d.replaces)
         order by d.id",
        Uuid::from(access.id()),
        ids
    )
    .fetch_all(scope.conn())
    .await?;
    documents(rows, access)
}

/// The version of the document that is in the making, if there is one.
pub(crate) async fn next_version(scope: &mut Scope, access: &DocumentAccess) -> Result<Option<Document>, Fault> {
    let row = select_documents!("d.replaces = $1", Uuid::from(access.id())).fetch_optional(scope.conn()).await?;
    row.map(|row| row.document(access.project().workspace().role())).transpose()
}

/// Documents that a worker has or will have, and those that changed within `recently`, at most 500.
pub(super) async fn active(
    scope: &mut Scope,
    access: &ProjectAccess,
    recently: Duration,
) -> Result<Vec<Document>, Fault> {
    let rows = select_documents!(
        "d.trashed_at is null and d.id in (
             select id from documents where project_id = $1 and state in ('queued', 'extracting', 'embedding')
             union all
             select id from documents where project_id = $1 and updated_at > now() - make_interval(secs => $2)
         )
         and not exists (select from written_documents x where x.document_id = d.replaces)
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
    pages_of(scope.conn(), access.id(), from, limit).await
}

/// Pages of a document to which access has been proved.
///
/// # Errors
/// [`Fault::Database`].
pub(crate) async fn pages_of(
    conn: &mut PgConnection,
    document: DocumentId,
    from: u32,
    limit: u32,
) -> Result<Vec<DocumentPage>, Fault> {
    let rows = sqlx::query!(
        "select number, text from document_pages where document_id = $1 and number >= $2 order by number limit $3",
        Uuid::from(document),
        i32::try_from(from).unwrap_or(i32::MAX),
        i64::from(limit)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| DocumentPage { number: count(row.number.into()), text: row.text }).collect())
}

/// A file that is in the store and has no row yet.
#[derive(Clone, Debug)]
pub(crate) struct NewDocument {
    pub id: DocumentId,
    pub name: String,
    pub media_type: Cow<'static, str>,
    pub stored: Stored,
    pub key: ObjectKey,
}

/// Makes the document the next version of `old`, in the place of one that is still in the making, whose file the sweep for
/// objects without rows removes.
pub(super) async fn replace(
    scope: &mut Scope,
    access: &ProjectAccess,
    old: Uuid,
    new: DocumentId,
) -> Result<Option<DocumentId>, Fault> {
    let superseded = sqlx::query_scalar!("delete from documents where replaces = $1 returning id", old)
        .fetch_optional(scope.conn())
        .await?
        .map(DocumentId::from);
    if let Some(superseded) = superseded {
        remember_deleted(scope.conn(), access.workspace().id(), access.id(), superseded).await?;
    }
    sqlx::query!("update documents set replaces = $2 where id = $1", Uuid::from(new), old)
        .execute(scope.conn())
        .await?;
    Ok(superseded)
}

/// The ready document that a new file of this name is the next version of: the one in the same folder, if it is one.
pub(super) async fn of_name(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    name: &str,
) -> Result<Option<Uuid>, Fault> {
    let found = sqlx::query_scalar!(
        "select id from documents
         where project_id = $1 and name = $2 and folder_id is not distinct from $3 and state = 'ready' and replaces is null
             and trashed_at is null
             and not exists (select from written_documents w where w.document_id = documents.id)
         limit 2",
        Uuid::from(access.id()),
        name,
        folder.map(Uuid::from)
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(if let [only] = found.as_slice() { Some(*only) } else { None })
}

/// A file's key by what its row says: a document that was replaced has the file of the version that replaced it.
pub(crate) fn key_of(workspace: WorkspaceId, document: DocumentId, object_key: &str) -> ObjectKey {
    let stored = object_key.rsplit('/').next().and_then(|id| id.parse().ok());
    ObjectKey::Document { workspace, document: stored.map_or(document, |id: Uuid| id.into()) }
}

/// Notes a deletion for those who follow the project and are not connected just now.
pub(crate) async fn remember_deleted(
    conn: &mut PgConnection,
    workspace: WorkspaceId,
    project: ProjectId,
    document: DocumentId,
) -> Result<(), Fault> {
    sqlx::query!(
        "insert into deleted_documents (document_id, workspace_id, project_id) values ($1, $2, $3) on conflict do nothing",
        Uuid::from(document),
        Uuid::from(workspace),
        Uuid::from(project)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody is told of a deletion after a day.
pub(crate) async fn forget_deleted(conn: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query!("delete from deleted_documents where deleted_at < now() - interval '1 day'").execute(conn).await?;
    Ok(())
}

/// Documents of the project that were deleted within `recently`, at most 500.
pub(super) async fn deleted(
    scope: &mut Scope,
    access: &ProjectAccess,
    recently: Duration,
) -> Result<Vec<DocumentId>, Fault> {
    let ids = sqlx::query_scalar!(
        "select document_id from deleted_documents
         where project_id = $1 and deleted_at > now() - make_interval(secs => $2)
         order by deleted_at desc limit 500",
        Uuid::from(access.id()),
        recently.as_seconds_f64()
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

pub(crate) async fn insert(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    new: &NewDocument,
) -> Result<(), Fault> {
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into documents (id, workspace_id, project_id, name, media_type, size_bytes, sha256, object_key, created_by, folder_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        Uuid::from(new.id),
        Uuid::from(access.workspace().id()),
        Uuid::from(access.id()),
        new.name,
        new.media_type.as_ref(),
        i64::try_from(new.stored.size).unwrap_or(i64::MAX),
        new.stored.sha256.as_slice(),
        new.key.to_string(),
        user,
        folder.map(Uuid::from)
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// The name, or with a number before its extension where a document in the folder has it already.
pub(super) async fn free_name(
    conn: &mut PgConnection,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    name: &str,
) -> Result<String, Fault> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let taken: HashSet<String> = sqlx::query_scalar!(
        "select name from documents
         where project_id = $1 and folder_id is not distinct from $2 and trashed_at is null and starts_with(name, $3)",
        Uuid::from(access.id()),
        folder.map(Uuid::from),
        stem
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .collect();
    let numbered = (2_u64..).map(|number| format!("{stem} ({number}){extension}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    Ok(names.find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned()))
}

/// From its beginning: nobody has been told of it yet.
pub(super) async fn leave_out_of_chat(conn: &mut PgConnection, document: DocumentId) -> Result<(), Fault> {
    sqlx::query!("update documents set in_chat = false where id = $1", Uuid::from(document)).execute(conn).await?;
    Ok(())
}

/// Puts a failed document back to the start, or the failed next text of one that is written here, and says which. A worker
/// that still holds it has lost its lease.
pub(super) async fn requeue(scope: &mut Scope, access: &DocumentAccess) -> Result<Option<DocumentId>, Fault> {
    let changed = requeue_failed(scope.conn(), Some(access.id())).await?;
    Ok(changed.into_iter().map(|(document, _)| Uuid::from(document)).max().map(Into::into))
}

/// As [`requeue`], of one document or of all, for the operator.
pub(crate) async fn requeue_failed(
    conn: &mut PgConnection,
    only: Option<DocumentId>,
) -> Result<Vec<(DocumentId, ProjectId)>, Fault> {
    // Where all of the text is there, it goes on with what is not embedded. A page that was not is fetched anew.
    let changed = sqlx::query!(
        "update documents set state = case when chunks_total > 0 then 'embedding' else 'queued' end, failure = null,
             fetched_at = case when chunks_total > 0 then fetched_at end, crashes = 0, lease_epoch = lease_epoch + 1, leased_until = null, updated_at = now()
         where state = 'failed'
             and ($1::uuid is null or id = $1
                 or replaces = (select document_id from written_documents where document_id = $1))
         returning id, project_id",
        only.map(Uuid::from)
    )
    .fetch_all(conn)
    .await?;
    Ok(changed.into_iter().map(|row| (row.id.into(), row.project_id.into())).collect())
}

/// Deletes the document and, by cascade, its text, passages and citations, and a version of it that is in the making.
/// Returns the files that are to be removed from the store after the commit.
pub(super) async fn delete(scope: &mut Scope, access: &DocumentAccess) -> Result<Vec<ObjectKey>, Fault> {
    let project = access.project();
    let workspace = project.workspace().id();
    // In the order of saves and hand-overs: first what is written, then its document.
    sqlx::query!("select from written_documents where document_id = $1 for update", Uuid::from(access.id()))
        .execute(scope.conn())
        .await?;
    let rows = sqlx::query!(
        "select id, object_key from documents where id = $1 or replaces = $1 order by id desc for update",
        Uuid::from(access.id())
    )
    .fetch_all(scope.conn())
    .await?;
    let deleted =
        sqlx::query!("delete from documents where id = $1", Uuid::from(access.id())).execute(scope.conn()).await?;
    if deleted.rows_affected() == 0 {
        return Err(Error::NotFound.into());
    }
    for row in &rows {
        let document = row.id.into();
        remember_deleted(scope.conn(), workspace, project.id(), document).await?;
        events::notify(scope.conn(), &Notice::Document { project: project.id(), document }).await?;
    }
    projects::repo::touch(scope.conn(), &project).await?;
    Ok(rows.iter().map(|row| key_of(workspace, row.id.into(), &row.object_key)).collect())
}

/// What serving a document's file takes.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub name: String,
    pub media_type: String,
    pub size: u64,
    pub sha256: Vec<u8>,
    pub key: ObjectKey,
}

pub(super) async fn file(scope: &mut Scope, access: &DocumentAccess) -> Result<File, Fault> {
    file_of(scope.conn(), access.project().workspace().id(), access.id()).await
}

/// The file of a document to which access has been proved.
///
/// # Errors
/// `NotFound` before a link has been fetched; [`Fault::Database`].
pub(crate) async fn file_of(
    conn: &mut PgConnection,
    workspace: WorkspaceId,
    document: DocumentId,
) -> Result<File, Fault> {
    let row = sqlx::query!(
        "select name, media_type, size_bytes, sha256, object_key from documents
         where id = $1 and workspace_id = $2 and (source_url is null or fetched_at is not null)",
        Uuid::from(document),
        Uuid::from(workspace)
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound)?;
    Ok(File {
        name: row.name,
        media_type: row.media_type,
        size: u64::try_from(row.size_bytes).unwrap_or_default(),
        sha256: row.sha256,
        key: key_of(workspace, document, &row.object_key),
    })
}
