//! Who works on a document. The queue only delivers: it may deliver twice, and it does not notice a worker's death. So
//! the truth is a lease in the document's row. A worker claims the row under a new epoch, renews the lease while it
//! works, and names the epoch in every write. A lease that runs out is a crash, and a document that has crashed its
//! workers three times is set aside.

use crate::{
    db::System,
    documents::repo,
    events::{self, Notice},
    fault::Fault,
    storage::ObjectKey,
};
use domain::{DocumentId, ProjectId, UserId, WorkspaceId, documents::DocumentState};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// How long a lease lasts without being renewed; the longest wait after a worker's death is this and one sweep.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a lease is renewed.
pub const HEARTBEAT: Duration = Duration::from_secs(8);
const MAX_CRASHES: i32 = 3;

/// Proof that this process holds a document, and with it the right to write what belongs to it; see
/// [`Db::job`](crate::db::Db::job). Only [`claim`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDocument {
    id: DocumentId,
    project: ProjectId,
    workspace: WorkspaceId,
    /// Who uploaded it, unless that account is gone.
    actor: Option<UserId>,
    epoch: i64,
    /// The document whose place it takes when it is ready.
    replaces: Option<DocumentId>,
    file: ObjectKey,
    /// The address of the page that is still to be fetched.
    source: Option<String>,
    pub name: String,
    pub media_type: String,
    /// It is written here, or is the next text of such a document: it may have no text.
    pub written: bool,
    /// Its text is stored and cut already: an earlier run got as far as embedding.
    pub extracted: bool,
}

impl ClaimedDocument {
    pub const fn id(&self) -> DocumentId {
        self.id
    }

    pub const fn project(&self) -> ProjectId {
        self.project
    }

    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    pub const fn actor(&self) -> Option<UserId> {
        self.actor
    }

    pub const fn replaces(&self) -> Option<DocumentId> {
        self.replaces
    }

    /// Where its file is.
    pub const fn file(&self) -> ObjectKey {
        self.file
    }

    /// The page that is its source, if it has not been fetched yet.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The same claim, after the document's page was fetched and stored there.
    pub(crate) fn fetched(&self, file: ObjectKey, name: String, media_type: String) -> Self {
        Self { file, name, media_type, source: None, extracted: false, ..self.clone() }
    }

    /// What tells everybody that the document has changed.
    pub const fn notice(&self) -> Notice {
        Notice::Document { project: self.project, document: self.id }
    }

    /// Extends the lease and locks the row until the transaction ends; false when the lease is lost.
    pub(crate) async fn renew(&self, conn: &mut PgConnection) -> Result<bool, Fault> {
        let renewed = sqlx::query!(
            "update documents set leased_until = now() + make_interval(secs => $3) where id = $1 and lease_epoch = $2",
            Uuid::from(self.id),
            self.epoch,
            LEASE.as_secs_f64()
        )
        .execute(conn)
        .await?;
        Ok(renewed.rows_affected() > 0)
    }

    /// Gives the document back as it is, to be claimed by the next worker.
    pub(crate) async fn release(&self, conn: &mut PgConnection) -> Result<bool, Fault> {
        let released = sqlx::query!(
            "update documents set leased_until = null where id = $1 and lease_epoch = $2",
            Uuid::from(self.id),
            self.epoch
        )
        .execute(conn)
        .await?;
        Ok(released.rows_affected() > 0)
    }
}

