//! What all services of a layer share: its configuration, and the counters that outlive requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum_core::body::Body;
use http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tracing::error;

use super::authorization::OpenStreams;
use super::body_budget::Budget;
use super::config::Config;
use crate::auth::{
    AuthScheme, Authenticator, Challenge, LayerContext, Rejection, SignificantHeaders,
};
use crate::checks::Published;
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::telemetry::{LayerCounters, TARGET};

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
    /// The event streams that are open, for an authorizer.
    pub(super) open_streams: OpenStreams,
    pub(super) counters: LayerCounters,
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
            open_streams: OpenStreams::default(),
            counters: LayerCounters::default(),
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
            Some(challenge) if *scheme == AuthScheme::BEARER => {
                *challenge = own.clone().join(challenge);
            }
            Some(_) => {}
            None => challenges.push(own.clone()),
        }
        Rejection::invalid(own).with_challenges(challenges)
    }

    /// Returns the resource that a request is for, if there is one.
    pub(super) fn resource_of(&self, head: &Parts) -> Option<&Arc<Published>> {
        self.config.exemptions.resources.of(head)
    }

    /// Adds to the challenges where a client finds the authorization server, and which scopes it needs.
    pub(super) fn complete(&self, rejection: Rejection, resource: Option<&Published>) -> Rejection {
        let metadata = resource.map(Published::metadata_url);
        let scope = self.config.scopes.required();
        if rejection.asks_for_token() && (metadata.is_some() || scope.is_some()) {
            rejection.complete(metadata, scope)
        } else {
            rejection
        }
    }

    /// Returns the response to a request for this resource that is rejected. It keeps the rejection in its
    /// extensions.
    pub(super) fn response(
        &self,
        rejection: Rejection,
        resource: Option<&Published>,
    ) -> Response<Body> {
        let rejection = self.complete(rejection, resource);
        let own = || rejection.to_response(&self.config.realm);
        let mut response = match &self.config.rejection_response {
            None => own(),
            Some(render) => catch_unwind(AssertUnwindSafe(|| render(&rejection, own())))
                .unwrap_or_else(|_| {
                    error!(target: TARGET, "the function of with_rejection_response panicked");
                    own()
                }),
        };
        if resource.is_some() && rejection.asks_for_token() {
            expose_challenges(response.headers_mut());
        }
        response.extensions_mut().insert(rejection);
        response
    }
}

/// Lets the scripts of web pages read the challenges, if they may read the response at all: this field
/// alone allows nothing.
pub(super) fn expose_challenges(headers: &mut HeaderMap) {
    let name = HeaderValue::from_static("WWW-Authenticate");
    headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, name);
}
