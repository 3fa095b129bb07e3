//! The decision about a request: authentication, verification of the body, and the acceptance.

use std::pin::{Pin, pin};
use std::sync::Arc;

use axum_core::body::Body;
use http::header::{AUTHORIZATION, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Method};

use super::authorization::Filtered;
use super::authorization::Stop;
use super::collect_body::{Collected, collect};
use super::exchange::Exchange;
use super::guarded::{Interrupted, guarded, guarded_now};
use super::state::State;
use crate::auth::{
    Attempt, Authenticated, Authenticator, Principal, Rejection, is_spelling_of, original_uri,
};
use crate::rate_limit::{Decision, Outcome, Permit, Requester};
use crate::telemetry::{self, Verification};

/// Everything that decides about requests, shared by all clones of a service.
pub(super) struct Gate<A> {
    pub(super) authenticator: Arc<A>,
    pub(super) state: Arc<State>,
}

/// How often a credential is verified again that is removed meanwhile: the table that replaced its
/// own may have it as well.
const MAX_ATTEMPTS: usize = 16;

/// What errors call the store of failed attempts.
const ATTEMPT_STORE: &str = "the store of failed attempts";
const AUTHENTICATOR: &str = "the authenticator";

type Verdict = Result<Authenticated, Rejection>;

impl<A: Authenticator> Gate<A> {
    /// Decides as far as that is possible without waiting, within the rate limit.
    pub(super) fn decide_now(&self, head: &Parts) -> Result<Decision, Rejection> {
        let limiter = self.state.rate_limiter.as_ref();
        if self.must_wait_for_limiter() {
            return Ok(Decision { verdict: None, permit: None });
        }
        let limited = limiter.map(|limiter| Ok((limiter, self.attempt(head)?))).transpose()?;
        let Some((limiter, Some(attempt))) = limited else {
            return Ok(Decision { verdict: self.authenticate_now(head), permit: None });
        };
        let credentials = &self.state.credential_headers;
        limiter.decide(head, &attempt, credentials, || self.authenticate_now(head))
    }

    /// Decides about a request that has to wait, for the authenticator or for its body.
    pub(super) async fn decide(
        &self,
        head: &mut Parts,
        body: &mut Body,
        verdict: Option<Verdict>,
        permit: Option<Permit>,
    ) -> Result<(Exchange, Option<Collected>), Stop> {
        let (verdict, permit) = if self.must_wait_for_limiter() {
            let Decision { verdict, permit } = self.decide_with_shared_store(head).await?;
            (verdict, permit)
        } else {
            (verdict, permit)
        };
        let verdict = match verdict {
            Some(Ok(authenticated)) if authenticated.lifetime.is_active() => Ok(authenticated),
            Some(Err(rejection)) => Err(rejection),
            _ => self.authenticate(head, permit.as_ref()).await,
        };
        let verified = match verdict {
            Ok(authenticated) if authenticated.pending.is_some() => {
                self.verify_body(authenticated, body).await
            }
            verdict => verdict.map(|authenticated| (authenticated, None)),
        };
        if let Some(permit) = permit {
            let outcome = verified.as_ref().map(|(authenticated, _)| authenticated);
            let outcome = Outcome::from_result(outcome);
            let settled = pin!(permit.settle_later(outcome));
            self.guarded(ATTEMPT_STORE, settled).await?;
        }
        let (authenticated, collected) = verified?;
        let mut exchange = self.check(head, authenticated)?;
        let collected = self.authorize(head, body, &mut exchange, collected).await?;
        self.admit(head, &exchange);
        Ok((exchange, collected))
    }

    /// Returns whether failed attempts are counted in a shared store, which has to be awaited.
    fn must_wait_for_limiter(&self) -> bool {
        self.state.rate_limiter.as_ref().is_some_and(|limiter| limiter.has_to_wait())
    }

