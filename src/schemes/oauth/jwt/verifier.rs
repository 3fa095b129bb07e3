//! The verification of a token, from its form to its claims.

use std::time::SystemTime;

use crate::auth::Authenticated;
use crate::schemes::oauth::claim_rules::{ClaimRules, shown};
use crate::schemes::oauth::claims::Claims;
use crate::schemes::oauth::compact::{Compact, MAX_TOKEN};
use crate::schemes::oauth::header::Header;
use crate::schemes::oauth::keys::KeySet;
use crate::schemes::oauth::signature::{Refusal, signer};
use crate::schemes::oauth::token_error::TokenError;

/// What verifies tokens, but for the keys.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    pub(super) rules: ClaimRules,
    pub(super) require_at_jwt: bool,
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
        let key = signer(&compact, &header, &signature, keys)?;
        let granted = self.rules.apply(&claims, claims.sub.as_deref(), &payload, now)?;
        Ok(granted.revoked_by(key.revocation.clone()))
    }
}
