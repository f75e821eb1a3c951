//! A new version of a file takes the old one's place: in one transaction, so that at every moment one of them answers.

use super::{Interruption, touch_project};
use crate::{
    AppState,
    db::JobScope,
    documents::{remove_files, repo},
    events::{self, Notice},
    fault::Fault,
};
use domain::DocumentId;
use time::OffsetDateTime;
use uuid::Uuid;

/// Gives the claimed document's file, text and embeddings to `old`, which keeps its id and so its links, and removes
/// what `old` had.
pub(super) async fn finish(state: &AppState, mut scope: JobScope<'_>, old: DocumentId) -> Result<(), Interruption> {
    let claimed = scope.claimed().clone();
    let previous = take_over(&mut scope, old).await?;
    touch_project(&mut scope).await?;
    for document in [claimed.id(), old] {
        events::notify(scope.conn(), &Notice::Document { project: claimed.project(), document }).await?;
    }
    scope.commit().await?;
    // A crash in between leaves an object without a row, as any upload that breaks off may.
    remove_files(&state.store, vec![repo::key_of(claimed.workspace(), old, &previous)]).await;
    Ok(())
}

/// Returns the key of the file that `old` had.
async fn take_over(scope: &mut JobScope<'_>, old: DocumentId) -> Result<String, Fault> {
    let claimed = scope.claimed().clone();
    let (new, old) = (Uuid::from(claimed.id()), Uuid::from(old));
    let project = Uuid::from(claimed.project());
    let previous = sqlx::query_scalar!("select object_key from documents where id = $1 for update", old)
        .fetch_one(scope.conn())
        .await?;
    sqlx::query!("delete from document_pages where document_id = $1", old).execute(scope.conn()).await?;
    sqlx::query!("delete from chunks where document_id = $1", old).execute(scope.conn()).await?;
    sqlx::query!("update document_pages set document_id = $2 where document_id = $1", new, old)
        .execute(scope.conn())
        .await?;
    sqlx::query!("update chunks set document_id = $2, project_id = $3 where document_id = $1", new, old, project)
        .execute(scope.conn())
        .await?;
    sqlx::query!(
        "update chunk_embeddings set document_id = $2, project_id = $3 where document_id = $1",
        new,
        old,
        project
    )
    .execute(scope.conn())
    .await?;
    let made = sqlx::query!(
        r#"delete from documents where id = $1
         returning media_type, size_bytes, sha256, object_key, page_count, chunks_total, source_url,
             fetched_at as "fetched_at: OffsetDateTime""#,
        new
    )
    .fetch_one(scope.conn())
    .await?;
    // A new epoch: a worker that has the old version in hand, for a new index perhaps, writes nothing more.
    sqlx::query!(
        "update documents
         set media_type = $2, size_bytes = $3, sha256 = $4, object_key = $5, page_count = $6, chunks_done = $7,
             chunks_total = $7, source_url = $8, fetched_at = $9, state = 'ready', failure = null, crashes = 0, lease_epoch = lease_epoch + 1,
             leased_until = null, updated_at = now()
         where id = $1",
        old,
        made.media_type,
        made.size_bytes,
        made.sha256,
        made.object_key,
        made.page_count,
        made.chunks_total,
        made.source_url,
        made.fetched_at as Option<OffsetDateTime>
    )
    .execute(scope.conn())
    .await?;
    repo::remember_deleted(scope.conn(), claimed.workspace(), claimed.project(), claimed.id()).await?;
    Ok(previous)
}
