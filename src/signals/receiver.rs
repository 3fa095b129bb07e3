//! What receives signals at a path, as the layer sees it.

use std::time::SystemTime;

use axum_core::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Response};

use super::answer::{Answer, Form};
use super::logout::LogoutTokens;
use super::refusal::{Code, Refusal};
use super::revoke::Revoke;
use super::set::Transmitter;

/// The greatest size of a request's body, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Receives signals at one path.
#[derive(Clone, Debug)]
pub(crate) enum Receiver {
    SecurityEvents(Box<Transmitter>),
    Logout(LogoutTokens),
}

impl Receiver {
    /// Returns the name that logs and metrics use.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::SecurityEvents(_) => "security event",
            Self::Logout(_) => "logout token",
        }
    }

    /// Checks what can be checked without the body: its type, and the secret of the sender.
    ///
    /// # Errors
    ///
    /// The refusal of the request.
    pub(crate) fn check_head(&self, head: &Parts) -> Result<(), Refusal> {
        match self {
            Self::SecurityEvents(transmitter) => {
                transmitter.authenticate(&head.headers)?;
                check_media_type(&head.headers, "application/secevent+jwt")
            }
            Self::Logout(_) => check_media_type(&head.headers, "application/x-www-form-urlencoded"),
        }
    }

    /// Verifies a signal and applies it. The caller has checked the [head](Self::check_head), and limits the time.
    pub(crate) async fn receive(
        &self,
        body: &[u8],
        revoke: &impl Revoke,
        now: SystemTime,
    ) -> Answer {
        match self {
            Self::SecurityEvents(transmitter) => transmitter.receive(body, revoke, now).await,
            Self::Logout(tokens) => tokens.receive(body, revoke, now).await,
        }
        .unwrap_or_else(|answer| answer)
    }

    /// Returns the response to an accepted signal.
    pub(crate) fn accepted(&self) -> Response<Body> {
        self.form().accepted()
    }

    /// Returns the response to a refused signal.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        self.form().refused(refusal)
    }

    fn form(&self) -> Form {
        match self {
            Self::SecurityEvents(_) => Form::SecurityEvent,
            Self::Logout(_) => Form::Logout,
        }
    }
}

/// Checks that a body is of this media type (RFC 9110 §8.3), and not compressed.
fn check_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Refusal> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let is_expected = match (fields.next(), fields.next()) {
        (Some(field), None) => field.to_str().is_ok_and(|field| {
            let essence = field.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case(expected)
        }),
        _ => false,
    };
    if is_expected && !headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Code::InvalidRequest.because("the Content-Type is not the one that is required here"))
}
