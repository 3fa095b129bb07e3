//! The keys of signers: what their signatures are verified with.

use std::collections::HashMap;
use std::fmt;
use std::hint::black_box;

use subtle::Choice;

use super::errors::KeyError;
use crate::auth::{Principal, Revocation};
use crate::credentials::{ByName, Grant, Revoked};
use crate::crypto::{Digest, Mac};

/// How many secrets one key ID may have at a time: the old one and the new one.
const MAX_PER_ID: usize = 2;

#[derive(Clone)]
pub(crate) struct Keys {
    /// The active keys of each key ID; there is at least one.
    by_id: ByName<Vec<Key>>,
    /// The largest number of keys that one ID has. Every signature is verified with so many, padded
    /// with a dummy key, so that all key IDs take equal time.
    max_per_id: usize,
    dummy_key: Mac,
    /// Secrets of the file that were revoked through the handle, until the file no longer has them.
    /// Those that were added through the handle are not among them, so there are never more than the
    /// file has.
    revoked: Vec<(String, Mac)>,
}

/// The keys to verify a signature with. A signature of an unknown key ID is verified all the same, with the keys of a
/// stand-in, so that the response does not reveal it.
#[derive(Clone, Copy)]
pub(crate) struct Candidates<'k> {
    keys: &'k [Key],
    /// Whether they are the keys of the claimed ID. If not, none of them counts.
    pub(crate) is_known: Choice,
}

/// A secret, and the principal that signs with it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) grant: Grant,
    mac: Mac,
    revocation: Revocation,
    /// Whether the file has this secret, which it will have again when it is reloaded.
    in_file: bool,
}

impl Keys {
    /// Creates an empty set.
    pub(crate) fn empty() -> Self {
        let (by_id, dummy_key) = (ByName::default(), Mac::random());
        Self { by_id, max_per_id: 1, dummy_key, revoked: Vec::new() }
    }

    pub(crate) fn new<K, S>(keys: impl IntoIterator<Item = (K, S)>) -> Result<Self, KeyError>
    where
        K: Into<String>,
        S: AsRef<[u8]>,
    {
        let mut by_id: HashMap<String, Vec<Key>> = HashMap::new();
        for (index, (key_id, secret)) in keys.into_iter().enumerate() {
            let (position, key_id) = (index + 1, key_id.into());
            let key = Key::new(position, &key_id, secret.as_ref())?;
            key.push_to(position, by_id.entry(key_id).or_default())?;
        }
        if by_id.is_empty() {
            return Err(KeyError::NoKeys);
        }
        let mut all = Self { by_id: by_id.into_iter().collect(), ..Self::empty() };
        all.update_max();
        Ok(all)
    }

    pub(crate) fn add(
        &mut self,
        position: usize,
        key_id: String,
        secret: &[u8],
    ) -> Result<(), KeyError> {
        let mut key = Key::new(position, &key_id, secret)?;
        let is_added = |(id, mac): &mut (String, Mac)| *id == key_id && key.has_secret(mac);
        key.in_file = self.revoked.extract_if(.., is_added).count() > 0;
        match self.by_id.get_mut(&key_id) {
            Some(active) => key.push_to(position, active)?,
            None => self.by_id.insert(&key_id, vec![key]),
        }
        self.update_max();
        Ok(())
    }

    /// Removes the keys of this key ID: the one with this secret, or all.
    pub(crate) fn remove(&mut self, key_id: &str, secret: Option<&[u8]>) -> Revoked {
        let mac = secret.map(Mac::new);
        let is_removed = |key: &mut Key| mac.as_ref().is_none_or(|mac| key.has_secret(mac));
        let mut revoked = Vec::new();
        if let Some(active) = self.by_id.get_mut(key_id) {
            let removed: Vec<_> = active.extract_if(.., is_removed).collect();
            let in_file = removed.iter().filter(|key| key.in_file);
            self.revoked.extend(in_file.map(|key| (key_id.to_owned(), key.mac.clone())));
            revoked.extend(removed.into_iter().map(|key| key.revocation));
        }
        self.by_id.retain(|active| !active.is_empty());
        self.update_max();
        revoked.into_iter().collect()
    }

    /// Replaces these keys by others, and returns the revocations of those that are gone. Keys that
    /// are in both sets stay the same, and those that were revoked through the handle stay revoked.
    pub(crate) fn replace(&mut self, mut next: Self) -> Revoked {
        for (key_id, mac) in std::mem::take(&mut self.revoked) {
            let Some(active) = next.by_id.get_mut(&key_id) else { continue };
            if active.extract_if(.., |key| key.has_secret(&mac)).count() > 0 {
                next.revoked.push((key_id, mac));
            }
        }
        next.by_id.retain(|active| !active.is_empty());
        next.update_max();
        for (key_id, active) in next.by_id.iter_mut() {
            let Some(before) = self.by_id.get_mut(key_id) else { continue };
            for key in active {
                if let Some(at) = before.iter().position(|other| other.has_secret(&key.mac)) {
                    *key = before.swap_remove(at);
                }
            }
        }
        next.by_id.iter_mut().flat_map(|(_, active)| active).for_each(|key| key.in_file = true);
        let gone = std::mem::replace(self, next);
        gone.by_id.into_values().flatten().map(|key| key.revocation).collect()
    }

    /// Removes all keys, because their file is gone. Those that were revoked through the handle stay
    /// revoked when it is back.
    pub(crate) fn remove_all(&mut self) -> Revoked {
        let gone = std::mem::take(&mut self.by_id);
        self.update_max();
        gone.into_values().flatten().map(|key| key.revocation).collect()
    }

