//! Records metrics through the [`metrics`] facade.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

use metrics::{Counter, counter, gauge, histogram};

pub(crate) use super::describe::describe;
use super::kept::Kept;

/// The label of requests without a credential.
const NO_SCHEME: Cow<'static, str> = Cow::Borrowed("none");

/// The counters of one layer that most requests need.
///
/// They are of the layer and not static, so that each test can have a recorder of its own.
pub(crate) struct LayerCounters {
    authenticated: Kept<Cow<'static, str>, 4>,
    rejected: Kept<(Cow<'static, str>, &'static str), 8>,
    decisions: Kept<(&'static str, &'static str), 12>,
}

impl LayerCounters {
    /// Counts a request that was authenticated, by its scheme.
    pub(super) fn authenticated(&self, scheme: Cow<'static, str>) {
        self.authenticated
            .increment(&scheme, |scheme| requests(scheme, super::outcome::AUTHENTICATED, ""));
    }

    /// Counts a request that was rejected, by its scheme and the reason.
    pub(super) fn rejected(&self, scheme: Option<Cow<'static, str>>, reason: &'static str) {
        let labels = (scheme.unwrap_or(NO_SCHEME), reason);
        self.rejected.increment(&labels, |(scheme, reason)| {
            requests(scheme, super::outcome::REJECTED, reason)
        });
    }

    /// Counts a decision about a message by its outcome and by what kind of thing is to be used.
    pub(super) fn decision(&self, outcome: &'static str, kind: &'static str) {
        self.decisions.increment(&(outcome, kind), |(outcome, kind)| decisions(outcome, kind));
    }
}

impl Default for LayerCounters {
    fn default() -> Self {
        Self { authenticated: Kept::new(), rejected: Kept::new(), decisions: Kept::new() }
    }
}

/// Looks the counters up anew.
impl Clone for LayerCounters {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for LayerCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayerCounters")
    }
}

/// Counts a request by its scheme, its outcome and the reason for that.
pub(super) fn request(
    scheme: Option<Cow<'static, str>>,
    outcome: &'static str,
    reason: &'static str,
) {
    requests(scheme.unwrap_or(NO_SCHEME), outcome, reason).increment(1);
}

fn requests(scheme: Cow<'static, str>, outcome: &'static str, reason: &'static str) -> Counter {
    counter!(
        "mcp_auth_requests_total",
        "scheme" => scheme, "outcome" => outcome, "reason" => reason
    )
}

/// Counts a decision about a message by its outcome and by what kind of thing is to be used.
pub(super) fn decision(outcome: &'static str, kind: &'static str) {
    decisions(outcome, kind).increment(1);
}

fn decisions(outcome: &'static str, kind: &'static str) -> Counter {
    counter!("mcp_auth_decisions_total", "outcome" => outcome, "kind" => kind)
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

/// Measures how long a verification takes that has to wait, from its start until it is dropped.
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
