//! The worker of a process: takes jobs from the queue, sweeps for work that nobody does, and stops in order.

use super::{HandOverWritten, IngestDocument, SCHEMA, SweepFiles, lease};
use crate::{
    AppState,
    db::Db,
    documents::{
        jobs::{self as documents, Ended},
        orphans,
    },
    fault::Fault,
    links,
    metrics::recorded::{self, JobOutcome},
    publications, rag, trash, written,
};
use graphile_worker::{Cron, IntoTaskHandlerResult, TaskHandler, Worker, WorkerContext, WorkerOptions};
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field::Empty};

pub(super) const HAND_OVER: &str = <HandOverWritten as TaskHandler>::IDENTIFIER;
pub(super) const INGEST: &str = <IngestDocument as TaskHandler>::IDENTIFIER;
pub(super) const SWEEP_FILES: &str = <SweepFiles as TaskHandler>::IDENTIFIER;

/// The minute of every hour at which files are swept.
const SWEEP_FILES_AT: u32 = 17;

const SWEEP_INTERVAL: Duration = Duration::from_secs(15);
/// What a running job gets to finish when the worker stops; then it is given back.
const GRACE: Duration = Duration::from_secs(3);
/// Before a document that had to wait for others is looked at again.
const WAIT: Duration = Duration::from_secs(3);
/// The queue's own limit, above what giving back takes.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running worker.
#[derive(Debug)]
pub struct WorkerHandle {
    stop: CancellationToken,
    queue: JoinHandle<()>,
    sweep: JoinHandle<()>,
    publications: JoinHandle<()>,
    trash: JoinHandle<()>,
    indexes: JoinHandle<()>,
}

impl WorkerHandle {
    /// Takes no more jobs, lets those that run finish for three seconds, and gives the rest back to the queue.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in [self.queue, self.sweep, self.publications, self.trash, self.indexes] {
            if tokio::time::timeout(STOP_LIMIT, task).await.is_err() {
                tracing::warn!("the worker did not stop in time; its leases will run out");
            }
        }
    }
}

/// Starts the worker: its queue, its sweep for abandoned work and its schedules. Installs the queue's schema and makes
/// sure that there is an active embedding index before.
///
/// # Errors
/// When the database does not do that.
pub async fn start_worker(state: AppState) -> Result<WorkerHandle, Fault> {
    super::migrate(&state.db).await?;
    rag::index::ensure_active(&state.db, &state.embedders).await?;
    let stop = CancellationToken::new();
    let worker = options(&state, &stop)?.init().await.map_err(Fault::while_doing("start the job queue"))?;
    Ok(WorkerHandle {
        queue: tokio::spawn(run(worker, stop.clone())),
        sweep: tokio::spawn(sweep(state.db.clone(), stop.clone())),
        publications: tokio::spawn(publications::work(state.clone(), stop.clone())),
        trash: tokio::spawn(trash::work(state.clone(), stop.clone())),
        indexes: tokio::spawn(rag::index::build::work(state.clone(), stop.clone())),
        stop,
    })
}

/// What the worker knows how to do. A new kind of job is defined here; a schedule is added by `with_cron`.
fn options(state: &AppState, stop: &CancellationToken) -> Result<WorkerOptions, Fault> {
    let hourly = Cron::hourly_at::<SweepFiles>(SWEEP_FILES_AT).map_err(Fault::while_doing("schedule a job"))?;
    Ok(WorkerOptions::default()
        .database(state.db.queue_pool())
        .schema(SCHEMA)
        .define_job::<IngestDocument>()
        .define_job::<HandOverWritten>()
        .define_job::<SweepFiles>()
        // One at a time, however many servers there are.
        .with_cron(hourly.job_key(SweepFiles::IDENTIFIER).max_attempts(3))
        .add_extension(Running { state: state.clone(), stop: stop.clone() })
        .concurrency(state.config.limits.worker_concurrency)
        .poll_interval(Duration::from_secs(1))
        .listen_os_shutdown_signals(false)
        .shutdown_signal(stop.clone().cancelled_owned())
        .shutdown_grace_period(STOP_LIMIT)
        .shutdown_interrupted_job_retry_delay(Duration::ZERO))
}

