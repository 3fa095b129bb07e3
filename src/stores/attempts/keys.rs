//! The keys that one attempt is counted by.

use super::quota::Quota;

/// A counter of attempts: a key, and how many attempts it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptCounter {
    /// A keyed hash of an address or network, or of an address and a claimed user.
    pub key: u128,
    /// How many attempts are allowed.
    pub quota: Quota,
}

/// The keys that one attempt is counted by: keyed hashes, which reveal neither addresses nor users.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::rate_limit::Quota;
/// use mcp_auth_layer::stores::AttemptKeys;
///
/// // For a test of a store: a client that claims one user.
/// let (per_address, per_user) = (
///     Quota::from_static(20, Duration::from_secs(3)),
///     Quota::from_static(10, Duration::from_secs(10)),
/// );
/// let keys = AttemptKeys::new(1, per_user).address(1, per_address).user(7, 17, per_user);
/// assert_eq!(keys.subjects().collect::<Vec<_>>(), [7]);
/// assert_eq!(keys.counters().count(), 2);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AttemptKeys {
    client: u64,
    known_quota: Quota,
    /// Up to three, and no allocation.
    addresses: [Option<AttemptCounter>; 3],
    users: Vec<User>,
    credential: Option<u64>,
    hides_subjects: bool,
}

#[derive(Clone, Copy, Debug)]
struct User {
    subject: u64,
    counter: AttemptCounter,
}

impl AttemptKeys {
    /// Creates the keys of a client, without counters and subjects.
    ///
    /// `known_quota` applies to each pair of this client and a subject, if it is a known client.
    pub fn new(client: u64, known_quota: Quota) -> Self {
        Self {
            client,
            known_quota,
            addresses: [None; 3],
            users: Vec::new(),
            credential: None,
            hides_subjects: false,
        }
    }

    /// Adds the counter of a network of the client or of its address, the largest network first.
    ///
    /// # Panics
    ///
    /// If there are three already.
    pub fn address(mut self, key: u128, quota: Quota) -> Self {
        let free = self.addresses.iter_mut().find(|counter| counter.is_none());
        *free.expect("AttemptKeys::address: three at most") = Some(AttemptCounter { key, quota });
        self
    }

    /// Adds a claimed user as a subject, and the counter of the client and this user.
    pub fn user(mut self, subject: u64, key: u128, quota: Quota) -> Self {
        self.users.push(User { subject, counter: AttemptCounter { key, quota } });
        self
    }

    /// Adds a credential as a subject, for an attempt that claims no user.
    pub fn credential(mut self, subject: u64) -> Self {
        self.credential = Some(subject);
        self
    }

    /// Returns the client: a hash of its address.
    pub fn client(&self) -> u64 {
        self.client
    }

    /// Returns what may know the client: a hash of each claimed user or, if the attempt claims
    /// none, of the credential. None if the client must count as unknown.
    pub fn subjects(&self) -> impl Iterator<Item = u64> + Clone {
        let users = self.users.iter().map(|user| user.subject);
        let is_visible = !self.hides_subjects;
        users.chain(self.credential).filter(move |_| is_visible)
    }

    /// Returns the quota of each pair of client and subject, if the client is known.
    pub fn known_quota(&self) -> Quota {
        self.known_quota
    }

    /// Returns the counters of a client that is not known, those of addresses first.
    pub fn counters(&self) -> impl Iterator<Item = AttemptCounter> + Clone {
        self.address_counters().chain(self.user_counters())
    }

    /// Returns the counters of the client's networks, the largest first, and of its address.
    pub fn address_counters(&self) -> impl Iterator<Item = AttemptCounter> + Clone {
        self.addresses.into_iter().flatten()
    }

    /// Returns the counters of the client with each claimed user.
    pub fn user_counters(&self) -> impl Iterator<Item = AttemptCounter> + Clone {
        self.users.iter().map(|user| user.counter)
    }

    /// Sets whether the client must count as unknown.
    pub(crate) fn hide_subjects(&mut self, hides: bool) {
        self.hides_subjects = hides;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn hidden_subjects_are_not_lost() {
        let quota = Quota::from_static(1, Duration::from_secs(1));
        let mut keys = AttemptKeys::new(1, quota).user(7, 17, quota).user(8, 18, quota);
        assert!(keys.subjects().eq([7, 8]));
        keys.hide_subjects(true);
        assert_eq!(keys.subjects().count(), 0);
        assert_eq!(keys.counters().count(), 2);
        keys.hide_subjects(false);
        assert!(keys.subjects().eq([7, 8]));
        assert!(AttemptKeys::new(1, quota).credential(9).subjects().eq([9]));
    }
}
