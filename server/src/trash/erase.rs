//! Out of the trash, and gone.

use crate::{
    AppState,
    access::ProjectAccess,
    documents::{remove_files, repo::key_of},
    fault::Fault,
    folders,
    storage::ObjectKey,
};
use domain::{
    Error, ProjectId, WorkspaceId,
    folders::{Item, Items},
    trash::KEPT_DAYS,
};
use sqlx::PgConnection;
use uuid::Uuid;

/// Entries that one look finds.
const ENTRIES: i64 = 100;

/// Whose the trash is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    project: ProjectId,
    workspace: WorkspaceId,
}

impl Owner {
    pub fn of(access: &ProjectAccess) -> Self {
        Self { project: access.id(), workspace: access.workspace().id() }
    }
}

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
            from documents
            where trashed_at is not null and trashed_with is null and trashed_at < now() - make_interval(days => $1)
            order by trashed_at limit $2)
           union all
           (select project_id, workspace_id, id, true from folders
            where trashed_at is not null and trashed_with is null and trashed_at < now() - make_interval(days => $1)
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
/// them. Returns the files that are to be removed from the store after the commit.
///
/// # Errors
/// As [`domain::trash::Trash::delete_forever`].
pub(super) async fn erase(conn: &mut PgConnection, owner: Owner, items: &Items) -> Result<Vec<ObjectKey>, Fault> {
    folders::repo::lock(conn, owner.project).await?;
    folders::repo::have_all(conn, owner.project, items, Some(true)).await?;
    let ids: Vec<Uuid> = items.documents.iter().map(|&id| id.into()).collect();
    let mut files = erase_documents(conn, owner, &ids).await?;
    for &folder in &items.folders {
        files.extend(erase_folder(conn, owner, folder.into()).await?);
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

async fn erase_folder(conn: &mut PgConnection, owner: Owner, folder: Uuid) -> Result<Vec<ObjectKey>, Fault> {
    let row = sqlx::query!("select name, trashed_with from folders where id = $1", folder)
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
    let inside = sqlx::query_scalar!("select id from folders where id = $1 or trashed_with = $1", folder)
        .fetch_all(&mut *conn)
        .await?;
    let documents =
        sqlx::query_scalar!("select id from documents where trashed_with = $1", folder).fetch_all(&mut *conn).await?;
    let files = erase_documents(conn, owner, &documents).await?;
    // What was put into the trash by itself, before the folder around it, stays there until its own time.
    sqlx::query!("update documents set folder_id = null where folder_id = any($1)", &inside)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update folders set parent_id = null where parent_id = any($1) and not id = any($1)", &inside)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from folders where id = any($1)", &inside).execute(conn).await?;
    Ok(files)
}
