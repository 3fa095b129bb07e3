//! Every nonce counts once: where it is remembered that it came.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum_core::BoxError;

use crate::crypto::{AlreadyHashed, KeyedHash};

/// What a [`ReplayStore`] says of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceStatus {
    /// It had not been claimed, and is now.
    Fresh,
    /// It had been claimed before.
    Replayed,
}

/// Where [`HttpSignature`](crate::HttpSignature) remembers which nonces came.
///
/// [`MemoryReplayStore`] does for one process. Several replicas behind one address need a store
/// that they share: a request is otherwise served once by each of them.
///
/// ```
/// use std::time::Duration;
/// use axum::BoxError;
/// use mcp_auth_layer::{NonceStatus, ReplayStore};
///
/// struct Redis {/* a pool of connections */}
///
/// impl ReplayStore for Redis {
///     async fn claim(&self, key_id: &str, nonce: &str, keep: Duration) -> Result<NonceStatus, BoxError> {
///         // SET mcp:{key_id.len()}:{key_id}{nonce} 1 NX EX {keep}
///         # let _ = (key_id, nonce, keep);
///         # let was_set = true;
///         Ok(if was_set { NonceStatus::Fresh } else { NonceStatus::Replayed })
///     }
///
///     fn is_shared(&self) -> bool {
///         true
///     }
/// }
/// ```
pub trait ReplayStore: Send + Sync + 'static {
    /// Claims a nonce for this key, atomically: of any number of claims of the same pair,
    /// one alone is [`Fresh`](NonceStatus::Fresh). It must be remembered for at least `keep`.
    ///
    /// # Errors
    ///
    /// Whatever makes it impossible to say; the request is then refused with 503. A store that
    /// is full must fail rather than forget.
    fn claim(
        &self,
        key_id: &str,
        nonce: &str,
        keep: Duration,
    ) -> impl Future<Output = Result<NonceStatus, BoxError>> + Send;

    /// Whether a nonce was claimed already. It is asked before the body is read, to spare
    /// reading it; `false` is always a safe answer, and the one given by default.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    fn is_claimed(
        &self,
        key_id: &str,
        nonce: &str,
    ) -> impl Future<Output = Result<bool, BoxError>> + Send {
        let _ = (key_id, nonce);
        async { Ok(false) }
    }

    /// Whether claims are seen by all replicas and outlive a restart of this process.
    ///
    /// If not (the default), signatures that were created before the process started are refused,
    /// since they may have been served by its predecessor.
    fn is_shared(&self) -> bool {
        false
    }
}

/// A set is split into this many, so that cores do not wait for each other.
const SHARDS: usize = 64;

/// The nonces of this process, in memory.
///
/// Nothing is evicted before its time: when it is full, claims fail and requests are refused with
/// 503. A nonce takes 16 bytes and what the hash set needs around it.
pub struct MemoryReplayStore {
    /// Keyed at random, as those who sign choose their nonces.
    hash: KeyedHash,
    shards: Vec<Mutex<Shard>>,
    /// How many nonces one shard may hold: in all, and of one key.
    most: usize,
    most_per_key: usize,
    started: Instant,
    /// The longest time that a nonce had to be kept, in seconds: how long a generation lasts.
    longest: AtomicU64,
}

/// Two generations: what is claimed in one is forgotten when the one after it has ended.
#[derive(Default)]
struct Shard {
    number: u64,
    current: Generation,
    previous: Generation,
}

#[derive(Default)]
struct Generation {
    nonces: HashSet<u128, BuildHasherDefault<AlreadyHashed>>,
    /// How many of them are of which key.
    of_key: HashMap<Box<str>, usize>,
}

impl MemoryReplayStore {
    /// Room for two million nonces, and for half a million of each key.
    pub fn new() -> Self {
        Self::with_capacity(1 << 21, 1 << 19)
    }

    /// Room for about so many nonces in all, and of each key; a nonce is remembered for one to two
    /// times the [window](crate::HttpSignature::window) and twice the skew on both sides.
    pub fn with_capacity(nonces: usize, per_key: usize) -> Self {
        // Small sets stay in one piece, where the bound is exact.
        let shards = if per_key.min(nonces) < SHARDS * 64 { 1 } else { SHARDS };
        Self {
            hash: KeyedHash::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            most: nonces / shards,
            most_per_key: per_key / shards,
            started: Instant::now(),
            longest: AtomicU64::new(1),
        }
    }

