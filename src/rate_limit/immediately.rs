//! Futures that need not wait.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns the output of a future that does not wait; `None` if it does.
pub(super) fn immediately<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
