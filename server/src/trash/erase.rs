//! Out of the trash, and gone.

use super::{
    Owner,
    follow::{self, Room},
};
use crate::{
    AppState,
    documents::{remove_files, repo::key_of},
    fault::Fault,
    folders,
    storage::ObjectKey,
};
use domain::{
    Error,
    folders::{Item, Items},
    trash::KEPT_DAYS,
};
use sqlx::PgConnection;
use uuid::Uuid;

/// Entries that one look finds.
const ENTRIES: i64 = 100;

/// Documents of folders that are deleted in one transaction: each goes with its pages, passages and citations.
pub(super) const AT_ONCE: i64 = 100;

/// Deletes what has been in the trash for so long that nobody is promised to get it back. Each entry in a transaction of
/// its own, so that several servers may do it at once, and what is restored in that moment stays. Returns how many went.
///
/// # Errors
/// [`Fault::Database`]; what is deleted by then is gone.
pub async fn purge(state: &AppState) -> Result<usize, Fault> {
    let mut purged = 0;
    loop {
        let due = due(state).await?;
        if due.is_empty() {
            break;
        }
        for (owner, item) in due {
            let mut system = state.db.system().await?;
            match erase(system.conn(), owner, &item.into()).await {
                Ok(files) => {
                    system.commit().await?;
                    remove_files(&state.store, files).await;
                    purged += 1;
                }
                // Restored, or deleted by somebody else.
                Err(Fault::Refused(Error::NotFound)) => {}
                Err(fault) => return Err(fault),
            }
        }
    }
    if purged > 0 {
        tracing::info!(purged, "what was in the trash for {KEPT_DAYS} days is deleted");
    }
    Ok(purged)
}

async fn due(state: &AppState) -> Result<Vec<(Owner, Item)>, Fault> {
    let mut system = state.db.system().await?;
    let rows = sqlx::query!(
        r#"(select project_id as "project_id!", workspace_id as "workspace_id!", id as "id!", false as "is_folder!"
            from documents d
            where trashed_at is not null and trashed_with is null and trashed_at < now() - make_interval(days => $1)
                and not exists (select from projects p where p.id = d.project_id and p.trash_emptied_at >= d.trashed_at)
            order by trashed_at limit $2)
           union all
           (select project_id, workspace_id, id, true from folders f
            where trashed_at is not null and trashed_with is null and trashed_at < now() - make_interval(days => $1)
                and erased_at is null
                and not exists (select from projects p where p.id = f.project_id and p.trash_emptied_at >= f.trashed_at)
            order by trashed_at limit $2)"#,
        i32::try_from(KEPT_DAYS).unwrap_or(i32::MAX),
        ENTRIES
    )
    .fetch_all(system.conn())
    .await?;
    let entry = |is_folder: bool, id: Uuid| if is_folder { Item::Folder(id.into()) } else { Item::Document(id.into()) };
    Ok(rows
        .into_iter()
        .map(|row| {
            let owner = Owner { project: row.project_id.into(), workspace: row.workspace_id.into() };
            (owner, entry(row.is_folder, row.id))
        })
        .collect())
}

/// Deletes entries of the trash: documents with their text, passages and citations, folders with all that went there with
/// them. A folder with more in it than is deleted at once is gone for everybody, and the rest of it soon after. Returns the
/// files that are to be removed from the store after the commit.
///
/// # Errors
/// As [`domain::trash::Trash::delete_forever`].
pub(super) async fn erase(conn: &mut PgConnection, owner: Owner, items: &Items) -> Result<Vec<ObjectKey>, Fault> {
    folders::repo::lock(conn, owner.project).await?;
    folders::repo::have_all(conn, owner.project, items, Some(true)).await?;
    erase_held(conn, owner, items).await
}

/// As [`erase`], of what was found under the lock.
pub(super) async fn erase_held(conn: &mut PgConnection, owner: Owner, items: &Items) -> Result<Vec<ObjectKey>, Fault> {
    let ids: Vec<Uuid> = items.documents.iter().map(|&id| id.into()).collect();
    let mut files = erase_documents(conn, owner, &ids).await?;
    let mut room = Room::new(AT_ONCE);
    for &folder in &items.folders {
        files.extend(erase_folder(conn, owner, folder.into(), &mut room).await?);
    }
    Ok(files)
}

