//! `Authorization: Bearer <token>` (RFC 6750 §2.1), and the challenges of the scheme.

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::token_error::TokenError;
use crate::auth::{AuthScheme, Challenge, Rejection};
use crate::schemes::authorization_header::credential;

/// Returns the challenge of a request without a token, which has no error (RFC 6750 §3.1).
pub(super) fn challenge() -> Challenge {
    Challenge::new(AuthScheme::BEARER)
}

/// Returns the token of a request. The layer rejects requests with more than one `Authorization` field before.
pub(super) fn bearer_token(head: &Parts) -> Result<&str, Rejection> {
    let field = head.headers.get(AUTHORIZATION);
    let token = field.and_then(|field| credential(field.as_bytes(), &AuthScheme::BEARER));
    match token.map(str::from_utf8) {
        None => Err(Rejection::missing(challenge())),
        Some(Ok("")) => Err(Rejection::empty(Challenge::invalid(AuthScheme::BEARER))),
        Some(Ok(token)) => Ok(token),
        Some(Err(_)) => Err(Rejection::malformed(Challenge::invalid(AuthScheme::BEARER))),
    }
}

/// Returns the rejection of a token. What is wrong with it is logged, and never sent.
pub(super) fn invalid(error: TokenError) -> Rejection {
    let challenge = Challenge::invalid(AuthScheme::BEARER);
    let rejection = if error.is_for_another_verifier() {
        Rejection::for_another_verifier(challenge)
    } else {
        Rejection::invalid(challenge)
    };
    rejection.caused_by(error)
}
