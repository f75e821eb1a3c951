//! What a worker does again and again beside its queue.

use crate::fault::Fault;
use std::{future::Future, time::Duration};
use tokio_util::sync::CancellationToken;

/// Does `once` with a `pause` after each time, until the stop, which breaks it off wherever it is. A failure is logged with
/// what `failed` says of it, and the next time is another try.
pub async fn repeat<W>(pause: Duration, stop: CancellationToken, failed: &str, once: impl Fn() -> W)
where
    W: Future<Output = Result<(), Fault>>,
{
    loop {
        let turn = async {
            if let Err(error) = once().await {
                tracing::error!(%error, "{failed}");
            }
            tokio::time::sleep(pause).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = turn => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_failure_is_followed_by_another_try_and_the_stop_breaks_off_what_goes_on() {
        let (stop, turns) = (CancellationToken::new(), AtomicU32::new(0));
        let pause = Duration::from_millis(1);
        let ended = repeat(pause, stop.clone(), "it failed", || async {
            if turns.fetch_add(1, Ordering::Relaxed) < 2 {
                return Err(Fault::Database(sqlx::Error::PoolClosed));
            }
            stop.cancel();
            std::future::pending().await
        });
        assert!(tokio::time::timeout(Duration::from_secs(10), ended).await.is_ok());
        assert_eq!(turns.load(Ordering::Relaxed), 3);
    }
}