/// With versions of them that are in the making.
async fn erase_documents(conn: &mut PgConnection, owner: Owner, ids: &[Uuid]) -> Result<Vec<ObjectKey>, Fault> {
    // In the order of saves and hand-overs: first what is written, then its document.
    sqlx::query!("select from written_documents where document_id = any($1) order by document_id for update", ids)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query!(
        "select id, object_key from documents where id = any($1) or replaces = any($1) order by id desc for update",
        ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let files = rows.iter().map(|row| key_of(owner.workspace, row.id.into(), &row.object_key)).collect();
    let gone: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
    sqlx::query!("delete from documents where id = any($1)", &gone).execute(conn).await?;
    Ok(files)
}

async fn erase_folder(
    conn: &mut PgConnection,
    owner: Owner,
    folder: Uuid,
    room: &mut Room,
) -> Result<Vec<ObjectKey>, Fault> {
    let row = sqlx::query!(
        "select name, trashed_with, unsettled_at is null as \"is_settled!\" from folders where id = $1",
        folder
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound)?;
    if row.trashed_with.is_some() {
        return Err(Error::conflict(format!(
            "“{}” is in a folder that is in the trash. Delete that one, or restore it first.",
            row.name
        ))
        .into());
    }
    // Of one whose documents are still on their way, the worker deletes what has come to rest there.
    if row.is_settled {
        let (files, is_gone) = erase_some_of(conn, owner, folder, *room).await?;
        room.take(files.len());
        if is_gone {
            return Ok(files);
        }
        mark_erased(conn, folder).await?;
        return Ok(files);
    }
    mark_erased(conn, folder).await?;
    Ok(Vec::new())
}

async fn mark_erased(conn: &mut PgConnection, folder: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "update folders set erased_at = clock_timestamp(), unsettled_at = clock_timestamp() where id = $1",
        folder
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes documents of a folder that is in the trash and, when none are left, the folder. Returns their files, and whether
/// the folder is gone.
pub(super) async fn erase_some_of(
    conn: &mut PgConnection,
    owner: Owner,
    folder: Uuid,
    room: Room,
) -> Result<(Vec<ObjectKey>, bool), Fault> {
    let inside = sqlx::query_scalar!("select id from folders where id = $1 or trashed_with = $1", folder)
        .fetch_all(&mut *conn)
        .await?;
    let documents = sqlx::query_scalar!(
        "select id from documents
         where folder_id = any($1) and (trashed_at is null or trashed_with is not null) limit $2",
        &inside,
        room.left()
    )
    .fetch_all(&mut *conn)
    .await?;
    let found = documents.len();
    let files = erase_documents(conn, owner, &documents).await?;
    let mut rest = room;
    rest.take(found);
    let is_gone = !rest.is_used_up() && is_left_alone(conn, &inside).await?;
    if is_gone {
        sqlx::query!("update folders set parent_id = null where parent_id = any($1) and not id = any($1)", &inside)
            .execute(&mut *conn)
            .await?;
        sqlx::query!("delete from folders where id = any($1)", &inside).execute(conn).await?;
    }
    Ok((files, is_gone))
}

/// Whether no document is in one of the folders any more, nor is on its way out of the trash, where it went with one. What
/// was put into the trash by itself, before the folder around it, stays there until its own time.
async fn is_left_alone(conn: &mut PgConnection, folders: &[Uuid]) -> Result<bool, Fault> {
    let outside = sqlx::query!(
        "update documents set folder_id = null
         where id in (select id from documents where folder_id = any($1) order by id desc limit $2 for update)",
        folders,
        follow::AT_ONCE
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let awaited = sqlx::query_scalar!(
        r#"select exists (select from documents where trashed_with = any($1)) as "awaited!""#,
        folders
    )
    .fetch_one(conn)
    .await?;
    Ok(!awaited && i64::try_from(outside).is_ok_and(|outside| outside < follow::AT_ONCE))
}
