//! What a limiter counts: the attempts of each client, in memory or in a shared store, and the
//! attempts that are being verified.

use std::time::Duration;

use super::keys::{Hasher, Quotas};
use super::pending::Pending;
use super::policy::RateLimit;
use crate::auth::Rejection;
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
    pub(super) pending: Pending,
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

    /// Whether [`apply`](Self::apply) has to wait for a store.
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
