//! Ingestion: a stored file becomes pages, chunks and embeddings. Each step is stored before the next begins, so that a
//! run that breaks off is taken up where it was; every write holds the lease ([`Db::job`](crate::db::Db::job)).

mod embedding;
mod replacement;
#[cfg(test)]
mod tests;
mod text;
mod web;

use crate::{
    AppState,
    db::JobScope,
    events,
    fault::Fault,
    jobs::lease::ClaimedDocument,
    metrics::recorded::{self, DocumentOutcome, Stage},
    projects::repo::note_activity,
    rag::index,
};
use domain::documents::TRIED_OFTEN;
use std::{
    future::Future,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// People who watch are told at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How an ingestion ended that did not fail for a reason that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Ready, or failed for a reason that is the file's own and is stored with it.
    Done,
    /// Somebody else has the document now; nothing more was written.
    LeaseLost,
    /// The worker stops; the document is to be given back.
    Stopped,
    /// Others are before it; it is to be given back, and taken up again in a while.
    Waits,
}

/// Why a step ends the ingestion early.
enum Interruption {
    LeaseLost,
    /// Others are before it.
    Waits,
    /// A sentence for the owner.
    Failed(String),
    /// May pass: try again later.
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Brings a claimed document as far as it goes.
///
/// # Errors
/// When something that it needs is away; what is stored by then is used by the next run.
pub async fn ingest(state: &AppState, claimed: &ClaimedDocument) -> Result<Ended, Fault> {
    let started = Instant::now();
    match read_and_embed(state, claimed).await {
        Ok(chunks) => {
            recorded::document(DocumentOutcome::Ready);
            tracing::info!(document = %claimed.id(), chunks, milliseconds = started.elapsed().as_millis(), "document is ready");
            Ok(Ended::Done)
        }
        Err(Interruption::LeaseLost) => Ok(Ended::LeaseLost),
        Err(Interruption::Waits) => Ok(Ended::Waits),
        Err(Interruption::Failed(reason)) => {
            recorded::document(DocumentOutcome::Unreadable);
            tracing::info!(document = %claimed.id(), reason, "document cannot be read");
            fail(state, claimed, &reason).await
        }
        Err(Interruption::Fault(fault)) => Err(fault),
    }
}

/// Sets the document failed after the last try.
///
/// # Errors
/// [`Fault::Database`]; then the sweep finds the document again.
pub async fn give_up(state: &AppState, claimed: &ClaimedDocument, fault: Fault) -> Result<(), Fault> {
    recorded::document(DocumentOutcome::GivenUp);
    tracing::error!(document = %claimed.id(), error = ?fault, "the last try to ingest a document failed");
    let told = domain::Error::from(fault);
    let reason = format!("{told} {TRIED_OFTEN}");
    let Some(mut scope) = state.db.job(claimed).await? else { return Ok(()) };
    // What is read and embedded by now is kept: Retry goes on from there.
    sqlx::query!(
        "update documents set state = 'failed', failure = $2, leased_until = null, updated_at = now() where id = $1",
        Uuid::from(claimed.id()),
        reason
    )
    .execute(scope.conn())
    .await?;
    touch_project(&mut scope).await?;
    events::notify(scope.conn(), &claimed.notice()).await?;
    scope.commit().await
}

async fn read_and_embed(state: &AppState, claimed: &ClaimedDocument) -> Result<usize, Interruption> {
    let fetched = match claimed.source() {
        Some(address) => Some(timed(Stage::Fetch, web::fetch(state, claimed, address)).await?),
        None => None,
    };
    let claimed = fetched.as_ref().unwrap_or(claimed);
    if !claimed.extracted {
        timed(Stage::Extract, text::read(state, claimed)).await?;
    }
    loop {
        let (indexes, chunks) = timed(Stage::Embed, embedding::embed(state, claimed)).await?;
        let begun = Instant::now();
        let mut scope = scope(state, claimed).await?;
        // So that no index becomes active, or begins to be built, without this document.
        index::lock(scope.conn(), index::Lock::Read).await?;
        if !indexes.are_still_in_use(state, &mut scope).await? {
            continue;
        }
        match claimed.replaces() {
            None => {
                finish(&mut scope).await?;
                scope.commit().await?;
            }
            Some(old) => replacement::finish(state, scope, old).await?,
        }
        recorded::stage(Stage::Finish, begun.elapsed());
        return Ok(chunks);
    }
}

/// Records how long a step took, if it succeeds.
async fn timed<T>(stage: Stage, step: impl Future<Output = Result<T, Interruption>>) -> Result<T, Interruption> {
    let begun = Instant::now();
    let done = step.await?;
    recorded::stage(stage, begun.elapsed());
    Ok(done)
}

async fn scope<'a>(state: &AppState, claimed: &'a ClaimedDocument) -> Result<JobScope<'a>, Interruption> {
    state.db.job(claimed).await?.ok_or(Interruption::LeaseLost)
}

async fn finish(scope: &mut JobScope<'_>) -> Result<(), Fault> {
    let claimed = scope.claimed().clone();
    sqlx::query!(
        "update documents
         set state = 'ready', chunks_done = chunks_total, failure = null, crashes = 0, leased_until = null, updated_at = now()
         where id = $1",
        Uuid::from(claimed.id())
    )
    .execute(scope.conn())
    .await?;
    touch_project(scope).await?;
    events::notify(scope.conn(), &claimed.notice()).await
}

/// Stores the reason and keeps nothing of the text.
async fn fail(state: &AppState, claimed: &ClaimedDocument, reason: &str) -> Result<Ended, Fault> {
    let Some(mut scope) = state.db.job(claimed).await? else { return Ok(Ended::LeaseLost) };
    let document = Uuid::from(claimed.id());
    sqlx::query!("delete from document_pages where document_id = $1", document).execute(scope.conn()).await?;
    sqlx::query!("delete from chunks where document_id = $1", document).execute(scope.conn()).await?;
    sqlx::query!(
        "update documents
         set state = 'failed', failure = $2, page_count = null, chunks_done = 0, chunks_total = 0, leased_until = null, updated_at = now()
         where id = $1",
        document,
        reason
    )
    .execute(scope.conn())
    .await?;
    touch_project(&mut scope).await?;
    events::notify(scope.conn(), &claimed.notice()).await?;
    scope.commit().await?;
    Ok(Ended::Done)
}

async fn touch_project(scope: &mut JobScope<'_>) -> Result<(), Fault> {
    let project = scope.claimed().project();
    note_activity(scope.conn(), Some(project), None).await
}

/// For counts that the limits of [`extract::Limits`] keep far below the type's.
fn integer(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
