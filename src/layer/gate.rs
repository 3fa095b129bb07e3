//! The decision about a request: authentication, verification of the body, and the acceptance.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum_core::body::Body;
use http::header::{AUTHORIZATION, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Method};

use super::body_budget::Share;
use super::collect_body::collect;
use super::deadline::in_time;
use super::exchange::Exchange;
use super::state::State;
use crate::auth::{Attempt, Authenticated, Authenticator, Rejection, is_spelling_of};
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
    ) -> Result<(Exchange, Option<Share>), Rejection> {
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
        let (authenticated, share) = verified?;
        Ok((self.accept(head, authenticated)?, share))
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
        catch_unwind(AssertUnwindSafe(|| self.authenticator.attempt(head)))
            .map_err(|_| panicked("the authenticator"))
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Verdict> {
        let _timed = Verification::start();
        catch_unwind(AssertUnwindSafe(|| self.authenticator.authenticate_now(head)))
            .unwrap_or_else(|_| Some(Err(panicked("the authenticator"))))
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
        self.guarded("the authenticator", verdict).await
    }

    /// Runs the pending verification of the body. Replaces the body by what was verified, and
    /// returns the share of the budget that it holds.
    async fn verify_body(
        &self,
        mut authenticated: Authenticated,
        body: &mut Body,
    ) -> Result<(Authenticated, Option<Share>), Rejection> {
        const SUBJECT: &str = "the verification of the body";
        let Some(pending) = authenticated.pending.take() else {
            return Ok((authenticated, None));
        };
        let verify = self.guarded(SUBJECT, pin!(pending.prepare())).await?;
        let (limits, budget) = (self.state.config.body_limits, &self.state.body_budget);
        let (bytes, share) = collect(body, &authenticated.principal, limits, budget).await?;
        let whole = bytes.clone();
        let verified = pin!(async move { verify(whole).await });
        self.guarded(SUBJECT, verified).await?;
        *body = Body::from(bytes);
        if authenticated.lifetime.is_active() {
            Ok((authenticated, Some(share)))
        } else {
            Err(self.state.expired(&authenticated.scheme))
        }
    }

    /// Runs a future of the application. A future that hangs or panics is a rejection: a panic that
    /// is let through would end the other streams of the same connection.
    async fn guarded<T>(
        &self,
        subject: &'static str,
        mut future: Pin<&mut impl Future<Output = Result<T, Rejection>>>,
    ) -> Result<T, Rejection> {
        let caught = pin!(poll_fn(move |cx| {
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
                .unwrap_or_else(|_| Poll::Ready(Err(panicked(subject))))
        }));
        in_time(self.state.config.authenticator_timeout, caught).await.unwrap_or_else(|| {
            Err(Rejection::unavailable().caused_by(format!("{subject} took too long")))
        })
    }

    /// Verifies that the session is bound to the principal and that the principal has the required scopes,
    /// inserts the principal, and strips the credentials.
    pub(super) fn accept(
        &self,
        head: &mut Parts,
        authenticated: Authenticated,
    ) -> Result<Exchange, Rejection> {
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
        config.session_ids.request_identity_coding(&mut head.headers);
        telemetry::authenticated(principal.name(), scheme.to_cow(), head);
        if !config.forward_authorization {
            head.headers.remove(AUTHORIZATION);
        } else if let Some(value) = head.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self.strip_credential_headers(head);
        head.extensions.insert(principal.clone());
        if lifetime.is_bounded() {
            head.extensions.insert(lifetime.clone());
        }
        let is_get = head.method == Method::GET;
        let (state, resource) = (self.state.clone(), self.state.resource_of(head).cloned());
        Ok(Exchange { principal, scheme, lifetime, state, resource, is_get })
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
/// the credential expires. A server need not upgrade, but an extended `CONNECT` is nothing else.
fn prevent_upgrade(head: &mut Parts) -> Result<(), Rejection> {
    head.headers.remove(UPGRADE);
    if head.method == Method::CONNECT {
        return Err(Rejection::bad_request("no CONNECT with a credential that may expire"));
    }
    Ok(())
}

fn panicked(subject: &str) -> Rejection {
    Rejection::unavailable().caused_by(format!("{subject} panicked"))
}

impl<A> Clone for Gate<A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), state: self.state.clone() }
    }
}
