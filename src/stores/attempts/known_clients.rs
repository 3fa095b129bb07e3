//! Known clients: which clients authenticated as which subjects within a day.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use super::keys::AttemptKeys;
use crate::crypto::AlreadyHashed;

const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How many pairs of client and subject are remembered, of all subjects and of each.
const CAPACITY: usize = 1 << 16;
const CAPACITY_PER_SUBJECT: usize = 64;

/// Pairs of client and subject that authenticated within 24 hours, each with a counter of its own.
///
/// A client cannot evict the pair of another subject. If there is no room, new pairs are not added. The
/// 65th client of a subject replaces the one of the same subject that authenticated least recently, so
/// that one password and many addresses do not fill the table. It takes up to 8 MB.
///
/// A pair outlives the password that it was verified with. It grants no access: it keeps a counter from
/// being shared, which a user who changes the password during an attack needs most.
pub(super) struct KnownClients {
    by_subject: HashMap<u64, Vec<Pair>, BuildHasherDefault<AlreadyHashed>>,
    /// How many pairs there are, and may be.
    pairs: usize,
    capacity: usize,
    /// No pair expires before this time.
    sweep_at: u64,
}

struct Pair {
    client: u64,
    expires_at: u64,
    tat: u64,
}

impl KnownClients {
    pub(super) fn new() -> Self {
        Self { by_subject: HashMap::default(), pairs: 0, capacity: CAPACITY, sweep_at: 0 }
    }

    /// Checks whether a known client may make an attempt, or returns how long it must wait; `None`
    /// if it is not known.
    pub(super) fn check(&mut self, keys: &AttemptKeys, now: u64) -> Option<Result<(), Duration>> {
        keys.subjects().next()?; // a client without subjects is not known
        let mut wait = Duration::ZERO;
        for subject in keys.subjects() {
            let tat = *self.tat(keys.client(), subject, now)?;
            wait = wait.max(keys.known_quota().next(tat, now).err().unwrap_or_default());
        }
        Some(if wait.is_zero() { Ok(()) } else { Err(wait) })
    }

    /// Takes an attempt of a known client, or returns how long it must wait; `None` if it is not
    /// known.
    pub(super) fn take(&mut self, keys: &AttemptKeys, now: u64) -> Option<Result<(), Duration>> {
        let checked = self.check(keys, now);
        if let Some(Ok(())) = checked {
            self.charge(keys, now);
        }
        checked
    }

    /// Takes an attempt of a known client from each counter that is not full. Returns false if the
    /// client is not known.
    pub(super) fn charge(&mut self, keys: &AttemptKeys, now: u64) -> bool {
        let is_known = self.check(keys, now).is_some();
        if is_known {
            self.change(keys, now, |tat| keys.known_quota().next(tat, now).unwrap_or(tat));
        }
        is_known
    }

    /// Gives back what [`take`](Self::take) took.
    pub(super) fn give_back(&mut self, keys: &AttemptKeys, now: u64) {
        self.change(keys, now, |tat| keys.known_quota().give_back(tat));
    }

    /// Makes this a known client of all subjects.
    pub(super) fn remember_all(&mut self, keys: &AttemptKeys, now: u64) {
        for subject in keys.subjects() {
            self.remember(keys.client(), subject, now);
        }
    }

    fn change(&mut self, keys: &AttemptKeys, now: u64, change: impl Fn(u64) -> u64) {
        for subject in keys.subjects() {
            if let Some(tat) = self.tat(keys.client(), subject, now) {
                *tat = change(*tat);
            }
        }
    }

    /// Returns the TAT of this pair, if it is remembered.
    fn tat(&mut self, client: u64, subject: u64, now: u64) -> Option<&mut u64> {
        let mut pairs = self.by_subject.get_mut(&subject)?.iter_mut();
        let pair = pairs.find(|pair| pair.client == client && pair.expires_at > now)?;
        Some(&mut pair.tat)
    }

    fn remember(&mut self, client: u64, subject: u64, now: u64) {
        let expires_at = now.saturating_add(KNOWN_FOR.as_nanos() as u64);
        let pair = Pair { client, expires_at, tat: 0 };
        if let Some(pairs) = self.by_subject.get_mut(&subject) {
            if let Some(known) = pairs.iter_mut().find(|known| known.client == client) {
                known.expires_at = expires_at; // its attempts still count
                return;
            }
            if pairs.len() >= CAPACITY_PER_SUBJECT {
                if let Some(oldest) = pairs.iter_mut().min_by_key(|known| known.expires_at) {
                    *oldest = pair;
                }
                return;
            }
        }
        if self.pairs >= self.capacity {
            self.sweep(now);
        }
        if self.pairs < self.capacity {
            self.pairs += 1;
            // Most subjects have one client: reserve no room for more.
            self.by_subject.entry(subject).or_insert_with(|| Vec::with_capacity(1)).push(pair);
        }
    }

