//! The answers being written in this process: how to stop one, how to follow one, and how their events reach the
//! database.
//!
//! One recorder stores the events of all answers, whatever is waiting in one statement, so that two hundred streams cost
//! one commit at a time and not two hundred. An event is sent to followers after it is stored. Once a second the answers
//! are compared with their rows, which another process may have stopped; leases are renewed, and answers whose process
//! is gone are ended with what their events hold.

use super::events::{self, NewEvent};
use crate::{db::Db, fault::Fault};
use domain::{
    MessageId,
    chat::{AnswerEvent, MessageState},
};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Shown under an answer whose process died.
const ABANDONED: &str =
    "Atelier stopped while this answer was being written. What there was of it is kept; ask again for the rest.";

/// Events that a follower may fall behind before it reads them from the table instead.
const BACKLOG: usize = 256;
/// Events that wait to be stored, over all answers.
const WAITING: usize = 1_024;
const TICK: Duration = Duration::from_secs(1);
/// Ticks between renewals, and between sweeps; a lease outlives several.
const RENEW_EVERY: u32 = 3;
const SWEEP_EVERY: u32 = 5;
/// How long the database may be away before the answers are given up.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(250);
/// Tries to store events that other transactions are in the way of. Found out, a conflict is over: the pause is short.
const CONFLICTS: u32 = 4;
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// An event with its number, the SSE id.
#[derive(Clone, Debug)]
pub struct Numbered {
    pub seq: i32,
    pub event: AnswerEvent,
}

/// The answers being written in this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    running: Mutex<HashMap<MessageId, Running>>,
    /// Tells that there is one more of them.
    begun: Notify,
    tasks: TaskTracker,
    stopping: CancellationToken,
    recorder: OnceLock<mpsc::Sender<Record>>,
}

/// One answer being written.
#[derive(Clone, Debug)]
pub struct Running {
    pub epoch: i64,
    /// A person wants it to end.
    pub stop: CancellationToken,
    /// The row belongs to somebody else now, or is gone.
    pub lost: CancellationToken,
    /// It has ended and its end is stored.
    pub done: CancellationToken,
    pub live: broadcast::Sender<Arc<Numbered>>,
}

/// An event on its way to the table.
#[derive(Debug)]
struct Record {
    message: MessageId,
    epoch: i64,
    numbered: Arc<Numbered>,
    json: serde_json::Value,
    live: broadcast::Sender<Arc<Numbered>>,
    stored: oneshot::Sender<bool>,
}

/// The lease of an answer is gone: write nothing more.
#[derive(Debug)]
pub struct Lost;

