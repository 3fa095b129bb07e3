//! The limiter of one layer: the steps that the [module](super) describes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use http::HeaderName;
use http::request::Parts;
use tracing::{error, warn};

use super::client::Client;
use super::counters::{Counters, Taken};
use super::keys::Keys;
use super::permit::{Permit, StoreRole};
use super::policy::RateLimit;
use crate::auth::{Attempt, Authenticated, Cost, Rejection};
use crate::stores::{AttemptStatus, AttemptStep};
use crate::telemetry::{self, TARGET};

type Verdict = Result<Authenticated, Rejection>;

/// The decision of the limiter and of a first look at the credential.
pub(crate) struct Decision {
    /// The verdict, if it was reached without waiting.
    pub(crate) verdict: Option<Verdict>,
    /// To be settled by the final outcome. `None` if the request is not limited.
    pub(crate) permit: Option<Permit>,
}

/// Counts the attempts of each client, and rejects those that exceed the limits.
pub(crate) struct RateLimiter {
    config: RateLimit,
    counters: Arc<Counters>,
    warned_of_proxy: AtomicBool,
    logged_missing_address: AtomicBool,
}

impl RateLimiter {
    pub(crate) fn new(config: RateLimit) -> Self {
        let counters = Arc::new(Counters::new(&config));
        let (warned_of_proxy, logged_missing_address) = Default::default();
        Self { config, counters, warned_of_proxy, logged_missing_address }
    }

    #[cfg(test)]
    pub(super) fn map_counters(self, map: impl FnOnce(Counters) -> Counters) -> Self {
        let counters = Arc::into_inner(self.counters).expect("a new limiter");
        Self { counters: Arc::new(map(counters)), ..self }
    }

    /// Logs an error, once, if every request will be rejected because no client address is configured. The
    /// layer calls it when it is put around a service.
    pub(crate) fn log_missing_address(&self) {
        if !self.config.address.is_configured()
            && !self.config.without_address
            && !self.logged_missing_address.swap(true, Relaxed)
        {
            error!(
                target: TARGET,
                "every request that is rate-limited will be rejected with 503: no client address \
                 is configured, by which failed attempts are limited. Enable feature `axum`, or \
                 call McpAuthLayer::rate_limit(RateLimit::by(ClientIp::from_fn(…)))"
            );
        }
    }

    /// Returns whether attempts are counted in a store that has to be awaited. If so, call
    /// [`decide_later`](Self::decide_later) and [`Permit::settle_later`].
    pub(crate) fn has_to_wait(&self) -> bool {
        self.counters.shared.is_some()
    }

    /// Decides about a request without waiting. `authenticate_now` must have no side effects.
    ///
    /// # Errors
    ///
    /// 429 if the client has failed too often; 503 if it has no address and needs one, or if the
    /// limiter [has to wait](Self::has_to_wait).
    pub(crate) fn decide(
        &self,
        head: &Parts,
        attempt: &Attempt,
        credential_headers: &[HeaderName],
        authenticate_now: impl Fn() -> Option<Verdict>,
    ) -> Result<Decision, Rejection> {
        if self.has_to_wait() {
            return Err(
                Rejection::unavailable().caused_by("the store of failed attempts was not awaited")
            );
        }
        let Some(client) = self.client(head)? else {
            return Ok(Decision { verdict: authenticate_now(), permit: None });
        };
        let counters = &self.counters;
        let local = &counters.local;
        let mut keys =
            Keys::new(&counters.hasher, counters.quotas, client, attempt, head, credential_headers);

        let mut status = local.apply_now(AttemptStep::Check, &keys.attempt);
        let is_known = status.known;
        let mut verdict = None;
        if is_known && local.has_attempt(keys.lookup) {
            let looked_up = authenticate_now();
            if let Some(Ok(_)) = looked_up {
                let permit = Permit::new(counters, keys, is_known, None, StoreRole::Unused);
                return Ok(Decision { verdict: looked_up, permit: Some(permit) });
            }
            local.charge(keys.lookup);
            verdict = Some(looked_up);
        } else if !keys.claims_user {
            // To find a credential that claims no user among the known ones is a lookup by itself.
            if is_known {
                keys.attempt.hide_subjects(true);
                status = local.apply_now(AttemptStep::Check, &keys.attempt);
            } else {
                local.charge(keys.lookup);
            }
        }

        // Requests that returned above are authenticated, and share no attempt: they need no hash of the credential.
        keys.add_credential(&counters.hasher, head, credential_headers);
        let taken = if keys.cost == Cost::Unguessable {
            status.wait.map_or(Ok(None), |wait| Err(too_many_requests(wait)))?
        } else if let Some(pending) = counters.pending.get(&keys) {
            Some(pending)
        } else {
            Some(Arc::new(Taken::take_here(counters, &keys).map_err(too_many_requests)?))
        };
        let verdict = verdict.unwrap_or_else(authenticate_now);
        if let (None, Some(taken)) = (&verdict, &taken) {
            counters.pending.insert(&keys, taken);
        }
        let permit = Permit::new(counters, keys, is_known, taken, StoreRole::Unused);
        Ok(Decision { verdict, permit: Some(permit) })
    }

