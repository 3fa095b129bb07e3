//! Keys of buckets.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

/// The longest key that is kept in place. A longer one would make the whole key longer.
const MAX_SHORT: usize = 22;

/// The name of a principal, a role or a scope. Most are short, and are compared without following a pointer.
#[derive(Clone)]
pub(super) enum Key {
    Short { length: u8, bytes: [u8; MAX_SHORT] },
    Long(Box<[u8]>),
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        let mut bytes = [0; MAX_SHORT];
        match (u8::try_from(text.len()), bytes.get_mut(..text.len())) {
            (Ok(length), Some(start)) => {
                start.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.as_bytes().into()),
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let (own, other): (&[u8], &[u8]) = (self.borrow(), other.borrow());
        own == other
    }
}

impl Eq for Key {}

/// Hashes the text, as maps do that look for one.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bytes: &[u8] = self.borrow();
        bytes.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keys_of_every_length_are_found_by_their_text() {
        let texts: Vec<_> =
            (0..300).map(|length| "é".repeat(length / 2) + &"x".repeat(length % 2)).collect();
        let keys: HashMap<Key, usize> =
            texts.iter().enumerate().map(|(index, text)| (text.as_str().into(), index)).collect();
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(keys.get(text.as_bytes()), Some(&index), "{text}");
        }
        assert_eq!(keys.get(&b"x\0"[..]), None);
    }

    #[test]
    fn short_keys_take_no_more_room_than_long_ones() {
        assert_eq!(size_of::<Key>(), size_of::<Box<[u8]>>() + size_of::<usize>());
    }
}
