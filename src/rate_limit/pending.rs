//! Attempts that are being verified. Concurrent attempts of one client with the same credential are
//! one attempt.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::keys::Keys;
use crate::crypto::AlreadyHashed;

type Map<T> = HashMap<u64, Weak<T>, BuildHasherDefault<AlreadyHashed>>;

/// The attempts that are being verified, by client and credential. Those without a [key](Keys::pending) share nothing.
pub(super) struct Pending<T>(Mutex<Map<T>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pending<T> {
    /// Returns the attempt with the same credential that is being verified, if there is one.
    pub(super) fn get(&self, keys: &Keys) -> Option<Arc<T>> {
        self.lock().get(&keys.pending()?).and_then(Weak::upgrade)
    }

    /// Lets concurrent attempts with the same credential share this one.
    pub(super) fn insert(&self, keys: &Keys, attempt: &Arc<T>) {
        if let Some(key) = keys.pending() {
            self.lock().insert(key, Arc::downgrade(attempt));
        }
    }

    /// Returns the attempt with the same credential that is being verified, or lets others share this one.
    pub(super) fn get_or_insert(&self, keys: &Keys, attempt: impl FnOnce() -> T) -> Arc<T> {
        let Some(key) = keys.pending() else { return Arc::new(attempt()) };
        let mut pending = self.lock();
        if let Some(attempt) = pending.get(&key).and_then(Weak::upgrade) {
            return attempt;
        }
        let attempt = Arc::new(attempt());
        pending.insert(key, Arc::downgrade(&attempt));
        attempt
    }

    pub(super) fn remove(&self, keys: &Keys) {
        let Some(key) = keys.pending() else { return };
        let mut pending = self.lock();
        // Another attempt may have replaced the one that has just ended.
        if pending.get(&key).is_some_and(|attempt| attempt.strong_count() == 0) {
            pending.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Map<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
