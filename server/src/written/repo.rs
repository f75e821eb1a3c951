//! SQL of written documents and their versions.

use super::coalesce::{self, Newest};
use crate::{
    access::{DocumentAccess, ProjectAccess, VersionAccess},
    db::Scope,
    documents::repo::{self as documents, NewDocument},
    fault::Fault,
    folders,
    http::page,
    workspaces::repo::count,
};
use domain::{
    DocumentId, Error, FolderId, Page, PageRequest, WorkspaceId,
    documents::Document,
    text::Name,
    written::{Markdown, Saved, Version, VersionText, WritingStatus},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a document has now. Whoever holds it from [`lock`] is alone in changing it.
pub(super) struct Present {
    pub name: String,
    pub text: Markdown,
    pub revision: u64,
    pub version: u32,
    pub status: WritingStatus,
    /// Whoever changed it last.
    pub changed_by: String,
    pub changed_at: OffsetDateTime,
    version_id: Uuid,
    newest: Newest,
}

impl Present {
    pub fn saved(&self) -> Saved {
        Saved { revision: self.revision, version: self.version, status: self.status, changed_at: self.changed_at }
    }
}

/// The document with its text, locked against other changes until the transaction ends.
///
/// # Errors
/// `Conflict` when it is a file.
pub(super) async fn lock(scope: &mut Scope, access: &DocumentAccess) -> Result<Present, Fault> {
    // First the lock, then a look: a statement sees what was committed before it began.
    sqlx::query!("select from written_documents where document_id = $1 for no key update", Uuid::from(access.id()))
        .execute(scope.conn())
        .await?;
    if documents::find(scope, access).await?.trashed_at.is_some() {
        return Err(Error::conflict("This document is in the trash. Restore it, then change it.").into());
    }
    find(scope, access).await
}

/// # Errors
/// `Conflict` when it is a file.
pub(super) async fn find(scope: &mut Scope, access: &DocumentAccess) -> Result<Present, Fault> {
    let row = sqlx::query!(
        r#"select d.name, wd.status, wd.revision, wd.changed_at as "changed_at: OffsetDateTime",
               coalesce(u.display_name, '') as "changed_by!", v.id as "version_id!", v.number as "number!", v.text as "text!",
               v.removed_bytes as "removed_bytes!", v.created_by as "author?", v.created_at as "begun_at!: OffsetDateTime",
               (v.reached is not null or v.restored_from is not null) as "is_settled!"
           from written_documents wd
           join documents d on d.id = wd.document_id
           join lateral (
               select * from document_versions where document_id = wd.document_id order by number desc limit 1
           ) v on true
           left join users u on u.id = wd.changed_by
           where wd.document_id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_optional(scope.conn())
    .await?
    .ok_or_else(|| Error::conflict("This document is a file. Only what is written in Atelier has a text to change."))?;
    Ok(Present {
        name: row.name,
        text: stored(row.text)?,
        revision: u64::try_from(row.revision).unwrap_or_default(),
        version: count(row.number.into()),
        status: status(&row.status)?,
        changed_by: row.changed_by,
        changed_at: row.changed_at,
        version_id: row.version_id,
        newest: Newest {
            author: row.author.map(Into::into),
            begun_at: row.begun_at,
            is_settled: row.is_settled,
            removed: usize::try_from(row.removed_bytes).unwrap_or_default(),
        },
    })
}

fn stored(text: String) -> Result<Markdown, Fault> {
    Markdown::try_from(text).map_err(Fault::while_doing("read a version"))
}

fn status(text: &str) -> Result<WritingStatus, Fault> {
    WritingStatus::parse(text)
        .ok_or_else(|| Fault::while_doing("read a written document")(format!("there is no status {text:?}")))
}

fn size(text: &Markdown) -> i32 {
    // At most a megabyte.
    i32::try_from(text.as_str().len()).unwrap_or(i32::MAX)
}

/// A document whose file is in the store, with its first version. Where nothing is written in it, it is ready at once.
pub(super) async fn create(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    new: &NewDocument,
    text: &Markdown,
) -> Result<Document, Fault> {
    let folder = folders::repo::hold(scope.conn(), access.id(), folder).await?;
    documents::insert(scope, access, folder, new).await?;
    let (document, workspace) = (Uuid::from(new.id), Uuid::from(access.workspace().id()));
    if new.stored.size == 0 {
        sqlx::query!("update documents set state = 'ready', page_count = 0 where id = $1", document)
            .execute(scope.conn())
            .await?;
    }
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into written_documents (document_id, workspace_id, read_revision, changed_by) values ($1, $2, 1, $3)",
        document,
        workspace,
        user
    )
    .execute(scope.conn())
    .await?;
    begin_version(scope, access.workspace().id(), new.id, 1, text, None).await?;
    documents::find_all(scope, access, &[document]).await?.pop().ok_or_else(|| Error::NotFound.into())
}

async fn begin_version(
    scope: &mut Scope,
    workspace: WorkspaceId,
    document: DocumentId,
    number: u32,
    text: &Markdown,
    restored_from: Option<u32>,
) -> Result<(), Fault> {
    let user = Uuid::from(scope.user_id());
    sqlx::query!(
        "insert into document_versions (id, workspace_id, document_id, number, text, size_bytes, restored_from, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        Uuid::now_v7(),
        Uuid::from(workspace),
        Uuid::from(document),
        integer(number),
        text.as_str(),
        size(text),
        restored_from.map(integer),
        user
    )
    .execute(scope.conn())
    .await?;
    Ok(())
}

/// Versions of one document do not come to two thousand millions.
fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a save changes.
pub(super) struct Change<'a> {
    pub title: Option<&'a Name>,
    pub text: &'a Markdown,
    pub new_version: bool,
    pub restored_from: Option<u32>,
}

