//! What an authenticator is told of the layer that it is in.

use http::HeaderName;

use super::host::Hosts;
use super::significant_headers::SignificantHeaders;

/// What an [`Authenticator`](crate::Authenticator) is told of its layer's options, before any
/// request. See [`Authenticator::configure`](crate::Authenticator::configure).
#[derive(Clone, Debug, Default)]
pub struct LayerContext {
    pub(crate) significant: SignificantHeaders,
    pub(crate) hosts: Hosts,
}

impl LayerContext {
    /// Whether everything that another layer has is here.
    #[cfg(feature = "hmac")]
    pub(crate) fn includes(&self, other: &Self) -> bool {
        other.significant.own().iter().all(|name| self.significant.own().contains(name))
            && self.hosts.include(&other.hosts)
    }

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

    /// Says whether this is the server's own name, as `host` or `host:port`: a
    /// [`host`](crate::McpAuthLayer::host) of the layer, an IP address or `localhost`. A credential
    /// that is made for one server is checked by it.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.hosts.is_own(host.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::request::Parts;
    use tower_layer::Layer;

    use super::*;
    use crate::auth::authenticated::Authenticated;
    use crate::auth::authenticator::Authenticator;
    use crate::auth::combinators::{AuthenticatorExt, any_of};
    use crate::auth::rejection::Rejection;
    use crate::layer::McpAuthLayer;
    use crate::schemes::Bearer;

    /// What an authenticator was told.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<LayerContext>>>);

    impl Authenticator for Told {
        async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
            Err(Rejection::unavailable())
        }

        fn credential_headers(&self) -> Vec<HeaderName> {
            vec![HeaderName::from_static("x-api-key")]
        }

        fn configure(&self, context: &LayerContext) {
            self.0.lock().unwrap().push(context.clone());
        }
    }

    #[test]
    fn an_authenticator_inside_others_learns_the_options_of_its_layer() {
        let told = Told::default();
        let tokens = || Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")]).unwrap();
        let inside = any_of(tokens(), any_of(told.clone(), tokens()).issued_by("us").boxed());
        let layer = McpAuthLayer::new(inside)
            .host("tools.example.com")
            .session_header(HeaderName::from_static("x-session"));
        assert!(told.0.lock().unwrap().is_empty(), "the options are not complete");
        let _guarded = layer.layer(());
        let context = told.0.lock().unwrap().pop().unwrap();
        for (name, expected) in
            [("x-session", true), ("x_session", true), ("x_api_key", true), ("x-other", false)]
        {
            let name = HeaderName::from_static(name);
            assert_eq!(context.is_significant(&name), expected, "{name}");
        }
        for (host, expected) in [
            ("tools.example.com", true),
            ("TOOLS.example.com:8443", true),
            ("127.0.0.1:8000", true),
            ("evil.example", false),
        ] {
            assert_eq!(context.is_own_host(host), expected, "{host}");
        }
    }
}
