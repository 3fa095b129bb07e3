//! What a response of the endpoint says of a token (RFC 7662 §2.2).

use std::time::SystemTime;

use super::verdict::Refusal;
use crate::auth::Authenticated;
use crate::credentials::Grant;
use crate::schemes::oauth::TokenClaims;
use crate::schemes::oauth::claim_rules::{ClaimRules, shown};
use crate::schemes::oauth::claims::Claims;
use crate::schemes::oauth::members::ObjectError;
use crate::schemes::oauth::token_error::TokenError;

const INACTIVE: &str = "the authorization server says that the token is not active; some servers say so of \
                        every token to a client that may not introspect it";

/// Evaluates a response.
///
/// # Errors
///
/// `Unavailable` if it is no response of introspection: that says nothing of the token. `Invalid` if the token
/// is not active, or not for this server.
pub(super) fn evaluate(
    rules: &ClaimRules,
    response: &[u8],
    now: SystemTime,
) -> Result<Grant, Refusal> {
    let claims = Claims::read(response).map_err(|error| match error {
        ObjectError::WrongType(claim) if claim != "active" => refused(TokenError::Claims(error)),
        _ => Refusal::unavailable(format!("its response is refused: {error}")),
    })?;
    match claims.active {
        Some(true) => {}
        Some(false) => return Err(Refusal::invalid(INACTIVE)),
        None => return Err(Refusal::unavailable("its response has no `active`")),
    }
    grant(rules, &claims, response, now).map_err(refused)
}

fn grant(
    rules: &ClaimRules,
    claims: &Claims<'_>,
    response: &[u8],
    now: SystemTime,
) -> Result<Grant, TokenError> {
    // It is optional: the response itself comes from the issuer.
    if claims.iss.is_some() {
        rules.check_issuer(claims)?;
    }
    // A client without a user is its own subject.
    let subject = claims.sub.as_deref().or(claims.client());
    let authenticated = rules.apply(claims, subject, response, now)?;
    check_type(&authenticated)?;
    let expires_at = authenticated.lifetime().expires_at();
    Ok(Grant::new(authenticated.principal().clone()).expires_at(expires_at))
}

/// Refuses refresh tokens, and tokens that take more than the token to use (RFC 6749 §7.1): a server may say
/// that they are active, too.
fn check_type(authenticated: &Authenticated) -> Result<(), TokenError> {
    let claims = authenticated.principal().data::<TokenClaims>();
    let Some(kind) = claims.and_then(|claims| claims.get::<String>("token_type")) else {
        return Ok(());
    };
    let is_bearer = ["bearer", "access_token"].iter().any(|own| kind.eq_ignore_ascii_case(own));
    if is_bearer { Ok(()) } else { Err(TokenError::Type(shown(&kind))) }
}

fn refused(error: TokenError) -> Refusal {
    Refusal::invalid(error.to_string())
}

#[cfg(test)]
mod tests;
