//! Errors of a configuration.

use super::keys::KeySetError;
use crate::text::{Shortened, without_user_info};

/// An error in the configuration of an authenticator of access tokens.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthConfigError {
    /// A URL that cannot be used.
    #[error("{:?} is not the URL of {what}: {problem}", Shortened::new(.url))]
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
    /// A client ID or secret that is empty.
    #[error("the {what} is empty")]
    #[non_exhaustive]
    EmptyClient {
        /// Which of them.
        what: &'static str,
    },
    /// A secret that cannot be sent as a bearer token.
    #[error("the bearer secret is empty, or has white space or control characters")]
    InvalidSecret,
    /// Keys that cannot be used.
    #[error("the keys cannot be used: {0}")]
    Keys(#[source] KeySetError),
    /// There is no HTTP client, such as on a machine without root certificates.
    #[error("the HTTP client cannot be set up: {problem}")]
    #[non_exhaustive]
    HttpClient {
        /// What is wrong.
        problem: String,
    },
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

    #[cfg(feature = "oauth-http")]
    pub(super) fn http_client(error: &reqwest::Error) -> Self {
        use std::error::Error as _;
        let problem = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        Self::HttpClient { problem }
    }
}
