//! Attempts that are being verified. Concurrent attempts of one client with the same credential are
//! one attempt.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::counters::Counters;
use super::keys::Keys;
use crate::auth::{Cost, Rejection};
use crate::crypto::AlreadyHashed;
use crate::stores::AttemptStep;

type Map = HashMap<u64, Weak<Taken>, BuildHasherDefault<AlreadyHashed>>;

/// The attempts that are being verified, by client and credential.
#[derive(Default)]
pub(super) struct Pending(Mutex<Map>);

impl Pending {
    /// Returns the attempt with the same credential that is being verified, if there is one.
    pub(super) fn get(&self, keys: &Keys) -> Option<Arc<Taken>> {
        self.lock().get(&keys.pending()).and_then(Weak::upgrade)
    }

    /// Lets concurrent attempts with the same credential share this one.
    pub(super) fn insert(&self, keys: &Keys, taken: &Arc<Taken>) {
        self.lock().insert(keys.pending(), Arc::downgrade(taken));
    }

    fn remove(&self, keys: &Keys) {
        let mut pending = self.lock();
        // Another attempt may have replaced the one that has just ended.
        if pending.get(&keys.pending()).is_some_and(|taken| taken.strong_count() == 0) {
            pending.remove(&keys.pending());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
