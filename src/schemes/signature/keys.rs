//! The secrets of signers, ready to verify with.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hint::black_box;

use crate::auth::{Principal, Revocation};
use crate::credentials::{Grant, Revoked};
use crate::crypto::{Digest, Mac};

/// How many secrets one key id may have at a time: the old one and the new one.
const MAX_LIVE: usize = 2;

/// Why a key cannot be used. It says which one by its position, counted from 1, and never quotes
/// the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nobody could ever be let in.
    #[error("no keys were given: add at least one")]
    NoKeys,
    /// A key id is empty, too long, or has something else than visible ASCII and spaces.
    #[error("key {position}: the key id must be 1 to 256 characters of printable ASCII")]
    KeyId {
        /// Which key, counted from 1.
        position: usize,
    },
    /// A secret is too short.
    #[error("key {position}: the secret has {length} bytes, and must have 32 or more")]
    ShortSecret {
        /// Which key, counted from 1.
        position: usize,
        /// How long it is, in bytes.
        length: usize,
    },
    /// A key id has more than two secrets, or the same one twice.
    #[error("key {position}: a key id may have two secrets for rotation, and they must differ")]
    Rotation {
        /// Which key, counted from 1.
        position: usize,
    },
}

#[derive(Clone)]
pub(crate) struct Keys {
    /// The live secrets of each key id; there is at least one.
    of: HashMap<String, Vec<Key>>,
    /// How many secrets the key with the most of them has, and every signature is verified with:
    /// that of nobody fills up, so that unknown keys take the same time.
    most: usize,
    nobodys: Mac,
    /// Secrets of the file that were revoked by hand, until the file no longer has them. Those that
    /// were added by hand are not among them, so there are never more than the file has.
    revoked: Vec<(String, Mac)>,
}

/// A secret, and who signs with it.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) grant: Grant,
    mac: Mac,
    revocation: Revocation,
    /// Whether the file has this secret, which it will have again when it is reloaded.
    in_file: bool,
}

impl Keys {
    /// None, until there are others.
    pub(crate) fn none() -> Self {
        let nobodys = Mac::random();
        Self { of: HashMap::new(), most: 1, nobodys, revoked: Vec::new() }
    }

    pub(crate) fn new<K, S>(keys: impl IntoIterator<Item = (K, S)>) -> Result<Self, KeyError>
    where
        K: Into<String>,
        S: AsRef<[u8]>,
    {
        let mut all = Self::none();
        for (index, (key_id, secret)) in keys.into_iter().enumerate() {
            all.add(index + 1, key_id.into(), secret.as_ref())?;
        }
        match all.of.is_empty() {
            true => Err(KeyError::NoKeys),
            false => Ok(all),
        }
    }

    pub(crate) fn add(
        &mut self,
        position: usize,
        key_id: String,
        secret: &[u8],
    ) -> Result<(), KeyError> {
        let mac = keyed_mac(position, &key_id, secret)?;
        let revocation = Revocation::by_removal();
        let grant = Grant::new(Principal::new(&*key_id)).revoked_by(revocation.clone());
        let mut key = Key { grant, mac, revocation, in_file: false };
        let is_this = |(id, mac): &mut (String, Mac)| *id == key_id && key.is(mac);
        key.in_file = self.revoked.extract_if(.., is_this).count() > 0;
        match self.of.entry(key_id) {
            Entry::Vacant(vacant) => _ = vacant.insert(vec![key]),
            Entry::Occupied(live) => {
                let live = live.into_mut();
                if live.len() == MAX_LIVE || live.iter().any(|other| other.is(&key.mac)) {
                    return Err(KeyError::Rotation { position });
                }
                live.push(key);
            }
        }
        self.count();
        Ok(())
    }

    /// Takes out the secrets of this key id: one of them, or all.
    pub(crate) fn remove(&mut self, key_id: &str, secret: Option<&[u8]>) -> Revoked {
        let mac = secret.map(Mac::new);
        let is_meant = |key: &mut Key| mac.as_ref().is_none_or(|mac| key.is(mac));
        let mut revoked = Vec::new();
        if let Some(live) = self.of.get_mut(key_id) {
            let removed: Vec<_> = live.extract_if(.., is_meant).collect();
            let in_file = removed.iter().filter(|key| key.in_file);
            self.revoked.extend(in_file.map(|key| (key_id.to_owned(), key.mac.clone())));
            revoked.extend(removed.into_iter().map(|key| key.revocation));
        }
        self.of.retain(|_, live| !live.is_empty());
        self.count();
        Revoked::from_iter(revoked)
    }

