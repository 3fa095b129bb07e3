//! Claims at times that the test chooses.

use super::*;

fn store(nonces: usize, per_key: usize) -> MemoryReplayStore {
    MemoryReplayStore::with_capacity(nonces, per_key)
}

fn claim<'c>(key_id: &'c str, nonce: &'c str, keep: u64) -> NonceClaim<'c> {
    let keep = Duration::from_secs(keep);
    NonceClaim { keep, ..NonceClaim::new(key_id, nonce, 0, 0, keep) }
}

impl MemoryReplayStore {
    /// Claims a nonce at this second, for one second: each is a generation.
    fn claim_in(&self, second: u64, key_id: &str, nonce: &str) -> Result<NonceStatus, BoxError> {
        self.claim_at(second, &claim(key_id, nonce, 1))
    }
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
    assert_eq!(store.claim_in(11, "a", "n").unwrap(), NonceStatus::Fresh, "two generations later");
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
    assert_eq!(store.claim_in(2, "a", "3").unwrap(), NonceStatus::Fresh, "the first is forgotten");
    assert!(store.claim_in(2, "a", "4").is_err());
    assert_eq!(store.claim_in(2, "a", "2").unwrap(), NonceStatus::Replayed);
}

#[test]
fn a_generation_lasts_as_long_as_the_longest_keep() {
    let store = store(100, 100);
    let claim_at = |now, nonce, keep| store.claim_at(now, &claim("a", nonce, keep)).unwrap();
    // The generations of a short keep do not count for a longer one, however many there were.
    assert_eq!(claim_at(1000, "short", 1), NonceStatus::Fresh);
    assert_eq!(claim_at(1000, "long", 100), NonceStatus::Fresh);
    assert_eq!(claim_at(1100, "long", 1), NonceStatus::Replayed);
    assert_eq!(claim_at(1200, "long", 1), NonceStatus::Fresh);
}

#[test]
fn a_claim_that_was_overtaken_ends_no_generation() {
    let store = store(100, 100);
    let claim_at = |now, nonce, keep| store.claim_at(now, &claim("a", nonce, keep)).unwrap();
    assert_eq!(claim_at(99, "long", 100), NonceStatus::Fresh);
    // Its time was read before or after.
    assert_eq!(claim_at(10, "short", 1), NonceStatus::Fresh);
    assert_eq!(claim_at(198, "short", 1), NonceStatus::Replayed);
    assert_eq!(claim_at(99, "long", 100), NonceStatus::Replayed);
}

#[tokio::test]
async fn fractions_of_a_second_are_kept_as_a_whole_one() {
    let store = store(100, 100);
    let keep = Duration::from_millis(1);
    let claim = NonceClaim { keep, ..claim("a", "n", 0) };
    assert_eq!(store.claim(&claim).await.unwrap(), NonceStatus::Fresh);
    assert_eq!(store.claim_at(1, &claim).unwrap(), NonceStatus::Replayed);
    assert!(store.is_claimed("a", "n").await.unwrap());
    assert!(!store.is_claimed("a", "m").await.unwrap());
}

#[cfg(feature = "redis")]
#[test]
fn lack_of_room_is_known_before_a_claim() {
    let store = store(3, 2);
    let claim = |key_id| claim(key_id, "n", 1);
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
