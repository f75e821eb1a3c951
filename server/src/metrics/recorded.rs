//! What is counted while it happens, for the whole process. Counting is a few atomic operations, whether or not anybody
//! reads the figures.

use super::Catalogue;
use http::Method;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

/// Models that have a label of their own. People choose from a provider's list, which may have hundreds.
const MODELS: usize = 60;
/// The label of the others.
const OTHER: &str = "other";

static RECORDED: LazyLock<Recorded> = LazyLock::new(Recorded::default);

#[derive(Debug)]
struct Recorded {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    in_flight: Gauge,
    event_streams: Gauge,
    acquire_seconds: Histogram,
    acquire_failures: Counter,
    acquiring: Gauge,
    jobs: Family<JobLabels, Counter>,
    job_seconds: Family<KindLabel, Histogram>,
    documents: Family<OutcomeLabel, Counter>,
    stage_seconds: Family<StageLabel, Histogram>,
    chunks: Family<SourceLabel, Counter>,
    model_calls: Family<ModelOutcomeLabels, Counter>,
    model_seconds: Family<ModelLabels, Histogram>,
    first_token_seconds: Family<ModelLabels, Histogram>,
    tokens: Family<TokenLabels, Counter>,
    known_models: Mutex<HashSet<String>>,
    storage: Family<StorageLabels, Counter>,
    storage_seconds: Family<OperationLabel, Histogram>,
}

impl Default for Recorded {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(short),
            in_flight: Gauge::default(),
            event_streams: Gauge::default(),
            acquire_seconds: short(),
            acquire_failures: Counter::default(),
            acquiring: Gauge::default(),
            jobs: Family::default(),
            job_seconds: Family::new_with_constructor(long),
            documents: Family::default(),
            stage_seconds: Family::new_with_constructor(long),
            chunks: Family::default(),
            model_calls: Family::default(),
            model_seconds: Family::new_with_constructor(long),
            first_token_seconds: Family::new_with_constructor(long),
            tokens: Family::default(),
            known_models: Mutex::default(),
            storage: Family::default(),
            storage_seconds: Family::new_with_constructor(short),
        }
    }
}

/// For what a person waits for: milliseconds to the time limit of a request.
fn short() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

/// For models and jobs: up to ten minutes.
fn long() -> Histogram {
    Histogram::new([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0])
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

/// A model, as figures and traces name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelLabels {
    pub kind: &'static str,
    /// The host of its API, or `local`.
    pub provider: String,
    pub model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelOutcomeLabels {
    kind: &'static str,
    provider: String,
    model: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    provider: String,
    model: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StorageLabels {
    operation: String,
    outcome: &'static str,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    Done,
    /// To be taken up again later, by whoever is free.
    GivenBack,
    /// What it was about is gone, or in another worker's hands.
    Lost,
    /// To be tried again.
    Failed,
    /// That was the last try.
    GivenUp,
}

impl JobOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::GivenBack => "given_back",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// What became of a document that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentOutcome {
    Ready,
    /// For a reason that is the file's own.
    Unreadable,
    /// What it takes to read it was away too long.
    GivenUp,
}

/// A step of ingestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Fetch,
    Extract,
    Embed,
    Finish,
}

/// Where a chunk's embedding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkSource {
    Model,
    /// The same text was embedded before.
    Reused,
}

/// How a call of a model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    Done,
    Failed,
    /// Nobody wanted the rest.
    Cancelled,
}

impl CallOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One more for as long as it lives.
#[derive(Debug)]
pub struct OneMore(Gauge);

