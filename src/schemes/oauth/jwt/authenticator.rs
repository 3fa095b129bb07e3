//! The authenticator of JWTs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;

use super::handle::JwtHandle;
use super::verifier::Verifier;
use crate::auth::{Attempt, Authenticated, Authenticator, BoxError, Challenge, Rejection};
use crate::schemes::oauth::audience::Audience;
use crate::schemes::oauth::bearer::{bearer_token, challenge, invalid};
use crate::schemes::oauth::claim_rules::ClaimRules;
use crate::schemes::oauth::error::OAuthConfigError;
use crate::schemes::oauth::issuer::Issuer;
use crate::schemes::oauth::keys::{Absent, KeySet, KeySource};
use crate::schemes::oauth::signature::Refusal;

/// OAuth access tokens that are JWTs (RFC 9068, RFC 7519), signed by the keys of one issuer.
///
/// ```
/// use mcp_auth_layer::{Jwt, McpAuthLayer};
/// use mcp_auth_layer::layer::Resource;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let issuer = "https://id.example.com";
/// let resource = Resource::new("https://mcp.example.com/mcp", issuer)?;
/// let tokens = Jwt::with_keys(issuer, &resource, jwks)?;
/// let layer = McpAuthLayer::new(tokens).resource(resource);
/// # Ok(())
/// # }
/// ```
///
/// The principal of a request is named by `sub` and issued by `iss`. It has the scopes of the token, and its
/// claims as [`TokenClaims`](crate::schemes::TokenClaims). [`guide::oauth`](crate::guide::oauth) says which tokens are
/// accepted.
///
/// Clones share the keys.
#[derive(Clone)]
#[must_use]
pub struct Jwt {
    pub(super) verifier: Verifier,
    pub(super) keys: KeySource,
}

impl Jwt {
    /// Creates a verifier with the keys of a JWK set (RFC 7517 §5), as JSON.
    ///
    /// # Errors
    ///
    /// If the issuer is not an `https` URL (or `http` and of a loopback address), if the audience is empty, or
    /// if the set has no key that can be used.
    pub fn with_keys(
        issuer: impl Into<String>,
        audience: impl Into<Audience>,
        jwks: impl AsRef<[u8]>,
    ) -> Result<Self, OAuthConfigError> {
        let keys = KeySet::parse(jwks.as_ref()).map_err(OAuthConfigError::Keys)?;
        Self::with_source(issuer.into(), audience.into(), |_| Ok(KeySource::Fixed(Arc::new(keys))))
    }

    /// Creates a verifier with the JWK set of a file. A change of the file is active within about a second;
    /// [`guide::credential_files`](crate::guide::credential_files) says how files are watched.
    ///
    /// # Errors
    ///
    /// Those of [`with_keys`](Self::with_keys), and if the file cannot be read.
    #[cfg(feature = "files")]
    pub fn with_key_file(
        issuer: impl Into<String>,
        audience: impl Into<Audience>,
        path: impl AsRef<Path>,
    ) -> Result<Self, OAuthConfigError> {
        Self::with_source(issuer.into(), audience.into(), |_| {
            KeySource::watch(path.as_ref()).map_err(OAuthConfigError::file)
        })
    }

    pub(super) fn with_source(
        issuer: String,
        audience: Audience,
        source: impl FnOnce(&Issuer) -> Result<KeySource, OAuthConfigError>,
    ) -> Result<Self, OAuthConfigError> {
        let issuer = Issuer::parse(issuer)?;
        let keys = source(&issuer)?;
        let rules = ClaimRules::new(issuer, audience)?;
        Ok(Self { verifier: Verifier { rules, require_at_jwt: false }, keys })
    }

    /// Returns a handle that loads the keys, and says whether there are any.
    pub fn handle(&self) -> JwtHandle {
        JwtHandle::new(self.keys.clone())
    }

    /// Verifies the token with the current keys. Returns `None` if the issuer has to be asked for a key.
    fn decide(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        let token = match bearer_token(head) {
            Ok(token) => token,
            Err(rejection) => return Some(Err(rejection)),
        };
        let now = SystemTime::now();
        self.keys.with_current(|keys| match self.verifier.verify(token, keys, now) {
            Ok(authenticated) => Some(Ok(authenticated)),
            Err(Refusal::Invalid(error)) => Some(Err(invalid(error))),
            Err(Refusal::UnknownKey(error)) => match self.keys.absent(keys) {
                Absent::Unknown => Some(Err(invalid(error))),
                Absent::Unavailable { retry_after } => {
                    let cause = format!("the keys of the issuer are not available, and {error}");
                    Some(Err(unavailable(retry_after, cause)))
                }
                Absent::Ask => None,
            },
        })
    }
}

impl Authenticator for Jwt {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        if let Some(verdict) = self.decide(head) {
            return verdict;
        }
        self.keys.fetched().await;
        self.decide(head).unwrap_or_else(|| {
            let cause = "the keys of the issuer are still being fetched";
            Err(unavailable(Duration::from_secs(1), cause))
        })
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        self.decide(head)
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![challenge()]
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        bearer_token(head).is_ok().then(|| Attempt::new().unguessable())
    }
}

/// Returns the rejection of a token that may be good. Why there are no keys is in the log once for each
/// outage, and anyone can send tokens of unknown keys: a request is no further error.
fn unavailable(retry_after: Duration, cause: impl Into<BoxError>) -> Rejection {
    Rejection::unavailable().with_retry_after(retry_after).caused_by(cause).already_reported()
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("rules", &self.verifier.rules).finish_non_exhaustive()
    }
}
