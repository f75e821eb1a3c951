//! SQL of folders. Whoever changes where folders are takes [`lock`] first: that no folder is in itself, and none too deep,
//! is a fact about several rows.

use super::name_taken;
use crate::{
    access::{FolderAccess, ProjectAccess},
    db::Scope,
    documents,
    fault::Fault,
    workspaces::repo::count,
};
use domain::{
    Error, FolderId, PageRequest, ProjectId,
    folders::{Folder, FolderContents, FolderLink, Items, MAX_DEPTH, MAX_FOLDERS, NewFolder},
    text::Name,
    workspaces::Role,
};
use sqlx::PgConnection;
use std::collections::HashSet;
use time::OffsetDateTime;
use uuid::Uuid;

struct Row {
    id: Uuid,
    project_id: Uuid,
    parent_id: Option<Uuid>,
    name: String,
    item_count: i64,
    created_by: String,
    created_at: OffsetDateTime,
}

impl Row {
    fn folder(self, role: Role) -> Folder {
        Folder {
            id: self.id.into(),
            project_id: self.project_id.into(),
            parent_id: self.parent_id.map(Into::into),
            name: self.name,
            item_count: count(self.item_count),
            role,
            created_by: self.created_by,
            created_at: self.created_at,
        }
    }
}

/// Reads folders that fulfil a condition: one list of columns for every query here.
macro_rules! select_folders {
    ($condition:tt, $($bind:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"select f.id, f.project_id, f.parent_id, f.name, coalesce(u.display_name, '') as "created_by!",
                   (select count(*) from folders c where c.parent_id = f.id and c.trashed_at is null)
                   + (select count(*) from documents d where d.folder_id = f.id and d.trashed_at is null) as "item_count!",
                   f.created_at as "created_at: OffsetDateTime"
               from folders f
               left join users u on u.id = f.created_by
               where f.trashed_at is null and "# + $condition,
            $($bind),*
        )
    };
}

struct LinkRow {
    id: Uuid,
    parent_id: Option<Uuid>,
    name: String,
    depth: i32,
}

fn links(rows: Vec<LinkRow>) -> Vec<FolderLink> {
    let link = |row: LinkRow| FolderLink {
        id: row.id.into(),
        parent_id: row.parent_id.map(Into::into),
        name: row.name,
        depth: count(row.depth.into()),
    };
    rows.into_iter().map(link).collect()
}

/// Nobody else changes where the project's folders are, or puts any into the trash, until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, project: ProjectId) -> Result<(), Fault> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", format!("atelier:folders:{project}"))
        .execute(conn)
        .await?;
    Ok(())
}

/// All folders of the project, each right before those in it.
pub(super) async fn all(scope: &mut Scope, access: &ProjectAccess) -> Result<Vec<FolderLink>, Fault> {
    let rows = sqlx::query_as!(
        LinkRow,
        r#"with recursive tree as (
               select id, parent_id, name, 0 as depth, array[lower(name), id::text] as place
               from folders where project_id = $1 and parent_id is null and trashed_at is null
               union all
               select f.id, f.parent_id, f.name, t.depth + 1, t.place || array[lower(f.name), f.id::text]
               from folders f join tree t on f.parent_id = t.id
               where f.trashed_at is null
           )
           select id as "id!", parent_id, name as "name!", depth as "depth!" from tree order by place"#,
        Uuid::from(access.id())
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(links(rows))
}

/// The folders from the top of the project down to this one; none for the top itself.
///
/// # Errors
/// `NotFound` for a folder that the project has not, or has in its trash.
pub(crate) async fn path(
    conn: &mut PgConnection,
    project: ProjectId,
    folder: Option<FolderId>,
) -> Result<Vec<FolderLink>, Fault> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    // What is around a folder that is not in the trash is not there either.
    let rows = sqlx::query_as!(
        LinkRow,
        r#"with recursive up as (
               select id, parent_id, name, 0 as below
               from folders where id = $2 and project_id = $1 and trashed_at is null
               union all
               select f.id, f.parent_id, f.name, up.below + 1 from folders f join up on f.id = up.parent_id
           )
           select id as "id!", parent_id, name as "name!", (row_number() over (order by below desc) - 1)::int as "depth!"
           from up order by below desc"#,
        Uuid::from(project),
        Uuid::from(folder)
    )
    .fetch_all(conn)
    .await?;
    if rows.is_empty() { Err(Error::NotFound.into()) } else { Ok(links(rows)) }
}

/// The folder, if it is there and not in the trash; and so it stays until the transaction ends.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    project: ProjectId,
    folder: Option<FolderId>,
) -> Result<Option<FolderId>, Fault> {
    let Some(folder) = folder else { return Ok(None) };
    let held = sqlx::query_scalar!(
        "select id from folders where id = $2 and project_id = $1 and trashed_at is null for share",
        Uuid::from(project),
        Uuid::from(folder)
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.map(Into::into))
}

/// How many levels the folder has with those in it, itself included: those that are in the trash with it, or none of which
/// is there.
///
/// # Errors
/// `NotFound` for a folder that the project has not.
pub(crate) async fn height(conn: &mut PgConnection, project: ProjectId, folder: FolderId) -> Result<usize, Fault> {
    let height = sqlx::query_scalar!(
        "with recursive down as (
             select id, trashed_at is null as is_kept, 1 as level from folders where id = $2 and project_id = $1
             union all
             select f.id, down.is_kept, down.level + 1 from folders f join down on f.parent_id = down.id
             where case when down.is_kept then f.trashed_at is null else f.trashed_with = $2 end
         )
         select max(level) from down",
        Uuid::from(project),
        Uuid::from(folder)
    )
    .fetch_one(conn)
    .await?;
    height.and_then(|height| usize::try_from(height).ok()).ok_or_else(|| Error::NotFound.into())
}

