//! Into the trash.

use super::{
    Owner,
    follow::{self, Room},
};
use crate::{access::ProjectAccess, db::Scope, fault::Fault, folders, projects::repo::touch};
use domain::{FolderId, folders::Items};
use std::collections::HashSet;
use uuid::Uuid;

/// Puts all of them into the trash, or none, and tells it; in a transaction that is still to be committed. Of folders with
/// more in them than follows at once, the rest follows soon after.
///
/// # Errors
/// `NotFound` when one of them is not the project's.
pub(crate) async fn discard(scope: &mut Scope, access: &ProjectAccess, items: &Items) -> Result<(), Fault> {
    folders::repo::lock(scope.conn(), access.id()).await?;
    folders::repo::have_all(scope.conn(), access.id(), items, None).await?;
    let gone = discard_documents(scope, access, items).await?;
    follow::tell_gone(scope.conn(), Owner::of(access), &gone).await?;
    let mut room = Room::new(follow::AT_ONCE);
    for &folder in &items.folders {
        discard_folder(scope, access, folder, &mut room).await?;
    }
    touch(scope.conn(), access).await
}

/// A version that is in the making goes with its document. Returns all that went.
async fn discard_documents(scope: &mut Scope, access: &ProjectAccess, items: &Items) -> Result<Vec<Uuid>, Fault> {
    let user = Uuid::from(scope.user_id());
    let chosen: HashSet<Uuid> = items.documents.iter().map(|&id| id.into()).collect();
    let ids: Vec<Uuid> = chosen.iter().copied().collect();
    let rows = sqlx::query!(
        "select id, replaces from documents
         where project_id = $1 and (id = any($2) or replaces = any($2)) and trashed_at is null
         order by id desc for update",
        Uuid::from(access.id()),
        &ids
    )
    .fetch_all(scope.conn())
    .await?;
    let gone: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    // The time of the statement, here and below, is after the lock: what empties the trash meanwhile was before it.
    sqlx::query!(
        "update documents set trashed_at = statement_timestamp(), trashed_by = $2 where id = any($1)",
        &gone,
        user
    )
    .execute(scope.conn())
    .await?;
    let alone = rows.iter().filter(|row| row.replaces.is_some_and(|old| !chosen.contains(&old)));
    let alone: Vec<Uuid> = alone.map(|row| row.id).collect();
    if !alone.is_empty() {
        make_independent(scope, access, &alone).await?;
    }
    Ok(gone)
}

/// Versions that go without their documents take the place of these no more: each is a document of its own when it comes
/// back. The new epoch ends the work on them, which is taken up again by the sweep.
async fn make_independent(scope: &mut Scope, access: &ProjectAccess, versions: &[Uuid]) -> Result<(), Fault> {
    let project = Uuid::from(access.id());
    sqlx::query!(
        "update documents set replaces = null, lease_epoch = lease_epoch + 1, leased_until = null where id = any($1)",
        versions
    )
    .execute(scope.conn())
    .await?;
    sqlx::query!("update chunks set project_id = $2 where document_id = any($1)", versions, project)
        .execute(scope.conn())
        .await?;
    sqlx::query!("update chunk_embeddings set project_id = $2 where document_id = any($1)", versions, project)
        .execute(scope.conn())
        .await?;
    Ok(())
}

/// With all that is in it and not in the trash yet.
async fn discard_folder(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: FolderId,
    room: &mut Room,
) -> Result<(), Fault> {
    let user = Uuid::from(scope.user_id());
    let folder = Uuid::from(folder);
    // First the folders: an upload that is about to put a document into one holds its row, and then sees that it is gone.
    let folders = sqlx::query_scalar!(
        "with recursive inside as (
             select id from folders where id = $2 and project_id = $1 and trashed_at is null
             union all
             select f.id from folders f join inside on f.parent_id = inside.id where f.trashed_at is null
         )
         update folders f
         set trashed_at = statement_timestamp(), trashed_by = $3,
             trashed_with = case when f.id = $2 then null else $2 end,
             -- The release before may have taken it out of the trash while it was being deleted.
             erased_at = null
         from inside where f.id = inside.id
         returning f.id",
        Uuid::from(access.id()),
        folder,
        user
    )
    .fetch_all(scope.conn())
    .await?;
    for &inside in &folders {
        let gone = follow::into_trash(scope.conn(), Owner::of(access), inside, None, *room).await?;
        room.take(gone.len());
        if room.is_used_up() {
            return follow::mark_unsettled(scope.conn(), folder).await;
        }
    }
    Ok(())
}
