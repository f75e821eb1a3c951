//! Building an index beside the active one, and removing what is retired.
//!
//! Each worker whose model the index is of tries to take its lease. Every batch is stored with the progress and the
//! cursor in one transaction that names the lease's epoch, so that a worker that was killed is followed by one that goes
//! on where it was, and one that was thought dead writes nothing.

use super::{EmbeddingIndex, Lock};
use crate::{
    AppState,
    db::{Db, System},
    fault::Fault,
    rag::chunk,
};
use pgvector::Vector;
use sqlx::AssertSqlSafe;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often a worker looks for an index to build or to remove.
const LOOK: Duration = Duration::from_secs(5);
/// How long a lease lasts without a write or a heartbeat.
const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(8);
/// After a failure: the model or the database is away.
const PAUSE: Duration = Duration::from_secs(15);
/// Chunks embedded between two writes.
const BATCH: i64 = 48;
/// How often the log tells of the progress.
const TELL: Duration = Duration::from_secs(10);
/// A retired index stays so long for a deployment that is taken back, and for searches under way.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Embeddings of a retired index that are deleted in one transaction.
const DELETED_AT_ONCE: i64 = 5_000;

/// Builds and removes indexes until the stop.
pub async fn work(state: AppState, stop: CancellationToken) {
    loop {
        let wait = tokio::select! {
            () = stop.cancelled() => return,
            done = look(&state) => match done {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::error!(%error, "the embedding index cannot be built right now; it goes on when it can");
                    PAUSE
                }
            },
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One look for work, which is done before it returns.
///
/// # Errors
/// When the database or the model is away.
pub async fn look(state: &AppState) -> Result<(), Fault> {
    super::ensure_active(&state.db, &state.embedders).await?;
    if let Some(claimed) = ClaimedIndex::of_configured(state).await? {
        claimed.build(state).await?;
    }
    remove_retired(&state.db).await
}

/// Proof that this process builds the index.
#[derive(Clone, Debug)]
struct ClaimedIndex {
    index: EmbeddingIndex,
    epoch: i64,
    cursor: Uuid,
}

/// How a step of the building ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Some chunks were embedded, and there may be more.
    Embedded,
    /// Nothing is missing after the cursor.
    End,
    /// Another worker has the index, or nobody wants it any more.
    LeaseLost,
}

impl ClaimedIndex {
    /// Takes the lease of the configured model's index, if it is to be built and nobody does.
    async fn of_configured(state: &AppState) -> Result<Option<Self>, Fault> {
        let configured = state.embedders.configured();
        let mut system = state.db.system().await?;
        let row = sqlx::query!(
            "update embedding_indexes
             set lease_epoch = lease_epoch + 1, leased_until = now() + make_interval(secs => $3)
             where model = $1 and dimensions = $2 and state = 'building'
               and (leased_until is null or leased_until < now())
             returning id, model, dimensions, source, lease_epoch, cursor",
            configured.model(),
            i32::try_from(configured.dimensions()).unwrap_or(i32::MAX),
            LEASE.as_secs_f64()
        )
        .fetch_optional(system.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        // What an earlier worker or an ingestion has embedded counts too.
        sqlx::query!(
            "update embedding_indexes
             set chunks_done = (select count(*) from chunk_embeddings where index_id = $1),
                 chunks_total = (select count(*) from chunks)
             where id = $1",
            row.id
        )
        .execute(system.conn())
        .await?;
        system.commit().await?;
        let index = super::index(row.id, row.model, row.dimensions, row.source);
        tracing::info!(model = index.model, "building the embedding index; the active one answers meanwhile");
        Ok(Some(Self { index, epoch: row.lease_epoch, cursor: row.cursor.unwrap_or_default() }))
    }

    async fn build(self, state: &AppState) -> Result<(), Fault> {
        let outcome = tokio::select! {
            outcome = self.clone().embed_all(state) => outcome,
            lost = self.keep(&state.db) => lost,
        };
        if let Err(fault) = &outcome {
            self.note_failure(&state.db, fault).await?;
        }
        outcome
    }

    /// Embeds what is missing, makes the graph, swaps; from the beginning again when documents came meanwhile that did
    /// not get into this index.
    async fn embed_all(mut self, state: &AppState) -> Result<(), Fault> {
        let mut told = Instant::now();
        loop {
            match self.embed_some(state).await? {
                Step::LeaseLost => return Ok(()),
                Step::Embedded if told.elapsed() < TELL => {}
                Step::Embedded => {
                    told = Instant::now();
                    let progress = super::describe(&state.db).await?;
                    tracing::info!(progress, "embedding index");
                }
                Step::End => {
                    make_graph(&state.db, &self.index).await?;
                    if self.swap(&state.db).await? {
                        return Ok(());
                    }
                    self.cursor = Uuid::nil();
                }
            }
        }
    }

    async fn embed_some(&mut self, state: &AppState) -> Result<Step, Fault> {
        let missing = self.missing(&state.db).await?;
        let Some(last) = missing.last().map(|chunk| chunk.id) else { return Ok(Step::End) };
        let ids: Vec<Uuid> = missing.iter().map(|chunk| chunk.id).collect();
        let texts = missing.iter().map(MissingChunk::searchable).collect();
        let vectors: Vec<Vector> =
            state.embedders.configured().embed(texts).await?.into_iter().map(Vector::from).collect();
        let mut system = state.db.system().await?;
        let held = sqlx::query!(
            "update embedding_indexes
             set leased_until = now() + make_interval(secs => $3), cursor = $4, failure = null,
                 chunks_done = chunks_done + $5
             where id = $1 and lease_epoch = $2 and state = 'building'",
            self.index.id,
            self.epoch,
            LEASE.as_secs_f64(),
            last,
            i64::try_from(ids.len()).unwrap_or(i64::MAX)
        )
        .execute(system.conn())
        .await?;
        if held.rows_affected() == 0 {
            return Ok(Step::LeaseLost);
        }
        store(&mut system, &self.index, &ids, vectors).await?;
        system.commit().await?;
        self.cursor = last;
        Ok(Step::Embedded)
    }

    /// Chunks of ready documents that the index lacks; those of the others are written by their ingestion.
    async fn missing(&self, db: &Db) -> Result<Vec<MissingChunk>, Fault> {
        let mut system = db.system().await?;
        let rows = sqlx::query_as!(
            MissingChunk,
            r#"select c.id, c.text, d.name, coalesce((
                   select left(p.text, 2000) from document_pages p where p.document_id = d.id and p.number = 1
               ), '') as "beginning!"
               from chunks c join documents d on d.id = c.document_id
               where c.id > $1 and d.state = 'ready'
                 and not exists (select from chunk_embeddings e where e.index_id = $2 and e.chunk_id = c.id)
               order by c.id limit $3"#,
            self.cursor,
            self.index.id,
            BATCH
        )
        .fetch_all(system.conn())
        .await?;
        Ok(rows)
    }

    /// Makes the index the active one, unless something is missing by now. Searches see the one or the other.
    async fn swap(&self, db: &Db) -> Result<bool, Fault> {
        let mut system = db.system().await?;
        // Ingestion ends its documents under the same lock, so none becomes ready between the look and the swap.
        super::lock(system.conn(), Lock::Change).await?;
        let complete = sqlx::query_scalar!(
            r#"select not exists (
                   select from chunks c join documents d on d.id = c.document_id
                   where d.state = 'ready'
                     and not exists (select from chunk_embeddings e where e.index_id = $1 and e.chunk_id = c.id)
               ) as "complete!""#,
            self.index.id
        )
        .fetch_one(system.conn())
        .await?;
        if !complete {
            return Ok(false);
        }
        let held = sqlx::query_scalar!(
            "select id from embedding_indexes where id = $1 and lease_epoch = $2 and state = 'building' for update",
            self.index.id,
            self.epoch
        )
        .fetch_optional(system.conn())
        .await?;
        // Another worker ends what this one began.
        if held.is_none() {
            return Ok(true);
        }
        sqlx::query!("update embedding_indexes set state = 'retired', changed_at = now() where state = 'active'")
            .execute(system.conn())
            .await?;
        sqlx::query!(
            "update embedding_indexes
             set state = 'active', changed_at = now(), leased_until = null, cursor = null, failure = null where id = $1",
            self.index.id
        )
        .execute(system.conn())
        .await?;
        system.commit().await?;
        tracing::info!(model = self.index.model, dimensions = self.index.dimensions, "a new embedding index is active");
        Ok(true)
    }

    /// Renews the lease until it is lost, also while the model or the graph takes long.
    async fn keep(&self, db: &Db) -> Result<(), Fault> {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.renew(db).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => tracing::warn!(%error, "the lease of an embedding index could not be renewed"),
            }
        }
    }

    async fn renew(&self, db: &Db) -> Result<bool, Fault> {
        let mut system = db.system().await?;
        let renewed = sqlx::query!(
            "update embedding_indexes set leased_until = now() + make_interval(secs => $3), wanted_at = now()
             where id = $1 and lease_epoch = $2",
            self.index.id,
            self.epoch,
            LEASE.as_secs_f64()
        )
        .execute(system.conn())
        .await?;
        system.commit().await?;
        Ok(renewed.rows_affected() > 0)
    }

    /// Gives the lease back with the reason, for the next try.
    async fn note_failure(&self, db: &Db, fault: &Fault) -> Result<(), Fault> {
        let mut system = db.system().await?;
        sqlx::query!(
            "update embedding_indexes set leased_until = null, failure = $3 where id = $1 and lease_epoch = $2",
            self.index.id,
            self.epoch,
            fault.to_string()
        )
        .execute(system.conn())
        .await?;
        system.commit().await
    }
}

