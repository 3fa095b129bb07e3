//! A set that forgets: keys that were added a while ago, in bounded memory.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::crypto::AlreadyHashed;

/// How many keys one generation holds. Two generations take up to 3 MB.
const CAPACITY: usize = 1 << 16;

/// A set of keyed hashes. Each is remembered for one to two generations, or less if many are added.
///
/// There are two generations. When the newer one ends or is full, it takes the place of the older one, which is
/// forgotten. Times are nanoseconds since any one moment.
pub(super) struct Recent {
    /// How long a generation lasts, in nanoseconds.
    generation: u64,
    capacity: usize,
    sets: Mutex<Sets>,
}

type Set = HashSet<u64, BuildHasherDefault<AlreadyHashed>>;

#[derive(Default)]
struct Sets {
    newer: Set,
    older: Set,
    /// When the newer generation began.
    began: u64,
}

impl Recent {
    /// Creates an empty set, whose keys are remembered for at most this time, and at least for half of it.
    pub(super) fn for_at_most(time: Duration) -> Self {
        let generation = u64::try_from(time.as_nanos() / 2).unwrap_or(u64::MAX);
        Self { generation, capacity: CAPACITY, sets: Mutex::default() }
    }

    pub(super) fn contains(&self, key: u64, now: u64) -> bool {
        let sets = self.sets_at(now);
        sets.newer.contains(&key) || sets.older.contains(&key)
    }

    pub(super) fn insert(&self, key: u64, now: u64) {
        let mut sets = self.sets_at(now);
        if sets.newer.len() >= self.capacity && !sets.newer.contains(&key) {
            sets.begin_generation(now);
        }
        sets.newer.insert(key);
    }

    /// Returns the sets without what is too old.
    fn sets_at(&self, now: u64) -> MutexGuard<'_, Sets> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_sub(sets.began);
        if age >= self.generation {
            if age >= self.generation.saturating_mul(2) {
                sets.newer = Set::default();
            }
            sets.begin_generation(now);
        }
        sets
    }
}

impl Sets {
    fn begin_generation(&mut self, now: u64) {
        self.older = std::mem::take(&mut self.newer);
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_nanos(200);

    #[test]
    fn keys_are_remembered_for_one_to_two_generations() {
        for (inserted, last, forgotten) in [(0, 199, 200), (99, 199, 299)] {
            let recent = Recent::for_at_most(TIME);
            assert!(!recent.contains(7, inserted));
            recent.insert(7, inserted);
            assert!(recent.contains(7, inserted) && !recent.contains(8, inserted));
            assert!(recent.contains(7, 100));
            assert!(recent.contains(7, last));
            assert!(!recent.contains(7, forgotten));
        }
    }

    #[test]
    fn an_unused_set_forgets_both_generations() {
        let recent = Recent::for_at_most(TIME);
        recent.insert(7, 99);
        assert!(!recent.contains(7, 99 + 200));
    }

    #[test]
    fn a_full_generation_is_replaced() {
        let recent = Recent { capacity: 3, ..Recent::for_at_most(TIME) };
        (0..6).for_each(|key| recent.insert(key, 0));
        assert!((0..6).all(|key| recent.contains(key, 0)));
        recent.insert(5, 0); // is there already
        assert!(recent.contains(0, 0));
        recent.insert(6, 0);
        assert!(!recent.contains(0, 0) && recent.contains(3, 0) && recent.contains(6, 0));
    }

    #[test]
    fn a_set_takes_at_most_three_megabytes() {
        let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let recent = Recent::for_at_most(TIME);
        let used = allocation_counter::measure(|| {
            (0..1 << 20).for_each(|key| recent.insert(spread(key), 0));
        });
        assert!(used.bytes_current < 3 << 20, "{used:?}");
    }
}
