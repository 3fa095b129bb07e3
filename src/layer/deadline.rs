//! Futures with a deadline.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// Returns the output of a future, or `None` if it takes longer. A future that need not wait gets no
/// timer.
///
/// The caller pins the future, and the timer is boxed. This keeps the future small that is boxed for
/// each request that must wait: the arguments of an `async fn` are stored twice.
pub(crate) async fn in_time<F: Future>(
    limit: Duration,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => Box::pin(tokio::time::timeout(limit, future)).await.ok(),
    }
}
