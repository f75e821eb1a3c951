//! Background work. graphile_worker delivers it, with backoff and schedules; who works on what is decided by leases in
//! our own rows ([`lease`]).

pub mod lease;
mod repeat;
#[cfg(test)]
mod tests;
mod worker;

pub use repeat::repeat;
pub use worker::{WorkerHandle, start_worker};

use crate::{
    db::{Db, System},
    fault::Fault,
};
use domain::DocumentId;
use graphile_worker::WorkerUtils;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// graphile_worker's own schema.
const SCHEMA: &str = "graphile_worker";

/// Deliveries of a job whose cause may pass: the database, the store or the model is away. The waits grow by a factor of
/// e, so that the last is about half an hour after the first.
const MAX_ATTEMPTS: i32 = 8;

/// How long nobody has changed a text before it is handed over to ingestion: a pause in writing, not one in a word.
const REST: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// The job that reads a document; see [`crate::documents::jobs`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct IngestDocument {
    document: Uuid,
}

/// The job that hands the text of a written document over to ingestion; see [`crate::written::jobs`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct HandOverWritten {
    document: Uuid,
}

/// The job that deletes what was long in the trash ([`crate::trash::purge`]) and compares the file store with the database
/// ([`crate::documents::orphans`]). Its payload is the
/// schedule's own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SweepFiles {}

/// What jobs there are, as the queue and the figures name them.
pub const KINDS: &[&str] = &[worker::INGEST, worker::HAND_OVER, worker::SWEEP_FILES];

/// Jobs of one kind that are due and that nobody has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedJobs {
    pub kind: String,
    pub count: i64,
    /// How long the oldest has been due.
    pub oldest_seconds: f64,
}

/// What waits in the queue, for the figures. Reads the queue's index of available jobs alone.
///
/// # Errors
/// [`Fault::Database`].
pub async fn queued(db: &Db) -> Result<Vec<QueuedJobs>, Fault> {
    let mut system = db.system().await?;
    // Not checked at compile time: the schema is the queue's. `_private_jobs` is what its index is on.
    let rows: Vec<(String, i64, f64)> = sqlx::query_as(
        "select t.identifier, due.count, due.oldest_seconds
         from (
             select task_id, count(*) as count, extract(epoch from now() - min(run_at))::float8 as oldest_seconds
             from graphile_worker._private_jobs
             where is_available = true and run_at <= now()
             group by task_id
         ) due
         join graphile_worker._private_tasks t on t.id = due.task_id",
    )
    .fetch_all(system.conn())
    .await?;
    let queued = rows.into_iter().map(|(kind, count, oldest_seconds)| QueuedJobs { kind, count, oldest_seconds });
    Ok(queued.collect())
}

/// Queues the ingestion of a document in the caller's transaction: it is delivered when that commits. A job that waits
/// for the same document is replaced.
///
/// # Errors
/// [`Fault::Database`].
pub async fn enqueue_ingest(conn: &mut PgConnection, document: DocumentId) -> Result<(), Fault> {
    enqueue_ingest_in(conn, document, Duration::ZERO).await
}

/// As [`enqueue_ingest`], for delivery after a wait.
async fn enqueue_ingest_in(conn: &mut PgConnection, document: DocumentId, wait: Duration) -> Result<(), Fault> {
    let document = Uuid::from(document);
    let payload = serde_json::to_value(IngestDocument { document }).map_err(Fault::while_doing("write a job"))?;
    // Not checked at compile time: the schema is the queue's, which installs it when the server starts.
    sqlx::query(
        "select from graphile_worker.add_job(identifier => $1, payload => $2::json, job_key => $3, max_attempts => $4,
             run_at => now() + make_interval(secs => $5))",
    )
    .bind(worker::INGEST)
    .bind(payload)
    .bind(document.to_string())
    .bind(MAX_ATTEMPTS)
    .bind(wait.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(())
}

/// Queues the hand-over of a written document's text in the caller's transaction. A job that waits for the same document is
/// replaced, so that it begins when the text has rested for [`REST`].
///
/// # Errors
/// [`Fault::Database`].
pub async fn enqueue_hand_over(conn: &mut PgConnection, document: DocumentId) -> Result<(), Fault> {
    let document = Uuid::from(document);
    let payload = serde_json::to_value(HandOverWritten { document }).map_err(Fault::while_doing("write a job"))?;
    sqlx::query(
        "select from graphile_worker.add_job(identifier => $1, payload => $2::json, job_key => $3, max_attempts => $4,
             run_at => now() + make_interval(secs => $5))",
    )
    .bind(worker::HAND_OVER)
    .bind(payload)
    .bind(hand_over_key(document))
    .bind(MAX_ATTEMPTS)
    .bind(REST.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(())
}

/// An id alone is the key of an ingestion.
fn hand_over_key(document: Uuid) -> String {
    format!("written:{document}")
}

/// Queues hand-overs that were lost: a job is when its worker dies between taking it and doing it.
async fn requeue_hand_overs(system: &mut System) -> Result<usize, Fault> {
    let forgotten: Vec<Uuid> = sqlx::query_scalar(
        "select w.document_id from written_documents w
         where w.read_revision < w.revision and w.changed_at < now() - interval '1 minute'
           and not exists (
               select from graphile_worker.jobs j
               where j.key = 'written:' || w.document_id and j.attempts < j.max_attempts
                 and (j.locked_at is null or j.locked_at > now() - interval '1 minute')
           )
         for update of w skip locked",
    )
    .fetch_all(system.conn())
    .await?;
    for &document in &forgotten {
        enqueue_hand_over(system.conn(), document.into()).await?;
    }
    Ok(forgotten.len())
}

/// Installs the queue's own schema. To be called at start after the migrations, also where no worker runs, because
/// [`enqueue_ingest`] needs it; safe when several servers start at once.
///
/// # Errors
/// When the schema cannot be made.
pub async fn migrate(db: &Db) -> Result<(), Fault> {
    // Its own migrations race with those of another server that starts.
    let mut lock = db.system().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtext('atelier:graphile_worker'))").execute(lock.conn()).await?;
    WorkerUtils::new(db.queue_pool(), SCHEMA).migrate().await.map_err(Fault::while_doing("install the job queue"))?;
    lock.commit().await
}
