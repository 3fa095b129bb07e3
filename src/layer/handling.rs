//! How a request is handled, as far as its head alone decides: the steps, from top to bottom.

#[cfg(feature = "oauth")]
use std::sync::Arc;

use axum_core::body::Body;
use http::Response;
use http::request::Parts;

use super::exchange::Exchange;
use super::gate::Gate;
use crate::auth::{Authenticated, Authenticator, Rejection, is_from_browser};
use crate::checks::{Exempt, check_duplicate_credentials};
use crate::rate_limit::{Decision, Outcome};
#[cfg(feature = "oauth")]
use crate::signals::Receiver;
use crate::telemetry;

/// What the layer does with a request that it does not reject.
pub(super) enum Handling {
    /// It is forwarded: authenticated, or exempt if there is no exchange.
    Forward(Option<Exchange>),
    /// The layer itself responds.
    Respond(Response<Body>),
    /// It is a signal.
    #[cfg(feature = "oauth")]
    Receive(Arc<Receiver>),
    /// The decision has to be awaited. This is what is decided already.
    Wait(Box<Decision>), // large, and few wait
}

impl<A: Authenticator> Gate<A> {
    /// Decides how a request is handled, without waiting, and prepares the head of one that is forwarded.
    pub(super) fn handle(&self, head: &mut Parts, has_body: bool) -> Result<Handling, Rejection> {
        let state = &*self.state;
        let config = &state.config;

        if let Some(document) = config.exemptions.resources.respond(head) {
            let document = document?;
            telemetry::exempt("resource metadata", head);
            return Ok(Handling::Respond(document));
        }
        let is_from_browser = is_from_browser(head);
        if is_from_browser {
            config.hosts.check(head)?;
        }
        #[cfg(feature = "oauth")]
        if let Some(receiver) = config.receivers.of(head) {
            return Ok(Handling::Receive(receiver.clone()));
        }
        match config.exemptions.find(head, has_body) {
            Some(Exempt::Forwarded(exemption)) => {
                self.strip_exempt(head, exemption);
                return Ok(Handling::Forward(None));
            }
            Some(Exempt::Rejected(rejection)) => return Err(rejection),
            None => {}
        }
        if is_from_browser {
            config.origins.check(&config.hosts, head)?;
        }
        check_duplicate_credentials(head, &state.credential_headers)?;

        let Decision { verdict, permit } = self.decide_now(head)?;
        match verdict {
            Some(Ok(authenticated)) if self.can_accept_now(head, &authenticated) => {
                if let Some(permit) = permit {
                    permit.settle(Outcome::from_authenticated(&authenticated));
                }
                Ok(Handling::Forward(Some(self.accept(head, authenticated)?)))
            }
            Some(Err(rejection)) => {
                if let Some(permit) = permit {
                    permit.settle(Outcome::from_rejection(&rejection));
                }
                Err(rejection)
            }
            verdict => Ok(Handling::Wait(Box::new(Decision { verdict, permit }))),
        }
    }

    /// Returns whether nothing is left to wait for. A credential that has expired since it was cached is verified
    /// again.
    fn can_accept_now(&self, head: &Parts, authenticated: &Authenticated) -> bool {
        authenticated.pending.is_none()
            && authenticated.lifetime.is_active()
            && !self.must_read(head, &authenticated.principal)
    }
}
