//! Runs code of the application, so that its panics and hangs are no panics and hangs of the layer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::deadline::in_time;

/// The reason why code of the application has no result.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error("{0} panicked")]
    Panicked(&'static str),
    #[error("{0} took too long")]
    TookTooLong(&'static str),
}

/// Calls a function of the application.
pub(super) fn guarded_now<T>(
    subject: &'static str,
    call: impl FnOnce() -> T,
) -> Result<T, Interrupted> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Interrupted::Panicked(subject))
}

/// Runs a future of the application. A panic that is let through would end the other streams of the same connection.
pub(super) async fn guarded<T>(
    limit: Duration,
    subject: &'static str,
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Interrupted> {
    let caught = pin!(poll_fn(move |cx| {
        match guarded_now(subject, || future.as_mut().poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(interrupted) => Poll::Ready(Err(interrupted)),
        }
    }));
    in_time(limit, caught).await.unwrap_or(Err(Interrupted::TookTooLong(subject)))
}
