//! Out of the trash, back to where it was.

use super::{
    Owner,
    follow::{self, Room},
};
use crate::{access::ProjectAccess, db::Scope, fault::Fault, folders, projects::repo::touch};
use domain::{
    Error, FolderId,
    folders::{Items, MAX_DEPTH},
};
use uuid::Uuid;

/// Puts all of them back, or none, and tells it; in a transaction that is still to be committed. Of folders with more in
/// them than follows at once, the rest follows soon after.
///
/// # Errors
/// As [`domain::trash::Trash::restore`].
pub(super) async fn restore(scope: &mut Scope, access: &ProjectAccess, items: &Items) -> Result<(), Fault> {
    folders::repo::lock(scope.conn(), access.id()).await?;
    folders::repo::have_all(scope.conn(), access.id(), items, Some(true)).await?;
    let mut room = Room::new(follow::AT_ONCE);
    // The folders first, so that what comes back with them finds its place.
    for &folder in &items.folders {
        restore_folder(scope, access, folder, &mut room).await?;
    }
    let back = restore_documents(scope, access, items).await?;
    follow::tell_back(scope.conn(), Owner::of(access), &back).await?;
    touch(scope.conn(), access).await
}

/// With all that went there with it.
async fn restore_folder(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: FolderId,
    room: &mut Room,
) -> Result<(), Fault> {
    let id = Uuid::from(folder);
    let row = sqlx::query!("select parent_id, name, trashed_with from folders where id = $1", id)
        .fetch_one(scope.conn())
        .await?;
    if row.trashed_with.is_some() {
        return Err(
            Error::conflict(format!("“{}” is in a folder that is in the trash. Restore that one.", row.name)).into()
        );
    }
    let parent = parent_for(scope, access, folder, row.parent_id.map(Into::into)).await?;
    let name = free_name(scope, access, parent, &row.name).await?;
    sqlx::query!(
        "update folders set trashed_at = null, trashed_by = null, parent_id = $2, name = $3 where id = $1",
        id,
        parent.map(Uuid::from),
        name
    )
    .execute(scope.conn())
    .await?;
    sqlx::query!(
        "update folders set trashed_at = null, trashed_by = null, trashed_with = null where trashed_with = $1",
        id
    )
    .execute(scope.conn())
    .await?;
    room.take(follow::along(scope.conn(), Owner::of(access), id, *room).await?);
    if room.is_used_up() {
        follow::mark_unsettled(scope.conn(), id).await?;
    }
    Ok(())
}

/// Where it was, if that is there and not so far down that it would be too deep now.
async fn parent_for(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: FolderId,
    old: Option<FolderId>,
) -> Result<Option<FolderId>, Fault> {
    let path = match folders::repo::path(scope.conn(), access.id(), old).await {
        Ok(path) => path,
        Err(Fault::Refused(Error::NotFound)) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let height = folders::repo::height(scope.conn(), access.id(), folder).await?;
    Ok(old.filter(|_| path.len() + height <= MAX_DEPTH))
}

/// The folder's name, with a number when it has been taken meanwhile: there are fewer folders than numbers.
async fn free_name(
    scope: &mut Scope,
    access: &ProjectAccess,
    parent: Option<FolderId>,
    name: &str,
) -> Result<String, Fault> {
    let free = sqlx::query_scalar!(
        r#"select c.name as "name!" from (
               select 1 as number, $3::text as name
               union all
               select number, left($3, 110) || ' ' || number from generate_series(2, 1002) number
           ) c
           where not exists (
               select from folders f
               where f.project_id = $1 and f.parent_id is not distinct from $2 and f.trashed_at is null
                   and lower(f.name) = lower(c.name)
           )
           order by c.number limit 1"#,
        Uuid::from(access.id()),
        parent.map(Uuid::from),
        name
    )
    .fetch_one(scope.conn())
    .await?;
    Ok(free)
}

/// Each into its folder, if that is there.
async fn restore_documents(scope: &mut Scope, access: &ProjectAccess, items: &Items) -> Result<Vec<Uuid>, Fault> {
    let ids: Vec<Uuid> = items.documents.iter().map(|&id| id.into()).collect();
    let back = sqlx::query_scalar!(
        "update documents d
         set trashed_at = null, trashed_by = null, trashed_with = null, updated_at = now(),
             folder_id = (select f.id from folders f where f.id = d.folder_id and f.trashed_at is null)
         where d.id in (
             select id from documents
             where project_id = $1 and (id = any($2) or replaces = any($2)) and trashed_at is not null
             order by id desc for update
         )
         returning d.id",
        Uuid::from(access.id()),
        &ids
    )
    .fetch_all(scope.conn())
    .await?;
    Ok(back)
}
