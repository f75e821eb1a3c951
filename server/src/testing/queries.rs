//! How many statements an operation sends to Postgres, by the events that sqlx logs.

use std::{
    future::Future,
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
};
use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// To be called before the first statement: a place that logs for the first time while nobody listens, just as another
/// thread begins to, is switched off for good (tracing-core 0.1.36, `DefaultCallsite::register`). Then nothing is counted.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails where somebody listens already, which is as good.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    });
}

/// Runs the operation and counts its statements, those of its transactions included. Only in a test on one thread (the
/// default of `#[tokio::test]`): the subscriber is that thread's.
pub(crate) async fn count_queries<T>(operation: impl Future<Output = T>) -> (T, usize) {
    let counter = Counter::default();
    let subscriber = tracing_subscriber::registry().with(counter.clone());
    let guard = tracing::subscriber::set_default(subscriber);
    let result = operation.await;
    drop(guard);
    (result, counter.0.load(Ordering::Relaxed))
}
