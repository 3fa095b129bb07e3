//! The keys of an issuer, for JWTs that are no access tokens.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::claim_rules::shown;
use super::compact::Compact;
use super::error::OAuthConfigError;
use super::header::Header;
use super::issuer::Issuer;
use super::jwt::JwtHandle;
#[cfg(feature = "oauth-http")]
use super::keys::remote::{Endpoint, RemoteKeys};
use super::keys::{Absent, KeySet, KeySource};
use super::signature::{Refusal, signer};
use super::token_error::TokenError;
use crate::json::read_object;

/// The keys of an issuer, with which JWTs are verified that are no access tokens. Clones share the keys.
#[derive(Clone)]
pub(crate) struct IssuerKeys {
    issuer: Issuer,
    keys: KeySource,
}

/// Why a JWT is not verified. The reason is for the log, and quotes no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Unverified {
    pub(crate) fault: Fault,
    pub(crate) reason: String,
}

/// What is wrong with a JWT that is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no signed JWT, or a JWT of another kind.
    Form,
    /// Another issuer made it.
    Issuer,
    /// Its algorithm or its key is not one of the issuer's.
    Key,
    /// No key of the issuer made its signature.
    Signature,
    /// The keys of the issuer are not available now.
    Unavailable { retry_after: Duration },
}

impl IssuerKeys {
    /// Creates a verifier with the keys of a JWK set, as JSON.
    pub(crate) fn fixed(issuer: String, jwks: &[u8]) -> Result<Self, OAuthConfigError> {
        let keys = KeySet::parse(jwks).map_err(OAuthConfigError::Keys)?;
        Self::with(issuer, |_| Ok(KeySource::Fixed(Arc::new(keys))))
    }

    /// Creates a verifier with the JWK set of a file, which is watched.
    #[cfg(feature = "files")]
    pub(crate) fn in_file(issuer: String, path: &Path) -> Result<Self, OAuthConfigError> {
        Self::with(issuer, |_| KeySource::watch(path).map_err(OAuthConfigError::file))
    }

    /// Creates a verifier with the keys that the metadata of an authorization server names.
    #[cfg(feature = "oauth-http")]
    pub(crate) fn of_server(issuer: String) -> Result<Self, OAuthConfigError> {
        Self::remote(issuer, Endpoint::discovered)
    }

    /// Creates a verifier with the keys that the metadata of a transmitter of security events names.
    #[cfg(feature = "oauth-http")]
    pub(crate) fn of_transmitter(issuer: String) -> Result<Self, OAuthConfigError> {
        Self::remote(issuer, Endpoint::of_transmitter)
    }

    /// Creates a verifier with the keys at this URL.
    #[cfg(feature = "oauth-http")]
    pub(crate) fn at_url(issuer: String, url: String) -> Result<Self, OAuthConfigError> {
        Self::remote(issuer, |issuer| Endpoint::configured(issuer, url))
    }

    #[cfg(feature = "oauth-http")]
    fn remote(
        issuer: String,
        endpoint: impl FnOnce(&Issuer) -> Result<Endpoint, OAuthConfigError>,
    ) -> Result<Self, OAuthConfigError> {
        Self::with(issuer, |issuer| {
            Ok(KeySource::Remote(Arc::new(RemoteKeys::new(endpoint(issuer)?))))
        })
    }

    fn with(
        issuer: String,
        source: impl FnOnce(&Issuer) -> Result<KeySource, OAuthConfigError>,
    ) -> Result<Self, OAuthConfigError> {
        let issuer = Issuer::parse(issuer)?;
        let keys = source(&issuer)?;
        Ok(Self { issuer, keys })
    }

    /// Returns a handle that loads the keys.
    pub(crate) fn handle(&self) -> JwtHandle {
        JwtHandle::new(self.keys.clone())
    }

