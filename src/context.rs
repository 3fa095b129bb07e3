//! What an authenticator is told of the layer that it is in.

use http::HeaderName;

use crate::checks::Hosts;
use crate::significant::SignificantHeaders;

/// What an [`Authenticator`](crate::Authenticator) is told of its layer's options, before any
/// request. See [`Authenticator::configure`](crate::Authenticator::configure).
#[derive(Clone, Debug, Default)]
pub struct LayerContext {
    pub(crate) significant: SignificantHeaders,
    pub(crate) hosts: Hosts,
}

impl LayerContext {
    /// Takes over what another layer has.
    #[cfg(feature = "hmac")]
    pub(crate) fn join(&mut self, other: &Self) {
        self.significant.add(other.significant.own().iter().cloned());
        self.hosts.join(&other.hosts);
    }

    /// Says whether a header field of this name can change what a request means to the layer or to
    /// MCP: it carries a session ID or a credential, in whatever spelling, or is `mcp-*`,
    /// `last-event-id`, `content-encoding` or `upgrade`. A scheme that signs requests must cover it.
    pub fn is_significant(&self, name: &HeaderName) -> bool {
        self.significant.contains(name.as_str())
    }
}
