//! Logout tokens of one issuer.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use percent_encoding::percent_decode;
use tracing::{debug, info};

use super::rules;
use crate::schemes::{IssuerKeys, JwtHandle, OAuthConfigError};
use crate::signals::answer::Answer;
use crate::signals::delivered::Delivered;
use crate::signals::refusal::{Code, Refusal};
use crate::signals::revoke::Revoke;
use crate::telemetry::TARGET;
use crate::text::Shortened;

/// Logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout 1.0), which say that a user logged out.
///
/// A provider sends them to its *clients*, and not to resource servers as MCP servers are. This is for operators who can
/// register a URL of this server as the `backchannel_logout_uri` of a client, and the token is then for that client.
/// Prefer a [`Transmitter`](crate::signals::Transmitter) where the provider has one.
///
/// [`McpAuthLayer::logout_tokens`](crate::McpAuthLayer::logout_tokens) receives them at a path.
///
/// ```
/// use mcp_auth_layer::signals::LogoutTokens;
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::OAuthConfigError> {
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let tokens = LogoutTokens::with_keys("https://id.example.com", "app", jwks)?;
/// # Ok(())
/// # }
/// ```
///
/// A token revokes every access token of its `sub` that was issued before, of all sessions: access tokens do not name
/// a session. A token with `sid` alone is refused. Clones share the keys.
#[derive(Clone, Debug)]
#[must_use]
pub struct LogoutTokens {
    keys: IssuerKeys,
    clients: Vec<String>,
    may_be_untyped: bool,
    delivered: Arc<Delivered>,
}

impl LogoutTokens {
    /// Creates a verifier of tokens of this issuer that are for this client, by its ID. The keys are those that the
    /// issuer publishes, as for [`Jwt::discover`](crate::Jwt::discover).
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the client ID is empty, or if TLS
    /// cannot be set up, such as without root certificates.
    #[cfg(feature = "oauth-http")]
    pub fn discover(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::of_server(issuer.into())?, client_id.into())
    }

    /// Creates a verifier with the keys at this URL.
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover), and if the URL is not `https`. It may be `http` if it and the issuer
    /// are of loopback addresses.
    #[cfg(feature = "oauth-http")]
    pub fn with_jwks_url(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::at_url(issuer.into(), url.into())?, client_id.into())
    }

    /// Creates a verifier with the keys of a JWK set (RFC 7517 §5), as JSON.
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the client ID is empty, or if the
    /// set has no key that can be used.
    pub fn with_keys(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        jwks: impl AsRef<[u8]>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::fixed(issuer.into(), jwks.as_ref())?, client_id.into())
    }

    /// Creates a verifier with the JWK set of a file, which is watched.
    ///
    /// # Errors
    ///
    /// Those of [`with_keys`](Self::with_keys), and if the file cannot be read.
    #[cfg(feature = "files")]
    pub fn with_key_file(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        path: impl AsRef<Path>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::in_file(issuer.into(), path.as_ref())?, client_id.into())
    }

    fn new(keys: IssuerKeys, client: String) -> Result<Self, OAuthConfigError> {
        if client.is_empty() {
            return Err(OAuthConfigError::EmptyClient { what: "client ID" });
        }
        let delivered = Arc::new(Delivered::new());
        Ok(Self { keys, clients: vec![client], may_be_untyped: false, delivered })
    }

    /// Returns a handle that loads the keys, and says whether there are any.
    pub fn handle(&self) -> JwtHandle {
        self.keys.handle()
    }

    /// Accepts tokens for this client as well. An empty ID has no effect.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        if !id.is_empty() {
            self.clients.push(id);
        }
        self
    }

    /// Accepts tokens whose header has no `typ`, or `JWT`, as older providers send them. By default `typ` must be
    /// `logout+jwt`. The event and the absence of `nonce` still tell them from ID tokens.
    pub fn allow_untyped(mut self) -> Self {
        self.may_be_untyped = true;
        self
    }

    /// Verifies the logout token of a form and applies it.
    pub(in crate::signals) async fn receive(
        &self,
        form: &[u8],
        revoke: &impl Revoke,
        now: SystemTime,
    ) -> Result<Answer, Answer> {
        let token = logout_token(form)?;
        let is_type = if self.may_be_untyped { may_be_logout } else { is_logout };
        let claims = self.keys.verify(&token, is_type).await?;
        let logout = rules::decide(&self.clients, &claims, now).map_err(Refusal::authentic)?;
        if self.delivered.contains(logout.id) {
            debug!(target: TARGET, "logout token was delivered before");
            return Ok(Answer::Accepted);
        }
        let issuer = self.keys.issuer();
        let revoked = revoke.revoke_subject_before(issuer, logout.subject, logout.before);
        revoked.await.map_err(Answer::not_revoked)?;
        info!(
            target: TARGET,
            issuer,
            subject = ?Shortened::new(logout.subject),
            all_sessions = logout.has_session,
            "revoked by a logout token"
        );
        self.delivered.insert(logout.id);
        Ok(Answer::Accepted)
    }
}

/// Returns the only `logout_token` of a form (`application/x-www-form-urlencoded`).
fn logout_token(form: &[u8]) -> Result<String, Refusal> {
    let mut found = form.split(|byte| *byte == b'&').filter_map(|pair| {
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        (name == b"logout_token").then_some(&value[1..])
    });
    let refused = || Code::InvalidRequest.because("the form does not have one `logout_token`");
    let (Some(token), None) = (found.next(), found.next()) else { return Err(refused()) };
    let token = percent_decode(token).decode_utf8().map_err(|_| refused())?;
    Ok(token.into_owned())
}

/// Returns whether the `typ` of a header is that of a logout token.
fn is_logout(typ: Option<&str>) -> bool {
    let own = ["logout+jwt", "application/logout+jwt"];
    typ.is_some_and(|typ| own.iter().any(|own| typ.eq_ignore_ascii_case(own)))
}

fn may_be_logout(typ: Option<&str>) -> bool {
    is_logout(typ) || typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_one_logout_token() {
        let read = |form: &str| logout_token(form.as_bytes()).ok();
        assert_eq!(read("logout_token=a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(read("x=1&logout_token=a%2Eb.c&y").as_deref(), Some("a.b.c"));
        for form in ["", "logout_token", "a.b.c", "x=a.b.c", "logout_token=a&logout_token=a"] {
            assert_eq!(read(form), None, "{form}");
        }
        assert_eq!(read("logout_token=%ff"), None);
    }
}
