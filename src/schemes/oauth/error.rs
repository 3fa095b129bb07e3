//! Errors of a configuration.

use super::keys::KeySetError;
use crate::text::{Shortened, without_user_info};

/// An error in the configuration of an authenticator of access tokens.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthConfigError {
    /// A URL that cannot be used.
    #[error("{:?} is not the URL of an {what}: {problem}", Shortened::new(.url))]
    #[non_exhaustive]
    InvalidUrl {
        /// What the URL is for.
        what: &'static str,
        /// The URL, without user information.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An audience that is empty, or has no client.
    #[error("the audience is empty")]
    EmptyAudience,
    /// Keys that cannot be used.
    #[error("the keys cannot be used: {0}")]
    Keys(#[source] KeySetError),
}

impl OAuthConfigError {
    pub(super) fn invalid_url(what: &'static str, url: String, problem: &'static str) -> Self {
        Self::InvalidUrl { what, url: without_user_info(url), problem }
    }

    /// Returns the error of a file, which names it.
    #[cfg(feature = "files")]
    pub(super) fn file(error: crate::credentials::CredentialFileError) -> Self {
        Self::Keys(KeySetError::Unavailable(std::sync::Arc::new(error.into())))
    }
}
