//! Used nonces, in memory.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::store::{NonceClaim, NonceStatus, ReplayStore};
use crate::auth::BoxError;
use crate::crypto::{AlreadyHashed, KeyedHash};
use crate::sync::{Mutex, MutexGuard};

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
}

/// Two generations: a nonce that is claimed in one is forgotten when the next one ends.
#[derive(Default)]
struct Shard {
    /// How long a generation lasts, in seconds: the longest time that any nonce had to be kept.
    lasts: u64,
    /// When the current generation began, in seconds since the store was created.
    began: u64,
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
        }
    }

    /// Returns an error if there is no room for the nonce of a claim.
    #[cfg(feature = "redis")]
    pub(crate) fn check_room(&self, claim: &NonceClaim<'_>) -> Result<(), BoxError> {
        let now = self.now();
        let mut shard = self.lock(self.hash(claim.key_id, claim.nonce));
        shard.advance(now, claim.keep);
        if shard.len() >= self.capacity {
            return Err(FULL.into());
        }
        if shard.count(claim.key_id) >= self.capacity_per_key {
            return Err(FULL_FOR_KEY.into());
        }
        Ok(())
    }

    /// Returns the time since the store was created, in seconds. This clock never goes backwards.
    fn now(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Claims a nonce at this time, which another claim may have overtaken.
    fn claim_at(&self, now: u64, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        let hash = self.hash(claim.key_id, claim.nonce);
        let mut shard = self.lock(hash);
        shard.advance(now, claim.keep);
        if shard.contains(hash) {
            return Ok(NonceStatus::Replayed);
        }
        if shard.len() >= self.capacity {
            return Err(FULL.into());
        }
        if shard.insert(claim.key_id, hash, self.capacity_per_key) {
            Ok(NonceStatus::Fresh)
        } else {
            Err(FULL_FOR_KEY.into())
        }
    }

    fn hash(&self, key_id: &str, nonce: &str) -> u128 {
        // `str` terminates its hash, which keeps `ab`, `c` apart from `a`, `bc`.
        self.hash.hash((key_id, nonce))
    }

    /// Returns the part that has this hash.
    fn lock(&self, hash: u128) -> MutexGuard<'_, Shard> {
        let shard = &self.shards[(hash >> 64) as usize % self.shards.len()];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayStore for MemoryReplayStore {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        self.claim_at(self.now(), claim)
    }

    async fn is_claimed(&self, key_id: &str, nonce: &str) -> Result<bool, BoxError> {
        let hash = self.hash(key_id, nonce);
        Ok(self.lock(hash).contains(hash))
    }
}

impl Shard {
    /// Ends the generations that have lasted long enough at this time, now that a nonce has to be kept for this long.
    /// That is decided behind the lock: a shorter time that was read before would end them too early.
    fn advance(&mut self, now: u64, keep: Duration) {
        let keep = keep.as_secs().saturating_add(u64::from(keep.subsec_nanos() > 0));
        self.lasts = self.lasts.max(keep).max(1);
        let ended = now.saturating_sub(self.began) / self.lasts;
        match ended {
            0 => return,
            1 => self.previous = std::mem::take(&mut self.current),
            _ => (self.previous, self.current) = Default::default(),
        }
        self.began += ended * self.lasts;
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

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
mod tests;
