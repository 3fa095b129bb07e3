//! SipHash, and tables whose keys are hashes of it.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher24};

use super::random::random;

/// SipHash-2-4 with a random key.
#[derive(Clone)]
pub(crate) struct KeyedHash(SipHasher24);

impl KeyedHash {
    pub(crate) fn new() -> Self {
        Self(SipHasher24::new_with_key(&random()))
    }

    pub(crate) fn hash(&self, value: impl Hash) -> u128 {
        let mut hasher = self.0;
        value.hash(&mut hasher);
        hasher.finish128().into()
    }

    /// Hashes these parts, each after its length, which keeps `ab`, `c` apart from `a`, `bc`. Short ones are joined
    /// first: one write costs less than several.
    pub(crate) fn hash_parts<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
        let mut hasher = self.0;
        let mut joined = [0; 64];
        let mut used = 0;
        for part in parts {
            let length = (part.len() as u64).to_le_bytes();
            for bytes in [&length[..], part] {
                if used + bytes.len() > joined.len() {
                    hasher.write(&joined[..used]);
                    used = 0;
                }
                match joined.get_mut(used..used + bytes.len()) {
                    Some(room) => {
                        room.copy_from_slice(bytes);
                        used += bytes.len();
                    }
                    None => hasher.write(bytes),
                }
            }
        }
        hasher.write(&joined[..used]);
        hasher.finish128().into()
    }
}

/// Takes a part of a keyed hash for the hash of it, which is as good as any.
#[derive(Default)]
pub(crate) struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keyed hashes write themselves as integers")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// The lower half. The upper one may have chosen the table.
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_parts_are_joined_in_order_and_cannot_be_shifted() {
        let hash = KeyedHash::new();
        for lengths in [[0, 0, 0], [1, 2, 3], [48, 0, 0], [40, 0, 1], [56, 57, 5], [500, 1, 64]] {
            let parts = lengths.map(|length| vec![length as u8 + 1; length]);
            let parts = parts.each_ref().map(Vec::as_slice);
            let mut plain = hash.0;
            for part in parts {
                plain.write(&(part.len() as u64).to_le_bytes());
                plain.write(part);
            }
            assert_eq!(hash.hash_parts(parts), plain.finish128().into(), "{lengths:?}");
        }
        let of = |parts: [&[u8]; 2]| hash.hash_parts(parts);
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(of([b"ab", b""]), of([b"", b"ab"]));
        assert_ne!(of([b"ab", b""]), hash.hash_parts([&b"ab"[..]]));
    }
}
