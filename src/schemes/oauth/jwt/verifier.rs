//! The verification of a token, from its form to its claims.

use std::time::SystemTime;

use crate::auth::Authenticated;
use crate::schemes::oauth::claim_rules::{ClaimRules, shown};
use crate::schemes::oauth::claims::Claims;
use crate::schemes::oauth::compact::{Compact, MAX_TOKEN};
use crate::schemes::oauth::header::Header;
use crate::schemes::oauth::keys::{KeySet, Match};
use crate::schemes::oauth::token_error::TokenError;

/// What verifies tokens, but for the keys.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    pub(super) rules: ClaimRules,
    pub(super) require_at_jwt: bool,
}

/// Why a token is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    Invalid(TokenError),
    /// The set does not have the key that the token names. Everything that can be checked without it is right.
    UnknownKey(TokenError),
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Invalid(error)
    }
}

impl Verifier {
    /// Verifies a token: its form, its header, its issuer, its signature, and then its claims.
    pub(super) fn verify(
        &self,
        token: &str,
        keys: &KeySet,
        now: SystemTime,
    ) -> Result<Authenticated, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong.into());
        }
        let compact = Compact::split(token).ok_or(TokenError::NotAJwt)?;
        let header = compact.header().ok_or(TokenError::NotBase64)?;
        let header = Header::read(&header)?;
        if !header.is_access_token(self.require_at_jwt) {
            let typ = header.token_type.as_deref().map_or_else(|| "missing".into(), shown);
            return Err(TokenError::Type(typ).into());
        }
        let payload = compact.payload().ok_or(TokenError::NotBase64)?;
        let signature = compact.signature().ok_or(TokenError::NotBase64)?;
        let claims = Claims::read(&payload).map_err(TokenError::Claims)?;
        self.rules.check_issuer(&claims)?;

        let (id, algorithm) = (header.key_id.as_deref(), header.algorithm);
        let shown_id = || id.map_or_else(|| "missing".to_owned(), shown);
        let mut candidates = match keys.find(id, algorithm) {
            Match::Keys(keys) => keys,
            Match::WrongAlgorithm => {
                return Err(
                    TokenError::KeyOfOtherAlgorithm(shown_id(), format!("{algorithm:?}")).into()
                );
            }
            Match::UnknownKey => {
                return Err(Refusal::UnknownKey(TokenError::UnknownKey(shown_id())));
            }
        };
        let signed = compact.signed.as_bytes();
        let key = candidates
            .find(|key| key.verifies(algorithm, signed, &signature))
            .ok_or(TokenError::Signature)?;
        let granted = self.rules.apply(&claims, claims.sub.as_deref(), &payload, now)?;
        Ok(granted.revoked_by(key.revocation.clone()))
    }
}
