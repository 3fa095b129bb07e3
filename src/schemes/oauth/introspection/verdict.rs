//! What is known of a token.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::{AuthScheme, Authenticated, Challenge, Rejection, Revocation};
use crate::credentials::Grant;

/// Why a token is refused, which is logged and not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is inactive, or not one for this server.
    Invalid(Reason),
    /// The authorization server did not answer, or it was not asked.
    Unavailable(Reason),
}

/// Its clones share an owned text.
pub(super) type Reason = Arc<Cow<'static, str>>;

impl Refusal {
    pub(super) fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(Arc::new(reason.into()))
    }

    pub(super) fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable(Arc::new(reason.into()))
    }

    pub(super) fn to_rejection(&self) -> Rejection {
        match self {
            Self::Invalid(reason) => {
                Rejection::invalid(Challenge::invalid(AuthScheme::BEARER)).caused_by(&***reason)
            }
            // The authorization server is asked again by the next request.
            Self::Unavailable(reason) => Rejection::unavailable()
                .with_retry_after(Duration::from_secs(1))
                .caused_by(&***reason),
        }
    }
}

/// What an active token grants, until it is found to be inactive.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) grant: Grant,
    pub(super) revocation: Revocation,
}

impl Granted {
    /// Each request has a clone of the revocation of its own, by which open streams are counted.
    pub(super) fn authenticated(&self) -> Authenticated {
        self.grant.authenticated(AuthScheme::BEARER).revoked_by(self.revocation.clone())
    }
}

pub(super) type Verdict = Result<Granted, Refusal>;
