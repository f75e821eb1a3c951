//! Sentence encoders in this process: loaded at the first use, once, and run on threads of their own.

use super::Embedder;
use crate::{embedded, fault::Fault};
use async_trait::async_trait;
use bert::Encoder;
use std::{
    collections::VecDeque,
    fmt,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, oneshot};

/// Tokens in one call of the model. More would not be faster: at 1,024 the activations (30 kB a token) already spill
/// out of a core's cache, and a question waits for the batch that is running.
const BATCH_TOKENS: usize = 1024;

/// Texts as few as these are a question that somebody waits for: they go before the batches of an ingestion.
const URGENT_TEXTS: usize = 2;

/// A local model. Texts longer than the model's limit (256 tokens for all-MiniLM-L6-v2) are cut there.
pub struct LocalEmbedder {
    name: String,
    dimensions: usize,
    source: Source,
    running: OnceCell<Running>,
}

enum Source {
    /// The wheel's cache folder.
    MiniLm(PathBuf),
    Folder(PathBuf),
}

impl fmt::Debug for LocalEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEmbedder")
            .field("model", &self.name)
            .field("loaded", &self.running.initialized())
            .finish_non_exhaustive()
    }
}

impl LocalEmbedder {
    /// all-MiniLM-L6-v2, fetched into `cache` when it is first needed.
    pub fn minilm(cache: PathBuf) -> Self {
        Self {
            name: "all-MiniLM-L6-v2".to_owned(),
            dimensions: 384,
            source: Source::MiniLm(cache),
            running: OnceCell::new(),
        }
    }

    /// The model in `folder`, known by the folder's name.
    ///
    /// # Errors
    /// [`Fault::Model`] when its `config.json` is missing or of another kind of model.
    pub fn folder(folder: PathBuf) -> Result<Self, Fault> {
        let config = bert::Config::read(&folder).map_err(|error| Fault::Model(error.into()))?;
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, dimensions: config.hidden_size, source: Source::Folder(folder), running: OnceCell::new() })
    }

    /// For measurements: the tokens of the texts, and the floating point operations that they take.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub async fn cost(&self, texts: impl Iterator<Item = &String>) -> Result<(usize, f64), Fault> {
        let encoder = &self.running().await?.encoder;
        let lengths = texts.map(|text| encoder.tokenize(text).map(|ids| ids.len()).map_err(Fault::Model));
        let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
        Ok((lengths.iter().sum(), encoder.operations(lengths.iter().copied())))
    }

    async fn running(&self) -> Result<&Running, Fault> {
        self.running
            .get_or_try_init(|| async {
                let source = match &self.source {
                    Source::MiniLm(cache) => Source::MiniLm(cache.clone()),
                    Source::Folder(folder) => Source::Folder(folder.clone()),
                };
                let encoder = tokio::task::spawn_blocking(move || load(&source))
                    .await
                    .map_err(|error| Fault::Model(error.into()))??;
                Running::start(encoder)
            })
            .await
    }
}

fn load(source: &Source) -> Result<Encoder, Fault> {
    let folder = match source {
        Source::MiniLm(cache) => embedded::wheel::minilm(cache).map_err(|error| Fault::Model(error.into()))?,
        Source::Folder(folder) => folder.clone(),
    };
    let started = std::time::Instant::now();
    let encoder = Encoder::load(&folder).map_err(|error| Fault::Model(error.into()))?;
    tracing::info!(folder = %folder.display(), milliseconds = started.elapsed().as_millis(), "embedding model loaded");
    Ok(encoder)
}

#[async_trait]
impl Embedder for LocalEmbedder {
    fn model(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Fault> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let running = self.running().await?;
        let urgent = texts.len() <= URGENT_TEXTS;
        let encoder = running.encoder.clone();
        let tokenize = move || texts.iter().map(|text| encoder.tokenize(text)).collect::<Result<Vec<_>, _>>();
        let sequences = tokio::task::spawn_blocking(tokenize)
            .await
            .map_err(|error| Fault::Model(error.into()))?
            .map_err(Fault::Model)?;

        let mut replies = Vec::new();
        for batch in batches(sequences) {
            let permit = if urgent {
                None
            } else {
                Some(running.capacity.clone().acquire_owned().await.map_err(|error| Fault::Model(error.into()))?)
            };
            let (reply, answer) = oneshot::channel();
            running.queue.push(Job { batch, reply, _permit: permit }, urgent);
            replies.push(answer);
        }
        let mut vectors = Vec::new();
        for answer in replies {
            vectors.extend(answer.await.map_err(|error| Fault::Model(error.into()))??);
        }
        Ok(vectors)
    }
}

/// Sequences in order, each batch within the token budget unless it is a single sequence. Sequences of a batch need not
/// be of one length, because [`Encoder`] does not pad.
fn batches(sequences: Vec<Vec<u32>>) -> Vec<Vec<Vec<u32>>> {
    let mut batches: Vec<Vec<Vec<u32>>> = Vec::new();
    let mut tokens = 0;
    for sequence in sequences {
        match batches.last_mut() {
            Some(batch) if tokens + sequence.len() <= BATCH_TOKENS => {
                tokens += sequence.len();
                batch.push(sequence);
            }
            _ => {
                tokens = sequence.len();
                batches.push(vec![sequence]);
            }
        }
    }
    batches
}

/// The loaded model with its threads; they end when it is dropped.
struct Running {
    encoder: Arc<Encoder>,
    queue: Arc<Queue>,
    /// Bounds the batches of ingestions that wait.
    capacity: Arc<Semaphore>,
}

impl Running {
    fn start(encoder: Encoder) -> Result<Self, Fault> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let encoder = Arc::new(encoder);
        let queue = Arc::new(Queue::default());
        for number in 0..threads {
            let (encoder, queue) = (encoder.clone(), queue.clone());
            // Every core works at a batch of its own. On one thread a multiplication needs no waiting for the others.
            std::thread::Builder::new().name(format!("embed-{number}")).spawn(move || {
                if let Err(error) = bert::on_one_thread(|| work(&encoder, &queue)) {
                    tracing::error!(%error, "an embedding thread could not start");
                }
            })?;
        }
        Ok(Self { encoder, queue, capacity: Arc::new(Semaphore::new(2 * threads)) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queue.close();
    }
}

struct Job {
    batch: Vec<Vec<u32>>,
    reply: oneshot::Sender<Result<Vec<Vec<f32>>, Fault>>,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    urgent: VecDeque<Job>,
    others: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job, urgent: bool) {
        let mut waiting = self.waiting();
        if urgent {
            waiting.urgent.push_back(job)
        } else {
            waiting.others.push_back(job)
        }
        self.changed.notify_one();
    }

    /// Waits for the next job; none when the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.urgent.pop_front() {
                return Some(job);
            }
            if let Some(job) = waiting.others.pop_front() {
                return Some(job);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.urgent.clear();
        waiting.others.clear();
        self.changed.notify_all();
    }
}

fn work(encoder: &Encoder, queue: &Queue) {
    while let Some(job) = queue.next() {
        if job.reply.is_closed() {
            continue;
        }
        let sequences: Vec<&[u32]> = job.batch.iter().map(Vec::as_slice).collect();
        let vectors = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| encoder.embed(&sequences)))
            .unwrap_or_else(|_| Err(candle_panic()))
            .map_err(|error| Fault::Model(error.into()));
        // Whoever asked may have gone.
        let _ = job.reply.send(vectors);
    }
}

fn candle_panic() -> bert::Error {
    bert::Error::msg("the model panicked")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
