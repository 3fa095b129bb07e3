//! Known clients: which addresses authenticated as which users within a day.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use crate::crypto::AlreadyHashed;

const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many pairs of address and user are remembered, of all users and of each.
const MOST: usize = 1 << 16;
const MOST_OF_USER: usize = 64;

/// Pairs of address and user that authenticated within 24 hours, each with a slot of its own.
///
/// Nobody can have another's pair forgotten: where there is no more room, new pairs are not taken up,
/// and a user's 65th address replaces the one that was longest not verified, of this user. So who
/// has one password, and many addresses, does not fill it. It takes 8 MB at most.
///
/// A pair outlives the password it was verified with. It grants no access: it keeps a slot from being
/// shared, which a user who changes the password during an attack needs most.
pub(super) struct KnownClients {
    by_user: HashMap<u64, Vec<Pair>, BuildHasherDefault<AlreadyHashed>>,
    /// How many pairs there are, and may be.
    pairs: usize,
    most: usize,
    /// No pair expires earlier than this.
    sweep_at: u64,
}

/// Users and addresses are the first words of keyed digests.
struct Pair {
    address: u64,
    until: u64,
    paid_at: u64,
}

impl KnownClients {
    pub(super) fn new() -> Self {
        Self { by_user: HashMap::default(), pairs: 0, most: MOST, sweep_at: 0 }
    }

    /// The slot of this pair, if it is remembered.
    pub(super) fn slot(&mut self, address: u64, user: u64, now: u64) -> Option<&mut u64> {
        let mut pairs = self.by_user.get_mut(&user)?.iter_mut();
        let pair = pairs.find(|pair| pair.address == address && pair.until > now)?;
        Some(&mut pair.paid_at)
    }

    /// This address has verified this user.
    pub(super) fn remember(&mut self, address: u64, user: u64, now: u64) {
        let pair = Pair { address, until: now.saturating_add(KEPT.as_nanos() as u64), paid_at: 0 };
        if let Some(pairs) = self.by_user.get_mut(&user) {
            if let Some(known) = pairs.iter_mut().find(|known| known.address == address) {
                known.until = pair.until; // what it owes, it owes
                return;
            }
            if pairs.len() >= MOST_OF_USER {
                if let Some(oldest) = pairs.iter_mut().min_by_key(|known| known.until) {
                    *oldest = pair;
                }
                return;
            }
        }
        if self.pairs >= self.most {
            self.sweep(now);
        }
        if self.pairs < self.most {
            self.pairs += 1;
            // Most users have one address: no room for more beforehand.
            self.by_user.entry(user).or_insert_with(|| Vec::with_capacity(1)).push(pair);
        }
    }

    /// Makes room, if a pair has expired.
    fn sweep(&mut self, now: u64) {
        if now < self.sweep_at {
            return;
        }
        self.by_user.retain(|_, pairs| {
            pairs.retain(|pair| pair.until > now);
            !pairs.is_empty()
        });
        let left = || self.by_user.values().flatten();
        self.pairs = left().count();
        self.sweep_at = left().map(|pair| pair.until).min().unwrap_or(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    fn knows(known: &mut KnownClients, address: u64, user: u64, now: u64) -> bool {
        known.slot(address, user, now).is_some()
    }

    #[test]
    fn it_knows_this_pair_for_a_day() {
        let mut known = KnownClients::new();
        known.remember(1, 10, 5);
        assert!(knows(&mut known, 1, 10, 5));
        assert!(!knows(&mut known, 2, 10, 5), "another address");
        assert!(!knows(&mut known, 1, 11, 5), "another user");
        assert!(knows(&mut known, 1, 10, DAY + 4));
        assert!(!knows(&mut known, 1, 10, DAY + 5));
    }

    #[test]
    fn being_asked_prolongs_nothing_and_being_verified_does() {
        let mut known = KnownClients::new();
        known.remember(1, 10, 0);
        known.remember(2, 10, 0);
        for address in [1, 2] {
            *known.slot(address, 10, DAY - 1).unwrap() = 7;
        }
        known.remember(1, 10, DAY - 1);
        assert_eq!(known.slot(1, 10, DAY), Some(&mut 7), "with what it owes");
        assert_eq!(known.slot(2, 10, DAY), None);
        assert_eq!(known.pairs, 2);
    }

    #[test]
    fn full_takes_up_nobody_and_forgets_nobody_before_his_day_is_over() {
        let mut known = KnownClients { most: 100, ..KnownClients::new() };
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
    fn an_address_too_many_replaces_one_of_the_same_user() {
        let mut known = KnownClients { most: 100, ..KnownClients::new() };
        known.remember(1000, 10, 0);
        for address in 0..64 {
            known.remember(address, 11, address);
        }
        known.remember(0, 11, 64); // verified again
        assert!((0..64).all(|address| knows(&mut known, address, 11, 64)));
        for address in 64..1000 {
            known.remember(address, 11, address + 1);
            assert!(knows(&mut known, address, 11, 2000));
        }
        let left = (0..1000).filter(|address| knows(&mut known, *address, 11, 2000));
        assert!(left.eq(936..1000));
        assert!(knows(&mut known, 1000, 10, 2000), "another user's");
        assert_eq!(known.pairs, 65);
    }

    #[test]
    fn it_grows_to_eight_megabytes_and_no_further() {
        let mut known = KnownClients::new();
        let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let filled = allocation_counter::measure(|| {
            (0..MOST as u64).for_each(|user| known.remember(1, spread(user), 0));
        });
        assert!(filled.bytes_max < 8 << 20, "{filled:?}");
        let flood = allocation_counter::measure(|| {
            (0..1 << 20).for_each(|address| known.remember(address, spread(1 << 20), 0));
            (0..1 << 20).for_each(|user| known.remember(2, spread(user + (1 << 21)), 0));
        });
        assert_eq!(flood.count_total, 0);
        assert_eq!(known.pairs, MOST);
    }
}
