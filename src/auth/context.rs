//! The options of the layer that its authenticator needs to know.

use http::HeaderName;

use super::host::Hosts;
use super::significant_headers::SignificantHeaders;

/// The options of the layer that its [`Authenticator`](super::Authenticator) receives before any
/// request, see [`Authenticator::configure`](super::Authenticator::configure).
#[derive(Clone, Debug, Default)]
pub struct LayerContext {
    pub(crate) significant: SignificantHeaders,
    pub(crate) hosts: Hosts,
}

impl LayerContext {
    /// Returns whether this has all options of another layer.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        other.significant.own().iter().all(|name| self.significant.own().contains(name))
            && self.hosts.include(&other.hosts)
    }

    /// Adds the options of another layer.
    pub(crate) fn join(&mut self, other: &Self) {
        self.significant.add(other.significant.own().iter().cloned());
        self.hosts.join(&other.hosts);
    }

    /// Returns whether a header field of this name can change the meaning of a request, for the
    /// layer or for MCP. Such a field carries a session ID or a credential, in any spelling, or is
    /// `mcp-*`, `last-event-id`, `content-encoding` or `upgrade`. A scheme that signs requests must
    /// cover it.
    pub fn is_significant(&self, name: &HeaderName) -> bool {
        self.significant.contains(name.as_str())
    }

    /// Returns whether this, as `host` or `host:port`, is a name of the server: a
    /// [`host`](crate::McpAuthLayer::host) of the layer, an IP address or `localhost`. A scheme
    /// whose credentials are for one server verifies them by it.
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
    use crate::auth::any_of::any_of;
    use crate::auth::authenticated::Authenticated;
    use crate::auth::authenticator::Authenticator;
    use crate::auth::ext::AuthenticatorExt;
    use crate::auth::host::Host;
    use crate::auth::rejection::Rejection;
    use crate::layer::McpAuthLayer;
    use crate::schemes::Bearer;

    /// Records the contexts that it receives.
    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<LayerContext>>>);

    impl Authenticator for Recorder {
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
    fn nested_authenticators_receive_the_options_of_the_layer() {
        let recorder = Recorder::default();
        let tokens = || Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")]).unwrap();
        let inside =
            any_of((tokens(), any_of((recorder.clone(), tokens())).issued_by("us").boxed()));
        let layer = McpAuthLayer::new(inside)
            .host(Host::from_static("tools.example.com"))
            .session_header(HeaderName::from_static("x-session"));
        assert!(recorder.0.lock().unwrap().is_empty(), "the options are not complete");
        let _guarded = layer.layer(());
        let context = recorder.0.lock().unwrap().pop().unwrap();
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
