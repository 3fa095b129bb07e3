//! One request at a time for each nonce: if a head was captured before its request was accepted, its
//! body must not be collected many times at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A key ID and a nonce.
type Key = (Box<str>, Box<str>);

/// The nonces whose requests are being verified. There are at most as many as concurrent requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations(Arc<Mutex<HashSet<Key>>>);

/// A nonce that is reserved until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    reservations: Reservations,
    key: Key,
}

impl Reservations {
    /// Reserves a nonce for this key ID; `None` if it is reserved already.
    pub(super) fn reserve(&self, key_id: &str, nonce: &str) -> Option<Reservation> {
        let key: Key = (key_id.into(), nonce.into());
        let is_new = self.lock().insert(key.clone());
        is_new.then(|| Reservation { reservations: self.clone(), key })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.reservations.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_reserved_once_for_each_key_until_released() {
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
