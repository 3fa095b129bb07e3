//! Options of the layer for signals of identity providers.

use crate::checks::ExactPath;
use crate::layer::McpAuthLayer;
use crate::signals::{LogoutTokens, Receiver, Transmitter};

impl<A> McpAuthLayer<A> {
    /// Receives security events of this transmitter at this path: that a session was revoked, a credential changed or
    /// an account was disabled (Shared Signals Framework 1.0, RFC 8935). Call it again for another transmitter, at
    /// another path.
    ///
    /// What was issued to the user before is revoked through [`revocations`](Self::revocations), on every replica, and
    /// open streams end. Without `revocations` the layer logs an error and responds to events with 503.
    ///
    /// Requests for the path need no credential of the authenticator. They never reach the inner service. The checks of
    /// `Host` and `Origin`, the [rate limit](Self::rate_limit), the time limits and the total of
    /// [bodies](Self::max_verified_bodies_total) apply to them, and a body may have 64 KiB. See
    /// [`guide::signals`](crate::guide::signals).
    ///
    /// ```
    /// use mcp_auth_layer::layer::ExactPath;
    /// use mcp_auth_layer::revocation::Revocations;
    /// use mcp_auth_layer::signals::Transmitter;
    /// use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
    /// use mcp_auth_layer::{Jwt, McpAuthLayer};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (jwks, secret, key) = ("", "", [7; 32]);
    /// let issuer = "https://id.example.com";
    /// let events = Transmitter::with_keys(issuer, "https://tools.example.com/events", jwks)?
    ///     .bearer(secret)?;
    /// let revocations = Revocations::start(MemoryRevocationStore::new(), StoreKey::from(key)).await?;
    /// let layer = McpAuthLayer::new(Jwt::with_keys(issuer, "https://tools.example.com/mcp", jwks)?)
    ///     .revocations(revocations)
    ///     .security_events(ExactPath::from_static("/events"), events);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If signals are received at this path already.
    #[track_caller]
    pub fn security_events(self, path: ExactPath, transmitter: Transmitter) -> Self {
        self.receiving("security_events", path, Receiver::SecurityEvents(Box::new(transmitter)))
    }

    /// Receives logout tokens of an OpenID provider at this path (OpenID Connect Back-Channel Logout 1.0), for
    /// operators who can register its URL at a client of the provider. By default they are not received.
    ///
    /// All that is said of [`security_events`](Self::security_events) holds for them as well.
    ///
    /// # Panics
    ///
    /// If signals are received at this path already.
    #[track_caller]
    pub fn logout_tokens(self, path: ExactPath, tokens: LogoutTokens) -> Self {
        self.receiving("logout_tokens", path, Receiver::Logout(tokens))
    }

    #[track_caller]
    fn receiving(mut self, option: &str, path: ExactPath, receiver: Receiver) -> Self {
        let name = path.to_string();
        let is_free = self.config().receivers.add(path, receiver);
        assert!(is_free, "McpAuthLayer::{option}: signals are received at {name} already");
        self
    }
}
