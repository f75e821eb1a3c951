//! What is still to be done in the trash: documents that are to follow their folder, folders and whole trashes that are to
//! be deleted. The rows say so; each step is a transaction of its own under the project's lock, so that nothing else waits
//! for long, and what a crash breaks off is found again.

use super::{
    Owner,
    erase::{self, erase_held, erase_some_of},
    follow::{self, Room},
    repo,
};
use crate::{AppState, db::System, documents::remove_files, fault::Fault, folders, jobs};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const INTERVAL: Duration = Duration::from_secs(2);
/// Folders and projects that one look finds.
const FOUND: i64 = 100;

/// Does what is to be done, every few seconds, until the stop.
pub async fn work(state: AppState, stop: CancellationToken) {
    jobs::repeat(INTERVAL, stop, "the trash could not be settled; it is tried again", || settle(&state)).await;
}

/// Does what is to be done now. Several servers may do it at once.
///
/// # Errors
/// [`Fault::Database`], when it cannot be seen what is to be done. What fails by itself is logged, and found again.
pub async fn settle(state: &AppState) -> Result<(), Fault> {
    for (owner, emptied_at) in emptied(state).await? {
        if let Err(error) = empty(state, owner, emptied_at).await {
            tracing::error!(%error, project = %owner.project, "a trash could not be emptied; it is tried again");
        }
    }
    let mut after = Uuid::nil();
    loop {
        let unsettled = unsettled(state, after).await?;
        for found in &unsettled {
            if let Err(error) = settle_folder(state, *found).await {
                tracing::error!(%error, folder = %found.folder, "documents do not follow their folder; it is tried again");
            }
        }
        match unsettled.last() {
            Some(last) if unsettled.len() as i64 == FOUND => after = last.folder,
            _ => return Ok(()),
        }
    }
}

/// A folder whose documents are to follow it, as it was last asked for.
#[derive(Clone, Copy)]
struct Unsettled {
    owner: Owner,
    folder: Uuid,
    since: OffsetDateTime,
}

async fn unsettled(state: &AppState, after: Uuid) -> Result<Vec<Unsettled>, Fault> {
    let mut system = state.db.system().await?;
    let rows = sqlx::query!(
        r#"select id, project_id, workspace_id, unsettled_at as "since!: OffsetDateTime" from folders
           where unsettled_at is not null and id > $1 order by id limit $2"#,
        after,
        FOUND
    )
    .fetch_all(system.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Unsettled {
            owner: Owner { project: row.project_id.into(), workspace: row.workspace_id.into() },
            folder: row.id,
            since: row.since,
        })
        .collect())
}

/// A transaction in which nobody else changes where the project's folders are.
async fn locked(state: &AppState, owner: Owner) -> Result<System, Fault> {
    let mut system = state.db.system().await?;
    folders::repo::lock(system.conn(), owner.project).await?;
    Ok(system)
}

async fn settle_folder(state: &AppState, Unsettled { owner, folder, since }: Unsettled) -> Result<(), Fault> {
    loop {
        let mut room = Room::new(follow::AT_ONCE);
        let mut system = locked(state, owner).await?;
        room.take(follow::along(system.conn(), owner, folder, room).await?);
        system.commit().await?;
        if !room.is_used_up() {
            break;
        }
    }
    for inside in folders_in_trash(state, folder).await? {
        fill(state, owner, inside).await?;
    }
    while erase_more(state, owner, folder).await? {}
    let mut system = state.db.system().await?;
    // Asked for again meanwhile, it is looked at again.
    sqlx::query!(
        "update folders set unsettled_at = null where id = $1 and unsettled_at = $2 and erased_at is null",
        folder,
        since as OffsetDateTime
    )
    .execute(system.conn())
    .await?;
    system.commit().await
}

/// The folder and those that are in the trash with it; none when it is not there, or with another.
async fn folders_in_trash(state: &AppState, folder: Uuid) -> Result<Vec<Uuid>, Fault> {
    let mut system = state.db.system().await?;
    let inside = sqlx::query_scalar!(
        "select id from folders
         where trashed_at is not null and (trashed_with = $1 or id = $1 and trashed_with is null)",
        folder
    );
    Ok(inside.fetch_all(system.conn()).await?)
}

/// Brings what is in the folder after it into the trash.
async fn fill(state: &AppState, owner: Owner, folder: Uuid) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let mut room = Room::new(follow::AT_ONCE);
        let mut system = locked(state, owner).await?;
        let gone = follow::into_trash(system.conn(), owner, folder, after, room).await?;
        system.commit().await?;
        room.take(gone.len());
        if !room.is_used_up() {
            return Ok(());
        }
        after = gone.into_iter().min();
    }
}

/// Deletes some of a folder that is to be deleted; false when there is nothing more to be done now.
async fn erase_more(state: &AppState, owner: Owner, folder: Uuid) -> Result<bool, Fault> {
    let mut system = locked(state, owner).await?;
    let is_erased = sqlx::query_scalar!(
        r#"select exists (
               select from folders where id = $1 and erased_at is not null and trashed_at is not null and trashed_with is null
           ) as "is_erased!""#,
        folder
    )
    .fetch_one(system.conn())
    .await?;
    if !is_erased {
        return Ok(false);
    }
    let (files, is_gone) = erase_some_of(system.conn(), owner, folder, Room::new(erase::AT_ONCE)).await?;
    system.commit().await?;
    let erased = files.len();
    remove_files(&state.store, files).await;
    // None although it is still there: its documents are on their way elsewhere, and it is looked at again.
    Ok(!is_gone && erased > 0)
}

async fn emptied(state: &AppState) -> Result<Vec<(Owner, OffsetDateTime)>, Fault> {
    let mut system = state.db.system().await?;
    let rows = sqlx::query!(
        r#"select id, workspace_id, trash_emptied_at as "emptied_at!: OffsetDateTime" from projects
           where trash_emptied_at is not null order by id limit $1"#,
        FOUND
    )
    .fetch_all(system.conn())
    .await?;
    let one = |id: Uuid, workspace: Uuid| Owner { project: id.into(), workspace: workspace.into() };
    Ok(rows.into_iter().map(|row| (one(row.id, row.workspace_id), row.emptied_at)).collect())
}

async fn empty(state: &AppState, owner: Owner, emptied_at: OffsetDateTime) -> Result<(), Fault> {
    loop {
        let mut system = locked(state, owner).await?;
        let items = repo::some_of(system.conn(), owner, emptied_at).await?;
        let is_empty = items.is_empty();
        let files = erase_held(system.conn(), owner, &items).await?;
        if is_empty {
            // Unless it was emptied again meanwhile.
            sqlx::query!(
                "update projects set trash_emptied_at = null where id = $1 and trash_emptied_at = $2",
                Uuid::from(owner.project),
                emptied_at as OffsetDateTime
            )
            .execute(system.conn())
            .await?;
        }
        system.commit().await?;
        if is_empty {
            return Ok(());
        }
        remove_files(&state.store, files).await;
    }
}