    async fn decide_with_shared_store(&self, head: &Parts) -> Result<Decision, Rejection> {
        let attempt = self.attempt(head)?;
        let (Some(limiter), Some(attempt)) = (&self.state.rate_limiter, attempt) else {
            return Ok(Decision { verdict: self.authenticate_now(head), permit: None });
        };
        let credentials = &self.state.credential_headers;
        let decision =
            pin!(limiter.decide_later(head, &attempt, credentials, || self.authenticate_now(head)));
        self.guarded(ATTEMPT_STORE, decision).await
    }

    fn attempt(&self, head: &Parts) -> Result<Option<Attempt>, Rejection> {
        guarded_now(AUTHENTICATOR, || self.authenticator.attempt(head)).map_err(unavailable)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        let _timed = Verification::start();
        guarded_now(AUTHENTICATOR, || self.authenticator.authenticate_now(head))
            .unwrap_or_else(|interrupted| Some(Err(unavailable(interrupted))))
    }

    async fn authenticate(&self, head: &mut Parts, permit: Option<&Permit>) -> Verdict {
        if let Some(permit) = permit {
            head.extensions.insert(permit.requester());
        }
        let mut attempts = 1..MAX_ATTEMPTS;
        let verdict = loop {
            let authenticated = match self.authenticate_once(head).await {
                Ok(authenticated) if !authenticated.lifetime.is_active() => authenticated,
                verdict => break verdict,
            };
            if !authenticated.lifetime.was_removed() || attempts.next().is_none() {
                break Err(self.state.expired(&authenticated.scheme));
            }
        };
        head.extensions.remove::<Requester>();
        verdict
    }

    async fn authenticate_once(&self, head: &Parts) -> Verdict {
        let _timed = Verification::start();
        // In a block of its own, as an implementation may panic before there is a future.
        let verdict = pin!(async { self.authenticator.authenticate(head).await });
        self.guarded(AUTHENTICATOR, verdict).await
    }

    /// Runs the pending verification of the body. Replaces the body by what was verified, and
    /// returns the share of the budget that it holds.
    async fn verify_body(
        &self,
        mut authenticated: Authenticated,
        body: &mut Body,
    ) -> Result<(Authenticated, Option<Collected>), Rejection> {
        const SUBJECT: &str = "the verification of the body";
        let Some(pending) = authenticated.pending.take() else {
            return Ok((authenticated, None));
        };
        let verify = self.guarded(SUBJECT, pin!(pending.prepare())).await?;
        let collected = self.collect(body, &authenticated.principal).await?;
        let whole = collected.bytes.clone();
        let verified = pin!(async move { verify(whole).await });
        self.guarded(SUBJECT, verified).await?;
        if authenticated.lifetime.is_active() {
            Ok((authenticated, Some(collected)))
        } else {
            Err(self.state.expired(&authenticated.scheme))
        }
    }

    /// Collects the body of a request, and replaces it by what was collected.
    pub(super) async fn collect(
        &self,
        body: &mut Body,
        principal: &Principal,
    ) -> Result<Collected, Rejection> {
        let (limits, budget) = (self.state.config.body_limits, &self.state.body_budget);
        let collected = collect(body, principal, limits, budget).await?;
        *body = Body::from(collected.bytes.clone());
        Ok(collected)
    }

    /// Runs a future of the application. A future that hangs or panics is a rejection.
    async fn guarded<T>(
        &self,
        subject: &'static str,
        future: Pin<&mut impl Future<Output = Result<T, Rejection>>>,
    ) -> Result<T, Rejection> {
        let result = guarded(self.state.config.authenticator_timeout, subject, future).await;
        result.unwrap_or_else(|interrupted| Err(unavailable(interrupted)))
    }

    /// Returns whether the messages of a request must be read, because its principal is restricted. The scopes count
    /// that its own ones include, as a deny rule may be for one of them.
    pub(super) fn must_read(&self, head: &Parts, principal: &Principal) -> bool {
        let config = &self.state.config;
        config.authorization.decides(head)
            && config.authorization.must_read(head, &config.scopes.expand(principal))
    }