/// Makes the index's graph concurrently: nobody waits for it. One that broke off is left invalid by Postgres, and made
/// anew.
async fn make_graph(db: &Db, index: &EmbeddingIndex) -> Result<(), Fault> {
    let mut conn = db.outside_transactions().await?;
    let valid: Option<bool> =
        sqlx::query_scalar("select indisvalid from pg_index where indexrelid = to_regclass('public.' || $1)")
            .bind(index.hnsw_name())
            .fetch_optional(&mut *conn)
            .await?;
    if valid == Some(true) {
        return Ok(());
    }
    if valid == Some(false) {
        drop(conn);
        drop_graph(db, index).await?;
        conn = db.outside_transactions().await?;
    }
    let started = Instant::now();
    // A graph that does not fit is finished on disk, many times slower; 64 MB, the default, hold 25,000 vectors.
    sqlx::query("set maintenance_work_mem = '256MB'").execute(&mut *conn).await?;
    let made = sqlx::query(index.create_hnsw("concurrently")).execute(&mut *conn).await;
    sqlx::query("reset maintenance_work_mem").execute(&mut *conn).await?;
    made?;
    tracing::info!(
        milliseconds = started.elapsed().as_millis(),
        model = index.model,
        "the embedding index has its graph"
    );
    Ok(())
}

