//! What an operator sees of requests: one log event and one metric for each.
//!
//! Log events have the stable target `mcp_auth_layer`. Metrics are recorded through the `metrics`
//! facade if feature `metrics` is enabled (`on`), and cost nothing otherwise (`off`).
//!
//! Metric labels are schemes, outcomes and reasons, whose number is bounded whatever clients send.
//! User names are never labels. This folder uses `text` alone.

#[cfg_attr(feature = "metrics", path = "on.rs")]
#[cfg_attr(not(feature = "metrics"), path = "off.rs")]
mod metrics;

pub(crate) mod audit;
#[cfg(feature = "metrics")]
mod describe;
#[cfg(feature = "metrics")]
mod kept;

use std::borrow::Cow;

use http::request::Parts;
use tracing::{Level, debug, error, info, warn};

pub(crate) use self::metrics::{
    LayerCounters, OpenStream, Verification, describe, key_age, keys_refreshed, rate_limited,
    reloaded, revocations_heard,
};
use crate::text::Shortened;

/// The target of every log event of this crate. It does not follow the module tree.
pub(crate) const TARGET: &str = "mcp_auth_layer";

/// The values of label `outcome` of `mcp_auth_requests_total`.
mod outcome {
    pub(super) const AUTHENTICATED: &str = "authenticated";
    pub(super) const EXEMPT: &str = "exempt";
    pub(super) const REJECTED: &str = "rejected";
    pub(super) const REFUSED: &str = "refused";
    pub(super) const EXPIRED: &str = "expired";
}

/// Reports a request that was authenticated and is forwarded.
pub(crate) fn authenticated(
    counters: &LayerCounters,
    principal: &str,
    scheme: impl Into<Cow<'static, str>>,
    head: &Parts,
) {
    let scheme = scheme.into();
    debug!(
        target: TARGET,
        principal,
        scheme = &*scheme,
        method = %Shortened::new(head.method.as_str()),
        path = ?Shortened::new(head.uri.path()),
        "authenticated"
    );
    counters.authenticated(scheme);
}

/// Reports a request that needs no credential and is forwarded without credentials.
pub(crate) fn exempt(reason: &'static str, head: &Parts) {
    debug!(
        target: TARGET,
        reason,
        method = %Shortened::new(head.method.as_str()),
        path = ?Shortened::new(head.uri.path()),
        "exempt"
    );
    metrics::request(None, outcome::EXEMPT, reason);
}

/// A rejected request, as [`rejected`] reports it.
pub(crate) struct Rejected<'r> {
    /// `ERROR` if the operator must act, `WARN` if settings differ at the two ends, `DEBUG` for what well-behaved clients cause, else `INFO`.
    pub(crate) level: Level,
    pub(crate) reason: &'static str,
    /// The scheme whose credential was rejected, if one was recognized.
    pub(crate) scheme: Option<Cow<'static, str>>,
    /// The reason for the log alone.
    pub(crate) cause: Option<&'r str>,
}

/// Reports a rejected request. The path is logged, the presented credential is not.
pub(crate) fn rejected(counters: &LayerCounters, rejected: Rejected<'_>, head: &Parts) {
    // The level of an event is part of its static metadata, hence one event for each.
    macro_rules! event {
        ($log:ident) => {
            $log!(
                target: TARGET,
                reason = rejected.reason,
                scheme = rejected.scheme.as_deref(),
                cause = rejected.cause,
                method = %Shortened::new(head.method.as_str()),
                path = ?Shortened::new(head.uri.path()),
                "rejected"
            )
        };
    }
    match rejected.level {
        Level::ERROR => event!(error),
        Level::WARN => event!(warn),
        Level::DEBUG => event!(debug),
        _ => event!(info),
    }
    counters.rejected(rejected.scheme, rejected.reason);
}

/// Counts a request that was authenticated, and whose messages are refused.
pub(crate) fn refused(scheme: impl Into<Cow<'static, str>>) {
    metrics::request(Some(scheme.into()), outcome::REFUSED, "");
}

/// Reports a credential that expired or was revoked before the inner service responded.
pub(crate) fn expired(principal: &str, scheme: impl Into<Cow<'static, str>>, reason: &'static str) {
    info!(target: TARGET, principal, "expired before the response");
    metrics::request(Some(scheme.into()), outcome::EXPIRED, reason);
}

/// Reports a response that is ended early because its credential expired or was revoked.
pub(crate) fn response_ended(principal: &str) {
    debug!(target: TARGET, principal, "response ended: its credential expired or was revoked");
}

/// Reports a response of the inner service that is withheld because it cannot be protected.
pub(crate) fn response_withheld(
    scheme: impl Into<Cow<'static, str>>,
    reason: &'static str,
    cause: &str,
) {
    error!(target: TARGET, cause, "response withheld");
    metrics::request(Some(scheme.into()), outcome::REJECTED, reason);
}