/// Writes a text over the present one, in its version or in one of its own.
pub(super) async fn change(
    scope: &mut Scope,
    access: &DocumentAccess,
    present: &Present,
    change: Change<'_>,
) -> Result<(), Fault> {
    let document = Uuid::from(access.id());
    let user = scope.user_id();
    let mut next = present.status;
    if *change.text != present.text {
        let removed = coalesce::removed(present.text.as_str(), change.text.as_str());
        let goes_on = !change.new_version
            && change.restored_from.is_none()
            && present.newest.goes_on(user, removed, OffsetDateTime::now_utc());
        if goes_on {
            sqlx::query!(
                "update document_versions
                 set text = $2, size_bytes = $3, removed_bytes = removed_bytes + $4, changed_at = now() where id = $1",
                present.version_id,
                change.text.as_str(),
                size(change.text),
                i32::try_from(removed).unwrap_or(i32::MAX)
            )
            .execute(scope.conn())
            .await?;
        } else {
            let workspace = access.project().workspace().id();
            begin_version(scope, workspace, access.id(), present.version + 1, change.text, change.restored_from)
                .await?;
        }
        if present.status.vouches() {
            next = WritingStatus::Draft;
        }
    }
    sqlx::query!(
        "update written_documents set revision = revision + 1, status = $2, changed_by = $3, changed_at = now()
         where document_id = $1",
        document,
        next.as_str(),
        Uuid::from(user)
    )
    .execute(scope.conn())
    .await?;
    if let Some(title) = change.title {
        sqlx::query!("update documents set name = $2 where id = $1", document, title.as_str())
            .execute(scope.conn())
            .await?;
    }
    sqlx::query!("update documents set updated_at = now() where id = $1", document).execute(scope.conn()).await?;
    Ok(())
}

