//! Background work. graphile_worker delivers it, with backoff and schedules; who works on what is decided by leases in
//! our own rows ([`lease`]).

pub mod lease;
#[cfg(test)]
mod tests;
mod worker;

pub use worker::{WorkerHandle, start_worker};

use crate::{db::Db, fault::Fault};
use domain::DocumentId;
use graphile_worker::WorkerUtils;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// graphile_worker's own schema.
const SCHEMA: &str = "graphile_worker";

/// Deliveries of a job whose cause may pass: the database, the store or the model is away. The waits grow by a factor of
/// e, so that the last is about half an hour after the first.
const MAX_ATTEMPTS: i32 = 8;

/// The job that reads a document; see [`crate::documents::jobs`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct IngestDocument {
    document: Uuid,
}

/// The job that deletes what was long in the trash ([`crate::trash::purge`]) and compares the file store with the database
/// ([`crate::documents::orphans`]). Its payload is the
/// schedule's own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SweepFiles {}

/// Queues the ingestion of a document in the caller's transaction: it is delivered when that commits. A job that waits
/// for the same document is replaced.
///
/// # Errors
/// [`Fault::Database`].
pub async fn enqueue_ingest(conn: &mut PgConnection, document: DocumentId) -> Result<(), Fault> {
    let document = Uuid::from(document);
    let payload = serde_json::to_value(IngestDocument { document }).map_err(Fault::while_doing("write a job"))?;
    // Not checked at compile time: the schema is the queue's, which installs it when the server starts.
    sqlx::query(
        "select from graphile_worker.add_job(identifier => $1, payload => $2::json, job_key => $3, max_attempts => $4)",
    )
    .bind(worker::INGEST)
    .bind(payload)
    .bind(document.to_string())
    .bind(MAX_ATTEMPTS)
    .execute(conn)
    .await?;
    Ok(())
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
