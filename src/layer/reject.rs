//! Rejections on their way to the client.

use std::error::Error as _;

use axum_core::body::Body;
use http::header::{AUTHORIZATION, CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Response, Version};
use tracing::Level;

use super::collect_body::drain;
use super::gate::Gate;
use crate::auth::{AuthScheme, Rejection, RejectionKind};
use crate::checks::{Discovery, NO_OAUTH, is_registration};
use crate::telemetry::{self, Rejected};

/// Returns whether the body of a rejected request is read to its end before the response.
///
/// HTTP/2 ends a stream without the connection. A client that waits for `100 Continue` does not
/// send its body.
pub(super) fn must_drain(head: &Parts, body: &impl http_body::Body) -> bool {
    !body.is_end_stream() && head.version < Version::HTTP_2 && !head.headers.contains_key(EXPECT)
}

/// Returns a response after the body of its request was read to the end, if that is necessary.
pub(super) async fn drained(
    head: &Parts,
    mut body: Body,
    mut response: Response<Body>,
) -> Response<Body> {
    if must_drain(head, &body) && !drain(&mut body).await {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl<A> Gate<A> {
    /// Returns the response to a rejected request. The path is logged, the credential is not.
    pub(super) fn reject(&self, head: &Parts, rejection: Rejection) -> Response<Body> {
        let rejection = self.explain(head, rejection);
        let level = match rejection.kind() {
            RejectionKind::Unavailable if !rejection.is_reported() => Level::ERROR,
            RejectionKind::NoDiscovery
            | RejectionKind::NoRegistration
            | RejectionKind::MethodNotAllowed => Level::DEBUG,
            _ => Level::INFO,
        };
        let cause = rejection.source().map(ToString::to_string);
        let rejected = Rejected {
            level,
            reason: rejection.kind().as_str(),
            scheme: rejection.scheme().map(AuthScheme::to_cow),
            cause: cause.as_deref(),
        };
        telemetry::rejected(&self.state.counters, rejected, head);
        let resource = self.state.resource_of(head).filter(|_| rejection.asks_for_token());
        self.state.response(rejection, resource.map(|resource| &**resource))
    }

    /// Makes a missing credential more specific, in the places that clients show to their users: a
    /// credential that was not recognized, and the registration of an OAuth client (RFC 7591).
    fn explain(&self, head: &Parts, rejection: Rejection) -> Rejection {
        if rejection.kind() != RejectionKind::Missing {
            return rejection;
        }
        if head.headers.contains_key(AUTHORIZATION) {
            return rejection.unrecognized();
        }
        if !self.state.config.exemptions.resources.is_empty() {
            return rejection.offering_login();
        }
        if is_registration(head) && self.state.config.exemptions.discovery == Discovery::NotFound {
            return Rejection::new(RejectionKind::NoRegistration, NO_OAUTH);
        }
        rejection
    }
}
