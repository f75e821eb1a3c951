//! Removing copies that are published no more.

use crate::{AppState, fault::Fault, jobs, storage::ObjectKey};
use futures::{StreamExt, TryStreamExt};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const INTERVAL: Duration = Duration::from_secs(5);
/// Copies that one look finds.
const MOST: i64 = 500;
const AT_ONCE: usize = 8;

/// Removes what is due, every few seconds, until the stop.
pub async fn work(state: AppState, stop: CancellationToken) {
    let failed = "withdrawn publications could not be removed; it is tried again";
    jobs::repeat(INTERVAL, stop, failed, || remove_withdrawn(&state)).await;
}

/// Removes the copies of what was withdrawn, and of what nobody has finished. Several servers may do it at once.
///
/// # Errors
/// [`Fault::Database`] and [`Fault::Store`]; what is removed by then is gone, and the rest is found again.
pub async fn remove_withdrawn(state: &AppState) -> Result<(), Fault> {
    let mut after = Uuid::nil();
    loop {
        let mut system = state.db.system().await?;
        let due = sqlx::query_scalar!(
            "select document_id from publications
             where (withdrawn_at is not null or published_at is null)
                 and (withdrawn_at is not null or begun_at < now() - interval '10 minutes')
                 and document_id > $1
             order by document_id limit $2",
            after,
            MOST
        )
        .fetch_all(system.conn())
        .await?;
        drop(system);
        futures::stream::iter(&due).map(Ok).try_for_each_concurrent(AT_ONCE, |id| remove(state, *id)).await?;
        match due.last() {
            Some(last) if due.len() as i64 == MOST => after = *last,
            _ => return Ok(()),
        }
    }
}

/// Its row is locked meanwhile, so that a publication that is begun now makes its copy after this one is gone. A copy that
/// was begun before may still be on its way in the store: for as long as that can take, the row stays, and the copy is
/// removed again.
pub(super) async fn remove(state: &AppState, document: Uuid) -> Result<(), Fault> {
    let mut system = state.db.system().await?;
    let row = sqlx::query!(
        r#"select workspace_id, begun_at < now() - interval '10 minutes' as "is_over!" from publications
           where document_id = $1
               and (withdrawn_at is not null or (published_at is null and begun_at < now() - interval '10 minutes'))
           for update"#,
        document
    )
    .fetch_optional(system.conn())
    .await?;
    let Some(row) = row else { return Ok(()) };
    let copy = ObjectKey::Published { workspace: row.workspace_id.into(), document: document.into() };
    state.store.delete(copy).await?;
    if row.is_over {
        sqlx::query!("delete from publications where document_id = $1", document).execute(system.conn()).await?;
    }
    system.commit().await
}
