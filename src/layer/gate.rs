//! The decision about a request: the rate limit, authentication, and the verification of the body.

use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};

use axum_core::body::Body;
use http::request::Parts;

use super::authorization::Stop;
use super::collect_body::{Collected, collect};
use super::exchange::Exchange;
use super::guarded::{Interrupted, guarded, guarded_now};
use super::state::State;
use crate::auth::{Attempt, Authenticated, Authenticator, Principal, Rejection};
use crate::rate_limit::{Decision, Outcome, Permit, Requester};
use crate::telemetry::{self, Verification};

/// Everything that decides about requests, shared by all clones of a service.
pub(super) struct Gate<A> {
    pub(super) authenticator: Arc<A>,
    pub(super) state: Arc<State>,
    /// Whether the authenticator knows the options.
    is_configured: OnceLock<()>,
}

/// How often a credential is verified again that is removed meanwhile: the table that replaced its
/// own may have it as well.
const MAX_ATTEMPTS: usize = 16;

/// What errors call the store of failed attempts.
pub(super) const ATTEMPT_STORE: &str = "the store of failed attempts";
const AUTHENTICATOR: &str = "the authenticator";

type Verdict = Result<Authenticated, Rejection>;

impl<A> Gate<A> {
    /// Returns the options, to be changed.
    pub(super) fn edit(&mut self) -> &mut State {
        self.is_configured = OnceLock::new();
        Arc::make_mut(&mut self.state)
    }
}

impl<A: Authenticator> Gate<A> {
    pub(super) fn new(authenticator: A) -> Self {
        let state = Arc::new(State::new(&authenticator));
        Self { authenticator: Arc::new(authenticator), state, is_configured: OnceLock::new() }
    }

    /// Tells the authenticator the options, describes the metrics and logs what is missing. It does so once: a router
    /// may apply the layer to a handler anew for each request.
    pub(super) fn configure(&self) {
        self.is_configured.get_or_init(|| {
            self.authenticator.configure(&self.state.context());
            telemetry::describe();
            self.state.rate_limiter.iter().for_each(|limiter| limiter.log_missing_address());
            self.state.config.log_missing_revocations();
        });
    }

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
        mut decision: Decision,
    ) -> Result<(Exchange, Option<Collected>), Stop> {
        if self.must_wait_for_limiter() {
            decision = self.decide_with_shared_store(head).await?;
        }
        let Decision { verdict, permit } = decision;
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
            self.settle(permit, outcome).await?;
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
        let verdict = guarded_now(AUTHENTICATOR, || self.authenticator.authenticate_now(head))
            .unwrap_or_else(|interrupted| Some(Err(unavailable(interrupted))));
        verdict.map(|verdict| self.revocable(head, verdict))
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
        let verdict = self.guarded(AUTHENTICATOR, verdict).await;
        self.revocable(head, verdict)
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

    /// Settles the permit of an attempt. A store that hangs is a rejection.
    pub(super) async fn settle(&self, permit: Permit, outcome: Outcome) -> Result<(), Rejection> {
        let settled = pin!(async {
            permit.settle_later(outcome).await;
            Ok(())
        });
        self.guarded(ATTEMPT_STORE, settled).await
    }

    /// Runs a future of the application. A future that hangs or panics is a rejection.
    pub(super) async fn guarded<T>(
        &self,
        subject: &'static str,
        future: Pin<&mut impl Future<Output = Result<T, Rejection>>>,
    ) -> Result<T, Rejection> {
        let result = guarded(self.state.config.authenticator_timeout, subject, future).await;
        result.unwrap_or_else(|interrupted| Err(unavailable(interrupted)))
    }
}

fn unavailable(interrupted: Interrupted) -> Rejection {
    Rejection::unavailable().caused_by(interrupted)
}

/// For a layer whose options are to be changed.
impl<A> Clone for Gate<A> {
    fn clone(&self) -> Self {
        let (authenticator, state) = (self.authenticator.clone(), self.state.clone());
        Self { authenticator, state, is_configured: OnceLock::new() }
    }
}