    /// Takes other secrets in place of these, and returns those that are gone. The ones that stay
    /// are the same as before, and those that were revoked by hand stay revoked.
    #[cfg(feature = "files")]
    pub(crate) fn replace(&mut self, mut next: Self) -> Revoked {
        for (key_id, mac) in std::mem::take(&mut self.revoked) {
            let live = next.of.get_mut(&key_id);
            if live.is_some_and(|live| live.extract_if(.., |key| key.is(&mac)).count() > 0) {
                next.revoked.push((key_id, mac));
            }
        }
        next.of.retain(|_, live| !live.is_empty());
        next.count();
        for (key_id, live) in &mut next.of {
            let Some(before) = self.of.get_mut(key_id) else { continue };
            for key in live {
                if let Some(at) = before.iter().position(|other| other.is(&key.mac)) {
                    *key = before.swap_remove(at);
                }
            }
        }
        next.of.values_mut().flatten().for_each(|key| key.in_file = true);
        let gone = std::mem::replace(self, next);
        gone.of.into_values().flatten().map(|key| key.revocation).collect()
    }

    /// Takes all secrets out, as their file is gone. Those that were revoked by hand stay revoked when
    /// it is back.
    #[cfg(feature = "files")]
    pub(crate) fn remove_all(&mut self) -> Revoked {
        let gone = std::mem::take(&mut self.of);
        self.count();
        gone.into_values().flatten().map(|key| key.revocation).collect()
    }

    /// How many secrets there are.
    #[cfg(feature = "files")]
    pub(crate) fn len(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }

    fn count(&mut self) {
        self.most = self.of.values().map(Vec::len).max().unwrap_or(1);
    }

    pub(crate) fn get(&self, key_id: &str) -> Option<&[Key]> {
        self.of.get(key_id).map(Vec::as_slice)
    }

    /// Which of the secrets made this signature of this base. Every one is tried, those of no key
    /// as well, and each comparison takes constant time.
    pub(crate) fn verify<'k>(
        &self,
        live: Option<&'k [Key]>,
        base: &str,
        signature: &[u8],
    ) -> Option<&'k Key> {
        let made = |mac: &Mac| mac.clone().with(base).verify(signature);
        let live = live.unwrap_or_default();
        let proven = live.iter().fold(None, |proven, key| match made(&key.mac) {
            true => Some(key),
            false => proven,
        });
        for _ in live.len()..self.most {
            black_box(made(&self.nobodys));
        }
        proven
    }
}

impl Key {
    /// Whether this is its secret. What both make of the same text tells, as secrets are not kept.
    fn is(&self, mac: &Mac) -> bool {
        let fingerprint = |mac: &Mac| Digest::from_bytes(mac.clone().with("same?").finish());
        fingerprint(&self.mac) == fingerprint(mac)
    }
}

/// A key for verifying or signing.
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
        f.debug_set().entries(self.of.keys()).finish()
    }
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use super::*;

    const LEAKED: [u8; 32] = [1; 32];
    const OTHER: [u8; 32] = [2; 32];

    /// Keys of a file that has these secrets of ci's.
    fn reload(keys: &mut Keys, secrets: &[[u8; 32]]) {
        let _ = keys.replace(Keys::new(secrets.iter().map(|secret| ("ci", secret))).unwrap());
    }

    fn is_valid(keys: &Keys, secret: [u8; 32]) -> bool {
        let mac = keyed_mac(1, "ci", &secret).unwrap();
        keys.get("ci").is_some_and(|live| live.iter().any(|key| key.is(&mac)))
    }

    #[test]
    fn a_revocation_is_kept_as_long_as_the_file_has_the_line() {
        let mut keys = Keys::none();
        reload(&mut keys, &[LEAKED]);
        assert_eq!(keys.remove("ci", Some(&LEAKED)).cancel(), 1);
        // The file was gone, and is back as it was.
        let _ = keys.remove_all();
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(!is_valid(&keys, LEAKED) && is_valid(&keys, OTHER));
        reload(&mut keys, &[OTHER]);
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(is_valid(&keys, LEAKED));
        // By hand it is valid again, and can be revoked again.
        let _ = keys.remove("ci", Some(&LEAKED));
        keys.add(1, "ci".into(), &LEAKED).unwrap();
        reload(&mut keys, &[LEAKED]);
        assert!(is_valid(&keys, LEAKED));
        let _ = keys.remove("ci", None);
        reload(&mut keys, &[LEAKED]);
        assert!(!is_valid(&keys, LEAKED));
    }

    #[test]
    fn a_revocation_of_what_the_file_does_not_have_is_not_kept() {
        let mut keys = Keys::none();
        reload(&mut keys, &[OTHER]);
        for secret in [[3; 32], [4; 32], LEAKED] {
            keys.add(1, "ci".into(), &secret).unwrap();
            assert_eq!(keys.remove("ci", Some(&secret)).cancel(), 1);
        }
        assert!(keys.revoked.is_empty());
        keys.add(1, "ci".into(), &LEAKED).unwrap();
        let _ = keys.remove("ci", None);
        assert_eq!(keys.revoked.len(), 1, "of the file's");
        reload(&mut keys, &[LEAKED, OTHER]);
        assert!(is_valid(&keys, LEAKED) && !is_valid(&keys, OTHER));
    }
}
