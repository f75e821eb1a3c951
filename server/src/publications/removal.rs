//! Removing copies that are published no more.

use crate::{AppState, fault::Fault, storage::ObjectKey};
use uuid::Uuid;

/// Copies that one look finds.
const MOST: i64 = 100;

/// Removes the copies of what was withdrawn, and of what nobody has finished in ten minutes. Several servers may do it at
/// once.
///
/// # Errors
/// [`Fault::Database`] and [`Fault::Store`]; what is removed by then is gone, and the rest is found again.
pub async fn remove_withdrawn(state: &AppState) -> Result<(), Fault> {
    loop {
        let mut system = state.db.system().await?;
        let due = sqlx::query_scalar!(
            "select document_id from publications
             where withdrawn_at is not null or (published_at is null and begun_at < now() - interval '10 minutes')
             order by begun_at limit $1",
            MOST
        )
        .fetch_all(system.conn())
        .await?;
        drop(system);
        let found = due.len();
        for document in due {
            remove(state, document).await?;
        }
        if (found as i64) < MOST {
            return Ok(());
        }
    }
}

/// Its row is locked meanwhile, so that a publication that is begun now makes its copy after this one is gone.
pub(super) async fn remove(state: &AppState, document: Uuid) -> Result<(), Fault> {
    let mut system = state.db.system().await?;
    let row = sqlx::query!(
        "select workspace_id from publications
         where document_id = $1
             and (withdrawn_at is not null or (published_at is null and begun_at < now() - interval '10 minutes'))
         for update",
        document
    )
    .fetch_optional(system.conn())
    .await?;
    let Some(row) = row else { return Ok(()) };
    let copy = ObjectKey::Published { workspace: row.workspace_id.into(), document: document.into() };
    state.store.delete(copy).await?;
    sqlx::query!("delete from publications where document_id = $1", document).execute(system.conn()).await?;
    system.commit().await
}
