//! One request at a time for each nonce: if a head was captured before its request was accepted, its
//! body must not be collected many times at once.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, PoisonError};

use crate::crypto::{AlreadyHashed, KeyedHash};
use crate::sync::{Mutex, MutexGuard};

/// The nonces whose requests are being verified. There are at most as many as concurrent requests.
#[derive(Clone)]
pub(super) struct Reservations(Arc<Inner>);

struct Inner {
    /// Keyed at random, because clients choose their nonces.
    hash: KeyedHash,
    nonces: Mutex<Nonces>,
}

/// Hashes of a key ID and a nonce: to copy both takes longer.
type Nonces = HashSet<u128, BuildHasherDefault<AlreadyHashed>>;

/// A nonce that is reserved until this is dropped.
pub(super) struct Reservation {
    reservations: Reservations,
    nonce: u128,
}

impl Reservations {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { hash: KeyedHash::new(), nonces: Mutex::default() }))
    }

    /// Reserves a nonce for this key ID; `None` if it is reserved already.
    pub(super) fn reserve(&self, key_id: &str, nonce: &str) -> Option<Reservation> {
        let nonce = self.0.hash.hash_parts([key_id.as_bytes(), nonce.as_bytes()]);
        let is_new = self.lock().insert(nonce);
        is_new.then(|| Reservation { reservations: self.clone(), nonce })
    }

    fn lock(&self) -> MutexGuard<'_, Nonces> {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.reservations.lock().remove(&self.nonce);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_reserved_once_for_each_key_until_released() {
        let reservations = Reservations::new();
        let first = reservations.reserve("ci", "nonce");
        assert!(first.is_some());
        assert!(reservations.reserve("ci", "nonce").is_none());
        assert!(reservations.reserve("alice", "nonce").is_some(), "released at once");
        assert!(reservations.reserve("ci", "other").is_some());
        assert!(reservations.reserve("cin", "once").is_some(), "another key ID");
        drop(first);
        assert!(reservations.reserve("ci", "nonce").is_some());
        assert!(reservations.lock().is_empty());
    }
}
