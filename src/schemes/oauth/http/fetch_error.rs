//! Why an authorization server gave no answer.

use std::error::Error as _;

use http::StatusCode;

/// Why a request to an authorization server has no usable response. It has no part of the request or of
/// the response's body, and reads as a clause after the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::schemes::oauth) enum FetchError {
    #[error("it did not respond within {0} seconds")]
    TimedOut(u64),
    /// With the innermost cause, such as `connection refused`.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it redirects (status {}), which is not followed", .0.as_u16())]
    Redirects(StatusCode),
    #[error("it responds with status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("its response has more than {0} bytes")]
    TooLarge(usize),
}

impl FetchError {
    /// Returns whether the server itself did not answer, so that another path of it will not either.
    pub(in crate::schemes::oauth) fn is_of_the_server(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Unreachable(_))
    }

    /// Keeps the innermost cause: the outer ones repeat the URL.
    pub(super) fn of(error: &reqwest::Error, timeout: u64) -> Self {
        if error.is_timeout() {
            return Self::TimedOut(timeout);
        }
        let mut cause = error.source();
        while let Some(source) = cause.and_then(|cause| cause.source()) {
            cause = Some(source);
        }
        Self::Unreachable(match cause {
            Some(cause) => cause.to_string(),
            None => "the request could not be sent".to_owned(),
        })
    }

    /// Returns the response's status if it is 200.
    pub(super) fn unless_ok(status: StatusCode) -> Result<(), Self> {
        match status {
            StatusCode::OK => Ok(()),
            status if status.is_redirection() => Err(Self::Redirects(status)),
            status => Err(Self::Status(status)),
        }
    }
}