    /// Returns the number of keys.
    pub(crate) fn len(&self) -> usize {
        self.by_id.iter().map(|(_, active)| active.len()).sum()
    }

    fn update_max(&mut self) {
        self.max_per_id = self.by_id.iter().map(|(_, active)| active.len()).max().unwrap_or(1);
    }

    /// Returns the keys to verify a signature with that claims this key ID.
    pub(crate) fn candidates(&self, key_id: &str) -> Candidates<'_> {
        match self.by_id.find(key_id) {
            Some(found) => Candidates { keys: found.value, is_known: found.is_of_name },
            None => Candidates { keys: &[], is_known: Choice::from(0) },
        }
    }

    /// Returns which of the candidates made this signature of this base. All are tried, padded
    /// with the dummy key, and each comparison takes constant time.
    pub(crate) fn verify<'k>(
        &self,
        candidates: Candidates<'k>,
        base: &str,
        signature: &[u8],
    ) -> Option<&'k Key> {
        let is_valid = |mac: &Mac| mac.clone().with(base).verify(signature);
        let Candidates { keys, is_known } = candidates;
        let mut valid = None;
        for key in keys {
            if is_valid(&key.mac) {
                valid = Some(key);
            }
        }
        for _ in keys.len()..self.max_per_id {
            black_box(is_valid(&self.dummy_key));
        }
        valid.filter(|_| is_known.into())
    }
}

impl Key {
    fn new(position: usize, key_id: &str, secret: &[u8]) -> Result<Self, KeyError> {
        let mac = keyed_mac(position, key_id, secret)?;
        let revocation = Revocation::by_removal();
        let grant = Grant::new(Principal::new(key_id)).revoked_by(revocation.clone());
        Ok(Self { grant, mac, revocation, in_file: false })
    }

    /// Adds it to the other keys of its ID.
    fn push_to(self, position: usize, active: &mut Vec<Self>) -> Result<(), KeyError> {
        let is_duplicate = active.iter().any(|other| other.has_secret(&self.mac));
        if active.len() == MAX_PER_ID || is_duplicate {
            return Err(KeyError::Rotation { position });
        }
        active.push(self);
        Ok(())
    }

    /// Returns whether this MAC has the same secret. Secrets are not kept, so the tags of one text are
    /// compared.
    fn has_secret(&self, mac: &Mac) -> bool {
        let fingerprint = |mac: &Mac| Digest::from_bytes(mac.clone().with("same?").finish());
        fingerprint(&self.mac) == fingerprint(mac)
    }
}

/// Creates the MAC of a key, for verifying or signing.
pub(crate) fn keyed_mac(position: usize, key_id: &str, secret: &[u8]) -> Result<Mac, KeyError> {
    let printable = key_id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !(1..=256).contains(&key_id.len()) || !printable {
        return Err(KeyError::KeyId { position });
    }
    let length = secret.len();
    if length < Mac::MIN_KEY {
        return Err(KeyError::ShortSecret { position, length });
    }
    Ok(Mac::new(secret))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_id.iter().map(|(key_id, _)| key_id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAKED: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    /// Replaces the keys by those of a file that has these secrets of `ci`.
    fn reload(keys: &mut Keys, secrets: &[[u8; 32]]) {
        let _ = keys.replace(Keys::new(secrets.iter().map(|secret| ("ci", secret))).unwrap());
    }

    fn is_valid(keys: &Keys, secret: [u8; 32]) -> bool {
        let mac = keyed_mac(1, "ci", &secret).unwrap();
        keys.by_id.get("ci").is_some_and(|keys| keys.iter().any(|key| key.has_secret(&mac)))
    }

    #[test]
    fn revocation_is_kept_while_the_file_has_the_line() {
        let mut keys = Keys::empty();
        reload(&mut keys, &[LEAKED]);
        assert_eq!(keys.remove("ci", Some(&LEAKED)).cancel(), 1);
        // The file was gone, and is back as it was.
        let _ = keys.remove_all();
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(!is_valid(&keys, LEAKED) && is_valid(&keys, OTHER));
        reload(&mut keys, &[OTHER]);
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(is_valid(&keys, LEAKED));
        // Added through the handle, it is valid again and can be revoked again.
        let _ = keys.remove("ci", Some(&LEAKED));
        keys.add(1, "ci".into(), &LEAKED).unwrap();
        reload(&mut keys, &[LEAKED]);
        assert!(is_valid(&keys, LEAKED));
        let _ = keys.remove("ci", None);
        reload(&mut keys, &[LEAKED]);
        assert!(!is_valid(&keys, LEAKED));
    }

    #[test]
    fn revocation_of_a_key_not_in_the_file_is_not_kept() {
        let mut keys = Keys::empty();
        reload(&mut keys, &[OTHER]);
        for secret in [[3; 32], [4; 32], LEAKED] {
            keys.add(1, "ci".into(), &secret).unwrap();
            assert_eq!(keys.remove("ci", Some(&secret)).cancel(), 1);
        }
        assert!(keys.revoked.is_empty());
        keys.add(1, "ci".into(), &LEAKED).unwrap();
        let _ = keys.remove("ci", None);
        assert_eq!(keys.revoked.len(), 1, "only the key of the file");
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(is_valid(&keys, LEAKED) && !is_valid(&keys, OTHER));
    }
}
