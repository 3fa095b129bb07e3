//! Used nonces, in memory.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::store::{NonceClaim, NonceStatus, ReplayStore};
use crate::auth::BoxError;
use crate::crypto::{AlreadyHashed, KeyedHash};

/// The number of parts of the set. Cores that use different parts do not wait for each other.
const SHARDS: usize = 64;

const FULL: &str = "the replay store is full";
const FULL_FOR_KEY: &str = "the replay store is full for this key";

/// Remembers the nonces of this process, in memory.
///
/// No nonce is evicted early: if the store is full, claims fail and requests are rejected with 503. A
/// nonce takes 16 bytes, plus the overhead of a hash set.
pub struct MemoryReplayStore {
    /// Keyed at random, because clients choose their nonces.
    hash: KeyedHash,
    shards: Vec<Mutex<Shard>>,
    /// How many nonces one shard may hold: in all, and of one key.
    capacity: usize,
    capacity_per_key: usize,
    started: Instant,
    /// How long a generation lasts, in seconds: the longest time that any nonce had to be kept.
    longest_keep: AtomicU64,
}

/// Two generations: a nonce that is claimed in one is forgotten when the next one ends.
#[derive(Default)]
struct Shard {
    number: u64,
    current: Generation,
    previous: Generation,
}

#[derive(Default)]
struct Generation {
    nonces: HashSet<u128, BuildHasherDefault<AlreadyHashed>>,
    /// The number of nonces of each key.
    count_by_key: HashMap<Box<str>, usize>,
}

impl MemoryReplayStore {
    /// Creates a store with room for two million nonces, and for half a million of each key.
    pub fn new() -> Self {
        Self::with_capacity(1 << 21, 1 << 19)
    }

    /// Creates a store with room for about this many nonces in all, and of each key.
    ///
    /// A nonce is remembered for one to two times the sum of the
    /// [window](crate::HttpSignature::window) and twice the [skew](crate::HttpSignature::skew).
    pub fn with_capacity(nonces: usize, per_key: usize) -> Self {
        // Small sets stay in one part, where the bound is exact.
        let shards = if per_key.min(nonces) < SHARDS * 64 { 1 } else { SHARDS };
        Self {
            hash: KeyedHash::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            capacity: nonces / shards,
            capacity_per_key: per_key / shards,
            started: Instant::now(),
            longest_keep: AtomicU64::new(1),
        }
    }

    /// Returns an error if there is no room for the nonce of a claim.
    #[cfg(feature = "redis")]
    pub(crate) fn check_room(&self, claim: &NonceClaim<'_>) -> Result<(), BoxError> {
        let generation = self.generation(claim.keep);
        let hash = self.hash(claim.key_id, claim.nonce);
        let mut shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.advance_to(generation);
        if shard.len() >= self.capacity {
            return Err(FULL.into());
        }
        if shard.count(claim.key_id) >= self.capacity_per_key {
            return Err(FULL_FOR_KEY.into());
        }
        Ok(())
    }

    /// Returns the number of the present generation, once a nonce has to be kept for this long.
    fn generation(&self, keep: Duration) -> u64 {
        let keep = keep.as_secs().saturating_add(u64::from(keep.subsec_nanos() > 0));
        let longest = match self.longest_keep.load(Relaxed) {
            longest if keep <= longest => longest, // in most cases, which then write nothing
            _ => self.longest_keep.fetch_max(keep, Relaxed).max(keep),
        };
        // This clock never goes backwards.
        self.started.elapsed().as_secs() / longest.max(1)
    }

    /// Claims a nonce in the generation of this number. A number that goes backwards changes nothing.
    fn claim_in(
        &self,
        generation: u64,
        key_id: &str,
        nonce: &str,
    ) -> Result<NonceStatus, BoxError> {
        let hash = self.hash(key_id, nonce);
        let mut shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.advance_to(generation);
        if shard.contains(hash) {
            return Ok(NonceStatus::Replayed);
        }
        if shard.len() >= self.capacity {
            return Err(FULL.into());
        }
        if shard.insert(key_id, hash, self.capacity_per_key) {
            Ok(NonceStatus::Fresh)
        } else {
            Err(FULL_FOR_KEY.into())
        }
    }

    fn hash(&self, key_id: &str, nonce: &str) -> u128 {
        // `str` terminates its hash, which keeps `ab`, `c` apart from `a`, `bc`.
        self.hash.hash((key_id, nonce))
    }

    fn shard(&self, hash: u128) -> &Mutex<Shard> {
        &self.shards[(hash >> 64) as usize % self.shards.len()]
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayStore for MemoryReplayStore {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        self.claim_in(self.generation(claim.keep), claim.key_id, claim.nonce)
    }

    async fn is_claimed(&self, key_id: &str, nonce: &str) -> Result<bool, BoxError> {
        let hash = self.hash(key_id, nonce);
        let shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shard.contains(hash))
    }
}

impl Shard {
    fn advance_to(&mut self, number: u64) {
        match number.saturating_sub(self.number) {
            0 => return,
            1 => self.previous = std::mem::take(&mut self.current),
            _ => (self.previous, self.current) = Default::default(),
        }
        self.number = number;
    }

    fn contains(&self, hash: u128) -> bool {
        self.current.nonces.contains(&hash) || self.previous.nonces.contains(&hash)
    }

    fn len(&self) -> usize {
        self.current.nonces.len() + self.previous.nonces.len()
    }

