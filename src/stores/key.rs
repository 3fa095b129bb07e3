//! The key that replicas share.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::Mac;

/// A secret key under which replicas hash what they put into a shared store: names, addresses, nonces and
/// tokens. The store sees none of them.
///
/// It has 32 or more random bytes, and the same ones in every replica. Each use derives a key of its own from
/// it. Only the state of HMAC-SHA-256 (RFC 2104) that was computed from the bytes is stored, and it is wiped
/// when the key is dropped. `Debug` shows nothing of it.
///
/// ```
/// use mcp_auth_layer::stores::StoreKey;
///
/// # fn main() -> Result<(), mcp_auth_layer::stores::StoreKeyError> {
/// # let secret_from_configuration = vec![7; 32];
/// let key = StoreKey::try_from(&secret_from_configuration[..])?;
/// # let _ = key;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StoreKey(Mac);

/// The key is too short: it must have 32 or more bytes, as many as the digest (RFC 2104 §3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store key has {length} bytes, and must have 32 or more")]
#[non_exhaustive]
pub struct StoreKeyError {
    /// How many bytes the key has.
    pub length: usize,
}

impl StoreKey {
    /// Creates a key from a byte string that is part of the program, as in tests.
    ///
    /// # Panics
    ///
    /// If it is shorter than 32 bytes. Use [`TryFrom`] for keys from a configuration.
    pub fn from_static(key: &'static [u8]) -> Self {
        match Self::try_from(key) {
            Ok(key) => key,
            Err(error) => panic!("StoreKey::from_static: {error}"),
        }
    }

    /// Derives the key of one use. What is hashed with the key itself begins with `store`, so that it is never
    /// what another user of the same bytes hashes.
    pub(crate) fn derive(&self, usage: &str) -> Mac {
        let derived = self.0.clone().with_prefixed("store").with_prefixed(usage).finish();
        Mac::new(Zeroizing::new(derived).as_slice())
    }
}

impl TryFrom<&[u8]> for StoreKey {
    type Error = StoreKeyError;

    fn try_from(key: &[u8]) -> Result<Self, StoreKeyError> {
        if key.len() < Mac::MIN_KEY {
            return Err(StoreKeyError { length: key.len() });
        }
        Ok(Self(Mac::new(key)))
    }
}

/// Creates a key from 32 bytes, which are enough. This copy of them is wiped.
impl From<[u8; 32]> for StoreKey {
    fn from(key: [u8; 32]) -> Self {
        Self(Mac::new(Zeroizing::new(key).as_slice()))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_key_has_32_or_more_bytes() {
        for length in [0, 1, 31] {
            let error = StoreKey::try_from(&[7; 32][..length]).unwrap_err();
            assert_eq!(error, StoreKeyError { length });
        }
        assert!(StoreKey::try_from(&[7; 32][..]).is_ok());
    }

    #[test]
    #[should_panic(expected = "the store key has 3 bytes, and must have 32 or more")]
    fn short_literal_store_key_panics() {
        let _ = StoreKey::from_static(b"key");
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let tag = |key: StoreKey, usage: &str| key.derive(usage).with("same").finish();
        let nonces = tag(StoreKey::from([7; 32]), "nonces");
        assert_eq!(tag(StoreKey::from_static(&[7; 32]), "nonces"), nonces);
        assert_ne!(tag(StoreKey::from([7; 32]), "attempts"), nonces);
        assert_ne!(tag(StoreKey::from([8; 32]), "nonces"), nonces);
    }

    #[test]
    fn debug_of_a_store_key_shows_no_secret() {
        let key = StoreKey::from_static(b"correct horse battery staple 1234");
        assert_eq!(format!("{key:?}"), "StoreKey { .. }");
    }
}
