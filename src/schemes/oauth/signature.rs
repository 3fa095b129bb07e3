//! The signature of a token, which one of the issuer's keys made.

use super::claim_rules::shown;
use super::compact::Compact;
use super::header::Header;
use super::keys::{Key, KeySet, Match};
use super::token_error::TokenError;

/// Why a token is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    Invalid(TokenError),
    /// The set does not have the key that the token names or, if it names none, that signed it. Everything that
    /// can be checked without it is right.
    UnknownKey(TokenError),
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Invalid(error)
    }
}

/// Returns the key of the set that signed a token.
///
/// # Errors
///
/// If none of the keys that the header allows verifies the signature.
pub(super) fn signer<'s>(
    token: &Compact<'_>,
    header: &Header<'_>,
    signature: &[u8],
    keys: &'s KeySet,
) -> Result<&'s Key, Refusal> {
    let (id, algorithm) = (header.key_id.as_deref(), header.algorithm);
    let shown_id = || id.map_or_else(|| "missing".to_owned(), shown);
    let shown_algorithm = || format!("{algorithm:?}");
    let mut candidates = match keys.find(id, algorithm) {
        Match::Keys(keys) => keys,
        Match::WrongAlgorithm => {
            return Err(TokenError::KeyOfOtherAlgorithm(shown_id(), shown_algorithm()).into());
        }
        Match::TooMany => {
            return Err(TokenError::TooManyKeys(shown_id(), shown_algorithm()).into());
        }
        Match::UnknownKey => {
            return Err(Refusal::UnknownKey(TokenError::UnknownKey(shown_id())));
        }
    };
    let signed = token.signed.as_bytes();
    candidates.find(|key| key.verifies(algorithm, signed, signature)).ok_or(match id {
        Some(_) => Refusal::Invalid(TokenError::Signature),
        // A new key without a name is known by its signatures alone.
        None => Refusal::UnknownKey(TokenError::Signature),
    })
}
