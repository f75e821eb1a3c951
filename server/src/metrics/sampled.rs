//! What is looked up when somebody asks: the pool, the queue, answers being written, the process.

use super::{Catalogue, process::Usage};
use crate::{
    AppState,
    jobs::{self, QueuedJobs},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
};
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::Mutex, time::timeout};

/// The queue is asked at most so often.
const FRESH: Duration = Duration::from_secs(10);
/// How long it may take to answer: who asks for figures wants them most when the database is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Unix time, seconds; as of the first use, which is at the start.
static STARTED: LazyLock<f64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()));

type Float = Gauge<f64, AtomicU64>;

#[derive(Debug)]
pub(super) struct Sampled {
    state: AppState,
    connections: Family<StateLabel, Gauge>,
    max_connections: Gauge,
    waiting: Family<KindLabel, Gauge>,
    oldest: Family<KindLabel, Float>,
    answers: Gauge,
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    open_files: Gauge,
    /// When the queue was asked last.
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl Sampled {
    pub fn new(state: AppState) -> Self {
        LazyLock::force(&STARTED);
        Self {
            state,
            connections: Family::default(),
            max_connections: Gauge::default(),
            waiting: Family::default(),
            oldest: Family::default(),
            answers: Gauge::default(),
            cpu: Counter::default(),
            resident: Gauge::default(),
            open_files: Gauge::default(),
            asked: Mutex::default(),
        }
    }

    pub fn register(&self, catalogue: &mut Catalogue) {
        let connections = "Connections of this process's pool";
        catalogue.add("atelier_database_connections", connections, self.connections.clone());
        let most = "The most that there may be of them";
        catalogue.add("atelier_database_connections_max", most, self.max_connections.clone());
        let waiting = "Jobs that are due and that nobody has taken, of all processes";
        catalogue.add("atelier_jobs_waiting", waiting, self.waiting.clone());
        let oldest = "How long the oldest of them has been due";
        catalogue.add("atelier_jobs_oldest_waiting_seconds", oldest, self.oldest.clone());
        catalogue.add("atelier_answers_running", "Answers that this process writes now", self.answers.clone());
        let build = Info::new(BuildLabels { version: env!("CARGO_PKG_VERSION") });
        catalogue.add("atelier_build", "Which release this is", build);
        let started: Float = Gauge::default();
        started.set(*STARTED);
        catalogue.add("process_start_time_seconds", "When the process started, in Unix time", started);
        catalogue.add("process_cpu_seconds", "Processor time that the process has used", self.cpu.clone());
        catalogue.add("process_resident_memory_bytes", "Memory that the process holds", self.resident.clone());
        catalogue.add("process_open_fds", "Files and connections that the process has open", self.open_files.clone());
    }

    /// Looks everything up again.
    pub async fn refresh(&self) {
        let pool = self.state.db.pool_usage();
        for (state, count) in [("idle", pool.idle), ("used", pool.open.saturating_sub(pool.idle))] {
            self.connections.get_or_create(&StateLabel { state }).set(gauge(count));
        }
        self.max_connections.set(self.state.config.database.max_connections.into());
        self.answers.set(gauge(self.state.answers.count()));
        self.refresh_process();
        self.refresh_queue().await;
    }

    fn refresh_process(&self) {
        let Some(usage) = Usage::now() else { return };
        // The bits of positive numbers are in the order of the numbers; a counter never goes back.
        self.cpu.inner().fetch_max(usage.cpu.as_secs_f64().to_bits(), Ordering::Relaxed);
        self.resident.set(i64::try_from(usage.resident).unwrap_or(i64::MAX));
        self.open_files.set(i64::try_from(usage.open_files).unwrap_or(i64::MAX));
    }

    async fn refresh_queue(&self) {
        // Held while asking, so that many who ask at once cause one query.
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        *asked = Some(Instant::now());
        match timeout(PATIENCE, jobs::queued(&self.state.db)).await {
            Ok(Ok(queued)) => self.set_queue(&queued),
            // A gap in the curve says more than an old figure.
            failed => {
                tracing::warn!(reason = ?failed.map(|queued| queued.err()), "the job queue could not be counted");
                self.waiting.clear();
                self.oldest.clear();
            }
        }
    }

    fn set_queue(&self, queued: &[QueuedJobs]) {
        for kind in jobs::KINDS {
            let of_kind = queued.iter().find(|queued| queued.kind == *kind);
            let label = KindLabel { kind: (*kind).to_owned() };
            self.waiting.get_or_create(&label).set(of_kind.map_or(0, |queued| queued.count));
            self.oldest.get_or_create(&label).set(of_kind.map_or(0.0, |queued| queued.oldest_seconds));
        }
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