/// Whether all of these are the project's: in its trash, not in it, or either. What is in the trash and is being deleted is
/// none of them.
///
/// # Errors
/// `NotFound` when one is not.
pub(crate) async fn have_all(
    conn: &mut PgConnection,
    project: ProjectId,
    items: &Items,
    in_trash: Option<bool>,
) -> Result<(), Fault> {
    let folders: HashSet<Uuid> = items.folders.iter().map(|&id| id.into()).collect();
    let documents: HashSet<Uuid> = items.documents.iter().map(|&id| id.into()).collect();
    let wanted = folders.len() + documents.len();
    let found = sqlx::query_scalar!(
        r#"with emptied as (select trash_emptied_at as at from projects where id = $1)
           select (select count(*) from folders where project_id = $1 and id = any($2)
                       and (trashed_at is not null) = coalesce($4, trashed_at is not null)
                       -- The release before knows no such folder, and may restore it.
                       and (erased_at is null or trashed_at is null) and (trashed_at <= (select at from emptied)) is not true)
                + (select count(*) from documents d where project_id = $1 and id = any($3)
                       and (trashed_at is not null) = coalesce($4, trashed_at is not null)
                       and (trashed_at <= (select at from emptied)) is not true
                       and not exists (select from folders f where f.id = d.trashed_with and f.erased_at is not null))
                as "count!""#,
        Uuid::from(project),
        &folders.into_iter().collect::<Vec<_>>(),
        &documents.into_iter().collect::<Vec<_>>(),
        in_trash
    )
    .fetch_one(conn)
    .await?;
    if usize::try_from(found) == Ok(wanted) { Ok(()) } else { Err(Error::NotFound.into()) }
}

pub(super) async fn contents(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: Option<FolderId>,
    request: &PageRequest,
) -> Result<FolderContents, Fault> {
    let path = path(scope.conn(), access.id(), folder).await?;
    let folders = if request.cursor.is_none() { inside(scope, access, folder).await? } else { Vec::new() };
    let documents = documents::repo::list_in(scope, access, folder, request).await?;
    Ok(FolderContents { path, folders, documents })
}

/// The folders directly in one; a project has at most [`MAX_FOLDERS`].
async fn inside(scope: &mut Scope, access: &ProjectAccess, folder: Option<FolderId>) -> Result<Vec<Folder>, Fault> {
    let rows = select_folders!(
        "f.project_id = $1 and f.parent_id is not distinct from $2 order by lower(f.name), f.id",
        Uuid::from(access.id()),
        folder.map(Uuid::from)
    )
    .fetch_all(scope.conn())
    .await?;
    let role = access.workspace().role();
    Ok(rows.into_iter().map(|row| row.folder(role)).collect())
}

/// # Errors
/// `NotFound` for one in the trash.
pub(super) async fn find(scope: &mut Scope, access: &FolderAccess) -> Result<Folder, Fault> {
    let row = select_folders!("f.id = $1", Uuid::from(access.id())).fetch_optional(scope.conn()).await?;
    Ok(row.ok_or(Error::NotFound)?.folder(access.project().workspace().role()))
}

pub(super) async fn insert(scope: &mut Scope, access: &ProjectAccess, new: &NewFolder) -> Result<FolderId, Fault> {
    lock(scope.conn(), access.id()).await?;
    if path(scope.conn(), access.id(), new.parent_id).await?.len() >= MAX_DEPTH {
        return Err(too_deep());
    }
    let project = Uuid::from(access.id());
    let there = sqlx::query_scalar!(
        r#"select count(*) as "count!" from folders where project_id = $1 and trashed_at is null"#,
        project
    )
    .fetch_one(scope.conn())
    .await?;
    if there >= i64::from(MAX_FOLDERS) {
        return Err(Error::conflict(format!("A project has at most {MAX_FOLDERS} folders.")).into());
    }
    let (id, user) = (FolderId::from(Uuid::now_v7()), Uuid::from(scope.user_id()));
    sqlx::query!(
        "insert into folders (id, workspace_id, project_id, parent_id, name, created_by) values ($1, $2, $3, $4, $5, $6)",
        Uuid::from(id),
        Uuid::from(access.workspace().id()),
        project,
        new.parent_id.map(Uuid::from),
        new.name.as_str(),
        user
    )
    .execute(scope.conn())
    .await
    .map_err(|error| name_taken(error, new.name.as_str()))?;
    Ok(id)
}

pub(super) fn too_deep() -> Fault {
    Error::conflict(format!("Folders can be {MAX_DEPTH} deep, not deeper. Choose a place further up.")).into()
}

pub(super) async fn rename(scope: &mut Scope, access: &FolderAccess, name: &Name) -> Result<(), Fault> {
    sqlx::query!(
        "update folders set name = $2 where id = $1 and trashed_at is null",
        Uuid::from(access.id()),
        name.as_str()
    )
    .execute(scope.conn())
    .await
    .map_err(|error| name_taken(error, name.as_str()))?;
    Ok(())
}
