//! Futures that must end in time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// What a future comes to within this time. Most need not wait, and then there is no timer.
///
/// It is pinned where it is made, and the timer boxed, to keep small what is boxed for each request
/// that must wait: the arguments of an `async fn` take room twice.
pub(crate) async fn in_time<F: Future>(
    limit: Duration,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => Box::pin(tokio::time::timeout(limit, future)).await.ok(),
    }
}
