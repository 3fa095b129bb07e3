//! The secrets of signers, ready to verify with.

use std::collections::HashMap;
use std::fmt;

use hmac::{KeyInit, Mac};
use sha2::Sha256;

use crate::Principal;

/// HMAC-SHA-256 with the key already taken in, to be cloned for each use.
pub(super) type KeyedMac = hmac::Hmac<Sha256>;

/// The least length of a secret, in bytes: as much as the digest has (RFC 2104 §3).
pub(super) const MIN_SECRET: usize = 32;
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
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

pub(super) struct Keys {
    of: HashMap<String, Key>,
    /// How many secrets the key with the most of them has, and every signature is verified with:
    /// that of nobody fills up, so that unknown keys take the same time.
    most: usize,
    nobodys: KeyedMac,
}

/// A key id's live secrets, and who signs with them.
pub(super) struct Key {
    pub(super) principal: Principal,
    live: Vec<KeyedMac>,
}

impl Keys {
    pub(super) fn new<K, S>(keys: impl IntoIterator<Item = (K, S)>) -> Result<Self, KeyError>
    where
        K: Into<String>,
        S: AsRef<[u8]>,
    {
        let mut of: HashMap<String, Key> = HashMap::new();
        for (index, (key_id, secret)) in keys.into_iter().enumerate() {
            let (position, key_id) = (index + 1, key_id.into());
            let mac = keyed_mac(position, &key_id, secret.as_ref())?;
            let principal = Principal::new(&*key_id);
            let Key { live, .. } = of.entry(key_id).or_insert(Key { principal, live: Vec::new() });
            let fingerprint = |mac: &KeyedMac| mac.clone().chain_update("same?").finalize();
            if live.len() == MAX_LIVE || live.iter().any(|l| fingerprint(l) == fingerprint(&mac)) {
                return Err(KeyError::Rotation { position });
            }
            live.push(mac);
        }
        if of.is_empty() {
            return Err(KeyError::NoKeys);
        }
        let mut random = [0; MIN_SECRET];
        getrandom::fill(&mut random).map_err(|_| KeyError::NoRandomness)?;
        let most = of.values().map(|key| key.live.len()).max().unwrap_or(1);
        Ok(Self { of, most, nobodys: keyed_mac(0, "nobody", &random)? })
    }

    pub(super) fn get(&self, key_id: &str) -> Option<&Key> {
        self.of.get(key_id)
    }

    /// Whether one of the key's secrets made this signature of this base. Every secret is tried,
    /// those of no key as well, and each comparison takes constant time.
    pub(super) fn verify(&self, key: Option<&Key>, base: &str, signature: &[u8]) -> bool {
        let live = key.map_or(&[][..], |key| &key.live);
        let macs = live.iter().chain(std::iter::repeat(&self.nobodys)).take(self.most);
        let good = macs.fold(false, |good, mac| {
            good | mac.clone().chain_update(base).verify_slice(signature).is_ok()
        });
        good && key.is_some()
    }
}

/// A key for verifying or signing.
pub(super) fn keyed_mac(
    position: usize,
    key_id: &str,
    secret: &[u8],
) -> Result<KeyedMac, KeyError> {
    let printable = key_id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !(1..=256).contains(&key_id.len()) || !printable {
        return Err(KeyError::KeyId { position });
    }
    let length = secret.len();
    if length < MIN_SECRET {
        return Err(KeyError::ShortSecret { position, length });
    }
    KeyedMac::new_from_slice(secret).map_err(|_| KeyError::ShortSecret { position, length })
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.of.keys()).finish()
    }
}
