//! What all services of a layer share: its configuration, and the counters that outlive requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderName, Response};
use tracing::error;

use super::body_budget::Budget;
use super::config::Config;
use crate::auth::{
    AuthScheme, Authenticator, Challenge, LayerContext, Rejection, SignificantHeaders,
};
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::telemetry::TARGET;

/// What all services of a layer share.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) config: Config,
    /// The header fields, beside `Authorization`, that carry credentials.
    pub(super) credential_headers: Vec<HeaderName>,
    /// The challenges of a request without credentials.
    challenges: Vec<Challenge>,
    pub(super) rate_limiter: Option<Arc<RateLimiter>>,
    pub(super) body_budget: Budget,
}

impl State {
    pub(super) fn new(authenticator: &impl Authenticator) -> Self {
        let needs_limit = authenticator.needs_rate_limit();
        Self {
            config: Config::default(),
            credential_headers: authenticator.credential_headers(),
            challenges: authenticator.challenges(),
            rate_limiter: needs_limit
                .then(|| Arc::new(RateLimiter::new(RateLimit::unconfigured()))),
            body_budget: Budget::default(),
        }
    }

    /// Returns the options that the authenticator needs to know.
    pub(super) fn context(&self) -> LayerContext {
        let own = self.credential_headers.iter().chain([self.config.session_ids.header()]);
        LayerContext {
            significant: SignificantHeaders::new(own.cloned()),
            hosts: self.config.hosts.clone(),
        }
    }

    /// Returns the rejection of an expired or revoked credential of this scheme.
    pub(super) fn expired(&self, scheme: &AuthScheme) -> Rejection {
        let own = Challenge::invalid(scheme.clone());
        let mut challenges = self.challenges.clone();
        match challenges.iter_mut().find(|challenge| challenge.scheme() == scheme) {
            Some(challenge) if *scheme == AuthScheme::BEARER => *challenge = own.clone(),
            Some(_) => {}
            None => challenges.push(own.clone()),
        }
        Rejection::invalid(own).with_challenges(challenges)
    }

    /// Returns the response to a rejected request. It keeps the rejection in its extensions.
    pub(super) fn response(&self, rejection: Rejection) -> Response<Body> {
        let own = || rejection.to_response(&self.config.realm);
        let mut response = match &self.config.rejection_response {
            None => own(),
            Some(render) => catch_unwind(AssertUnwindSafe(|| render(&rejection, own())))
                .unwrap_or_else(|_| {
                    error!(target: TARGET, "the function of with_rejection_response panicked");
                    own()
                }),
        };
        response.extensions_mut().insert(rejection);
        response
    }
}
