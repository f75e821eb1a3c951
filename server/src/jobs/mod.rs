//! Background work: delivery by graphile_worker, the truth in our own rows.

use crate::{AppState, fault::Fault};
use domain::DocumentId;
use sqlx::PgConnection;

/// Queues the ingestion of a document in the caller's transaction: it is delivered when that commits. A job that is
/// queued for the document already is replaced.
///
/// # Errors
/// [`Fault::Database`].
pub async fn enqueue_ingest(_conn: &mut PgConnection, _document: DocumentId) -> Result<(), Fault> {
    todo!()
}

/// Installs the queue's own schema. To be called at start after the migrations, also where no worker runs, because
/// [`enqueue_ingest`] needs it; safe when several servers start at once.
///
/// # Errors
/// When the schema cannot be made.
pub async fn migrate(_db: &crate::db::Db) -> Result<(), Fault> {
    todo!()
}

/// Starts the worker: its queue, its sweep for abandoned work and its schedules. Calls [`migrate`] and
/// [`crate::rag::index::ensure_active`] itself.
///
/// # Errors
/// When the queue's schema cannot be made.
pub async fn start_worker(_state: AppState) -> Result<WorkerHandle, Fault> {
    todo!()
}

/// A running worker.
#[derive(Debug)]
pub struct WorkerHandle {}

impl WorkerHandle {
    /// Takes no more jobs, lets those that run finish for up to ten seconds, and gives the rest back.
    pub async fn stop(self) {}
}