impl OneMore {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A request whose answer has not begun.
pub fn request_in_flight() -> OneMore {
    OneMore::of(&RECORDED.in_flight)
}

/// An event stream that somebody reads.
pub fn event_stream() -> OneMore {
    OneMore::of(&RECORDED.event_streams)
}

/// Somebody who waits for a database connection.
pub fn acquiring() -> OneMore {
    OneMore::of(&RECORDED.acquiring)
}

/// A request's answer has begun. `route` is the template that it matched, never its path.
pub fn request(method: &Method, route: &str, status: u16, took: Duration) {
    let method = method_label(method);
    let status = match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    RECORDED.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
    let labels = RouteLabels { method, route: route.to_owned() };
    RECORDED.request_seconds.get_or_create(&labels).observe(took.as_secs_f64());
}

/// Anybody can send a method of their own invention.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}

/// A database connection was had, or not.
pub fn acquired(is_had: bool, took: Duration) {
    RECORDED.acquire_seconds.observe(took.as_secs_f64());
    if !is_had {
        RECORDED.acquire_failures.inc();
    }
}

pub fn job(kind: &'static str, outcome: JobOutcome, took: Duration) {
    RECORDED.jobs.get_or_create(&JobLabels { kind, outcome: outcome.as_str() }).inc();
    RECORDED.job_seconds.get_or_create(&KindLabel { kind }).observe(took.as_secs_f64());
}

pub fn document(outcome: DocumentOutcome) {
    let outcome = match outcome {
        DocumentOutcome::Ready => "ready",
        DocumentOutcome::Unreadable => "unreadable",
        DocumentOutcome::GivenUp => "given_up",
    };
    RECORDED.documents.get_or_create(&OutcomeLabel { outcome }).inc();
}

pub fn stage(stage: Stage, took: Duration) {
    let stage = match stage {
        Stage::Fetch => "fetch",
        Stage::Extract => "extract",
        Stage::Embed => "embed",
        Stage::Finish => "finish",
    };
    RECORDED.stage_seconds.get_or_create(&StageLabel { stage }).observe(took.as_secs_f64());
}

pub fn chunks(source: ChunkSource, count: usize) {
    let source = match source {
        ChunkSource::Model => "model",
        ChunkSource::Reused => "reused",
    };
    RECORDED.chunks.get_or_create(&SourceLabel { source }).inc_by(count as u64);
}

/// The labels of a model; those of the sixty-first and later ones say `other`.
pub fn model_labels(kind: &'static str, provider: &str, model: &str) -> ModelLabels {
    // The set is whole after any panic: each use of it is one call.
    let mut known = RECORDED.known_models.lock().unwrap_or_else(PoisonError::into_inner);
    ModelLabels { kind, provider: provider.to_owned(), model: bounded(&mut known, model).to_owned() }
}

fn bounded<'a>(known: &mut HashSet<String>, model: &'a str) -> &'a str {
    let has_label = known.contains(model) || (known.len() < MODELS && known.insert(model.to_owned()));
    if has_label { model } else { OTHER }
}

pub fn model_call(of: &ModelLabels, outcome: CallOutcome, took: Duration) {
    let ModelLabels { kind, provider, model } = of.clone();
    let labels = ModelOutcomeLabels { kind, provider, model, outcome: outcome.as_str() };
    RECORDED.model_calls.get_or_create(&labels).inc();
    RECORDED.model_seconds.get_or_create(of).observe(took.as_secs_f64());
}

pub fn first_token(of: &ModelLabels, took: Duration) {
    RECORDED.first_token_seconds.get_or_create(of).observe(took.as_secs_f64());
}

pub fn tokens(of: &ModelLabels, prompt: u32, completion: u32) {
    for (direction, count) in [("in", prompt), ("out", completion)] {
        let labels = TokenLabels { provider: of.provider.clone(), model: of.model.clone(), direction };
        RECORDED.tokens.get_or_create(&labels).inc_by(count.into());
    }
}

/// An operation of the object store, all its tries together. `status` is none where the store did not answer.
pub fn storage(operation: &str, status: Option<u16>, took: Duration) {
    let outcome = match status {
        Some(404) => "not_found",
        Some(200..=399) => "done",
        Some(400..=499) => "refused",
        Some(_) => "failed",
        None => "no_answer",
    };
    let operation = operation.to_owned();
    RECORDED
        .storage_seconds
        .get_or_create(&OperationLabel { operation: operation.clone() })
        .observe(took.as_secs_f64());
    RECORDED.storage.get_or_create(&StorageLabels { operation, outcome }).inc();
}

