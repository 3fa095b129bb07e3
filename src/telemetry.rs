//! What an operator wants to count (feature `metrics`), through the [`metrics`] facade. Without the
//! feature nothing is counted, and nothing is paid for it.
//!
//! Labels are schemes, outcomes and reasons: there are only so many of them, whatever strangers send.
//! Names of users are none.

/// How one request was answered: let in, passed bare, refused, or ended before it was answered.
pub(crate) fn request(scheme: Option<&'static str>, outcome: &'static str, reason: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(
        "mcp_auth_requests_total",
        "scheme" => scheme.unwrap_or("none"), "outcome" => outcome, "reason" => reason
    )
    .increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (scheme, outcome, reason);
}

/// A request was refused for too many failed attempts.
pub(crate) fn rate_limited() {
    #[cfg(feature = "metrics")]
    metrics::counter!("mcp_auth_rate_limited_total").increment(1);
}

/// A file of credentials was read again, because it had changed or somebody asked.
#[cfg(feature = "files")]
pub(crate) fn reloaded(outcome: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("mcp_auth_reloads_total", "outcome" => outcome).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
}

/// Measures how long it takes to find out who is asking, until it is dropped.
pub(crate) struct Verification {
    #[cfg(feature = "metrics")]
    started: std::time::Instant,
}

impl Verification {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            started: std::time::Instant::now(),
        }
    }
}

#[cfg(feature = "metrics")]
impl Drop for Verification {
    fn drop(&mut self) {
        metrics::histogram!("mcp_auth_verification_seconds").record(self.started.elapsed());
    }
}

/// A stream of events that is open as long as this lives.
pub(crate) struct OpenStream;

impl OpenStream {
    pub(crate) const IS_COUNTED: bool = cfg!(feature = "metrics");

    pub(crate) fn open() -> Self {
        #[cfg(feature = "metrics")]
        metrics::gauge!("mcp_auth_open_streams").increment(1);
        Self
    }
}

#[cfg(feature = "metrics")]
impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!("mcp_auth_open_streams").decrement(1);
    }
}
