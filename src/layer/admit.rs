//! The last steps before a request is forwarded: the session and the scopes are verified, the principal is
//! inserted, and credentials are stripped.

use http::header::{AUTHORIZATION, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Method};

use super::authorization::Filtered;
use super::exchange::Exchange;
use super::gate::Gate;
use crate::auth::{
    Authenticated, Authenticator, Principal, Rejection, is_spelling_of, original_uri,
};
use crate::telemetry;

impl<A: Authenticator> Gate<A> {
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
    pub(super) fn check(
        &self,
        head: &mut Parts,
        authenticated: Authenticated,
    ) -> Result<Exchange, Rejection> {
        let Authenticated { principal, scheme, lifetime, .. } = authenticated;
        if lifetime.is_bounded() {
            prevent_upgrade(head)?;
        }
        let config = &self.state.config;
        let session = config.session_ids.verify(head, &principal).map_err(|rejection| {
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
            session,
            kept_open_at,
            begins_at,
        })
    }

    /// Prepares a request for the inner service: inserts the principal, and strips the credentials.
    pub(super) fn admit(&self, head: &mut Parts, exchange: &Exchange) {
        let config = &self.state.config;
        let reads_streams = exchange.filtered != Filtered::Nothing;
        config.session_ids.request_identity_coding(&mut head.headers, reads_streams);
        let principal = exchange.principal.name();
        telemetry::authenticated(&self.state.counters, principal, exchange.scheme.to_cow(), head);
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
