//! Which questions reach the store that replicas share: it must not be flooded by those that it limits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::keys::Keys;
use super::recent::Recent;
use crate::stores::{AttemptStatus, MemoryAttemptStore, Quota};

/// How many addresses that are new to this process reach the store.
const NEW_ADDRESSES: Quota = Quota::from_static(1000, Duration::from_millis(1));
/// How long an address is not new. The store forgets the attempts of an address in about that time.
const ADMITTED_FOR: Duration = Duration::from_secs(120);

/// Decides by the attempts that this process has counted whether the store is asked.
///
/// Neither rule knows whether the credential is right, so that the time of a response does not tell.
pub(super) struct Admission {
    addresses: Recent,
    /// The TAT of [`NEW_ADDRESSES`].
    tat: Mutex<u64>,
}

impl Admission {
    pub(super) fn new() -> Self {
        Self { addresses: Recent::for_at_most(ADMITTED_FOR), tat: Mutex::default() }
    }

    /// Returns whether the store is asked about an attempt, which has this status in the memory of this process.
    ///
    /// A flood from ever new addresses would fill the store, so only some of them reach it. A client that
    /// must wait as far as this process knows may be a known client of another replica: the store is asked about it
    /// within a budget of its address.
    pub(super) fn admits(
        &self,
        local: &MemoryAttemptStore,
        keys: &Keys,
        here: AttemptStatus,
    ) -> bool {
        let is_admitted = here.known || self.admits_address(keys.attempt.client(), local.now());
        is_admitted && (here.wait.is_none() || local.take_one(keys.question))
    }

    fn admits_address(&self, client: u64, now: u64) -> bool {
        if self.addresses.contains(client, now) {
            return true;
        }
        let mut tat = self.tat.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(next) = NEW_ADDRESSES.next(*tat, now) else {
            return false;
        };
        *tat = next;
        self.addresses.insert(client, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_thousand_new_addresses_a_second_are_admitted() {
        let admission = Admission::new();
        let admitted = |range: std::ops::Range<u64>, now| {
            range.filter(|client| admission.admits_address(*client, now)).count()
        };
        assert_eq!(admitted(0..100_000, 0), 1000);
        assert_eq!(admitted(0..1000, 0), 1000, "they are not new any more");
        assert_eq!(admitted(1000..2000, 0), 0, "the others still are");
        assert_eq!(admitted(1000..100_000, SECOND), 1000);
        assert_eq!(admitted(0..2000, 59 * SECOND), 2000);
    }
}