/// Sets the status. The version that somebody vouches for says so from then on.
pub(super) async fn set_status(
    scope: &mut Scope,
    access: &DocumentAccess,
    present: &Present,
    status: WritingStatus,
) -> Result<(), Fault> {
    let document = Uuid::from(access.id());
    sqlx::query!("update written_documents set status = $2 where document_id = $1", document, status.as_str())
        .execute(scope.conn())
        .await?;
    if status.vouches() {
        sqlx::query!("update document_versions set reached = $2 where id = $1", present.version_id, status.as_str())
            .execute(scope.conn())
            .await?;
    }
    sqlx::query!("update documents set updated_at = now() where id = $1", document).execute(scope.conn()).await?;
    Ok(())
}

/// Whether answers are given from the present text, and why they cannot be.
pub(super) async fn answers(scope: &mut Scope, access: &DocumentAccess) -> Result<(bool, Option<String>), Fault> {
    let row = sqlx::query!(
        r#"select (d.state = 'ready' and next.id is null and wd.read_revision = wd.revision) as "answers!",
               coalesce(next.failure, d.failure) as "failure?"
           from written_documents wd
           join documents d on d.id = wd.document_id
           left join documents next on next.replaces = d.id
           where wd.document_id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_one(scope.conn())
    .await?;
    Ok((row.answers, row.failure))
}

struct VersionRow {
    id: Uuid,
    document_id: Uuid,
    number: i32,
    author: String,
    created_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    size_bytes: i32,
    restored_from: Option<i32>,
    reached: Option<String>,
    is_present: bool,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self {
            id: row.id.into(),
            document_id: row.document_id.into(),
            number: count(row.number.into()),
            author: row.author,
            begun_at: row.created_at,
            changed_at: row.changed_at,
            size_bytes: count(row.size_bytes.into()),
            restored_from: row.restored_from.map(|number| count(number.into())),
            reached: row.reached.as_deref().and_then(WritingStatus::parse),
            is_present: row.is_present,
        }
    }
}

/// Key of the list of versions.
#[derive(Serialize, Deserialize)]
struct Before {
    number: u32,
}

pub(super) async fn versions(
    scope: &mut Scope,
    access: &DocumentAccess,
    request: &PageRequest,
) -> Result<Page<Version>, Fault> {
    let before: Option<Before> = page::after(request)?;
    let rows = sqlx::query_as!(
        VersionRow,
        r#"select v.id, v.document_id, v.number, coalesce(u.display_name, '') as "author!",
               v.created_at as "created_at: OffsetDateTime", v.changed_at as "changed_at: OffsetDateTime", v.size_bytes,
               v.restored_from, v.reached,
               (v.number = (select max(number) from document_versions where document_id = $1)) as "is_present!"
           from document_versions v
           left join users u on u.id = v.created_by
           where v.document_id = $1 and v.number < coalesce($2, 2147483647)
           order by v.number desc limit $3"#,
        Uuid::from(access.id()),
        before.map(|key| integer(key.number)),
        page::rows_and_one(request)
    )
    .fetch_all(scope.conn())
    .await?;
    let versions = rows.into_iter().map(Version::from).collect();
    Ok(page::page(versions, request, |version| Before { number: version.number })?)
}

pub(super) async fn version(scope: &mut Scope, access: &VersionAccess) -> Result<VersionText, Fault> {
    let row = sqlx::query!(
        r#"select v.id, v.document_id, v.number, coalesce(u.display_name, '') as "author!",
               v.created_at as "created_at: OffsetDateTime", v.changed_at as "changed_at: OffsetDateTime", v.size_bytes,
               v.restored_from, v.reached, v.text,
               (v.number = (select max(number) from document_versions where document_id = v.document_id)) as "is_present!"
           from document_versions v
           left join users u on u.id = v.created_by
           where v.id = $1"#,
        Uuid::from(access.id())
    )
    .fetch_one(scope.conn())
    .await?;
    let text = stored(row.text)?;
    let version = VersionRow {
        id: row.id,
        document_id: row.document_id,
        number: row.number,
        author: row.author,
        created_at: row.created_at,
        changed_at: row.changed_at,
        size_bytes: row.size_bytes,
        restored_from: row.restored_from,
        reached: row.reached,
        is_present: row.is_present,
    };
    Ok(VersionText { version: version.into(), text })
}