    /// Claims in the generation of this number. Numbers that go backwards change nothing.
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
        if shard.len() >= self.most {
            return Err("the replay store is full".into());
        }
        match shard.insert(key_id, hash, self.most_per_key) {
            true => Ok(NonceStatus::Fresh),
            false => Err("the replay store is full for this key".into()),
        }
    }

    fn hash(&self, key_id: &str, nonce: &str) -> u128 {
        self.hash.hash((key_id, nonce)) // `str` ends its hash, which keeps `ab`, `c` from `a`, `bc`
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
    async fn claim(
        &self,
        key_id: &str,
        nonce: &str,
        keep: Duration,
    ) -> Result<NonceStatus, BoxError> {
        let keep = keep.as_secs().saturating_add(u64::from(keep.subsec_nanos() > 0));
        let longest = match self.longest.load(Relaxed) {
            longest if keep <= longest => longest, // mostly, and then there is nothing to write
            _ => self.longest.fetch_max(keep, Relaxed).max(keep),
        };
        // This clock never steps back.
        let generation = self.started.elapsed().as_secs() / longest.max(1);
        self.claim_in(generation, key_id, nonce)
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

    /// False if there are as many of this key as there may be.
    fn insert(&mut self, key_id: &str, hash: u128, most_per_key: usize) -> bool {
        let earlier = self.previous.of_key.get(key_id).copied().unwrap_or(0);
        let count = match self.current.of_key.get_mut(key_id) {
            Some(count) => count,
            None => self.current.of_key.entry(key_id.into()).or_default(),
        };
        let has_room = *count + earlier < most_per_key;
        if has_room {
            *count += 1;
            self.current.nonces.insert(hash);
        }
        has_room
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore")
            .field("most", &(self.most * self.shards.len()))
            .field("most_per_key", &(self.most_per_key * self.shards.len()))
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
    fn a_nonce_counts_once_for_each_key() {
        let store = store(100, 100);
        assert_eq!(store.claim_in(0, "a", "bc").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(0, "a", "bc").unwrap(), NonceStatus::Replayed);
        assert_eq!(store.claim_in(0, "ab", "c").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(0, "b", "bc").unwrap(), NonceStatus::Fresh);
    }

    #[test]
    fn it_is_remembered_through_the_next_generation_and_then_forgotten() {
        let store = store(100, 100);
        store.claim_in(7, "a", "n").unwrap();
        assert_eq!(store.claim_in(8, "a", "n").unwrap(), NonceStatus::Replayed);
        assert_eq!(store.claim_in(8, "a", "later").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(9, "a", "n").unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim_in(9, "a", "later").unwrap(), NonceStatus::Replayed);
        // A number that goes backwards brings nothing back and forgets nothing.
        assert_eq!(store.claim_in(0, "a", "n").unwrap(), NonceStatus::Replayed);
        assert_eq!(store.claim_in(11, "a", "n").unwrap(), NonceStatus::Fresh, "two at once");
    }

    #[test]
    fn full_is_an_error_and_nothing_is_evicted() {
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
    fn the_bound_of_a_key_counts_both_generations() {
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
    async fn a_generation_lasts_as_long_as_the_longest_time_asked_for() {
        let store = store(100, 100);
        let (short, long) = (Duration::from_millis(1), Duration::from_secs(3600));
        assert_eq!(store.claim("a", "n", long).await.unwrap(), NonceStatus::Fresh);
        assert_eq!(store.claim("a", "n", short).await.unwrap(), NonceStatus::Replayed);
        assert!(store.is_claimed("a", "n").await.unwrap());
        assert!(!store.is_claimed("a", "m").await.unwrap());
        assert_eq!(store.longest.load(Relaxed), 3600);
    }

    #[test]
    fn shards_hold_together_what_was_asked_for() {
        let store = store(1 << 16, 1 << 16);
        let claimed = (0..1 << 17).filter(|n| store.claim_in(0, "a", &n.to_string()).is_ok());
        assert_eq!(claimed.count(), 1 << 16);
    }
}