/// How long it takes is for measurements.
pub(crate) async fn rebuild_graph(db: &Db, index: &EmbeddingIndex) -> Result<Duration, Fault> {
    drop_graph(db, index).await?;
    let started = Instant::now();
    make_graph(db, index).await?;
    Ok(started.elapsed())
}

pub(crate) async fn drop_graph(db: &Db, index: &EmbeddingIndex) -> Result<(), Fault> {
    let drop = format!("drop index concurrently if exists {}", index.hnsw_name());
    sqlx::query(AssertSqlSafe(drop)).execute(&mut *db.outside_transactions().await?).await?;
    Ok(())
}

struct MissingChunk {
    id: Uuid,
    text: String,
    name: String,
    /// Of the document's first page.
    beginning: String,
}

impl MissingChunk {
    fn searchable(&self) -> String {
        chunk::searchable(&chunk::title(&self.name, &self.beginning), &self.text)
    }
}

async fn store(system: &mut System, index: &EmbeddingIndex, ids: &[Uuid], vectors: Vec<Vector>) -> Result<(), Fault> {
    // Not checked at compile time: the macros do not know pgvector's type.
    sqlx::query(
        "insert into chunk_embeddings (index_id, chunk_id, workspace_id, project_id, document_id, embedding)
         select $1, c.id, c.workspace_id, c.project_id, c.document_id, new.embedding
         from unnest($2::uuid[], $3::vector[]) as new (id, embedding)
         join chunks c on c.id = new.id
         on conflict do nothing",
    )
    .bind(index.id)
    .bind(ids)
    .bind(vectors)
    .execute(system.conn())
    .await?;
    Ok(())
}

/// Removes one index that was retired long ago, or that nobody has gone on building for as long.
async fn remove_retired(db: &Db) -> Result<(), Fault> {
    let mut system = db.system().await?;
    let claimed = sqlx::query!(
        "update embedding_indexes
         set state = 'retired', lease_epoch = lease_epoch + 1, leased_until = now() + make_interval(secs => $2)
         where id = (
             select id from embedding_indexes
             where state <> 'active' and changed_at < now() - make_interval(secs => $1)
               and wanted_at < now() - make_interval(secs => $1)
               and (leased_until is null or leased_until < now())
             order by id limit 1 for update skip locked
         )
         returning id, model, dimensions, source, lease_epoch",
        KEPT.as_secs_f64(),
        LEASE.as_secs_f64()
    )
    .fetch_optional(system.conn())
    .await?;
    system.commit().await?;
    let Some(row) = claimed else { return Ok(()) };
    let index = super::index(row.id, row.model, row.dimensions, row.source);
    while let Some(deleted) = remove_some(db, &index, row.lease_epoch).await? {
        if deleted > 0 {
            continue;
        }
        drop_graph(db, &index).await?;
        let mut system = db.system().await?;
        sqlx::query!(
            "delete from embedding_indexes where id = $1 and lease_epoch = $2 and state = 'retired'",
            index.id,
            row.lease_epoch
        )
        .execute(system.conn())
        .await?;
        system.commit().await?;
        tracing::info!(model = index.model, "a retired embedding index is removed");
        break;
    }
    Ok(())
}

/// Deletes some embeddings; none when a server with the index's model has started meanwhile, and wants it.
async fn remove_some(db: &Db, index: &EmbeddingIndex, epoch: i64) -> Result<Option<u64>, Fault> {
    let mut system = db.system().await?;
    let held = sqlx::query!(
        "update embedding_indexes set leased_until = now() + make_interval(secs => $3)
         where id = $1 and lease_epoch = $2 and state = 'retired'",
        index.id,
        epoch,
        LEASE.as_secs_f64()
    )
    .execute(system.conn())
    .await?;
    if held.rows_affected() == 0 {
        return Ok(None);
    }
    let deleted = sqlx::query!(
        "delete from chunk_embeddings where index_id = $1
         and chunk_id = any(array(select chunk_id from chunk_embeddings where index_id = $1 limit $2))",
        index.id,
        DELETED_AT_ONCE
    )
    .execute(system.conn())
    .await?;
    system.commit().await?;
    Ok(Some(deleted.rows_affected()))
}
