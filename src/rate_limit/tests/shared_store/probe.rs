//! A store that records what it is asked, and can be away.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::auth::BoxError;
use crate::stores::{AttemptKeys, AttemptStatus, AttemptStep, AttemptStore};

/// A store in memory, with the clock of the test. Clones are the same store.
#[derive(Clone)]
pub(super) struct Probe(Arc<Inner>);

struct Inner {
    memory: MemoryAttemptStore,
    is_away: AtomicBool,
    asked: Mutex<Vec<AttemptStep>>,
}

impl Probe {
    pub(super) fn new(clock: &Clock) -> Self {
        let memory = clock.set_for(MemoryAttemptStore::new());
        Self(Arc::new(Inner { memory, is_away: AtomicBool::new(false), asked: Mutex::default() }))
    }

    pub(super) fn set_away(&self, is_away: bool) {
        self.0.is_away.store(is_away, Relaxed);
    }

    /// Returns the steps since the last call.
    pub(super) fn asked(&self) -> Vec<AttemptStep> {
        std::mem::take(&mut *self.0.asked.lock().unwrap())
    }
}

impl AttemptStore for Probe {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        self.0.asked.lock().unwrap().push(step);
        tokio::task::yield_now().await;
        if self.0.is_away.load(Relaxed) {
            return Err("connection reset".into());
        }
        Ok(self.0.memory.apply_now(step, keys))
    }
}

/// The time, in seconds.
#[derive(Clone, Default)]
pub(super) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(super) fn set_for(&self, store: MemoryAttemptStore) -> MemoryAttemptStore {
        let clock = self.clone();
        store.with_clock(move || Duration::from_secs(clock.0.load(Relaxed)))
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.0.fetch_add(seconds, Relaxed);
    }
}