    /// Decides about a request, and waits for a shared store if there is one. `authenticate_now` must have no
    /// side effects.
    ///
    /// # Errors
    ///
    /// 429 if the client has failed too often; 503 if it has no address and needs one.
    pub(crate) async fn decide_later(
        &self,
        head: &Parts,
        attempt: &Attempt,
        credential_headers: &[HeaderName],
        authenticate_now: impl Fn() -> Option<Verdict>,
    ) -> Result<Decision, Rejection> {
        let counters = &self.counters;
        let Some(shared) = &counters.shared else {
            return self.decide(head, attempt, credential_headers, authenticate_now);
        };
        let Some(client) = self.client(head)? else {
            return Ok(Decision { verdict: authenticate_now(), permit: None });
        };
        let local = &counters.local;
        let mut keys =
            Keys::new(&counters.hasher, counters.quotas, client, attempt, head, credential_headers);
        keys.add_credential(&counters.hasher, head, credential_headers);

        let verdict = authenticate_now();
        let is_right = verdict.as_ref().is_some_and(is_right);
        let is_unguessable = keys.cost == Cost::Unguessable;
        let has_lookup = is_unguessable || local.has_attempt(keys.lookup);
        if is_right && has_lookup && shared.has_verified(&keys, local.now()) {
            let permit = Permit::new(counters, keys, true, None, StoreRole::Knows);
            return Ok(Decision { verdict, permit: Some(permit) });
        }
        if !is_right && !is_unguessable {
            local.charge(keys.lookup);
        }
        // To find a credential that claims no user among the known ones is a lookup by itself.
        keys.attempt.hide_subjects(!keys.claims_user && !has_lookup);

        let (answer, taken) = if is_right || is_unguessable {
            (shared.ask(local, AttemptStep::Check, &keys).await, None)
        } else {
            let taken = counters.pending.get_or_insert(&keys, || Taken::new(counters, &keys));
            (taken.take_shared(shared).await, Some(taken))
        };
        let AttemptStatus { known, wait } = answer.status;
        // What others do behind the address of a known client does not make it wait.
        let is_looked_up = known && is_right && has_lookup;
        if let Some(wait) = wait.filter(|_| !is_looked_up) {
            return Err(too_many_requests(wait));
        }
        let role = if answer.is_shared { StoreRole::Asked } else { StoreRole::Unused };
        Ok(Decision { verdict, permit: Some(Permit::new(counters, keys, known, taken, role)) })
    }

    /// Returns the client that makes a request. `None` has no address and is not limited.
    fn client(&self, head: &Parts) -> Result<Option<Client>, Rejection> {
        let found = self.config.address.find(head);
        if found.is_none() && !self.config.without_address {
            let cause = if self.config.address.is_configured() {
                "failed attempts are limited by client address, and there is none: serve the app \
                 with into_make_service_with_connect_info::<SocketAddr>(), or see RateLimit"
            } else {
                "failed attempts are limited by client address, and none is configured: see RateLimit"
            };
            return Err(Rejection::unavailable().caused_by(cause));
        }
        if found.is_some()
            && self.config.address.ignores_a_proxy(head)
            && !self.warned_of_proxy.swap(true, Relaxed)
        {
            warn!(
                target: TARGET,
                "a request has X-Forwarded-For or Forwarded, and comes from a peer that is not a \
                 trusted proxy: if it is a proxy, all clients behind it share one rate limit. \
                 Name it with ClientIp::trusted_proxies (logged once)"
            );
        }
        Ok(found)
    }
}

/// Returns whether a verdict is that the credential is right, and no other credential of the request is wrong.
fn is_right(verdict: &Verdict) -> bool {
    matches!(verdict, Ok(authenticated) if authenticated.lifetime.is_active() && !authenticated.has_failed_claim)
}

fn too_many_requests(wait: std::time::Duration) -> Rejection {
    telemetry::rate_limited();
    Rejection::too_many_requests(wait)
}

/// Shows the limits, and no client.
impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}
