//! The rules of every replay store.

use std::sync::Arc;
use std::time::Duration;

use super::remote::{Failure, Remote};
use crate::stores::{BoxReplayStore, MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};

const SKEW: Duration = Duration::from_secs(60);

fn claim<'c>(key_id: &'c str, nonce: &'c str) -> NonceClaim<'c> {
    NonceClaim::new(key_id, nonce, 1_000, 1_300, SKEW)
}

async fn a_nonce_is_fresh_once(store: impl ReplayStore) {
    assert_eq!(store.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Fresh);
    for _ in 0..3 {
        assert_eq!(store.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Replayed);
    }
    assert_eq!(store.claim(&claim("ci", "m")).await.unwrap(), NonceStatus::Fresh);
}

async fn nonces_belong_to_their_key(store: impl ReplayStore) {
    for (key_id, nonce) in [("a", "bc"), ("ab", "c"), ("b", "bc"), ("", "abc"), ("abc", "")] {
        let status = store.claim(&claim(key_id, nonce)).await.unwrap();
        assert_eq!(status, NonceStatus::Fresh, "{key_id} {nonce}");
    }
}

/// The times of a signature are not part of the nonce: another signature with it is a replay.
async fn other_times_do_not_make_a_nonce_fresh(store: impl ReplayStore) {
    assert_eq!(store.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Fresh);
    let later = NonceClaim::new("ci", "n", 1_001, 1_301, SKEW);
    assert_eq!(store.claim(&later).await.unwrap(), NonceStatus::Replayed);
}

async fn looking_does_not_claim(store: impl ReplayStore) {
    assert!(!store.is_claimed("ci", "n").await.unwrap());
    assert!(!store.is_claimed("ci", "n").await.unwrap());
    assert_eq!(store.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Fresh);
    // `false` would be a valid result, but not from a store in memory.
    assert!(store.is_claimed("ci", "n").await.unwrap());
    assert!(!store.is_claimed("other", "n").await.unwrap());
}

async fn of_concurrent_claims_one_is_fresh(store: impl ReplayStore) {
    let store = Arc::new(store);
    for round in 0..10 {
        let claims: Vec<_> = (0..64)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(
                    async move { store.claim(&claim("ci", &round.to_string())).await.unwrap() },
                )
            })
            .collect();
        let mut fresh = 0;
        for claim in claims {
            fresh += usize::from(claim.await.unwrap() == NonceStatus::Fresh);
        }
        assert_eq!(fresh, 1);
    }
}

for_each_store! {
    MemoryReplayStore, BoxReplayStore;
    a_nonce_is_fresh_once
    nonces_belong_to_their_key
    other_times_do_not_make_a_nonce_fresh
    looking_does_not_claim
    of_concurrent_claims_one_is_fresh
}

#[tokio::test(start_paused = true)]
async fn an_erased_store_keeps_its_properties() {
    let memory = BoxReplayStore::new(MemoryReplayStore::new());
    assert!(!memory.is_shared());
    let remote = || Remote::new(MemoryReplayStore::new(), Failure::Always);
    let remote = BoxReplayStore::new(remote());
    assert!(remote.is_shared());
    assert_eq!(remote.claim(&claim("ci", "n")).await.unwrap_err().to_string(), "connection reset");
    assert!(remote.is_claimed("ci", "n").await.is_err());
}

#[tokio::test]
async fn clones_of_an_erased_store_share_it() {
    let first = BoxReplayStore::new(MemoryReplayStore::new());
    let second = first.clone();
    assert_eq!(first.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Fresh);
    assert_eq!(second.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Replayed);
}

/// From a skew before `created` to a skew after `expires`, in whole seconds at both ends, by a clock
/// that may move by a second either way.
#[test]
fn a_claim_is_kept_longer_than_its_signature_is_valid() {
    assert_eq!(claim("ci", "n").keep, Duration::from_secs(300 + 2 * 60 + 4));
    let longest = NonceClaim::new("ci", "n", 0, u64::MAX, Duration::MAX);
    assert_eq!(longest.keep, Duration::MAX);
    assert_eq!(NonceClaim::new("ci", "n", 9, 1, SKEW).keep, Duration::from_secs(124));
}