    pub(crate) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Verifies a JWT: its form, its type, its issuer, and its signature. Returns its claims, about which it knows
    /// nothing but `iss`. The caller limits the length of the token.
    ///
    /// # Errors
    ///
    /// If one of these is wrong, or if the keys of the issuer are not available.
    pub(crate) async fn verify(
        &self,
        token: &str,
        is_type: fn(Option<&str>) -> bool,
    ) -> Result<Map<String, Value>, Unverified> {
        let parts = Parts::read(token)?;
        let header = Header::read(&parts.header).map_err(Unverified::header)?;
        if !is_type(header.token_type.as_deref()) {
            let typ = header.token_type.as_deref().map_or_else(|| "missing".to_owned(), shown);
            return Err(Fault::Form.because(format!("the header's `typ` is {typ}")));
        }
        let claims = read_object(&parts.payload)
            .map_err(|problem| Fault::Form.because(format!("the claims are refused: {problem}")))?;
        match claims.get("iss") {
            Some(Value::String(issuer)) if issuer == self.issuer() => {}
            Some(Value::String(other)) => {
                return Err(Fault::Issuer.because(format!("`iss` is {}", shown(other))));
            }
            _ => return Err(Fault::Issuer.because("`iss` is not a string")),
        }
        if let Some(verdict) = self.decide(&parts, &header) {
            return verdict.map(|()| claims);
        }
        self.keys.fetched().await;
        let still_asking = || {
            let retry_after = Duration::from_secs(1);
            Err(Fault::Unavailable { retry_after }
                .because("the keys of the issuer are still being fetched"))
        };
        self.decide(&parts, &header).unwrap_or_else(still_asking).map(|()| claims)
    }

    /// Verifies the signature with the current keys. Returns `None` if the issuer has to be asked for a key.
    fn decide(&self, parts: &Parts<'_>, header: &Header<'_>) -> Option<Result<(), Unverified>> {
        self.keys.with_current(|keys| {
            match signer(&parts.compact, header, &parts.signature, keys) {
                Ok(_) => Some(Ok(())),
                Err(Refusal::Invalid(error)) => Some(Err(Unverified::signature(&error))),
                Err(Refusal::UnknownKey(error)) => match self.keys.absent(keys) {
                    Absent::Unknown => Some(Err(Unverified::signature(&error))),
                    Absent::Unavailable { retry_after } => {
                        let reason =
                            format!("the keys of the issuer are not available, and {error}");
                        Some(Err(Fault::Unavailable { retry_after }.because(reason)))
                    }
                    Absent::Ask => None,
                },
            }
        })
    }
}

/// The decoded parts of a JWT.
struct Parts<'t> {
    compact: Compact<'t>,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Parts<'t> {
    fn read(token: &'t str) -> Result<Self, Unverified> {
        let form = |error: TokenError| Fault::Form.because(error.to_string());
        let compact =
            Compact::split(token).ok_or_else(|| Fault::Form.because("it is no signed JWT"))?;
        let not_base64 = || form(TokenError::NotBase64);
        let header = compact.header().ok_or_else(not_base64)?;
        let payload = compact.payload().ok_or_else(not_base64)?;
        let signature = compact.signature().ok_or_else(not_base64)?;
        Ok(Self { compact, header, payload, signature })
    }
}

impl Fault {
    pub(crate) fn because(self, reason: impl Into<String>) -> Unverified {
        Unverified { fault: self, reason: reason.into() }
    }
}

impl Unverified {
    fn header(error: TokenError) -> Self {
        let fault = match error {
            TokenError::Algorithm(_) | TokenError::KeyIdTooLong => Fault::Key,
            _ => Fault::Form,
        };
        fault.because(error.to_string())
    }

    fn signature(error: &TokenError) -> Self {
        let fault = if *error == TokenError::Signature { Fault::Signature } else { Fault::Key };
        fault.because(error.to_string())
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To look at the keys would start the task that fetches them.
        f.debug_struct("IssuerKeys").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
