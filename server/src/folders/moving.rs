//! Folders and documents go from one place to another.

use super::{name_taken, repo};
use crate::{access::ProjectAccess, db::Scope, events, fault::Fault};
use domain::{
    Error, FolderId,
    folders::{FolderLink, Items, MAX_DEPTH, Move},
};
use uuid::Uuid;

/// Moves all of them, or none.
///
/// # Errors
/// As [`domain::folders::Folders::move_items`].
pub(super) async fn apply(scope: &mut Scope, access: &ProjectAccess, wanted: &Move) -> Result<(), Fault> {
    repo::lock(scope.conn(), access.id()).await?;
    let path = repo::path(scope.conn(), access.id(), wanted.into).await?;
    let items = Items { folders: wanted.folders.clone(), documents: wanted.documents.clone() };
    repo::have_all(scope.conn(), access.id(), &items, Some(false)).await?;
    for &folder in &wanted.folders {
        move_folder(scope, access, folder, &path).await?;
    }
    move_documents(scope, access, wanted).await
}

/// Into the last folder of the path.
async fn move_folder(
    scope: &mut Scope,
    access: &ProjectAccess,
    folder: FolderId,
    path: &[FolderLink],
) -> Result<(), Fault> {
    if path.iter().any(|around| around.id == folder) {
        return Err(Error::conflict("A folder cannot go into itself. Choose another place.").into());
    }
    if path.len() + repo::height(scope.conn(), access.id(), folder).await? > MAX_DEPTH {
        return Err(repo::too_deep());
    }
    let name = sqlx::query_scalar!("select name from folders where id = $1", Uuid::from(folder))
        .fetch_one(scope.conn())
        .await?;
    sqlx::query!(
        "update folders set parent_id = $2 where id = $1",
        Uuid::from(folder),
        path.last().map(|parent| Uuid::from(parent.id))
    )
    .execute(scope.conn())
    .await
    .map_err(|error| name_taken(error, &name))?;
    Ok(())
}

/// A version that is in the making goes with its document.
async fn move_documents(scope: &mut Scope, access: &ProjectAccess, wanted: &Move) -> Result<(), Fault> {
    let ids: Vec<Uuid> = wanted.documents.iter().map(|&id| id.into()).collect();
    let moved = sqlx::query_scalar!(
        "update documents set folder_id = $3, updated_at = now()
         where id in (
             select id from documents where project_id = $1 and (id = any($2) or replaces = any($2))
             order by id desc for update
         )
         returning id",
        Uuid::from(access.id()),
        &ids,
        wanted.into.map(Uuid::from)
    )
    .fetch_all(scope.conn())
    .await?;
    let moved: Vec<_> = moved.into_iter().map(Into::into).collect();
    events::notify_of_documents(scope.conn(), access.id(), &moved).await
}
