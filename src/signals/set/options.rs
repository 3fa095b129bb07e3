//! The options of a transmitter.

use std::sync::Arc;
use std::time::Duration;

use super::rules::State;
use super::transmitter::Transmitter;
use crate::schemes::{OAuthConfigError, check_issuer};
use crate::signals::secret::Secret;

/// The greatest skew. Clocks that differ by more are a fault to fix.
const MAX_SKEW: Duration = Duration::from_secs(300);

impl Transmitter {
    /// Accepts SETs for this audience as well. It is compared byte by byte. An empty one has no effect.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        if !audience.is_empty() {
            self.rules.audiences.push(audience);
        }
        self
    }

    /// Requires this secret of the transmitter, as `Authorization: Bearer <secret>`. It is what the stream's
    /// configuration has as `authorization_header` (Shared Signals Framework 1.0 §6.1.1).
    ///
    /// Without it, anyone may make this server verify signatures. With it, the body of a request without the secret
    /// is not read. It is compared in constant time, and only a digest of it is kept.
    ///
    /// # Errors
    ///
    /// If the secret is empty, or has white space or control characters around or in it.
    pub fn bearer(mut self, secret: impl AsRef<str>) -> Result<Self, OAuthConfigError> {
        let secret = secret.as_ref();
        let is_broken = |char: char| char.is_whitespace() || char.is_control();
        if secret.is_empty() || secret.contains(is_broken) {
            return Err(OAuthConfigError::InvalidSecret);
        }
        self.bearer = Some(Secret::new(secret));
        Ok(self)
    }

    /// Lets events revoke the tokens of this issuer as well, where an `iss_sub` subject names it. By default, a
    /// transmitter revokes those of its own issuer alone: otherwise it could log out the users of another.
    ///
    /// # Errors
    ///
    /// If it is not the URL of an issuer, as tokens have it in `iss`.
    pub fn subjects_of(mut self, issuer: impl Into<String>) -> Result<Self, OAuthConfigError> {
        self.rules.subjects.issuers.push(check_issuer(issuer.into())?);
        Ok(self)
    }

    /// Lets events name a user by an e-mail address: the function returns the `sub` that the tokens of this issuer
    /// have for it, or `None` if it is of no user. Without this option, events with an e-mail address have no effect.
    ///
    /// It is called in the course of a request and must not block. A letter's case is as the transmitter wrote it.
    ///
    /// ```
    /// # use mcp_auth_layer::signals::Transmitter;
    /// # fn main() -> Result<(), mcp_auth_layer::schemes::OAuthConfigError> {
    /// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    /// # let transmitter = Transmitter::with_keys("https://id.example.com", "events", jwks)?;
    /// // The `sub` of this issuer's tokens is the address, in lower case.
    /// let transmitter = transmitter
    ///     .email_subjects("https://id.example.com/oauth2", |email| Some(email.to_lowercase()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If it is not the URL of an issuer, as tokens have it in `iss`.
    pub fn email_subjects(
        mut self,
        issuer: impl Into<String>,
        subject: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Self, OAuthConfigError> {
        let issuer = check_issuer(issuer.into())?;
        self.rules.subjects.emails.push((issuer, Arc::new(subject)));
        Ok(self)
    }

    /// Requires this state of verification events, which an operator gives when asking the transmitter for one (Shared
    /// Signals Framework 1.0 §8.1.4). By default every verification event of the transmitter is accepted.
    pub fn verification_state(mut self, state: impl Into<String>) -> Self {
        self.rules.state = Some(State(state.into()));
        self
    }

    /// Sets how much the clocks of the transmitter and of this server may differ: 60 seconds by default, and 300 at
    /// most.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.rules.skew = skew.min(MAX_SKEW);
        self
    }
}