    /// Accepts a request whose messages need not be read.
    pub(super) fn accept(
        &self,
        head: &mut Parts,
        authenticated: Authenticated,
    ) -> Result<Exchange, Rejection> {
        let exchange = self.check(head, authenticated)?;
        self.admit(head, &exchange);
        Ok(exchange)
    }

    /// Verifies that the session is bound to the principal and that the principal has the required scopes.
    fn check(&self, head: &mut Parts, authenticated: Authenticated) -> Result<Exchange, Rejection> {
        let Authenticated { principal, scheme, lifetime, .. } = authenticated;
        if lifetime.is_bounded() {
            prevent_upgrade(head)?;
        }
        let config = &self.state.config;
        config.session_ids.verify(head, &principal).map_err(|rejection| {
            let name = principal.name();
            rejection.caused_by(format!("the ID is not bound to principal `{name}`"))
        })?;
        let principal = config.scopes.check(principal)?;
        let is_get = head.method == Method::GET;
        let filtered = config.authorization.filtered(head);
        let (mut kept_open_at, mut begins_at) = (None, None);
        if config.authorization.decides(head) {
            let path = original_uri(head).path();
            if is_get {
                kept_open_at = Some(path.into());
            } else if !head.headers.contains_key(config.session_ids.header()) {
                begins_at = Some(self.state.open_streams.path_id(path));
            }
        }
        Ok(Exchange {
            principal,
            scheme,
            lifetime,
            state: self.state.clone(),
            resource: self.state.resource_of(head).cloned(),
            is_get,
            is_restricted: false,
            filtered,
            kept_open_at,
            begins_at,
        })
    }

    /// Prepares a request for the inner service: inserts the principal, and strips the credentials.
    fn admit(&self, head: &mut Parts, exchange: &Exchange) {
        let config = &self.state.config;
        let reads_streams = exchange.filtered != Filtered::Nothing;
        config.session_ids.request_identity_coding(&mut head.headers, reads_streams);
        telemetry::authenticated(exchange.principal.name(), exchange.scheme.to_cow(), head);
        if !config.forward_authorization {
            head.headers.remove(AUTHORIZATION);
        } else if let Some(value) = head.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self.strip_credential_headers(head);
        head.extensions.insert(exchange.principal.clone());
        if exchange.lifetime.is_bounded() {
            head.extensions.insert(exchange.lifetime.clone());
        }
    }

    /// Strips credentials and session IDs from a request that is exempt from authentication.
    pub(super) fn strip_exempt(&self, head: &mut Parts, exemption: &'static str) {
        telemetry::exempt(exemption, head);
        head.headers.remove(AUTHORIZATION);
        self.strip_credential_headers(head);
        self.state.config.session_ids.strip(head);
    }

    fn strip_credential_headers(&self, head: &mut Parts) {
        let credentials = &self.state.credential_headers;
        if credentials.is_empty() {
            return;
        }
        let is_credential = |field: &&HeaderName| {
            credentials.iter().any(|name| is_spelling_of(field.as_str(), name))
        };
        let stripped: Vec<_> = head.headers.keys().filter(is_credential).cloned().collect();
        for name in stripped {
            head.headers.remove(name);
        }
    }
}

/// Prevents an upgrade to another protocol (RFC 9110 §7.8, RFC 8441), which could not be ended when
/// the credential expires, and whose messages could not be read. A server need not upgrade, but an
/// extended `CONNECT` is nothing else.
pub(super) fn prevent_upgrade(head: &mut Parts) -> Result<(), Rejection> {
    head.headers.remove(UPGRADE);
    if head.method == Method::CONNECT {
        return Err(Rejection::bad_request(
            "no CONNECT with a credential that may expire, or whose messages are authorized",
        ));
    }
    Ok(())
}

fn unavailable(interrupted: Interrupted) -> Rejection {
    Rejection::unavailable().caused_by(interrupted)
}

impl<A> Clone for Gate<A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), state: self.state.clone() }
    }
}
