//! Why a token is refused: for the log, never for the client.

use std::time::Duration;

use super::members::ObjectError;

/// Why a token is refused.
///
/// Texts of the token are escaped and cut before they get here. Its signature is never quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error(
        "the token is not a JWT: does the authorization server issue opaque tokens, or was no audience \
         requested?"
    )]
    NotAJwt,
    #[error("the token has more than {} bytes", super::compact::MAX_TOKEN)]
    TooLong,
    #[error("a part of the token is not base64url without padding")]
    NotBase64,
    #[error("the header is refused: {0}")]
    Header(ObjectError),
    #[error("the header has `{0}`")]
    RefusedHeader(&'static str),
    #[error("the header's `alg` is {0}")]
    Algorithm(String),
    #[error("the header's `kid` is too long")]
    KeyIdTooLong,
    #[error("the header's `typ` is {0}: this is no access token")]
    Type(String),
    #[error("the claims are refused: {0}")]
    Claims(ObjectError),
    #[error("`{0}` is missing")]
    MissingClaim(&'static str),
    #[error("`iss` is {0}")]
    Issuer(String),
    #[error("no key of the issuer has `kid` {0}")]
    UnknownKey(String),
    #[error("the issuer's key with `kid` {0} is not for `alg` {1}")]
    KeyOfOtherAlgorithm(String, String),
    #[error(
        "more than four keys of the issuer fit `kid` {0} and `alg` {1}: it has to name its keys"
    )]
    TooManyKeys(String, String),
    #[error("the signature is wrong")]
    Signature,
    #[error("`aud` is {0}")]
    Audience(String),
    #[error("the token has further audiences: `aud` is {0}")]
    ForeignAudience(String),
    #[error("the token was issued to client {0}, which is not allowed")]
    Client(String),
    #[error("the token expired {} s ago", .0.as_secs())]
    Expired(Duration),
    #[error("the token is not valid before {} s from now", .0.as_secs())]
    NotYetValid(Duration),
    #[error("the token was issued {} s in the future", .0.as_secs())]
    IssuedInFuture(Duration),
    #[error("the token was issued {} s ago, which is too long", .0.as_secs())]
    TooOld(Duration),
    #[error("the clock of this server is before 1970, so that nothing is valid")]
    Clock,
    #[error("`sub` is empty, too long or has a control character")]
    Subject,
    #[error("`{0}` says that this is no access token")]
    OtherToken(&'static str),
    #[error("the token is bound to a key of its client (`cnf`), which is not verified here")]
    Bound,
    #[error("a scope of the token is not a scope")]
    Scope,
    #[error("the claim {0} does not have the required value")]
    RequiredClaim(String),
    #[error("the function of `check` refused the claims")]
    Check,
}

impl TokenError {
    /// Returns whether the token is for another verifier, if there is one: of opaque tokens, or of its issuer.
    pub(super) fn is_for_another_verifier(&self) -> bool {
        matches!(self, Self::NotAJwt | Self::Issuer(_))
    }
}
