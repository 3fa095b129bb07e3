//! What a limiter counts: the attempts of each client, in memory or in a shared store, and the
//! attempts that are being verified.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::keys::{Hasher, Keys, Quotas};
use super::pending::Pending;
use super::policy::RateLimit;
use crate::auth::{Cost, Rejection};
use crate::crypto::KeyedHash;
use crate::stores::{
    AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, BoxAttemptStore, MemoryAttemptStore,
    Quota,
};

/// How many wrong credentials a known client may present before a lookup no longer precedes the
/// limit. Generous, because other clients behind the same address may use it up.
const LOOKUPS: Quota = Quota::from_static(100, Duration::from_millis(200));

/// The counters of a limiter. Addresses, users and credentials are held as keyed hashes.
pub(super) struct Counters {
    pub(super) quotas: Quotas,
    pub(super) hasher: Hasher,
    /// Counts lookups and, without a shared store, attempts.
    pub(super) local: MemoryAttemptStore,
    shared: Option<BoxAttemptStore>,
    pub(super) pending: Pending<Taken>,
}

impl Counters {
    pub(super) fn new(config: &RateLimit) -> Self {
        let RateLimit { per_address, per_user, .. } = *config;
        let hasher = match &config.shared {
            Some(shared) => Hasher::Shared(shared.key.clone()),
            None => Hasher::Process(KeyedHash::new()),
        };
        Self {
            quotas: Quotas { per_address, per_user, lookups: LOOKUPS },
            hasher,
            local: MemoryAttemptStore::new(),
            shared: config.shared.as_ref().map(|shared| shared.store.clone()),
            pending: Pending::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn map_local(
        self,
        map: impl FnOnce(MemoryAttemptStore) -> MemoryAttemptStore,
    ) -> Self {
        Self { local: map(self.local), ..self }
    }

    /// Returns whether [`apply`](Self::apply) has to wait for a store.
    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Applies a step.
    ///
    /// # Errors
    ///
    /// 503 if the store fails.
    pub(super) async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, Rejection> {
        match &self.shared {
            None => Ok(self.local.apply_now(step, keys)),
            Some(store) => store.apply(step, keys).await.map_err(|error| {
                let cause = format!("the store of failed attempts failed: {error}");
                Rejection::unavailable().caused_by(cause)
            }),
        }
    }

    /// Applies a step if nothing has to be awaited for that.
    pub(super) fn apply_now(&self, step: AttemptStep, keys: &AttemptKeys) -> Option<AttemptStatus> {
        (!self.is_shared()).then(|| self.local.apply_now(step, keys))
    }
}

/// An attempt that was taken from its counters, shared by concurrent attempts with the same
/// credential. It is given back at the end unless it is kept.
pub(super) struct Taken {
    counters: Arc<Counters>,
    keys: Keys,
    was_known: bool,
    keep: AtomicBool,
}

impl Taken {
    pub(super) fn new(counters: &Arc<Counters>, keys: &Keys, was_known: bool) -> Self {
        let keep = AtomicBool::new(keys.cost == Cost::Expensive);
        Self { counters: counters.clone(), keys: keys.clone(), was_known, keep }
    }

    /// Sets whether the attempt stays counted.
    pub(super) fn keep(&self, keep: bool) {
        self.keep.store(keep, Relaxed);
    }

    /// Gives the attempt back, unless it is kept.
    pub(super) async fn release(mut self) -> Result<(), Rejection> {
        if std::mem::replace(self.keep.get_mut(), true) {
            return Ok(());
        }
        self.counters.apply(self.give_back(), &self.keys.attempt).await.map(drop)
    }

    fn give_back(&self) -> AttemptStep {
        AttemptStep::GiveBack { was_known: self.was_known }
    }
}

/// Gives the attempt back if nothing has to be awaited for that. In a shared store the attempt of a
/// client that disconnects stays counted, which is the safe direction.
impl Drop for Taken {
    fn drop(&mut self) {
        if !*self.keep.get_mut() {
            self.counters.apply_now(self.give_back(), &self.keys.attempt);
        }
        self.counters.pending.remove(&self.keys);
    }
}
