//! Records metrics through the [`metrics`] facade.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};

/// Counts a request by its scheme, its outcome and the reason for that.
pub(super) fn request(
    scheme: Option<Cow<'static, str>>,
    outcome: &'static str,
    reason: &'static str,
) {
    let scheme = scheme.unwrap_or(Cow::Borrowed("none"));
    counter!(
        "mcp_auth_requests_total",
        "scheme" => scheme, "outcome" => outcome, "reason" => reason
    )
    .increment(1);
}

/// Counts a decision about a message by its outcome and by what kind of thing is to be used.
pub(super) fn decision(outcome: &'static str, kind: &'static str) {
    counter!("mcp_auth_decisions_total", "outcome" => outcome, "kind" => kind).increment(1);
}

/// Counts a request that was rejected because the client failed too often.
pub(crate) fn rate_limited() {
    counter!("mcp_auth_rate_limited_total").increment(1);
}

/// Counts a reload of a credential file: `applied` or `failed`.
pub(crate) fn reloaded(outcome: &'static str) {
    counter!("mcp_auth_reloads_total", "outcome" => outcome).increment(1);
}

/// Counts a fetch of an issuer's keys: `applied` or `failed`.
pub(crate) fn keys_refreshed(outcome: &'static str) {
    counter!("mcp_auth_key_refreshes_total", "outcome" => outcome).increment(1);
}

/// Says how long ago the keys of an issuer were fetched. The issuer is a configured one: without it, the
/// healthy one of two issuers would hide the other.
pub(crate) fn key_age(issuer: &str, age: Duration) {
    gauge!("mcp_auth_key_age_seconds", "issuer" => issuer.to_owned()).set(age.as_secs_f64());
}

/// Says how long ago the store of revocations answered.
pub(crate) fn revocations_heard(ago: Duration) {
    gauge!("mcp_auth_revocations_heard_seconds").set(ago.as_secs_f64());
}

/// Measures how long a verification takes, from its start until it is dropped.
pub(crate) struct Verification {
    started: Instant,
}

impl Verification {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Drop for Verification {
    fn drop(&mut self) {
        histogram!("mcp_auth_verification_seconds").record(self.started.elapsed());
    }
}

/// Counts an event stream as open until it is dropped.
pub(crate) struct OpenStream(());

impl OpenStream {
    pub(crate) const IS_COUNTED: bool = true;

    pub(crate) fn open() -> Self {
        gauge!("mcp_auth_open_streams").increment(1);
        Self(())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!("mcp_auth_open_streams").decrement(1);
    }
}
