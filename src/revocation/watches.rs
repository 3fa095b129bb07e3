//! The credentials that are in use, each with what ends its streams.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::digests::Digest;
use crate::auth::Revocation;
use crate::crypto::AlreadyHashed;

/// How many tables there are, so that requests seldom wait for each other.
const SHARDS: usize = 16;
/// How many watches a table has before unused ones are first looked for.
const MIN_SWEEP: usize = 64;

/// One watch for each credential that a request or an open stream uses, by the hash of the credential.
///
/// A watch that was revoked is not in a table any more: whether a later request is accepted is decided anew.
pub(super) struct Watches([Mutex<Shard>; SHARDS]);

struct Shard {
    watches: HashMap<u128, Watch, BuildHasherDefault<AlreadyHashed>>,
    /// At which number of watches the unused ones are removed. Each removal is paid for by as many insertions.
    sweep_at: usize,
}

/// A credential that is in use.
pub(super) struct Watch {
    pub(super) digests: Box<[Digest]>,
    pub(super) issued_at: Option<u64>,
    revocation: Revocation,
}

impl Watch {
    pub(super) fn new(digests: Box<[Digest]>, issued_at: Option<u64>) -> Self {
        Self { digests, issued_at, revocation: Revocation::new() }
    }

    /// Returns whether only the table holds it.
    fn is_unused(&self) -> bool {
        self.revocation.holders() == 1
    }
}

impl Watches {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| {
            Mutex::new(Shard { watches: HashMap::default(), sweep_at: MIN_SWEEP })
        }))
    }

    /// Returns the revocation of a credential that is watched.
    pub(super) fn get(&self, id: u128) -> Option<Revocation> {
        self.shard(id).watches.get(&id).map(|watch| watch.revocation.clone())
    }

    /// Adds a watch, unless there is one, and returns the revocation of the one that is there.
    pub(super) fn insert(&self, id: u128, watch: Watch) -> Revocation {
        let mut shard = self.shard(id);
        if shard.watches.len() >= shard.sweep_at {
            shard.sweep();
        }
        shard.watches.entry(id).or_insert(watch).revocation.clone()
    }

    /// Revokes the credentials for which this function returns true, and returns how many there were.
    pub(super) fn revoke(&self, is_revoked: impl Fn(&Watch) -> bool) -> usize {
        let mut count = 0;
        for shard in &self.0 {
            let revoked: Vec<_> =
                lock(shard).watches.extract_if(|_, watch| is_revoked(watch)).collect();
            count += revoked.len();
            // Wakes streams, which need not wait for the table.
            revoked.iter().for_each(|(_, watch)| watch.revocation.revoke());
        }
        count
    }

    /// Revokes one credential.
    pub(super) fn revoke_one(&self, id: u128) {
        let watch = self.shard(id).watches.remove(&id);
        if let Some(watch) = watch {
            watch.revocation.revoke();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|shard| lock(shard).watches.len()).sum()
    }

    /// The upper half of the hash chooses the table, the lower one the place in it.
    fn shard(&self, id: u128) -> MutexGuard<'_, Shard> {
        lock(&self.0[(id >> 64) as usize % SHARDS])
    }
}

impl Shard {
    fn sweep(&mut self) {
        self.watches.retain(|_, watch| !watch.is_unused());
        self.sweep_at = (2 * self.watches.len()).max(MIN_SWEEP);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(digest: u8) -> Watch {
        Watch::new(Box::new([[digest; 16]]), None)
    }

    #[test]
    fn requests_with_the_same_credential_share_a_watch() {
        let watches = Watches::new();
        let first = watches.insert(1, watch(1));
        assert!(watches.insert(1, watch(1)).is_same(&first));
        assert!(watches.get(1).is_some_and(|found| found.is_same(&first)));
        assert!(!watches.insert(2, watch(2)).is_same(&first));
        assert!(watches.get(3).is_none());
    }

    #[test]
    fn only_matching_watches_are_revoked_and_removed() {
        let watches = Watches::new();
        let (one, two) = (watches.insert(1, watch(1)), watches.insert(2, watch(2)));
        assert_eq!(watches.revoke(|watch| watch.digests[0][0] == 1), 1);
        assert!(one.is_revoked() && !two.is_revoked());
        assert!(watches.get(1).is_none() && watches.get(2).is_some());
        watches.revoke_one(2);
        assert!(two.is_revoked() && watches.len() == 0);
    }

    #[test]
    fn unused_watches_do_not_accumulate() {
        let watches = Watches::new();
        let held: Vec<_> = (0..500).map(|id| watches.insert(id, watch(1))).collect();
        for id in 500..100_000 {
            watches.insert(id, watch(1));
        }
        assert!(watches.len() <= 2 * held.len() + MIN_SWEEP, "{}", watches.len());
        for (id, revocation) in (0..).zip(&held) {
            assert!(watches.get(id).is_some_and(|found| found.is_same(revocation)), "{id}");
        }
    }
}
