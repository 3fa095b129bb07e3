//! The issuer of tokens: the identifier of an authorization server.

use std::fmt;
use std::sync::Arc;

use super::error::OAuthConfigError;
use crate::auth::parse_server_url;

/// The issuer identifier of an authorization server (RFC 8414 §2): a URL that is compared byte by byte.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Issuer(Arc<str>);

impl Issuer {
    /// Parses an issuer, which is kept exactly as it is given.
    ///
    /// # Errors
    ///
    /// If it is not an `https` URL, or `http` and of a loopback host; if it has user information, a
    /// query or a fragment.
    pub(super) fn parse(url: impl Into<String>) -> Result<Self, OAuthConfigError> {
        let url = url.into();
        match parse_server_url(&url) {
            Ok(uri) if uri.query().is_none() => Ok(Self(url.into())),
            Ok(_) => Err(OAuthConfigError::invalid_url("an issuer", url, "it has a query")),
            Err(problem) => Err(OAuthConfigError::invalid_url("an issuer", url, problem)),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

/// Returns the identifier of an issuer as it was given.
///
/// # Errors
///
/// If it cannot be one, see [`Issuer::parse`].
pub(crate) fn check_issuer(url: String) -> Result<String, OAuthConfigError> {
    Issuer::parse(url).map(|issuer| issuer.as_str().to_owned())
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