/// Takes the document if it waits for a worker and nobody has it.
pub(crate) async fn claim(system: &mut System, document: DocumentId) -> Result<Option<ClaimedDocument>, Fault> {
    let row = sqlx::query!(
        r#"update documents
         set lease_epoch = lease_epoch + 1, leased_until = now() + make_interval(secs => $2), failure = null,
             state = case when state = 'embedding' and chunks_total > 0 then state else 'extracting' end, updated_at = now()
         where id = $1 and state in ('queued', 'extracting', 'embedding') and leased_until is null
         returning project_id, workspace_id, created_by, lease_epoch, replaces, object_key, name, media_type, state,
             case when fetched_at is null then source_url end as source,
             exists (
                 select from written_documents w where w.document_id in (documents.id, documents.replaces)
             ) as "written!""#,
        Uuid::from(document),
        LEASE.as_secs_f64()
    )
    .fetch_optional(system.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let claimed = ClaimedDocument {
        id: document,
        project: row.project_id.into(),
        workspace: row.workspace_id.into(),
        actor: row.created_by.map(Into::into),
        epoch: row.lease_epoch,
        replaces: row.replaces.map(Into::into),
        file: repo::key_of(row.workspace_id.into(), document, &row.object_key),
        source: row.source,
        name: row.name,
        media_type: row.media_type,
        written: row.written,
        extracted: row.state == DocumentState::Embedding.as_str(),
    };
    events::notify(system.conn(), &claimed.notice()).await?;
    Ok(Some(claimed))
}

/// What a sweep found; for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that had run out.
    pub crashed: usize,
    /// Of these, documents that have been set aside.
    pub set_aside: usize,
    /// Documents that waited without a job to deliver them.
    pub forgotten: usize,
}

/// Finds work that nobody does: counts each lease that ran out as a crash, sets documents aside that crashed too often,
/// and queues the others again. Several servers may sweep at once.
///
/// # Errors
/// [`Fault::Database`].
pub async fn sweep(system: &mut System) -> Result<Swept, Fault> {
    let mut swept = Swept::default();
    let message = format!(
        "Reading this file has stopped the worker {MAX_CRASHES} times, so it was set aside. Save it in another format and upload it again."
    );
    // A new epoch fences off the old worker, should it only have been slow.
    let crashed = sqlx::query!(
        "update documents d
         set crashes = crashes + 1, lease_epoch = lease_epoch + 1, leased_until = null, updated_at = now(),
             state = case when crashes + 1 >= $1 then 'failed' else state end,
             failure = case when crashes + 1 >= $1 then $2 else failure end
         from (
             select id from documents
             where state in ('queued', 'extracting', 'embedding') and leased_until < now()
             for update skip locked
         ) expired
         where d.id = expired.id
         returning d.id, d.project_id, d.state",
        MAX_CRASHES,
        message
    )
    .fetch_all(system.conn())
    .await?;
    for row in crashed {
        let (project, document) = (ProjectId::from(row.project_id), DocumentId::from(row.id));
        swept.crashed += 1;
        if row.state == DocumentState::Failed.as_str() {
            swept.set_aside += 1;
            tracing::error!(%document, "a document has stopped its worker {MAX_CRASHES} times and is set aside");
        } else {
            super::enqueue_ingest(system.conn(), document).await?;
        }
        events::notify(system.conn(), &Notice::Document { project, document }).await?;
    }
    swept.forgotten = requeue_forgotten(system).await?;
    repo::forget_deleted(system.conn()).await?;
    Ok(swept)
}

/// After a restore nobody holds anything. A lease that has run out since the backup is no crash.
pub(crate) async fn give_back_all(system: &mut System) -> Result<(), Fault> {
    sqlx::query!("update documents set leased_until = null where leased_until is not null")
        .execute(system.conn())
        .await?;
    Ok(())
}

/// A job is lost when a worker dies between taking it from the queue and claiming its document.
async fn requeue_forgotten(system: &mut System) -> Result<usize, Fault> {
    let forgotten: Vec<Uuid> = sqlx::query_scalar(
        "select d.id from documents d
         where d.state in ('queued', 'extracting', 'embedding') and d.leased_until is null
           and d.updated_at < now() - interval '1 minute'
           and not exists (
               select from graphile_worker.jobs j
               where j.key = d.id::text and j.attempts < j.max_attempts
                 and (j.locked_at is null or j.locked_at > now() - interval '1 minute')
           )
         for update of d skip locked",
    )
    .fetch_all(system.conn())
    .await?;
    for &document in &forgotten {
        super::enqueue_ingest(system.conn(), document.into()).await?;
    }
    Ok(forgotten.len())
}
