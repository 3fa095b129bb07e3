//! Why keys could not be fetched.

use std::sync::Arc;

use crate::schemes::oauth::http::FetchError;
use crate::schemes::oauth::keys::error::KeySetError;
use crate::text::Shortened;

/// Why the keys of an issuer could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("{}: {error}", Shortened::new(.url))]
    Fetch { url: String, error: FetchError },
    #[error("{}: {error}", Shortened::new(.url))]
    Keys { url: String, error: KeySetError },
    #[error("{}: {problem}", Shortened::new(.url))]
    Metadata { url: String, problem: &'static str },
    #[error(
        "{}: the metadata is that of the issuer {:?}, and not of {:?}: configure the issuer exactly as \
         its authorization server spells it",
        Shortened::new(.url), Shortened::new(.found), Shortened::new(.configured)
    )]
    OtherIssuer { url: String, found: String, configured: String },
    #[error("{}: its jwks_uri {:?} cannot be used: {problem}", Shortened::new(.url), Shortened::new(.jwks_uri))]
    JwksUri { url: String, jwks_uri: String, problem: &'static str },
    #[error("the authorization server did not respond in time")]
    TimedOut,
    #[error("the code that fetches the keys panicked: please report this bug")]
    Panicked,
    #[error("keys are fetched within a Tokio runtime only, and there is none")]
    NoRuntime,
}

impl RemoteError {
    /// Returns whether no other path of the server will respond, either.
    pub(super) fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Fetch { error, .. } if error.is_of_the_server())
    }

    /// Returns whether the server has metadata that is wrong, which says more than that there is none.
    pub(super) fn is_of_the_metadata(&self) -> bool {
        matches!(self, Self::OtherIssuer { .. } | Self::JwksUri { .. })
    }
}

impl From<RemoteError> for KeySetError {
    fn from(error: RemoteError) -> Self {
        Self::Unavailable(Arc::new(error.into()))
    }
}
