//! Every keyed hash and every random byte of this crate.
//!
//! | construction | used for | why this one |
//! | --- | --- | --- |
//! | SHA-256 after a random block of 64 bytes ([`KeyedDigest`]) | tables of passwords and tokens, the cache of introspected tokens, secrets of transmitters | One compression less than HMAC. Digests never leave the process, so extending one is no attack. |
//! | HMAC-SHA-256 ([`Mac`]) | session binding, cached passwords, request signatures, shared stores of attempts and revocations | Tags leave the process, or RFC 9421 names it. |
//! | SipHash-2-4 of 128 bits ([`KeyedHash`]) | nonces, reserved or used, client addresses, claimed users, credentials that are counted, credentials of tables that were found before, names of users and keys, IDs of signals | Fast, and a MAC: without the key, a collision or the hash of a text can only be guessed, among 2^128. |
//! | SHA-256 without a key ([`sha256`]) | token files, file contents, `Content-Digest` | RFC 9530 names it, or the input is random. |
//!
//! Keys are random and of this process, but for session keys, signature secrets and the keys of shared
//! stores, which are configured. The states of [`Mac`] and [`KeyedDigest`] are wiped when they are dropped.

mod keyed_hash;
mod random;

use std::hash::{Hash, Hasher};

use hmac::{KeyInit, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

pub(crate) use self::keyed_hash::{AlreadyHashed, KeyedHash};
pub(crate) use self::random::random;

/// Returns the SHA-256 of these bytes.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-256 over a random block and a credential.
///
/// An attacker cannot compute which digests share a prefix, without the key. The point in a table
/// where a look-up ends therefore reveals nothing.
#[derive(Clone)]
pub(crate) struct KeyedDigest {
    /// The state after the random block: exactly one block of SHA-256, compressed once.
    keyed: Sha256,
}

impl KeyedDigest {
    pub(crate) fn new() -> Self {
        Self { keyed: Sha256::new_with_prefix(random::<64>()) }
    }

    pub(crate) fn digest(&self, credential: &[u8]) -> Digest {
        let mut state = self.keyed.clone();
        state.update(credential);
        // `finalize` would copy the state.
        Digest::from_bytes(state.finalize_reset().into())
    }
}

/// HMAC-SHA-256 (RFC 2104) whose key is already absorbed, to be cloned for each use.
#[derive(Clone)]
pub(crate) struct Mac(hmac::Hmac<Sha256>);

impl Mac {
    /// The least length of a key, in bytes: that of the digest (RFC 2104 §3).
    pub(crate) const MIN_KEY: usize = 32;

    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// Creates one with a random key.
    pub(crate) fn random() -> Self {
        Self::new(&random::<64>())
    }

    pub(crate) fn with(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.update(bytes.as_ref());
        self
    }

    /// Absorbs the length first, which keeps `ab`, `c` apart from `a`, `bc`.
    pub(crate) fn with_prefixed(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.with((bytes.len() as u64).to_be_bytes()).with(bytes)
    }

    /// Absorbs these parts one after the other. Short ones are joined first: one update costs less than several.
    pub(crate) fn with_all(self, parts: &[&[u8]]) -> Self {
        let mut joined = [0; 128];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let Some(joined) = joined.get_mut(..length) else {
            return parts.iter().fold(self, |mac, part| mac.with(part));
        };
        let mut at = 0;
        for part in parts {
            joined[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.with(joined)
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(crate) fn verify(self, tag: &[u8]) -> bool {
        <&[u8; 32]>::try_from(tag).is_ok_and(|tag| equal(&self.finish(), tag))
    }
}

/// Compares in constant time. `subtle` compares slices byte by byte, which takes longer than to compute a tag.
pub(crate) fn equal<const N: usize>(one: &[u8; N], other: &[u8; N]) -> bool {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_ne_bytes(word)
    };
    let pairs = one.chunks(8).zip(other.chunks(8));
    let difference = pairs.fold(0, |difference, (a, b)| difference | (word(a) ^ word(b)));
    difference.ct_eq(&0).into()
}

/// A digest of 256 bits, compared in constant time.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u64; 4]); // words compare faster than bytes

impl Digest {
    /// Creates one that has these words, for tests.
    #[cfg(test)]
    pub(crate) fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// Returns 64 of its bits.
    pub(crate) fn word(&self) -> u64 {
        self.0[0]
    }

    /// Returns it, or zeros instead, in the same time.
    pub(crate) fn or_zeros(self, is_kept: bool) -> Self {
        let is_kept = Choice::from(u8::from(is_kept));
        Self(self.0.map(|word| u64::conditional_select(&0, &word, is_kept)))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks();
        Self(std::array::from_fn(|at| u64::from_ne_bytes(words[at])))
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |difference, (a, b)| difference | (a ^ b));
        difference.ct_eq(&0).into()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_random() {
        assert!(KeyedDigest::new().digest(b"same") != KeyedDigest::new().digest(b"same"));
        assert_ne!(Mac::random().with("same").finish(), Mac::random().with("same").finish());
        assert_ne!(KeyedHash::new().hash("same"), KeyedHash::new().hash("same"));
        assert_ne!(random::<16>(), random::<16>());
    }

    #[test]
    fn every_bit_of_a_digest_is_compared() {
        let digest = [7; 32];
        for bit in 0..256 {
            let mut other = digest;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(Digest::from_bytes(digest) != Digest::from_bytes(other), "bit {bit}");
        }
        assert!(Digest::from_bytes(digest) == Digest::from_bytes(digest));
    }

    #[test]
    fn a_digest_is_kept_or_zeros() {
        let digest = Digest::from_bytes([7; 32]);
        assert!(digest.or_zeros(true) == digest);
        assert!(digest.or_zeros(false) == Digest::from_bytes([0; 32]));
    }

    #[test]
    fn every_bit_of_an_array_is_compared() {
        let one = [7; 22];
        for bit in 0..22 * 8 {
            let mut other = one;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!equal(&one, &other), "bit {bit}");
        }
        assert!(equal(&one, &[7; 22]) && equal(&[0; 0], &[]));
    }

    #[test]
    fn joined_parts_are_absorbed_as_single_ones_are() {
        let mac = Mac::random();
        for lengths in [[0, 0, 0], [1, 2, 3], [64, 63, 1], [100, 28, 0], [100, 28, 1], [500, 1, 7]]
        {
            let parts = lengths.map(|length| vec![length as u8; length]);
            let parts = parts.each_ref().map(Vec::as_slice);
            let single = parts.iter().fold(mac.clone(), |mac, part| mac.with(part)).finish();
            assert_eq!(mac.clone().with_all(&parts).finish(), single, "{lengths:?}");
        }
    }

    /// RFC 4231, test case 2.
    #[test]
    fn mac_is_hmac_sha_256() {
        let mac = Mac::new(b"Jefe").with("what do ya want ").with("for nothing?").finish();
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(mac[28..], [0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn prefixed_parts_cannot_be_shifted() {
        let mac = Mac::random();
        let of = |parts: [&str; 2]| {
            parts.iter().fold(mac.clone(), |mac, part| mac.with_prefixed(part)).finish()
        };
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_eq!(of(["ab", "c"]), of(["ab", "c"]));
    }
}
