//! Errors of a configuration.

use crate::text::Shortened;

/// An error in the configuration of an authenticator of access tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthConfigError {
    /// A URL that cannot be used.
    #[error("{:?} is not the URL of an {what}: {problem}", Shortened::new(.url))]
    #[non_exhaustive]
    InvalidUrl {
        /// What the URL is for.
        what: &'static str,
        /// The URL.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl OAuthConfigError {
    pub(super) fn invalid_url(what: &'static str, url: String, problem: &'static str) -> Self {
        Self::InvalidUrl { what, url, problem }
    }
}
