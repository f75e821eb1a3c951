//! The folder of a project that files attached to questions go into: an ordinary one, at the top, known by its name.

use super::repo;
use crate::{access::ProjectAccess, db::Scope, fault::Fault};
use domain::{Error, FolderId, folders::NewFolder, text::Name};
use sqlx::PgConnection;
use uuid::Uuid;

const NAME: &str = "Attachments";

/// The folder; the top of the project where there are too many to make another.
pub(crate) async fn find_or_make(scope: &mut Scope, access: &ProjectAccess) -> Result<Option<FolderId>, Fault> {
    if let Some(folder) = find(scope.conn(), access).await? {
        return Ok(Some(folder));
    }
    // Somebody else may make it at the same time.
    repo::lock(scope.conn(), access.id()).await?;
    if let Some(folder) = find(scope.conn(), access).await? {
        return Ok(Some(folder));
    }
    let new = NewFolder { name: Name::parse("name", NAME)?, parent_id: None };
    match repo::insert(scope, access, &new).await {
        Ok(folder) => Ok(Some(folder)),
        Err(Fault::Refused(Error::Conflict { .. })) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn find(conn: &mut PgConnection, access: &ProjectAccess) -> Result<Option<FolderId>, Fault> {
    let folder = sqlx::query_scalar!(
        "select id from folders
         where project_id = $1 and parent_id is null and lower(name) = lower($2) and trashed_at is null",
        Uuid::from(access.id()),
        NAME
    )
    .fetch_optional(conn)
    .await?;
    Ok(folder.map(Into::into))
}
