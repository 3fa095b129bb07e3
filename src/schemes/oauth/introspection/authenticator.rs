//! The authenticator of opaque tokens.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;

use super::client_secret::ClientSecret;
use super::endpoint::HttpEndpoint;
use super::introspector::Introspector;
use super::verdict::Granted;
use crate::auth::{Attempt, AuthScheme, Authenticated, Authenticator, Challenge, Rejection};
use crate::rate_limit::Requester;
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::bearer::{bearer_token, challenge};
use crate::schemes::oauth::claim_rules::ClaimRules;
use crate::schemes::oauth::compact::MAX_TOKEN;
use crate::schemes::oauth::error::OAuthConfigError;
use crate::schemes::oauth::issuer::Issuer;

/// Opaque access tokens: the authorization server is asked about each (token introspection, RFC 7662).
///
/// ```
/// use mcp_auth_layer::McpAuthLayer;
/// use mcp_auth_layer::layer::Resource;
/// use mcp_auth_layer::schemes::{ClientSecret, Introspection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = "Hk7yGd1oTf8eMi5zCs3jUQ";
/// let issuer = "https://id.example.com";
/// let resource = Resource::new("https://mcp.example.com/mcp", issuer)?;
/// let tokens = Introspection::new(
///     issuer,
///     &resource,
///     "https://id.example.com/introspect",
///     ClientSecret::new("mcp-server", secret),
/// )?;
/// let layer = McpAuthLayer::new(tokens).resource(resource);
/// # Ok(())
/// # }
/// ```
///
/// A token is accepted if the response says `"active": true`, its `aud` has the audience of this server, its
/// `iss`, if it has one, is the issuer, and its times are right. A token that is bound to a key (`cnf`) is
/// refused, and so are refresh tokens where the response tells. The name of the principal is `sub`, or the
/// `client_id` of a client without a user.
///
/// # JWTs as well
///
/// Put [`Jwt`](crate::Jwt) first, and let this one leave JWTs alone:
/// `any_of((jwt, introspection.opaque_only()))`.
///
/// # Revocation
///
/// An active token is active for [30 seconds](Self::cached_for) without another call, and at most until it
/// expires. After that the next request asks again. While a token has open streams, the server is asked
/// without requests, too: the streams of a revoked token end about 30 seconds after its revocation. A token
/// that is refused is refused for 5 seconds without a call.
///
/// # If the authorization server fails
///
/// Requests are rejected with 503 if it does not answer within 5 seconds, redirects, answers with anything
/// but 200 or refuses the client's secret. The log says why, once. Streams that are open go on.
///
/// # Rate limit
///
/// Every random string costs a call. So failed attempts are limited by
/// [`RateLimit::default`](crate::rate_limit::RateLimit), or by the layer's
/// [`rate_limit`](crate::McpAuthLayer::rate_limit): serve the app with
/// `into_make_service_with_connect_info::<SocketAddr>()`, or every attempt is rejected with 503. Beside that,
/// at most 64 calls are made at a time, of which tokens that were active within the last hour have a share of
/// their own.
///
/// # Memory
///
/// 10,000 active tokens are cached, and as many refused ones, as keyed digests. A token itself is in memory
/// while it is verified, and while streams are open that were opened with it. It is wiped after that.
#[must_use]
pub struct Introspection {
    pub(super) endpoint: HttpEndpoint,
    pub(super) cached_for: Duration,
    pub(super) opaque_only: bool,
    /// Made at the first use, once all options are set.
    pub(super) introspector: OnceLock<Introspector<HttpEndpoint>>,
}

/// How long an active token is active without another call, at most.
pub(super) const MAX_CACHED: Duration = Duration::from_secs(30);

/// `b64token` of RFC 6750 §2.1, within the limit.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && text.len() <= MAX_TOKEN && body.bytes().all(is_allowed)
}

