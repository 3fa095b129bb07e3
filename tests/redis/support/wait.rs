//! Waiting for a condition.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long the tests wait for what takes a moment, on a slow machine as well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Repeats a question until the answer is yes.
///
/// # Panics
///
/// If the answer is still no after [`PATIENCE`].
pub async fn eventually(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !question().await {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