impl Answers {
    /// Starts the recorder and the sweep, which also runs at once. Calling it again does nothing. It is called at start,
    /// so that abandoned answers end without anyone asking.
    pub fn start(&self, db: &Db) {
        self.0.recorder.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            tokio::spawn(record(db.clone(), receiver));
            tokio::spawn(watch(db.clone(), Arc::downgrade(&self.0)));
            sender
        });
    }

    /// Waits until every answer has come to its end, at most `patience`.
    pub async fn finish(&self, patience: Duration) {
        self.0.tasks.close();
        if timeout(patience, self.0.tasks.wait()).await.is_err() && !patience.is_zero() {
            tracing::info!("some answers did not end in time, and are stored as far as they are");
        }
    }

    /// Ends every answer, each stored with what there is of it, and waits until they are, at most ten seconds. To be
    /// called on SIGTERM, before the database is closed.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        if timeout(Duration::from_secs(10), self.0.tasks.wait()).await.is_err() {
            tracing::warn!("some answers could not be stored before the stop; they will be swept up after the restart");
        }
    }

    /// Resolves when this process stops.
    pub async fn stopped(&self) {
        self.0.stopping.cancelled().await;
    }

    pub fn is_stopping(&self) -> bool {
        self.0.stopping.is_cancelled()
    }

    /// How many this process writes now.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// The answer with this id, if this process writes it.
    pub fn running(&self, message: MessageId) -> Option<Running> {
        self.lock().get(&message).cloned()
    }

    /// Resolves when this process writes the answer.
    pub async fn begins(&self, message: MessageId) {
        loop {
            let begun = self.0.begun.notified();
            if self.running(message).is_some() {
                return;
            }
            begun.await;
        }
    }

    /// Runs `write` as a task of its own, known under its message until it ends.
    pub fn spawn<F, W>(&self, db: &Db, message: MessageId, epoch: i64, write: F)
    where
        F: FnOnce(Running) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        self.start(db);
        let running = Running {
            epoch,
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            done: CancellationToken::new(),
            live: broadcast::Sender::new(BACKLOG),
        };
        self.lock().insert(message, running.clone());
        self.0.begun.notify_waiters();
        // Dropped when the task ends, also when it panics: the sweep then finds the row without a lease.
        let registered = Registered { answers: self.clone(), message, epoch, done: running.done.clone() };
        let writing = write(running);
        self.0.tasks.spawn(async move {
            let _registered = registered;
            writing.await;
        });
    }

    /// Stores an event, then sends it to followers.
    ///
    /// # Errors
    /// [`Lost`] when the answer has been stopped elsewhere, deleted, or the database stays away.
    pub async fn record(&self, message: MessageId, running: &Running, numbered: Numbered) -> Result<(), Lost> {
        let recorder = self.0.recorder.get().ok_or(Lost)?;
        let (stored, outcome) = oneshot::channel();
        let record = Record {
            message,
            epoch: running.epoch,
            json: serde_json::to_value(&numbered.event).map_err(|_| Lost)?,
            numbered: Arc::new(numbered),
            live: running.live.clone(),
            stored,
        };
        recorder.send(record).await.map_err(|_| Lost)?;
        if outcome.await.unwrap_or(false) { Ok(()) } else { Err(Lost) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Running>> {
        // The map is whole after any panic: each use of it is one call.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Registered {
    answers: Answers,
    message: MessageId,
    epoch: i64,
    done: CancellationToken,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut running = self.answers.lock();
        // An answer that was put down may be gone on with before the task that put it down has ended.
        if running.get(&self.message).is_some_and(|running| running.epoch == self.epoch) {
            running.remove(&self.message);
        }
        self.done.cancel();
    }
}

async fn record(db: Db, mut waiting: mpsc::Receiver<Record>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, WAITING).await > 0 {
        store(&db, std::mem::take(&mut batch)).await;
    }
}

async fn store(db: &Db, batch: Vec<Record>) {
    let began = Instant::now();
    let mut tries = 0;
    let stored = loop {
        let error = match insert(db, &batch).await {
            Ok(stored) => break Some(stored),
            Err(error) => error,
        };
        tries += 1;
        let refusal = match &error {
            Fault::Database(sqlx::Error::Database(error)) => Some(error.code().unwrap_or_default()),
            _ => None,
        };
        match after_failure(refusal.as_deref(), batch.len(), tries, began.elapsed()) {
            Next::Again(pause) => {
                tracing::warn!(%error, "events wait for the database");
                sleep(pause).await;
            }
            Next::OneByOne => {
                tracing::error!(%error, "events are stored one by one");
                break None;
            }
            Next::GiveUp => {
                tracing::error!(%error, "events could not be stored");
                break Some(std::collections::HashSet::new());
            }
        }
    };
    let Some(stored) = stored else {
        for record in batch {
            Box::pin(store(db, vec![record])).await;
        }
        return;
    };
    for record in batch {
        let kept = stored.contains(&(record.message, record.numbered.seq));
        if kept {
            // The only error is that nobody follows.
            let _ = record.live.send(record.numbered);
        }
        let _ = record.stored.send(kept);
    }
}

/// What follows a failure to store events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The same once more, after a pause.
    Again(Duration),
    OneByOne,
    GiveUp,
}

/// `refusal` is the SQLSTATE with which the statement was refused, if it was; `tries` are those that failed, in `waited`.
fn after_failure(refusal: Option<&str>, events: usize, tries: u32, waited: Duration) -> Next {
    match refusal {
        // A deadlock or a serialization failure: nothing is wrong with the events, another transaction was in the way.
        Some("40P01" | "40001") if tries < CONFLICTS => Next::Again(CONFLICT_PAUSE),
        // A connection that breaks comes back; a statement that is refused would be refused again.
        Some(_) if events > 1 => Next::OneByOne,
        _ if waited < PATIENCE => Next::Again(PAUSE),
        _ => Next::GiveUp,
    }
}

