//! Logs outages of the endpoint: once each, not once for each request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, error, info};

use crate::telemetry::TARGET;
use crate::text::Shortened;

/// How long nothing is logged after an error, even if the endpoint answered meanwhile: a client that finds a
/// token at which the endpoint fails cannot fill the log.
const QUIET: Duration = Duration::from_secs(60);

/// Whether an endpoint fails at present.
#[derive(Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Default)]
struct State {
    /// Whether the outage was logged and has not ended yet.
    is_logged: bool,
    logged: Option<Instant>,
}

impl Outage {
    /// Reports a call that failed.
    pub(super) fn failed(&self, url: &str, reason: &str) {
        let url = Shortened::new(&url);
        if self.must_log() {
            error!(
                target: TARGET, ?url, reason,
                "token introspection fails: its tokens are rejected with 503 (logged once)"
            );
        } else {
            debug!(target: TARGET, ?url, reason, "token introspection fails");
        }
    }

    /// Reports a call that succeeded.
    pub(super) fn succeeded(&self, url: &str) {
        if std::mem::take(&mut self.lock().is_logged) {
            info!(target: TARGET, url = ?Shortened::new(&url), "token introspection works again");
        }
    }

    fn must_log(&self) -> bool {
        let mut state = self.lock();
        let is_quiet = state.logged.is_some_and(|logged| logged.elapsed() < QUIET);
        if state.is_logged || is_quiet {
            return false;
        }
        *state = State { is_logged: true, logged: Some(Instant::now()) };
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outage: &Outage) {
        outage.succeeded("https://id.example.com/introspect");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_logged_once() {
        let outage = Outage::default();
        assert!(outage.must_log());
        assert!(!outage.must_log());
        tokio::time::advance(QUIET * 10).await;
        assert!(!outage.must_log());
        ended(&outage);
        assert!(outage.must_log());
    }

    #[tokio::test(start_paused = true)]
    async fn alternating_failures_do_not_fill_the_log() {
        let outage = Outage::default();
        let mut logged = 0;
        for _ in 0..1_000 {
            logged += usize::from(outage.must_log());
            ended(&outage);
            tokio::time::advance(QUIET / 100).await;
        }
        assert_eq!(logged, 10);
    }
}