/// Returns whether a token is a JWT: three parts, the first of which is an object.
fn is_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let header = parts.next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    header.is_some_and(|header| header.starts_with(b"{")) && parts.count() == 2
}

impl Introspection {
    /// Creates an authenticator of tokens that this issuer issued for this audience. The tokens are verified
    /// at this introspection endpoint, where the server identifies itself as this client.
    ///
    /// The audience is the URL of the [`Resource`](crate::layer::Resource), or the name that the
    /// authorization server uses for it.
    ///
    /// # Errors
    ///
    /// If a URL is not an `https` URL, or `http` and of a loopback host; if the audience, the client ID or
    /// the secret is empty.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<Audience>,
        endpoint: impl Into<String>,
        client: ClientSecret,
    ) -> Result<Self, OAuthConfigError> {
        let mut rules = ClaimRules::new(Issuer::parse(issuer)?, audience.into())?;
        rules.may_not_expire = true;
        Ok(Self {
            endpoint: HttpEndpoint::new(endpoint.into(), &client, rules)?,
            cached_for: MAX_CACHED,
            opaque_only: false,
            introspector: OnceLock::new(),
        })
    }

    fn introspector(&self) -> &Introspector<HttpEndpoint> {
        self.introspector.get_or_init(|| Introspector::new(self.endpoint.clone(), self.cached_for))
    }

    /// Returns the token of a request that the endpoint may be asked about.
    fn token<'h>(&self, head: &'h Parts) -> Result<&'h str, Rejection> {
        let token = bearer_token(head)?;
        let malformed = || Rejection::malformed(Challenge::invalid(AuthScheme::BEARER));
        if !is_token(token) {
            return Err(malformed());
        }
        if self.opaque_only && is_jwt(token) {
            // Less than what the authenticator of JWTs says, which speaks therefore.
            return Err(
                malformed().caused_by("the token is a JWT, and only opaque ones are introspected")
            );
        }
        Ok(token)
    }
}

impl Authenticator for Introspection {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let token = self.token(head)?;
        let requester = head.extensions.get::<Requester>().copied().unwrap_or_default();
        let verdict = self.introspector().verify(token, requester).await;
        verdict.map(|granted| granted.authenticated()).map_err(|refusal| refusal.to_rejection())
    }

    /// Decides if the token is cached, or there is none.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        match self.token(head) {
            Ok(token) => {
                let verdict = self.introspector().cached(token)?;
                Some(verdict.as_ref().map(Granted::authenticated).map_err(|no| no.to_rejection()))
            }
            Err(rejection) => Some(Err(rejection)),
        }
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![challenge()]
    }

    /// Returns no attempt for a JWT that is left alone, and none for a token that was active recently: it is
    /// no guess, and no other client of the same address, and no outage, keeps it from being verified.
    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        bearer_token(head).ok()?;
        match self.token(head) {
            Ok(token) if self.introspector().is_known(token) => None,
            Ok(_) => Some(Attempt::new().expensive()),
            Err(_) if self.opaque_only => None,
            Err(_) => Some(Attempt::new()),
        }
    }

    fn needs_rate_limit(&self) -> bool {
        true
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("rules", &self.endpoint.rules)
            .field("endpoint", &self.endpoint.url())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_told_from_an_opaque_token() {
        for (token, expected) in [
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", true),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", true),
            ("rD3m0NfE5Yc0mKq1bWv7Xw", false),
            ("v1.local.c2ln", false),
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0", false),
            ("eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn", false),
        ] {
            assert_eq!(is_jwt(token), expected, "{token}");
        }
    }

    #[test]
    fn tokens_have_a_limit() {
        assert!(is_token(&"x".repeat(MAX_TOKEN)) && is_token("a-._~+/9=="));
        assert!(!is_token(&"x".repeat(MAX_TOKEN + 1)));
        for token in ["", "==", "a b", "a=b", "é"] {
            assert!(!is_token(token), "{token}");
        }
    }
}
