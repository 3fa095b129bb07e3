//! The paths at which signals are received.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use tracing::error;

use crate::checks::ExactPath;
use crate::signals::Receiver;
use crate::telemetry::TARGET;

/// The paths at which signals are received, each with its receiver.
#[derive(Clone, Default)]
pub(in crate::layer) struct Receivers {
    by_path: Vec<(ExactPath, Arc<Receiver>)>,
    /// Whether missing revocations were logged.
    logged: Arc<OnceLock<()>>,
}

impl Receivers {
    /// Adds a receiver. Returns false if the path has one already.
    pub(super) fn add(&mut self, path: ExactPath, receiver: Receiver) -> bool {
        let is_free = self.by_path.iter().all(|(taken, _)| *taken != path);
        if is_free {
            self.by_path.push((path, Arc::new(receiver)));
        }
        is_free
    }

    /// Returns the receiver that a request is for.
    pub(in crate::layer) fn of(&self, head: &Parts) -> Option<&Arc<Receiver>> {
        self.by_path.iter().find(|(path, _)| path.is_of(head)).map(|(_, receiver)| receiver)
    }

    /// Logs an error, once, if there are receivers and nothing is revoked. The layer calls it when it is put around a
    /// service.
    pub(in crate::layer) fn log_missing_revocations(&self) {
        if self.by_path.is_empty() {
            return;
        }
        self.logged.get_or_init(|| {
            error!(
                target: TARGET,
                "signals of identity providers will be rejected with 503, as nothing could be revoked: call \
                 McpAuthLayer::revocations"
            );
        });
    }
}

impl fmt::Debug for Receivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.by_path).finish()
    }
}
