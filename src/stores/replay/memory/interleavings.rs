//! Claims that race, with each other and with the clock.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use shuttle::thread::spawn;

use super::*;
use crate::sync::{AtomicU64, explore};

/// A store, and a clock that a thread sets.
struct Setup {
    store: MemoryReplayStore,
    clock: AtomicU64,
}

impl Setup {
    fn at(second: u64) -> Arc<Self> {
        let (store, clock) = (MemoryReplayStore::with_capacity(100, 100), AtomicU64::new(second));
        Arc::new(Self { store, clock })
    }

    /// Claims as a request does, which reads the clock first.
    fn claim(&self, nonce: &str, keep: u64) -> NonceStatus {
        let now = self.clock.load(SeqCst);
        let keep = Duration::from_secs(keep);
        let claim = NonceClaim { keep, ..NonceClaim::new("ci", nonce, 0, 0, keep) };
        self.store.claim_at(now, &claim).unwrap()
    }
}

#[test]
fn one_of_racing_claims_is_fresh_while_generations_end() {
    explore(|| {
        let setup = Setup::at(9);
        let clock = {
            let setup = setup.clone();
            // A generation ends at 10, and one at 20, when the nonce has still to be kept.
            spawn(move || [10, 15, 19].map(|second| setup.clock.store(second, SeqCst)))
        };
        let claims = [0; 3].map(|_| {
            let setup = setup.clone();
            spawn(move || setup.claim("nonce", 10))
        });
        let claims = claims.map(|claim| claim.join().unwrap());
        clock.join().unwrap();
        let fresh = claims.iter().filter(|status| **status == NonceStatus::Fresh).count();
        assert_eq!(fresh, 1, "{claims:?}");
        assert_eq!(setup.claim("nonce", 10), NonceStatus::Replayed);
        assert_eq!(setup.claim("another", 10), NonceStatus::Fresh);
    });
}

#[test]
fn shorter_keeps_do_not_end_a_generation_of_a_longer_one() {
    explore(|| {
        let setup = Setup::at(50);
        let short = {
            let setup = setup.clone();
            spawn(move || ["a", "b"].map(|nonce| setup.claim(nonce, 1)))
        };
        let long = {
            let setup = setup.clone();
            spawn(move || [setup.claim("long", 100), setup.claim("long", 100)])
        };
        assert_eq!(long.join().unwrap(), [NonceStatus::Fresh, NonceStatus::Replayed]);
        assert_eq!(short.join().unwrap(), [NonceStatus::Fresh; 2]);
        assert_eq!(setup.claim("long", 100), NonceStatus::Replayed);
    });
}
