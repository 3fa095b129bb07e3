//! The names of keys.

use super::error::RedisError;

/// Keys of one use are in one slot of a cluster, by a hash tag.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// How many parts the nonces have in a cluster, so that its nodes share them.
pub(super) const BUCKETS: u8 = 16;

impl Keys {
    pub(super) fn new(prefix: String) -> Result<Self, RedisError> {
        // No colon, so that a pattern of keys of one prefix fits no other prefix.
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_allowed) {
            Ok(Self { prefix })
        } else {
            Err(RedisError::KeyPrefix)
        }
    }

    /// Returns the key of the epoch of nonces in this bucket.
    pub(super) fn epoch(&self, bucket: u8) -> Vec<u8> {
        self.key(&bucket.to_string(), b"e")
    }

    /// Returns the key of a nonce with this digest.
    pub(super) fn nonce(&self, bucket: u8, digest: &[u8]) -> Vec<u8> {
        self.key(&bucket.to_string(), digest)
    }

    /// Returns the key of the log of revocations.
    pub(super) fn revocations(&self) -> Vec<u8> {
        self.key("r", b"s")
    }

    /// Returns the key of the name of that log.
    pub(super) fn revocations_name(&self) -> Vec<u8> {
        self.key("r", b"n")
    }

    /// Returns a key of failed attempts, which are in one slot: one step changes several of them.
    pub(super) fn attempts(&self, kind: u8, hash: &[u8]) -> Vec<u8> {
        let mut key = self.key("t", &[kind]);
        key.extend_from_slice(hash);
        key
    }

    fn key(&self, tag: &str, name: &[u8]) -> Vec<u8> {
        let mut key = format!("{{{}:{tag}}}:", self.prefix).into_bytes();
        key.extend_from_slice(name);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_cannot_change_the_hash_tag() {
        for prefix in ["", "a:b", "a{b", "a}b", "a b", "é", &"a".repeat(65)] {
            assert!(Keys::new(prefix.to_owned()).is_err(), "{prefix:?}");
        }
        let keys = Keys::new("mcp.team-1".to_owned()).unwrap();
        assert_eq!(keys.revocations(), b"{mcp.team-1:r}:s");
        assert_eq!(keys.epoch(7), b"{mcp.team-1:7}:e");
        assert_eq!(keys.attempts(b'a', &[0, 255]), b"{mcp.team-1:t}:a\x00\xff");
        assert_eq!(keys.nonce(15, &[0, 255]), b"{mcp.team-1:15}:\x00\xff");
    }
}
