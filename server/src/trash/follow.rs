//! Documents that follow their folder, some at a time. A document that went into the trash with a folder is there as long
//! as the folder around it is; one that is in a folder that is in the trash is there too. What is much does not become so in
//! one transaction: the folder is marked as unsettled, and the worker brings the rest after it.

use super::Owner;
use crate::{events, fault::Fault};
use sqlx::PgConnection;
use uuid::Uuid;

/// Documents that follow in one transaction.
pub(super) const AT_ONCE: i64 = 1000;

/// Documents that may still follow in a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(i64);

impl Room {
    pub const fn new(documents: i64) -> Self {
        Self(documents)
    }

    pub const fn left(self) -> i64 {
        self.0
    }

    /// After that some have followed; when none is left, there may be more.
    pub fn take(&mut self, documents: usize) {
        self.0 = self.0.saturating_sub(i64::try_from(documents).unwrap_or(i64::MAX)).max(0);
    }

    pub const fn is_used_up(self) -> bool {
        self.0 == 0
    }
}

/// The worker brings the rest of the folder's documents after it.
pub(super) async fn mark_unsettled(conn: &mut PgConnection, folder: Uuid) -> Result<(), Fault> {
    sqlx::query!("update folders set unsettled_at = clock_timestamp() where id = $1", folder).execute(conn).await?;
    Ok(())
}

/// Puts documents of a folder that is in the trash there too, from the newest on, or from those before `after`. Returns
/// them; fewer than there was room for when there are no more.
pub(super) async fn into_trash(
    conn: &mut PgConnection,
    owner: Owner,
    folder: Uuid,
    after: Option<Uuid>,
    room: Room,
) -> Result<Vec<Uuid>, Fault> {
    let gone = sqlx::query_scalar!(
        "with joining as (
             select id from documents
             where folder_id = $1 and trashed_at is null and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
             order by id desc limit $3 for update
         )
         update documents d set trashed_at = r.trashed_at, trashed_by = r.trashed_by, trashed_with = r.id
         from joining, folders f join folders r on r.id = coalesce(f.trashed_with, f.id)
         where d.id = joining.id and f.id = $1 and f.trashed_at is not null
         returning d.id",
        folder,
        after,
        room.left()
    )
    .fetch_all(&mut *conn)
    .await?;
    tell_gone(conn, owner, &gone).await?;
    Ok(gone)
}

/// Brings documents that went into the trash with the folder to where the folders around them are now: out of the trash,
/// or to the folder with which those are there. Returns how many; fewer than there was room for when there are no more.
pub(super) async fn along(conn: &mut PgConnection, owner: Owner, folder: Uuid, room: Room) -> Result<usize, Fault> {
    let astray = sqlx::query_scalar!(
        r#"select d.id as "id!" from documents d left join folders f on f.id = d.folder_id
         where d.trashed_with = $1
             and case when f.trashed_at is not null then coalesce(f.trashed_with, f.id) end is distinct from $1
         limit $2"#,
        folder,
        room.left()
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"with held as (
               select id, folder_id from documents where id = any($2) and trashed_with = $1 order by id desc for update
           )
           update documents d
           set trashed_at = f.trashed_at, trashed_by = f.trashed_by,
               trashed_with = case when f.trashed_at is not null then coalesce(f.trashed_with, f.id) end,
               updated_at = case when f.trashed_at is null then now() else d.updated_at end
           from held left join folders f on f.id = held.folder_id
           where d.id = held.id
           returning d.id as "id!", d.trashed_at is null as "is_back!""#,
        folder,
        &astray
    )
    .fetch_all(&mut *conn)
    .await?;
    let back: Vec<Uuid> = rows.into_iter().filter(|row| row.is_back).map(|row| row.id).collect();
    tell_back(conn, owner, &back).await?;
    // Those too that were deleted in between: there may be more behind them.
    Ok(astray.len())
}

/// So that lists leave them out, also those that are read by an event stream only later.
pub(super) async fn tell_gone(conn: &mut PgConnection, owner: Owner, documents: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!(
        "insert into deleted_documents (document_id, workspace_id, project_id)
         select document, $2, $3 from unnest($1::uuid[]) as document
         on conflict (document_id) do update set deleted_at = now()",
        documents,
        Uuid::from(owner.workspace),
        Uuid::from(owner.project)
    )
    .execute(&mut *conn)
    .await?;
    tell(conn, owner, documents).await
}

pub(super) async fn tell_back(conn: &mut PgConnection, owner: Owner, documents: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!("delete from deleted_documents where document_id = any($1)", documents).execute(&mut *conn).await?;
    tell(conn, owner, documents).await
}

async fn tell(conn: &mut PgConnection, owner: Owner, documents: &[Uuid]) -> Result<(), Fault> {
    let documents: Vec<_> = documents.iter().copied().map(Into::into).collect();
    events::notify_of_documents(conn, owner.project, &documents).await
}