    /// Removes expired pairs, if there are any.
    fn sweep(&mut self, now: u64) {
        if now < self.sweep_at {
            return;
        }
        self.by_subject.retain(|_, pairs| {
            pairs.retain(|pair| pair.expires_at > now);
            !pairs.is_empty()
        });
        let left = || self.by_subject.values().flatten();
        self.pairs = left().count();
        self.sweep_at = left().map(|pair| pair.expires_at).min().unwrap_or(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    fn knows(known: &mut KnownClients, address: u64, user: u64, now: u64) -> bool {
        known.tat(address, user, now).is_some()
    }

    #[test]
    fn a_pair_is_known_for_a_day() {
        let mut known = KnownClients::new();
        known.remember(1, 10, 5);
        assert!(knows(&mut known, 1, 10, 5));
        assert!(!knows(&mut known, 2, 10, 5), "another address");
        assert!(!knows(&mut known, 1, 11, 5), "another user");
        assert!(knows(&mut known, 1, 10, DAY + 4));
        assert!(!knows(&mut known, 1, 10, DAY + 5));
    }

    #[test]
    fn authenticating_again_prolongs_a_pair_and_lookups_do_not() {
        let mut known = KnownClients::new();
        known.remember(1, 10, 0);
        known.remember(2, 10, 0);
        for address in [1, 2] {
            *known.tat(address, 10, DAY - 1).unwrap() = 7;
        }
        known.remember(1, 10, DAY - 1);
        assert_eq!(known.tat(1, 10, DAY), Some(&mut 7), "attempts still count");
        assert_eq!(known.tat(2, 10, DAY), None);
        assert_eq!(known.pairs, 2);
    }

    #[test]
    fn a_full_table_adds_no_pair_and_evicts_none_early() {
        let mut known = KnownClients { capacity: 100, ..KnownClients::new() };
        for user in 0..99 {
            known.remember(1, user, user);
        }
        known.remember(1, 100, 100);
        known.remember(1, 101, DAY - 1);
        assert!(knows(&mut known, 1, 100, DAY - 1));
        assert!(!knows(&mut known, 1, 101, DAY - 1));
        assert!((0..99).all(|user| knows(&mut known, 1, user, DAY - 1)));

        known.remember(1, 101, DAY + 1); // two have expired
        known.remember(1, 102, DAY + 1);
        known.remember(1, 103, DAY + 1);
        let are_known = [101, 102, 103].map(|user| knows(&mut known, 1, user, DAY + 1));
        assert_eq!(are_known, [true, true, false]);
        assert!((2..99).all(|user| knows(&mut known, 1, user, DAY + 1)));
    }

    #[test]
    fn the_65th_client_replaces_one_of_the_same_subject() {
        let mut known = KnownClients { capacity: 100, ..KnownClients::new() };
        known.remember(1000, 10, 0);
        for address in 0..64 {
            known.remember(address, 11, address);
        }
        known.remember(0, 11, 64); // authenticated again
        assert!((0..64).all(|address| knows(&mut known, address, 11, 64)));
        for address in 64..1000 {
            known.remember(address, 11, address + 1);
            assert!(knows(&mut known, address, 11, 2000));
        }
        let left = (0..1000).filter(|address| knows(&mut known, *address, 11, 2000));
        assert!(left.eq(936..1000));
        assert!(knows(&mut known, 1000, 10, 2000), "of another subject");
        assert_eq!(known.pairs, 65);
    }

    #[test]
    fn known_clients_take_at_most_eight_megabytes() {
        let mut known = KnownClients::new();
        let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let filled = allocation_counter::measure(|| {
            (0..CAPACITY as u64).for_each(|user| known.remember(1, spread(user), 0));
        });
        assert!(filled.bytes_max < 8 << 20, "{filled:?}");
        let flood = allocation_counter::measure(|| {
            (0..1 << 20).for_each(|address| known.remember(address, spread(1 << 20), 0));
            (0..1 << 20).for_each(|user| known.remember(2, spread(user + (1 << 21)), 0));
        });
        assert_eq!(flood.count_total, 0);
        assert_eq!(known.pairs, CAPACITY);
    }
}
