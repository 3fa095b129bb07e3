//! The key that session and event IDs are bound with.

use std::fmt;
use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::crypto::{Mac, random};

/// A secret key that binds session and event IDs to principals.
///
/// It has 32 or more random bytes, and the same ones in every replica that shares sessions. Only
/// the state of HMAC-SHA-256 (RFC 2104) that was computed from the bytes is stored, and it is wiped
/// when the key is dropped. `Debug` shows nothing of it.
///
/// ```
/// use mcp_auth_layer::layer::SessionKey;
///
/// # fn main() -> Result<(), mcp_auth_layer::layer::SessionKeyError> {
/// # let secret_from_configuration = vec![7; 32];
/// let key = SessionKey::try_from(&secret_from_configuration[..])?;
/// # let _ = key;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionKey {
    session: Mac,
    event: Mac,
}

/// What an ID identifies. A bound ID of one kind is invalid as one of the other kind.
#[derive(Clone, Copy)]
pub(super) enum IdKind {
    Session,
    Event,
}

/// The key is too short: it must have 32 or more bytes, as many as the digest (RFC 2104 §3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session key has {length} bytes, and must have 32 or more")]
#[non_exhaustive]
pub struct SessionKeyError {
    /// How many bytes the key has.
    pub length: usize,
}

impl SessionKey {
    /// Creates a key from a byte string that is part of the program, as in tests.
    ///
    /// # Panics
    ///
    /// If it is shorter than 32 bytes. Use [`TryFrom`] for keys from a configuration.
    pub fn from_static(key: &'static [u8]) -> Self {
        match Self::try_from(key) {
            Ok(key) => key,
            Err(error) => panic!("SessionKey::from_static: {error}"),
        }
    }

    /// Returns the random key of this process, which all of its layers share: where `/sse` and
    /// `/messages/` have a layer each, the one verifies what the other bound.
    pub(super) fn of_process() -> Self {
        static KEY: OnceLock<SessionKey> = OnceLock::new();
        KEY.get_or_init(|| Self::from(random::<{ Mac::MIN_KEY }>())).clone()
    }

    /// Derives a key for each kind of ID, so that messages need not name the kind.
    fn new(key: &[u8]) -> Self {
        let derive = |label| {
            let derived = Mac::new(key).with(label).finish();
            Mac::new(Zeroizing::new(derived).as_slice())
        };
        Self {
            session: derive("mcp-auth-layer/v2 session"),
            event: derive("mcp-auth-layer/v2 event"),
        }
    }

    /// Returns a MAC that has absorbed the key of this kind alone.
    pub(super) fn mac(&self, kind: IdKind) -> Mac {
        match kind {
            IdKind::Session => self.session.clone(),
            IdKind::Event => self.event.clone(),
        }
    }
}

impl TryFrom<&[u8]> for SessionKey {
    type Error = SessionKeyError;

    fn try_from(key: &[u8]) -> Result<Self, SessionKeyError> {
        if key.len() < Mac::MIN_KEY {
            return Err(SessionKeyError { length: key.len() });
        }
        Ok(Self::new(key))
    }
}

/// Creates a key from 32 bytes, which are enough. This copy of them is wiped.
impl From<[u8; 32]> for SessionKey {
    fn from(key: [u8; 32]) -> Self {
        Self::new(Zeroizing::new(key).as_slice())
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_key_has_32_or_more_bytes() {
        for length in [0, 1, 31] {
            let error = SessionKey::try_from(&[7; 32][..length]).unwrap_err();
            assert_eq!(error, SessionKeyError { length });
        }
        assert!(SessionKey::try_from(&[7; 32][..]).is_ok());
        assert!(SessionKey::try_from(&[7; 100][..]).is_ok());
    }

    #[test]
    #[should_panic(expected = "the session key has 3 bytes, and must have 32 or more")]
    fn short_literal_session_key_panics() {
        let _ = SessionKey::from_static(b"key");
    }

    #[test]
    fn all_ways_to_create_a_session_key_agree() {
        let tag = |key: SessionKey| key.mac(IdKind::Session).finish();
        let by_array = tag(SessionKey::from([7; 32]));
        assert_eq!(tag(SessionKey::from_static(&[7; 32])), by_array);
        assert_ne!(tag(SessionKey::from([8; 32])), by_array);
        assert_ne!(SessionKey::from([7; 32]).mac(IdKind::Event).finish(), by_array);
    }

    #[test]
    fn debug_of_a_session_key_shows_no_secret() {
        let key = SessionKey::from_static(b"correct horse battery staple 1234");
        assert_eq!(format!("{key:?}"), "SessionKey { .. }");
    }
}