    /// Returns how many nonces a key has.
    fn count(&self, key_id: &str) -> usize {
        let count = |generation: &Generation| generation.count_by_key.get(key_id).copied();
        count(&self.current).unwrap_or(0) + count(&self.previous).unwrap_or(0)
    }

    /// Inserts a nonce. Returns false if its key has as many as it may have.
    fn insert(&mut self, key_id: &str, hash: u128, capacity_per_key: usize) -> bool {
        let has_room = self.count(key_id) < capacity_per_key;
        if has_room {
            match self.current.count_by_key.get_mut(key_id) {
                Some(count) => *count += 1,
                None => drop(self.current.count_by_key.insert(key_id.into(), 1)),
            }
            self.current.nonces.insert(hash);
        }
        has_room
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore")
            .field("capacity", &(self.capacity * self.shards.len()))
            .field("capacity_per_key", &(self.capacity_per_key * self.shards.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(nonces: usize, per_key: usize) -> MemoryReplayStore {
        MemoryReplayStore::with_capacity(nonces, per_key)
    }

    #[test]
    fn a_nonce_is_fresh_once_for_each_key() {
        let store = store(100, 100);
        assert_eq!(store.claim_in(0, "a", "bc").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(0, "a", "bc").unwrap(), NonceStatus::Replayed);
        assert_eq!(store.claim_in(0, "ab", "c").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(0, "b", "bc").unwrap(), NonceStatus::Fresh);
    }

    #[test]
    fn nonces_are_kept_through_the_next_generation() {
        let store = store(100, 100);
        store.claim_in(7, "a", "n").unwrap();
        assert_eq!(store.claim_in(8, "a", "n").unwrap(), NonceStatus::Replayed);
        assert_eq!(store.claim_in(8, "a", "later").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(9, "a", "n").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(9, "a", "later").unwrap(), NonceStatus::Replayed);
        // A number that goes backwards changes nothing.
        assert_eq!(store.claim_in(0, "a", "n").unwrap(), NonceStatus::Replayed);
        assert_eq!(
            store.claim_in(11, "a", "n").unwrap(),
            NonceStatus::Fresh,
            "two generations later"
        );
    }

    #[test]
    fn a_full_store_fails_and_evicts_nothing() {
        let store = store(5, 3);
        for nonce in ["1", "2", "3"] {
            store.claim_in(0, "a", nonce).unwrap();
        }
        assert!(store.claim_in(0, "a", "4").is_err(), "of this key");
        store.claim_in(0, "b", "1").unwrap();
        store.claim_in(1, "b", "2").unwrap();
        assert!(store.claim_in(1, "c", "1").is_err(), "in all");
        for nonce in ["1", "2", "3"] {
            assert_eq!(store.claim_in(1, "a", nonce).unwrap(), NonceStatus::Replayed);
        }
        assert_eq!(store.claim_in(2, "a", "4").unwrap(), NonceStatus::Fresh);
    }

    #[test]
    fn the_capacity_of_a_key_counts_both_generations() {
        let store = store(100, 2);
        store.claim_in(0, "a", "1").unwrap();
        store.claim_in(1, "a", "2").unwrap();
        assert!(store.claim_in(1, "a", "3").is_err());
        assert_eq!(store.claim_in(1, "b", "3").unwrap(), NonceStatus::Fresh);
        assert_eq!(
            store.claim_in(2, "a", "3").unwrap(),
            NonceStatus::Fresh,
            "the first is forgotten"
        );
        assert!(store.claim_in(2, "a", "4").is_err());
        assert_eq!(store.claim_in(2, "a", "2").unwrap(), NonceStatus::Replayed);
    }

    #[tokio::test]
    async fn a_generation_lasts_as_long_as_the_longest_keep() {
        let store = store(100, 100);
        let (short, long) = (Duration::from_millis(1), Duration::from_secs(3600));
        let claim = |keep| NonceClaim { keep, ..NonceClaim::new("a", "n", 0, 0, short) };
        assert_eq!(store.claim(&claim(long)).await.unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim(&claim(short)).await.unwrap(), NonceStatus::Replayed);
        assert!(store.is_claimed("a", "n").await.unwrap());
        assert!(!store.is_claimed("a", "m").await.unwrap());
        assert_eq!(store.longest_keep.load(Relaxed), 3600);
    }

    #[cfg(feature = "redis")]
    #[test]
    fn lack_of_room_is_known_before_a_claim() {
        let store = store(3, 2);
        let claim = |key_id| NonceClaim::new(key_id, "n", 0, 0, Duration::from_secs(9));
        store.claim_in(0, "a", "1").unwrap();
        assert!(store.check_room(&claim("a")).is_ok());
        store.claim_in(0, "a", "2").unwrap();
        assert!(store.check_room(&claim("a")).is_err() && store.check_room(&claim("b")).is_ok());
        store.claim_in(0, "b", "1").unwrap();
        assert!(store.check_room(&claim("b")).is_err(), "in all");
        store.claim_in(2, "a", "3").unwrap(); // the others are forgotten
        assert!(store.check_room(&claim("a")).is_ok());
    }

    #[test]
    fn shards_together_have_the_whole_capacity() {
        let store = store(1 << 16, 1 << 16);
        let claimed = (0..1 << 17).filter(|n| store.claim_in(0, "a", &n.to_string()).is_ok());
        assert_eq!(claimed.count(), 1 << 16);
    }
}
