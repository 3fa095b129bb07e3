//! The limiter of one layer: the steps that the [module](super) describes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use http::HeaderName;
use http::request::Parts;
use tracing::warn;

use super::client_ip::Client;
use super::counters::Counters;
use super::keys::Keys;
use super::permit::Permit;
use super::policy::RateLimit;
use crate::auth::{Attempt, Authenticated, Rejection};
use crate::telemetry;

type Verdict = Result<Authenticated, Rejection>;

/// What the limiter and a first look at the credential came to.
pub(crate) struct Decision {
    /// The verdict, if it was reached without waiting.
    pub(crate) verdict: Option<Verdict>,
    /// To be settled by the final outcome.
    pub(crate) permit: Option<Permit>,
}

/// Counts the attempts of each client, and refuses what exceeds the limits.
pub(crate) struct RateLimiter {
    config: RateLimit,
    counters: Arc<Counters>,
    warned_of_proxy: AtomicBool,
}

impl RateLimiter {
    pub(crate) fn new(config: RateLimit) -> Self {
        let counters = Counters::new(config.per_address, config.per_user);
        Self { config, counters: Arc::new(counters), warned_of_proxy: AtomicBool::new(false) }
    }

    #[cfg(test)]
    pub(super) fn map_counters(self, map: impl FnOnce(Counters) -> Counters) -> Self {
        let counters = Arc::into_inner(self.counters).expect("a new limiter");
        Self { counters: Arc::new(map(counters)), ..self }
    }

    /// Decides about a request as far as that is possible without waiting. `decide` must have no
    /// side effects.
    ///
    /// # Errors
    ///
    /// 429 if the client has failed too often; 503 if it has no address and needs one.
    pub(crate) fn decide(
        &self,
        head: &Parts,
        attempt: &Attempt,
        credential_headers: &[HeaderName],
        decide: impl Fn() -> Option<Verdict>,
    ) -> Result<Decision, Rejection> {
        let Some(client) = self.client(head)? else {
            return Ok(Decision { verdict: decide(), permit: None });
        };
        let counters = &self.counters;
        let keys = Keys::new(&counters.hash, client, attempt, head, credential_headers);
        let mut verdict = None;
        let (known, may_look_up) = counters.recognize(&keys);
        if may_look_up {
            let looked_up = decide();
            if let Some(Ok(_)) = looked_up {
                let permit = Permit::new(counters, keys, None);
                return Ok(Decision { verdict: looked_up, permit: Some(permit) });
            }
            counters.charge_lookup(&keys);
            verdict = Some(looked_up);
        }
        let taken = counters.begin(&keys, known).map_err(|wait| {
            telemetry::rate_limited();
            Rejection::too_many_requests(wait)
        })?;
        let verdict = verdict.unwrap_or_else(decide);
        if let (None, Some(taken)) = (&verdict, &taken) {
            counters.is_pending(&keys, taken);
        }
        Ok(Decision { verdict, permit: Some(Permit::new(counters, keys, taken)) })
    }

    /// Whose attempt a request is. `None` has no address and is not limited.
    fn client(&self, head: &Parts) -> Result<Option<Client>, Rejection> {
        let found = self.config.address.of(head);
        if found.is_none() && !self.config.without_address {
            return Err(Rejection::unavailable().caused_by(
                "failed attempts are limited by client address, and there is none: serve the app \
                 with into_make_service_with_connect_info::<SocketAddr>(), or see RateLimit",
            ));
        }
        if found.is_some()
            && self.config.address.ignores_a_proxy(head)
            && !self.warned_of_proxy.swap(true, Relaxed)
        {
            warn!(
                "a request has X-Forwarded-For or Forwarded, and comes from a peer that is no \
                 trusted proxy: if it is a proxy, all clients behind it share one rate limit. \
                 Name it with ClientIp::trusted_proxies (logged once)"
            );
        }
        Ok(found)
    }
}

/// Shows the limits, and no client.
impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}
