//! Errors of keys.

use std::sync::Arc;

use crate::auth::BoxError;

/// Why the keys of an issuer could not be loaded.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The text is not a JWK set (RFC 7517 §5), or is too large.
    #[error("not a JWK set: {0}")]
    NotAKeySet(&'static str),
    /// No key of the set can be used.
    #[error("none of the {keys} keys of the set can be used: {reason}")]
    #[non_exhaustive]
    NoUsableKey {
        /// How many keys the set has.
        keys: usize,
        /// Why the first one cannot be used.
        reason: &'static str,
    },
    /// The keys could not be fetched, or their file could not be read.
    #[error("the keys could not be loaded: {0}")]
    Unavailable(Arc<BoxError>),
}
