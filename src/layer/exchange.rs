//! An authenticated exchange: what the layer must know of a request until its response has ended.

use std::sync::Arc;

use axum_core::body::Body;
use http::Response;

use super::authorization::{Filtered, PathId};
use super::state::State;
use crate::auth::{AuthScheme, Ended, Lifetime, Principal, Rejection, RejectionKind};
use crate::checks::Published;
use crate::session::Presented;
use crate::telemetry;

/// An authenticated request that was forwarded, and what its response is processed under.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) principal: Principal,
    pub(super) scheme: AuthScheme,
    pub(super) lifetime: Lifetime,
    pub(super) state: Arc<State>,
    /// The resource that the request is for.
    pub(super) resource: Option<Arc<Published>>,
    /// Whether the request was a GET.
    pub(super) is_get: bool,
    /// Whether the principal is restricted, so that the messages of the request were read.
    pub(super) is_restricted: bool,
    pub(super) filtered: Filtered,
    /// The session header of the request, until the response has its own.
    pub(super) session: Option<Presented>,
    /// The path of a request whose response may be a stream that the client keeps open, if an authorizer decides there.
    pub(super) kept_open_at: Option<Box<str>>,
    /// The path of another request that may begin a session, if an authorizer decides there.
    pub(super) begins_at: Option<PathId>,
}

impl Exchange {
    /// Returns a future of the end of the credential's lifetime, if it has an end.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.lifetime.is_bounded().then(|| self.lifetime.ended_owned())
    }

    /// Returns the response to a request whose credential expired before the inner service responded.
    pub(super) fn expired(&self) -> Response<Body> {
        let reason = RejectionKind::Invalid.as_str();
        telemetry::expired(self.principal.name(), self.scheme.to_cow(), reason);
        self.reject(self.state.expired(&self.scheme))
    }

    /// Returns the response to the request after all, if the inner service's cannot be sent.
    pub(super) fn reject(&self, rejection: Rejection) -> Response<Body> {
        self.state.response(rejection, self.resource.as_deref())
    }
}
