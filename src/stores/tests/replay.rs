//! Replay stores keep the rules of [`testing`](crate::testing::stores).

use std::time::Duration;

use super::remote::{Failure, Remote};
use crate::auth::BoxError;
use crate::stores::{BoxReplayStore, MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};
use crate::testing::stores::replay_store;

const SKEW: Duration = Duration::from_secs(60);

fn claim<'c>(key_id: &'c str, nonce: &'c str) -> NonceClaim<'c> {
    NonceClaim::new(key_id, nonce, 1_000, 1_300, SKEW)
}

fn remote(failure: Failure) -> Remote<MemoryReplayStore> {
    Remote::new(MemoryReplayStore::new(), failure)
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_rules() {
    replay_store(async || MemoryReplayStore::new(), SKEW).await;
    replay_store(async || BoxReplayStore::new(MemoryReplayStore::new()), SKEW).await;
}

#[tokio::test(start_paused = true)]
async fn a_remote_store_keeps_the_rules() {
    replay_store(async || remote(Failure::Never), SKEW).await;
    replay_store(async || BoxReplayStore::new(remote(Failure::Never)), SKEW).await;
}

/// A store that forgets which key a nonce belongs to.
struct Faulty(MemoryReplayStore);

impl ReplayStore for Faulty {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        let both = format!("{}{}", claim.key_id, claim.nonce);
        self.0.claim(&NonceClaim { key_id: "", nonce: &both, ..*claim }).await
    }
}

#[tokio::test]
#[should_panic(expected = "the store breaks the rule `nonces_belong_to_their_key`")]
async fn a_store_that_mixes_keys_is_found() {
    replay_store(async || Faulty(MemoryReplayStore::new()), SKEW).await;
}

#[tokio::test]
async fn the_store_in_memory_knows_what_is_claimed() {
    let store = MemoryReplayStore::new();
    assert_eq!(store.claim(&claim("ci", "n")).await.unwrap(), NonceStatus::Fresh);
    assert!(store.is_claimed("ci", "n").await.unwrap());
    assert!(!store.is_claimed("other", "n").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_erased_store_keeps_its_properties() {
    let memory = BoxReplayStore::new(MemoryReplayStore::new());
    assert!(!memory.is_shared());
    let remote = BoxReplayStore::new(remote(Failure::Always));
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
