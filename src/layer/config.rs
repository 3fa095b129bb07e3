//! What was configured beside the authenticator, and how a refusal is answered under it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use http::{HeaderName, Request, Response};
use tracing::error;

use super::body_budget::{Budget, DEFAULT_LIMIT, DEFAULT_TOTAL_LIMIT, Limits};
use crate::auth::{
    Authenticator, Challenge, DEFAULT_REALM, Hosts, LayerContext, Rejection, SignificantHeaders,
};
use crate::checks::{Exemptions, Origins};
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::session::SessionIds;

type Render = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) realm: String,
    pub(crate) exemptions: Exemptions,
    pub(crate) hosts: Hosts,
    pub(crate) origins: Origins,
    pub(crate) rate_limit: Option<Arc<RateLimiter>>,
    pub(crate) forward_authorization: bool,
    pub(crate) credential_headers: Vec<HeaderName>,
    /// What a request without any credential is told.
    challenges: Vec<Challenge>,
    pub(crate) authenticator_timeout: Duration,
    pub(crate) body_limits: Limits,
    pub(crate) body_budget: Budget,
    pub(crate) handles: SessionIds,
    pub(crate) session_keys: usize,
    pub(crate) render: Option<Arc<Render>>,
}

impl Options {
    pub(crate) fn new(authenticator: &impl Authenticator) -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            exemptions: Exemptions::default(),
            hosts: Hosts::default(),
            origins: Origins::default(),
            rate_limit: (authenticator.needs_rate_limit())
                .then(|| Arc::new(RateLimiter::new(RateLimit::unconfigured()))),
            forward_authorization: false,
            credential_headers: authenticator.credential_headers(),
            challenges: challenges(authenticator),
            authenticator_timeout: Duration::from_secs(10),
            body_limits: Limits { body: DEFAULT_LIMIT, total: DEFAULT_TOTAL_LIMIT },
            body_budget: Budget::default(),
            handles: SessionIds::new(),
            session_keys: 0,
            render: None,
        }
    }

    /// What the authenticator is told.
    pub(crate) fn context(&self) -> LayerContext {
        let own = self.credential_headers.iter().chain([&self.handles.header]);
        LayerContext {
            significant: SignificantHeaders::new(own.cloned()),
            hosts: self.hosts.clone(),
        }
    }

    /// The refusal of who was admitted by this scheme, and whose time is over.
    pub(crate) fn expired(&self, scheme: &'static str) -> Rejection {
        let own = Challenge::expired(scheme);
        let mut challenges = self.challenges.clone();
        match challenges.iter_mut().find(|one| one.scheme() == own.scheme()) {
            Some(one) if own.scheme() == "Bearer" => *one = own.clone(),
            Some(_) => {}
            None => challenges.push(own.clone()),
        }
        Rejection::invalid(own).with_challenges(challenges)
    }

    /// The answer to who is refused.
    pub(crate) fn render(&self, rejection: Rejection) -> Response<Body> {
        let own = || rejection.to_response(&self.realm);
        let mut response = match &self.render {
            None => own(),
            Some(render) => catch_unwind(AssertUnwindSafe(|| render(&rejection, own())))
                .unwrap_or_else(|_| {
                    error!("the function that renders refusals panicked");
                    own()
                }),
        };
        response.extensions_mut().insert(rejection);
        response
    }
}

/// What the authenticator says to a request that brings nothing, if it says so without waiting.
fn challenges(authenticator: &impl Authenticator) -> Vec<Challenge> {
    let (head, ()) = Request::new(()).into_parts();
    let judged = catch_unwind(AssertUnwindSafe(|| authenticator.authenticate_now(&head)));
    match judged {
        Ok(Some(Err(rejection))) => rejection.challenges().to_vec(),
        _ => Vec::new(),
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("realm", &self.realm)
            .field("exemptions", &self.exemptions)
            .field("hosts", &self.hosts)
            .field("origins", &self.origins)
            .field("rate_limit", &self.rate_limit)
            .field("forward_authorization", &self.forward_authorization)
            .field("credential_headers", &self.credential_headers)
            .field("authenticator_timeout", &self.authenticator_timeout)
            .field("body_limits", &self.body_limits)
            .field("session_header", &self.handles.header)
            .field("sessions_are_sealed", &self.handles.sealer.is_some())
            .finish_non_exhaustive()
    }
}
