//! A table of bounded size and age, by the digests of tokens.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::time::Duration;

// Like the standard library's, but tests can advance it.
use tokio::time::Instant;

use crate::crypto::{AlreadyHashed, Digest};

/// What was learned of tokens. An entry is forgotten some time after it was inserted last, or if the table
/// is full and all others are younger.
pub(super) struct Table<V> {
    capacity: usize,
    keep: Duration,
    entries: HashMap<Digest, (V, Instant), BuildHasherDefault<AlreadyHashed>>,
    /// The entries in the order of their insertion, and when each was inserted. One that was inserted
    /// again is here twice; the times tell which is current.
    order: VecDeque<(Digest, Instant)>,
}

impl<V> Table<V> {
    pub(super) fn new(capacity: usize, keep: Duration) -> Self {
        Self { capacity, keep, entries: HashMap::default(), order: VecDeque::new() }
    }

    /// Returns an entry that is not too old.
    pub(super) fn get(&self, token: Digest, now: Instant) -> Option<&V> {
        let (value, inserted) = self.entries.get(&token)?;
        (now < *inserted + self.keep).then_some(value)
    }

    /// The same, to be changed. It does not become younger.
    pub(super) fn get_mut(&mut self, token: Digest, now: Instant) -> Option<&mut V> {
        let (value, inserted) = self.entries.get_mut(&token)?;
        (now < *inserted + self.keep).then_some(value)
    }

    pub(super) fn insert(&mut self, token: Digest, value: V, now: Instant) {
        self.entries.insert(token, (value, now));
        self.order.push_back((token, now));
        while self.order.front().is_some_and(|(_, inserted)| {
            now >= *inserted + self.keep
                || self.entries.len() > self.capacity
                || self.order.len() > 2 * self.capacity
        }) {
            self.forget_first();
        }
    }

    pub(super) fn remove(&mut self, token: Digest) -> Option<V> {
        self.entries.remove(&token).map(|(value, _)| value)
    }

    fn forget_first(&mut self) {
        let Some((token, inserted)) = self.order.pop_front() else { return };
        if self.entries.get(&token).is_some_and(|(_, current)| *current == inserted) {
            self.entries.remove(&token);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.entries.len(), self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(5);

    fn token(number: u64) -> Digest {
        Digest::from_words([number; 4])
    }

    #[test]
    fn an_entry_is_forgotten_when_it_is_old() {
        let (mut table, start) = (Table::new(10, KEEP), Instant::now());
        table.insert(token(1), "a", start);
        let last = start + KEEP - Duration::from_nanos(1);
        assert_eq!(table.get(token(1), last), Some(&"a"));
        assert_eq!(table.get(token(1), start + KEEP), None);
        assert_eq!(table.get_mut(token(1), start + KEEP), None);
        table.insert(token(2), "b", start + KEEP);
        assert_eq!(table.len(), (1, 1));
    }

    #[test]
    fn a_full_table_forgets_its_oldest_entry() {
        let (mut table, start) = (Table::new(3, KEEP), Instant::now());
        let at = |nanos| start + Duration::from_nanos(nanos);
        for number in 0..3 {
            table.insert(token(number), number, at(number));
        }
        table.insert(token(0), 10, at(3)); // and is young again
        table.insert(token(3), 3, at(4));
        let kept: Vec<_> = (0..4).map(|number| table.get(token(number), at(4))).collect();
        assert_eq!(kept, [Some(&10), None, Some(&2), Some(&3)]);
    }

    #[test]
    fn no_sequence_of_insertions_exceeds_the_capacity() {
        let (mut table, start) = (Table::new(100, KEEP), Instant::now());
        for number in 0..10_000 {
            let at = start + Duration::from_nanos(number);
            table.insert(token(number), (), at);
            table.insert(token(number % 7), (), at);
            if number % 3 == 0 {
                table.remove(token(number));
            }
            let (entries, order) = table.len();
            assert!(entries <= 100 && order <= 200, "{entries} {order}");
        }
    }
}
