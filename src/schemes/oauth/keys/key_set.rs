//! A set of keys (RFC 7517 §5).

use std::fmt;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::error::KeySetError;
use super::key::Key;

/// The greatest size of a set, in bytes.
pub(in crate::schemes::oauth) const MAX_SET: usize = 256 * 1024;

/// The greatest number of keys in a set.
const MAX_KEYS: usize = 100;

/// How many keys are tried for a token that names none.
const MAX_TRIED: usize = 4;

/// The keys of one issuer. A set is never changed, only replaced.
pub(in crate::schemes::oauth) struct KeySet(Vec<Key>);

/// The keys that a token may be signed with.
pub(in crate::schemes::oauth) enum Match<'s> {
    Keys(Candidates<'s>),
    /// The set has the key of the token, for another algorithm.
    WrongAlgorithm,
    /// The set does not have the key of the token.
    UnknownKey,
}

/// The keys to try, in the order of the set.
pub(in crate::schemes::oauth) type Candidates<'s> =
    std::iter::Flatten<std::array::IntoIter<Option<&'s Key>, MAX_TRIED>>;

impl KeySet {
    /// Creates a set without keys, for an issuer whose keys are not known yet.
    pub(in crate::schemes::oauth) fn empty() -> Self {
        Self(Vec::new())
    }

    /// Reads a JWK set. A key that cannot be used is left out (RFC 7517 §5).
    ///
    /// # Errors
    ///
    /// If it is no JWK set, is too large, or has no key that can be used.
    pub(in crate::schemes::oauth) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_SET {
            return Err(KeySetError::NotAKeySet("it has more than 256 KiB"));
        }
        let set: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|_| KeySetError::NotAKeySet("it is no JSON object"))?;
        let Some(Value::Array(jwks)) = set.get("keys") else {
            return Err(KeySetError::NotAKeySet("it has no array `keys`"));
        };
        if jwks.len() > MAX_KEYS {
            return Err(KeySetError::NotAKeySet("it has more than 100 keys"));
        }
        let (mut keys, mut unusable) = (Vec::new(), None);
        for jwk in jwks {
            match jwk.as_object().ok_or("a key is no object").and_then(Key::parse) {
                Ok(key) => keys.push(key),
                Err(reason) => unusable = unusable.or(Some(reason)),
            }
        }
        if keys.is_empty() {
            let reason = unusable.unwrap_or("the set is empty");
            return Err(KeySetError::NoUsableKey { keys: jwks.len(), reason });
        }
        Ok(Self(keys))
    }

    /// Returns the keys that a token may be signed with: that of its key ID, or, without one, the first
    /// four that fit its algorithm. Another key never stands in for the one that is named.
    pub(in crate::schemes::oauth) fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Match<'_> {
        let is_named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut named = self.0.iter().filter(is_named).peekable();
        if named.peek().is_none() {
            return Match::UnknownKey;
        }
        let mut fitting = named.filter(|key| key.fits(algorithm));
        let candidates: [_; MAX_TRIED] = std::array::from_fn(|_| fitting.next());
        match candidates[0] {
            None if id.is_none() => Match::UnknownKey,
            // With too many to try, the issuer has to name its keys.
            Some(_) if fitting.next().is_none() => Match::Keys(candidates.into_iter().flatten()),
            _ => Match::WrongAlgorithm,
        }
    }

    /// Takes over the revocations of the keys that stay, so that what they signed is not touched.
    pub(in crate::schemes::oauth) fn replacing(mut self, previous: &Self) -> Self {
        for key in &mut self.0 {
            if let Some(same) = previous.0.iter().find(|old| old.fingerprint == key.fingerprint) {
                key.revocation = same.revocation.clone();
            }
        }
        self
    }

    /// Revokes what the keys of this set signed that the next set no longer has. Call it once the next set
    /// is active.
    pub(in crate::schemes::oauth) fn revoke_missing_from(&self, next: &Self) {
        for key in &self.0 {
            if !next.0.iter().any(|new| new.fingerprint == key.fingerprint) {
                key.revocation.revoke();
            }
        }
    }

    /// Returns how many keys the other set does not have.
    pub(in crate::schemes::oauth) fn count_missing_from(&self, other: &Self) -> usize {
        let is_missing = |key: &&Key| other.0.iter().all(|old| old.fingerprint != key.fingerprint);
        self.0.iter().filter(is_missing).count()
    }

    pub(in crate::schemes::oauth) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::schemes::oauth) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}
