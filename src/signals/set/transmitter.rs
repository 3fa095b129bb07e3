//! A transmitter of security events, as this server receives from it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use tracing::{debug, info, warn};

use super::rules::{Decision, Event, Rules};
use super::subjects::Subjects;
use crate::schemes::{IssuerKeys, JwtHandle, OAuthConfigError};
use crate::signals::answer::Answer;
use crate::signals::delivered::Delivered;
use crate::signals::refusal::{Code, Refusal};
use crate::signals::revoke::Revoke;
use crate::signals::secret::Secret;
use crate::telemetry::TARGET;
use crate::text::Shortened;

/// A transmitter of security events (Shared Signals Framework 1.0): an identity provider that pushes to this server
/// (RFC 8935) that a session was revoked, a credential changed or an account was disabled.
///
/// [`McpAuthLayer::security_events`](crate::McpAuthLayer::security_events) receives its events at a path, and
/// [`guide::signals`](crate::guide::signals) says how to set it up.
///
/// ```
/// use mcp_auth_layer::signals::Transmitter;
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::OAuthConfigError> {
/// # let secret_from_configuration = "jW3vD8Rk2nQ5";
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let transmitter = Transmitter::with_keys(
///     "https://id.example.com",
///     "https://tools.example.com/events",
///     jwks,
/// )?
/// .bearer(secret_from_configuration)?;
/// # Ok(())
/// # }
/// ```
///
/// An event revokes every token of its subject that was issued before: `iss_sub` and `opaque` subjects (RFC 9493)
/// of the transmitter's own issuer, and those that the options allow. Clones share the keys.
#[derive(Clone)]
#[must_use]
pub struct Transmitter {
    keys: IssuerKeys,
    pub(super) rules: Rules,
    pub(super) bearer: Option<Secret>,
    delivered: Arc<Delivered>,
}

impl Transmitter {
    /// Creates the receiver's side of a transmitter with this issuer, whose SETs are for this audience. The keys are
    /// those that the metadata of the transmitter names (Shared Signals Framework 1.0 §7.2) or, if it has none, the
    /// metadata of the authorization server. They are fetched and refreshed as those of
    /// [`Jwt::discover`](crate::Jwt::discover).
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the audience is empty, or if TLS
    /// cannot be set up, such as without root certificates.
    #[cfg(feature = "oauth-http")]
    pub fn discover(
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::of_transmitter(issuer.into())?, audience.into())
    }

    /// Creates the receiver's side of a transmitter whose keys are at this URL.
    ///
    /// # Errors
    ///
    /// Those of [`discover`](Self::discover), and if the URL is not `https`. It may be `http` if it and the issuer
    /// are of loopback addresses.
    #[cfg(feature = "oauth-http")]
    pub fn with_jwks_url(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::at_url(issuer.into(), url.into())?, audience.into())
    }

    /// Creates the receiver's side of a transmitter with the keys of a JWK set (RFC 7517 §5), as JSON.
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the audience is empty, or if the
    /// set has no key that can be used.
    pub fn with_keys(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        jwks: impl AsRef<[u8]>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::fixed(issuer.into(), jwks.as_ref())?, audience.into())
    }

    /// Creates the receiver's side of a transmitter with the JWK set of a file, which is watched.
    ///
    /// # Errors
    ///
    /// Those of [`with_keys`](Self::with_keys), and if the file cannot be read.
    #[cfg(feature = "files")]
    pub fn with_key_file(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        path: impl AsRef<Path>,
    ) -> Result<Self, OAuthConfigError> {
        Self::new(IssuerKeys::in_file(issuer.into(), path.as_ref())?, audience.into())
    }

    fn new(keys: IssuerKeys, audience: String) -> Result<Self, OAuthConfigError> {
        if audience.is_empty() {
            return Err(OAuthConfigError::EmptyAudience);
        }
        let rules = Rules {
            audiences: vec![audience],
            subjects: Subjects::default(),
            state: None,
            skew: Duration::from_secs(60),
        };
        Ok(Self { keys, rules, bearer: None, delivered: Arc::new(Delivered::new()) })
    }

    /// Returns a handle that loads the keys, and says whether there are any.
    pub fn handle(&self) -> JwtHandle {
        self.keys.handle()
    }

    /// Checks the secret of the transmitter, if one is configured.
    pub(in crate::signals) fn authenticate(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match &self.bearer {
            Some(secret) if !secret.is_bearer_of(headers) => Err(Code::AuthenticationFailed
                .because("the Authorization field does not have the secret of this receiver")),
            _ => Ok(()),
        }
    }

    /// Verifies a SET and applies it.
    ///
    /// It is noted as delivered once it was applied: if that fails, the transmitter sends it again.
    pub(in crate::signals) async fn receive(
        &self,
        body: &[u8],
        revoke: &impl Revoke,
        now: SystemTime,
    ) -> Result<Answer, Answer> {
        let token = str::from_utf8(body)
            .map_err(|_| Code::InvalidRequest.because("the body is not a signed token"))?;
        let claims = self.keys.verify(token, is_security_event).await?;
        let event = self.rules.decide(self.keys.issuer(), &claims, now);
        let event = event.map_err(Refusal::authentic)?;
        if self.delivered.contains(event.id) {
            debug!(target: TARGET, "security event was delivered before");
            return Ok(Answer::Accepted);
        }
        self.apply(&event, revoke).await?;
        self.delivered.insert(event.id);
        Ok(Answer::Accepted)
    }

    async fn apply(&self, event: &Event<'_>, revoke: &impl Revoke) -> Result<(), Answer> {
        let transmitter = self.keys.issuer();
        let uri = Shortened::new(event.uri);
        match &event.decision {
            Decision::Revoke { users, before, is_narrower } => {
                for user in users {
                    let revoked =
                        revoke.revoke_subject_before(&user.issuer, &user.subject, *before);
                    revoked.await.map_err(Answer::not_revoked)?;
                    info!(
                        target: TARGET,
                        transmitter,
                        event = %uri,
                        issuer = user.issuer,
                        subject = ?Shortened::new(&user.subject),
                        all_sessions = is_narrower,
                        "revoked by a security event"
                    );
                }
            }
            Decision::Verified => info!(target: TARGET, transmitter, "security events verified"),
            Decision::Nothing(reason) => {
                warn!(target: TARGET, transmitter, event = %uri, reason, "security event has no effect");
            }
        }
        Ok(())
    }
}

/// Returns whether the `typ` of a header is that of a SET (RFC 8417 §2.3).
fn is_security_event(typ: Option<&str>) -> bool {
    let own = ["secevent+jwt", "application/secevent+jwt"];
    typ.is_some_and(|typ| own.iter().any(|own| typ.eq_ignore_ascii_case(own)))
}

impl fmt::Debug for Transmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmitter")
            .field("keys", &self.keys)
            .field("rules", &self.rules)
            .field("has_bearer", &self.bearer.is_some())
            .finish_non_exhaustive()
    }
}
