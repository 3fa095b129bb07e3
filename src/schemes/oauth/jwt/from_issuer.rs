//! Verifiers whose keys an authorization server publishes.

use std::sync::Arc;

use super::authenticator::Jwt;
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::error::OAuthConfigError;
use crate::schemes::oauth::keys::KeySource;
use crate::schemes::oauth::keys::remote::{Endpoint, RemoteKeys};

impl Jwt {
    /// Creates a verifier with the keys that the issuer publishes, which its metadata names (RFC 8414, OpenID
    /// Connect Discovery).
    ///
    /// Nothing is sent before the first use. From then on, a task in the Tokio runtime of that use refreshes
    /// the keys beside the requests: after the `max-age` of the response, which counts from one minute to 23
    /// hours, else after ten minutes. While that fails, the previous keys stay active, for 24 hours at most; a
    /// token of an unknown key, and every token if there are no keys, is then rejected with 503 and
    /// `Retry-After`. An unknown key makes the task fetch at once, every ten seconds at most. A key that the
    /// issuer no longer publishes is revoked. The metadata is read again after an hour, and when the keys cannot
    /// be fetched.
    ///
    /// To fail at the start and not at the first request, call [`JwtHandle::refresh`](super::JwtHandle::refresh).
    ///
    /// ```
    /// use mcp_auth_layer::{Jwt, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tokens = Jwt::discover("https://id.example.com", "https://mcp.example.com/mcp")?;
    /// let keys = tokens.handle();
    /// let layer = McpAuthLayer::new(tokens);
    /// assert!(!keys.is_ready());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the audience is empty, or
    /// if TLS cannot be set up, such as without root certificates.
    pub fn discover(
        issuer: impl Into<String>,
        audience: impl Into<Audience>,
    ) -> Result<Self, OAuthConfigError> {
        Self::with_source(issuer.into(), audience.into(), |issuer| {
            let keys = RemoteKeys::new(Endpoint::discovered(issuer)?);
            Ok(KeySource::Remote(Arc::new(keys)))
        })
    }

    /// Creates a verifier with the keys at this URL, for an issuer without metadata. The keys are refreshed as
    /// those of [`discover`](Self::discover).
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover), and if the URL is not `https`. It may be `http` if it and the
    /// issuer are of loopback addresses.
    pub fn with_jwks_url(
        issuer: impl Into<String>,
        audience: impl Into<Audience>,
        url: impl Into<String>,
    ) -> Result<Self, OAuthConfigError> {
        Self::with_source(issuer.into(), audience.into(), |issuer| {
            let keys = RemoteKeys::new(Endpoint::configured(issuer, url.into())?);
            Ok(KeySource::Remote(Arc::new(keys)))
        })
    }
}
