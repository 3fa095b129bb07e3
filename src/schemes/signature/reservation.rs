//! One request at a time for each nonce: a head that was captured before it was served must not have
//! its body collected many times at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Key = (Box<str>, Box<str>);

/// The nonces whose requests are being verified. There are no more than requests in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations(Arc<Mutex<HashSet<Key>>>);

/// A nonce that is reserved until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    of: Reservations,
    key: Key,
}

impl Reservations {
    /// Reserves a nonce of this key; `None` if it is reserved already.
    pub(super) fn reserve(&self, key_id: &str, nonce: &str) -> Option<Reservation> {
        let key: Key = (key_id.into(), nonce.into());
        let is_new = self.lock().insert(key.clone());
        is_new.then(|| Reservation { of: self.clone(), key })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.of.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_reserved_once_for_each_key_until_it_is_released() {
        let reservations = Reservations::default();
        let first = reservations.reserve("ci", "nonce");
        assert!(first.is_some());
        assert!(reservations.reserve("ci", "nonce").is_none());
        assert!(reservations.reserve("alice", "nonce").is_some(), "released at once");
        assert!(reservations.reserve("ci", "other").is_some());
        drop(first);
        assert!(reservations.reserve("ci", "nonce").is_some());
        assert!(reservations.lock().is_empty());
    }
}
