//! Waiting for what a page shows.

use std::future::IntoFuture;

/// What the resource found, awaited inside of a `Suspend`: the server then builds the view that follows once, not twice.
///
/// When a boundary's resources have come, Leptos walks over its children once more to find resources that they read in
/// turn, throws away what it built, and builds it again to write it (`SuspenseBoundary` of leptos 0.8.23; a tenth of the
/// time that a project's page took). It leaves out what is not ready at the first poll, so on the server this is not. What
/// follows may therefore read further resources only inside of a boundary of its own.
pub async fn loaded<T>(resource: impl IntoFuture<Output = T>) -> T {
    let found = resource.await;
    #[cfg(feature = "ssr")]
    second_poll().await;
    found
}

#[cfg(feature = "ssr")]
async fn second_poll() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