/// Registers all of it.
pub(super) fn register(catalogue: &mut Catalogue) {
    let all = &*RECORDED;
    register_requests(all, catalogue);
    register_jobs(all, catalogue);
    register_models(all, catalogue);
    let storage = "Operations of the object store, retries within them";
    catalogue.add("atelier_storage_operations", storage, all.storage.clone());
    let seconds = "How long operations of the object store take, retries included";
    catalogue.add("atelier_storage_operation_duration_seconds", seconds, all.storage_seconds.clone());
}

fn register_requests(all: &Recorded, catalogue: &mut Catalogue) {
    catalogue.add("atelier_http_requests", "Requests, by the route that they matched", all.requests.clone());
    let seconds = "Time until the answer begins";
    catalogue.add("atelier_http_request_duration_seconds", seconds, all.request_seconds.clone());
    let in_flight = "Requests whose answer has not begun";
    catalogue.add("atelier_http_requests_in_flight", in_flight, all.in_flight.clone());
    catalogue.add("atelier_event_streams", "Event streams that are open", all.event_streams.clone());
    let acquire = "Time until a transaction has its connection and has begun";
    catalogue.add("atelier_database_acquire_duration_seconds", acquire, all.acquire_seconds.clone());
    let failures = "Transactions that could not begin";
    catalogue.add("atelier_database_acquire_failures", failures, all.acquire_failures.clone());
    catalogue.add("atelier_database_waiting", "Who waits for a connection now", all.acquiring.clone());
}

fn register_jobs(all: &Recorded, catalogue: &mut Catalogue) {
    catalogue.add("atelier_jobs", "Jobs that this process has run, by how they ended", all.jobs.clone());
    catalogue.add("atelier_job_duration_seconds", "How long jobs run", all.job_seconds.clone());
    catalogue.add("atelier_documents_ingested", "Documents that were read to an end", all.documents.clone());
    let stages = "How long each step of an ingestion takes that succeeds";
    catalogue.add("atelier_ingestion_stage_duration_seconds", stages, all.stage_seconds.clone());
    let chunks = "Passages that got an embedding, from the model or from the same text elsewhere";
    catalogue.add("atelier_chunks_embedded", chunks, all.chunks.clone());
}

fn register_models(all: &Recorded, catalogue: &mut Catalogue) {
    catalogue.add("atelier_model_calls", "Calls of models, by how they ended", all.model_calls.clone());
    let seconds = "How long calls of models take, to the end of the answer";
    catalogue.add("atelier_model_call_duration_seconds", seconds, all.model_seconds.clone());
    let first = "Time until an answer's first token";
    catalogue.add("atelier_model_first_token_seconds", first, all.first_token_seconds.clone());
    let tokens = "Tokens that models have read and written, as their providers count them";
    catalogue.add("atelier_model_tokens", tokens, all.tokens.clone());
}

/// All of it as Prometheus reads it, for tests of what is counted elsewhere.
#[cfg(test)]
pub(crate) fn text() -> String {
    let mut catalogue = Catalogue::default();
    register(&mut catalogue);
    catalogue.text().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_not_counted_any_more() {
        let gauge = Gauge::default();
        let first = OneMore::of(&gauge);
        let second = OneMore::of(&gauge);
        assert_eq!(gauge.get(), 2);
        drop(first);
        assert_eq!(gauge.get(), 1);
        drop(second);
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn only_so_many_models_have_a_label_of_their_own() {
        let mut known = HashSet::new();
        for number in 0..MODELS {
            let name = format!("model-{number}");
            assert_eq!(bounded(&mut known, &name), name);
        }
        assert_eq!(bounded(&mut known, "one-more"), OTHER);
        assert_eq!(bounded(&mut known, "model-7"), "model-7");
    }
}
