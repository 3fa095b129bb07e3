//! What a limiter counts: the attempts of each client, in memory and perhaps in a shared store, and the
//! attempts that are being verified.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::keys::{Hasher, Keys, Quotas};
use super::pending::Pending;
use super::policy::RateLimit;
use super::shared::{Answer, Share, Shared};
use crate::auth::Cost;
use crate::crypto::KeyedHash;
use crate::stores::{AttemptStep, MemoryAttemptStore, Quota};

/// How many wrong credentials a known client may present before a lookup no longer precedes the
/// limit. Generous, because other clients behind the same address may use it up.
const LOOKUPS: Quota = Quota::from_static(100, Duration::from_millis(200));

/// How often the shared store is asked about a client that must wait, as far as this process knows.
const QUESTIONS: Quota = Quota::from_static(100, Duration::from_millis(50));

/// The counters of a limiter. Addresses, users and credentials are held as keyed hashes.
pub(super) struct Counters {
    pub(super) quotas: Quotas,
    pub(super) hasher: Hasher,
    /// Counts lookups, and the attempts that this process has seen.
    pub(super) local: MemoryAttemptStore,
    pub(super) shared: Option<Shared>,
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
            quotas: Quotas { per_address, per_user, lookups: LOOKUPS, questions: QUESTIONS },
            hasher,
            local: MemoryAttemptStore::new(),
            shared: config.shared.as_ref().map(|shared| Shared::new(shared.store.clone())),
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
}

/// An attempt that is taken from its counters, shared by concurrent attempts with the same
/// credential. It is given back at the end unless it is kept.
pub(super) struct Taken {
    counters: Arc<Counters>,
    keys: Keys,
    answer: OnceCell<Answer>,
    keep: AtomicBool,
}

impl Taken {
    /// Returns an attempt that [`take_shared`](Self::take_shared) is to take.
    pub(super) fn new(counters: &Arc<Counters>, keys: &Keys) -> Self {
        Self::with_answer(counters, keys, None)
    }

    /// Takes an attempt from the memory of this process, or returns how long the client must wait.
    pub(super) fn take_here(counters: &Arc<Counters>, keys: &Keys) -> Result<Self, Duration> {
        let status = counters.local.apply_now(AttemptStep::Take, &keys.attempt);
        if let Some(wait) = status.wait {
            return Err(wait);
        }
        let taken_here = Share::taken(AttemptStep::Take, status);
        let answer = Answer { status, is_shared: false, taken_here, taken_there: None };
        Ok(Self::with_answer(counters, keys, Some(answer)))
    }

    fn with_answer(counters: &Arc<Counters>, keys: &Keys, answer: Option<Answer>) -> Self {
        let keep = AtomicBool::new(keys.cost == Cost::Expensive);
        let answer = OnceCell::new_with(answer);
        Self { counters: counters.clone(), keys: keys.clone(), answer, keep }
    }

    /// Takes the attempt here and from the shared store. Only the first caller asks; the others wait for its answer.
    pub(super) async fn take_shared(&self, shared: &Shared) -> Answer {
        let ask = || shared.ask(&self.counters.local, AttemptStep::Take, &self.keys);
        *self.answer.get_or_init(ask).await
    }

    /// Sets whether the attempt stays counted.
    pub(super) fn keep(&self, keep: bool) {
        self.keep.store(keep, Relaxed);
    }

    /// Gives the attempt back, unless it is kept. Returns the step that does so in the shared store.
    pub(super) fn release(self) -> Option<AttemptStep> {
        let taken_there = self.answer.get().and_then(|answer| answer.taken_there);
        let is_kept = self.keep.load(Relaxed);
        taken_there.filter(|_| !is_kept).map(Share::give_back)
    }
}

/// Gives the attempt back in the memory of this process. In a shared store the attempt of a client that
/// disconnects stays counted, which is the safe direction.
impl Drop for Taken {
    fn drop(&mut self) {
        if !*self.keep.get_mut()
            && let Some(taken) = self.answer.get().and_then(|answer| answer.taken_here)
        {
            self.counters.local.apply_now(taken.give_back(), &self.keys.attempt);
        }
        self.counters.pending.remove(&self.keys);
    }
}
