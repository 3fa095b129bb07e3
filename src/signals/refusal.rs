//! Why a signal is refused: a code and a text for the sender, and a cause for the log.

use crate::schemes::{Fault, Unverified};

/// Why a signal is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(super) code: Code,
    /// What the sender has to change.
    pub(super) description: &'static str,
    /// What was wrong, for the log. Texts of the token are escaped and cut.
    cause: Option<String>,
    is_authentic: bool,
}

/// The error codes of RFC 8935 §2.4, and `invalid_state` of the Shared Signals Framework §8.1.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidRequest,
    InvalidKey,
    InvalidIssuer,
    InvalidAudience,
    AuthenticationFailed,
    AccessDenied,
    InvalidState,
}

impl Code {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::AuthenticationFailed => "authentication_failed",
            Self::AccessDenied => "access_denied",
            Self::InvalidState => "invalid_state",
        }
    }

    pub(super) fn because(self, description: &'static str) -> Refusal {
        Refusal { code: self, description, cause: None, is_authentic: false }
    }
}

impl Refusal {
    /// Adds what the log says beside the description.
    pub(super) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Marks what was refused as sent by the provider itself, so that it is no failed attempt.
    pub(super) fn authentic(mut self) -> Self {
        self.is_authentic = true;
        self
    }

    /// Returns whether the provider itself sent what was refused: it is lost, unless its settings or those of this
    /// server are corrected.
    pub(crate) fn is_authentic(&self) -> bool {
        self.is_authentic
    }

    /// Returns what the log says.
    pub(crate) fn cause(&self) -> String {
        let (code, description) = (self.code.as_str(), self.description);
        match &self.cause {
            Some(cause) => format!("{code}: {description}: {cause}"),
            None => format!("{code}: {description}"),
        }
    }
}

/// Returns the refusal of a token that is not verified, or after which time it can be verified.
pub(super) fn unverified(error: Unverified) -> Result<Refusal, std::time::Duration> {
    let refusal = match error.fault {
        Fault::Form => Code::InvalidRequest.because("this is no signed token of the expected type"),
        Fault::Issuer => Code::InvalidIssuer.because("the token is of another issuer"),
        Fault::Key => Code::InvalidKey
            .because("the algorithm or the key of the token is not one that the issuer publishes"),
        Fault::Signature => Code::AuthenticationFailed.because("the signature is wrong"),
        Fault::Unavailable { retry_after } => return Err(retry_after),
    };
    Ok(refusal.caused_by(error.reason))
}
