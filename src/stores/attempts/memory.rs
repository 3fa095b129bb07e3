//! Failed attempts, in memory.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::keys::{AttemptCounter, AttemptKeys};
use super::known_clients::KnownClients;
use super::quota::nanos;
use super::slots::{Kind, Slot, Slots};
use super::store::{AttemptStatus, AttemptStep, AttemptStore};
use crate::auth::BoxError;

/// In 2 MiB. It takes 6,500 attempts a second from ever new addresses to keep all of them in use.
const SLOTS: usize = 1 << 17;

/// Counts the failed attempts of this process, in memory whose size is bounded.
///
/// It takes 2 MiB for attempts and up to 8 MB for known clients, however many addresses there are.
/// A counter that is in use is never evicted: if there is no room, new clients share counters until
/// one is free. It never fails, and never waits.
pub struct MemoryAttemptStore {
    slots: Slots,
    known_clients: Mutex<KnownClients>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl MemoryAttemptStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        let started = Instant::now();
        Self {
            slots: Slots::new(SLOTS),
            known_clients: Mutex::new(KnownClients::new()),
            clock: Box::new(move || started.elapsed()),
        }
    }

    /// Sets another clock, for tests: the time since any one moment. It must not go backwards.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Sets about how many counters there are.
    #[cfg(test)]
    pub(crate) fn with_slots(self, slots: usize) -> Self {
        Self { slots: Slots::new(slots), ..self }
    }

    /// Applies a step without waiting.
    pub(crate) fn apply_now(&self, step: AttemptStep, keys: &AttemptKeys) -> AttemptStatus {
        let now = self.now();
        match step {
            AttemptStep::Check => self.check(keys, now),
            AttemptStep::Take => self.take(keys, now),
            AttemptStep::Charge => {
                if !self.known_clients().charge(keys, now) {
                    self.slots.charge(slots(keys), now);
                }
                AttemptStatus::default()
            }
            AttemptStep::GiveBack { was_known } => {
                if was_known {
                    self.known_clients().give_back(keys, now);
                } else {
                    self.slots.give_back(slots(keys), now);
                }
                AttemptStatus::default()
            }
            AttemptStep::Remember => {
                self.known_clients().remember_all(keys, now);
                AttemptStatus::default()
            }
        }
    }

    fn check(&self, keys: &AttemptKeys, now: u64) -> AttemptStatus {
        let known = self.known_clients().check(keys, now);
        match known {
            Some(checked) => AttemptStatus { known: true, wait: checked.err() },
            None => AttemptStatus { known: false, wait: self.slots.check(slots(keys), now).err() },
        }
    }

    fn take(&self, keys: &AttemptKeys, now: u64) -> AttemptStatus {
        let known = self.known_clients().take(keys, now);
        match known {
            Some(taken) => AttemptStatus { known: true, wait: taken.err() },
            None => AttemptStatus { known: false, wait: self.slots.take(slots(keys), now).err() },
        }
    }

    /// Returns whether this one counter is not full.
    pub(crate) fn has_attempt(&self, counter: AttemptCounter) -> bool {
        self.slots.check([user_slot(counter)].into_iter(), self.now()).is_ok()
    }

    /// Takes one attempt from this one counter, or returns false if it is full.
    pub(crate) fn take_one(&self, counter: AttemptCounter) -> bool {
        self.slots.take([user_slot(counter)].into_iter(), self.now()).is_ok()
    }

    /// Takes one attempt from this one counter, unless it is full.
    pub(crate) fn charge(&self, counter: AttemptCounter) {
        self.slots.charge([user_slot(counter)].into_iter(), self.now());
    }

    /// Returns the time since any one moment, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        nanos((self.clock)())
    }

    fn known_clients(&self) -> MutexGuard<'_, KnownClients> {
        self.known_clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slots of a client that is not known. Those of its networks come first and choose the shard.
fn slots(keys: &AttemptKeys) -> impl Iterator<Item = Slot> + Clone {
    let addresses = keys.address_counters().map(|counter| Slot::new(Kind::Address, counter));
    addresses.chain(keys.user_counters().map(user_slot))
}

fn user_slot(counter: AttemptCounter) -> Slot {
    Slot::new(Kind::Pair, counter)
}

impl Default for MemoryAttemptStore {
    fn default() -> Self {
        Self::new()
    }
}

impl AttemptStore for MemoryAttemptStore {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        Ok(self.apply_now(step, keys))
    }
}

impl fmt::Debug for MemoryAttemptStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryAttemptStore")
    }
}