async fn insert(db: &Db, batch: &[Record]) -> Result<std::collections::HashSet<(MessageId, i32)>, Fault> {
    let rows: Vec<NewEvent> = batch
        .iter()
        .map(|record| NewEvent {
            message: record.message,
            epoch: record.epoch,
            seq: record.numbered.seq,
            event: record.json.clone(),
        })
        .collect();
    // The end of an answer, which holds the whole of it, is committed with a flush.
    let mut system = db.system_without_flush().await?;
    let stored = events::insert(system.conn(), &rows).await?;
    system.commit().await?;
    Ok(stored)
}

async fn watch(db: Db, answers: Weak<Inner>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tick: u32 = 0;
    loop {
        ticks.tick().await;
        let Some(inner) = answers.upgrade() else { return };
        let answers = Answers(inner);
        if answers.0.stopping.is_cancelled() && answers.lock().is_empty() {
            return;
        }
        if let Err(error) = compare(&db, &answers, tick.is_multiple_of(RENEW_EVERY)).await {
            tracing::warn!(%error, "the leases of running answers could not be checked");
        }
        if tick.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = sweep(&db).await
        {
            tracing::warn!(%error, "abandoned answers could not be swept up");
        }
        tick = tick.wrapping_add(1);
    }
}

async fn compare(db: &Db, answers: &Answers, renew: bool) -> Result<(), Fault> {
    let leases: Vec<(MessageId, i64)> =
        answers.lock().iter().map(|(message, running)| (*message, running.epoch)).collect();
    if leases.is_empty() {
        return Ok(());
    }
    let mut system = db.system().await?;
    let held =
        if renew { events::renew(system.conn(), &leases).await? } else { events::held(system.conn(), &leases).await? };
    system.commit().await?;
    for (message, _) in leases.iter().filter(|(message, _)| !held.contains(message)) {
        // An answer that has just ended is still here for a moment; its task takes no notice.
        if let Some(running) = answers.running(*message) {
            running.lost.cancel();
        }
    }
    Ok(())
}

/// Ends the answers whose process is gone, with what their events hold.
///
/// # Errors
/// [`Fault::Database`].
pub async fn sweep(db: &Db) -> Result<(), Fault> {
    let mut system = db.system().await?;
    let abandoned = events::abandoned(system.conn()).await?;
    for message in &abandoned {
        events::finish_from_events(system.conn(), *message, MessageState::Failed, Some(ABANDONED)).await?;
    }
    system.commit().await?;
    if !abandoned.is_empty() {
        tracing::warn!(answers = abandoned.len(), "answers of a process that is gone were ended");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;
    use std::future::pending;

    #[tokio::test]
    async fn whoever_puts_an_answer_down_does_not_forget_who_goes_on_with_it() {
        let app = TestApp::start().await;
        let (answers, db) = (&app.state.answers, &app.state.db);
        let message = MessageId::from(uuid::Uuid::now_v7());
        let heard = tokio::spawn({
            let answers = answers.clone();
            async move { answers.begins(message).await }
        });
        let put_down = Arc::new(Notify::new());
        let until = put_down.clone();
        answers.spawn(db, message, 1, |_| async move { until.notified().await });
        timeout(Duration::from_secs(5), heard).await.unwrap().unwrap();
        let before = answers.running(message).unwrap();
        answers.spawn(db, message, 2, |_| pending());
        put_down.notify_one();
        timeout(Duration::from_secs(5), before.done.cancelled()).await.unwrap();
        let now = answers.running(message).expect("the other still writes");
        assert!(now.epoch == 2 && !now.done.is_cancelled());
    }

    #[test]
    fn events_that_met_another_transaction_stay_together() {
        let soon = Duration::from_secs(1);
        for conflict in ["40P01", "40001"] {
            for events in [1, 200] {
                assert_eq!(after_failure(Some(conflict), events, 1, soon), Next::Again(CONFLICT_PAUSE));
            }
            assert_eq!(after_failure(Some(conflict), 200, CONFLICTS, soon), Next::OneByOne);
        }
        // What is refused for what it holds is found alone, and what is alone waits as for a database that is away.
        assert_eq!(after_failure(Some("22P05"), 200, 1, soon), Next::OneByOne);
        assert_eq!(after_failure(Some("22P05"), 1, 1, soon), Next::Again(PAUSE));
        assert_eq!(after_failure(None, 200, 1, soon), Next::Again(PAUSE));
        assert_eq!(after_failure(None, 200, 80, PATIENCE), Next::GiveUp);
    }
}