/// Runs the queue until the stop; a failure, such as a database that goes away, begins it anew.
async fn run(worker: Worker, stop: CancellationToken) {
    while let Err(error) = worker.run().await {
        if stop.is_cancelled() {
            return;
        }
        tracing::error!(%error, "the job queue has failed; it starts again in a second");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn sweep(db: Db, stop: CancellationToken) {
    super::repeat(SWEEP_INTERVAL, stop, "the sweep for abandoned work failed", || sweep_once(&db)).await;
}

async fn sweep_once(db: &Db) -> Result<(), Fault> {
    let mut system = db.system().await?;
    let mut swept = lease::sweep(&mut system).await?;
    swept.forgotten += super::requeue_hand_overs(&mut system).await?;
    system.commit().await?;
    if swept != lease::Swept::default() {
        tracing::warn!(?swept, "work that nobody did is queued again");
    }
    Ok(())
}

/// What a job gets from its worker.
#[derive(Clone, Debug)]
struct Running {
    state: AppState,
    stop: CancellationToken,
}

impl TaskHandler for SweepFiles {
    const IDENTIFIER: &'static str = "sweep_files";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(running) = context.get_ext::<Running>() else { return Err("the worker has no state".to_owned()) };
        let work = async {
            trash::purge(&running.state).await?;
            orphans::sweep(&running.state, orphans::GRACE).await
        };
        watched(SWEEP_FILES, &context, async {
            // Broken off by a stop, it begins anew in an hour.
            let swept = tokio::select! {
                swept = work => swept?,
                () = running.stop.cancelled() => return Ok(JobOutcome::GivenBack),
            };
            if swept == orphans::Found::default() {
                tracing::debug!("the file store and the database agree");
            } else {
                tracing::warn!(?swept, "the file store and the database did not agree");
            }
            Ok(JobOutcome::Done)
        })
        .await
    }
}

impl TaskHandler for HandOverWritten {
    const IDENTIFIER: &'static str = "hand_over_written";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(running) = context.get_ext::<Running>() else { return Err("the worker has no state".to_owned()) };
        // It may be done twice: what breaks off here leaves at most an object without a row.
        let work = written::jobs::hand_over(&running.state, self.document.into());
        watched(HAND_OVER, &context, async { work.await.map(|()| JobOutcome::Done) }).await
    }
}

impl TaskHandler for IngestDocument {
    const IDENTIFIER: &'static str = "ingest_document";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(running) = context.get_ext::<Running>() else { return Err("the worker has no state".to_owned()) };
        let (attempts, most) = (*context.job().attempts(), *context.job().max_attempts());
        watched(INGEST, &context, self.ingest(running, |fault| attempts >= deliveries(fault, most))).await
    }
}

impl IngestDocument {
    /// An error has the job delivered again after a while; the document waits for it with what it has so far.
    async fn ingest(self, running: &Running, was_last: impl Fn(&Fault) -> bool) -> Result<JobOutcome, Fault> {
        let state = &running.state;
        let mut system = state.db.system().await?;
        let claimed = lease::claim(&mut system, self.document.into()).await?;
        system.commit().await?;
        // Deleted, done, or in another worker's hands.
        let Some(claimed) = claimed else { return Ok(JobOutcome::Lost) };

        let stopped = async {
            running.stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let ended = tokio::select! {
            ended = documents::ingest(state, &claimed) => ended,
            lost = heartbeat(&state.db, &claimed) => lost.map(|()| Ended::LeaseLost),
            () = stopped => Ok(Ended::Stopped),
        };
        match ended {
            Ok(Ended::Done) => Ok(JobOutcome::Done),
            Ok(Ended::LeaseLost) => {
                tracing::warn!(document = %claimed.id(), "the document was taken away: deleted, or another worker has it");
                Ok(JobOutcome::Lost)
            }
            Ok(Ended::Stopped) => give_back(state, &claimed, Duration::ZERO).await,
            Ok(Ended::Waits) => give_back(state, &claimed, WAIT).await,
            Err(fault) if was_last(&fault) => {
                documents::give_up(state, &claimed, fault).await.map(|()| JobOutcome::GivenUp)
            }
            Err(fault) => {
                let mut system = state.db.system().await?;
                claimed.release(system.conn()).await?;
                system.commit().await?;
                Err(fault)
            }
        }
    }
}

/// Runs a job in a span of its own, and counts how it ended.
async fn watched(
    kind: &'static str,
    context: &WorkerContext,
    work: impl Future<Output = Result<JobOutcome, Fault>>,
) -> Result<(), String> {
    let attempt = *context.job().attempts();
    let span = tracing::info_span!("job", kind, attempt, outcome = Empty, otel.status_code = Empty);
    let begun = Instant::now();
    let ended = work.instrument(span.clone()).await;
    let outcome = *ended.as_ref().unwrap_or(&JobOutcome::Failed);
    recorded::job(kind, outcome, begun.elapsed());
    span.record("outcome", outcome.as_str());
    if matches!(outcome, JobOutcome::Failed | JobOutcome::GivenUp) {
        span.record("otel.status_code", "ERROR");
    }
    ended.map(|_| ()).map_err(|fault| fault.to_string())
}

/// To be taken up again, by any worker, after a wait.
async fn give_back(state: &AppState, claimed: &lease::ClaimedDocument, wait: Duration) -> Result<JobOutcome, Fault> {
    let mut system = state.db.system().await?;
    if claimed.release(system.conn()).await? {
        super::enqueue_ingest_in(system.conn(), claimed.id(), wait).await?;
    }
    system.commit().await?;
    Ok(JobOutcome::GivenBack)
}

/// How often a document that failed so is delivered in all; `most` is the queue's limit.
const fn deliveries(fault: &Fault, most: i16) -> i16 {
    match fault {
        Fault::Web(_) => links::MAX_ATTEMPTS,
        _ => most,
    }
}

/// Renews the lease until it is lost. One failure to reach the database is no loss; the lease outlives three.
async fn heartbeat(db: &Db, claimed: &lease::ClaimedDocument) -> Result<(), Fault> {
    loop {
        tokio::time::sleep(lease::HEARTBEAT).await;
        let renewed = async {
            match db.job(claimed).await? {
                Some(scope) => scope.commit().await.map(|()| true),
                None => Ok(false),
            }
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => tracing::warn!(%error, document = %claimed.id(), "a lease could not be renewed"),
        }
    }
}
