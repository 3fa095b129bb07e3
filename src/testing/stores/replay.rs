//! The rules of every replay store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::join_all::join_all;
use super::rule::check_rules;
use crate::crypto::random;
use crate::stores::{NonceClaim, NonceStatus, ReplayStore};

/// Checks the rules of replay stores. Each of them gets a store from `new`, which may be the same one.
///
/// The signatures are made for clocks that differ by at most `skew`. A store that begins with a time in which it
/// rejects signatures is waited for; a short skew makes this short.
///
/// # Panics
///
/// With the name of the rule that the store breaks, or if the store fails.
pub async fn replay_store<S: ReplayStore>(new: impl AsyncFn() -> S, skew: Duration) {
    let new = async || Scene::new(new().await, skew).await;
    check_rules! {
        new;
        a_nonce_is_fresh_once
        nonces_belong_to_their_key
        other_times_do_not_make_a_nonce_fresh
        looking_does_not_claim
        of_concurrent_claims_one_is_fresh
    }
}

/// A store with key IDs that no other rule has.
struct Scene<S> {
    store: S,
    skew: Duration,
    key_id: String,
}

impl<S: ReplayStore> Scene<S> {
    /// Waits until the store accepts signatures.
    async fn new(store: S, skew: Duration) -> Self {
        let scene = Self { store, skew, key_id: format!("{:x}", u64::from_be_bytes(random())) };
        // It may take two times if another process begins anew.
        for _ in 0..3 {
            let NonceStatus::Unknown { retry_after } = scene.claim("", "first").await else {
                break;
            };
            tokio::time::sleep(retry_after).await;
        }
        scene
    }

    /// Claims a nonce of a signature that is made now, for the key ID that ends so.
    async fn claim(&self, key_id: &str, nonce: &str) -> NonceStatus {
        self.claim_for(Duration::from_secs(60), key_id, nonce).await
    }

    async fn claim_for(&self, valid: Duration, key_id: &str, nonce: &str) -> NonceStatus {
        let key_id = format!("{}{key_id}", self.key_id);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claim = NonceClaim::new(&key_id, nonce, created, created + valid.as_secs(), self.skew);
        let claimed = self.store.claim(&claim).await;
        claimed.unwrap_or_else(|error| panic!("the claim failed: {error}"))
    }

    async fn is_claimed(&self, nonce: &str) -> bool {
        let claimed = self.store.is_claimed(&self.key_id, nonce).await;
        claimed.unwrap_or_else(|error| panic!("looking for a nonce failed: {error}"))
    }
}

async fn a_nonce_is_fresh_once(scene: Scene<impl ReplayStore>) {
    assert_eq!(scene.claim("", "n").await, NonceStatus::Fresh);
    for _ in 0..3 {
        assert_eq!(scene.claim("", "n").await, NonceStatus::Replayed);
    }
    assert_eq!(scene.claim("", "m").await, NonceStatus::Fresh);
}

async fn nonces_belong_to_their_key(scene: Scene<impl ReplayStore>) {
    for (key_id, nonce) in [("a", "bc"), ("ab", "c"), ("b", "bc"), ("", "abc"), ("abc", "")] {
        assert_eq!(scene.claim(key_id, nonce).await, NonceStatus::Fresh, "{key_id} {nonce}");
    }
}

/// The times of a signature are not part of the nonce: another signature with it is a replay.
async fn other_times_do_not_make_a_nonce_fresh(scene: Scene<impl ReplayStore>) {
    let claim = |valid| scene.claim_for(Duration::from_secs(valid), "", "n");
    assert_eq!(claim(60).await, NonceStatus::Fresh);
    assert_eq!(claim(59).await, NonceStatus::Replayed);
    assert_eq!(claim(61).await, NonceStatus::Replayed);
}

/// Whether a claimed nonce is known as such without a claim is for the store to say.
async fn looking_does_not_claim(scene: Scene<impl ReplayStore>) {
    assert!(!scene.is_claimed("n").await);
    assert!(!scene.is_claimed("n").await);
    assert_eq!(scene.claim("", "n").await, NonceStatus::Fresh);
    assert!(!scene.is_claimed("m").await);
}

async fn of_concurrent_claims_one_is_fresh(scene: Scene<impl ReplayStore>) {
    for round in 0..10 {
        let nonce = round.to_string();
        let statuses = join_all((0..64).map(|_| scene.claim("", &nonce))).await;
        let fresh = statuses.iter().filter(|status| **status == NonceStatus::Fresh);
        assert_eq!(fresh.count(), 1);
    }
}
