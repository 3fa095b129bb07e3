//! The signals that were applied, by their IDs.

use std::collections::HashSet;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::crypto::{AlreadyHashed, KeyedHash};

/// How long an ID is remembered at least, unless there are too many.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How many IDs one generation may have. There are two.
const MAX_IDS: usize = 1 << 16;

/// Remembers the IDs of signals that this process applied, so that they are not applied again.
///
/// It is of one process, may forget, and never refuses. To apply a signal twice revokes the same tokens, those that
/// were issued before the same time, and nothing else: a stream that was opened with a later token stays open. So
/// replicas need not share it, and it needs no place in a store that a signal would then depend on.
pub(super) struct Delivered {
    /// Keyed at random, as the IDs are chosen elsewhere.
    hash: KeyedHash,
    generations: Mutex<Generations>,
    max_ids: usize,
}

#[derive(Default)]
struct Generations {
    started: Option<Instant>,
    current: Ids,
    previous: Ids,
}

type Ids = HashSet<u128, BuildHasherDefault<AlreadyHashed>>;

impl Delivered {
    pub(super) fn new() -> Self {
        Self::with_capacity(MAX_IDS)
    }

    fn with_capacity(max_ids: usize) -> Self {
        Self { hash: KeyedHash::new(), generations: Mutex::default(), max_ids }
    }

    /// Returns whether a signal with this ID was applied.
    pub(super) fn contains(&self, id: &str) -> bool {
        let id = self.hash.hash(id);
        let generations = self.at(Instant::now());
        generations.current.contains(&id) || generations.previous.contains(&id)
    }

    /// Remembers the ID of a signal that was applied.
    pub(super) fn insert(&self, id: &str) {
        let id = self.hash.hash(id);
        let mut generations = self.at(Instant::now());
        if generations.current.len() >= self.max_ids {
            generations.advance(Instant::now());
        }
        generations.current.insert(id);
    }

    fn at(&self, now: Instant) -> MutexGuard<'_, Generations> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let started = *generations.started.get_or_insert(now);
        let age = now.saturating_duration_since(started);
        if age >= 2 * KEPT {
            generations.current.clear();
        }
        if age >= KEPT {
            generations.advance(now);
        }
        generations
    }
}

impl Generations {
    fn advance(&mut self, now: Instant) {
        self.previous = std::mem::take(&mut self.current);
        self.started = Some(now);
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_remembered_for_24_hours() {
        let delivered = Delivered::new();
        delivered.insert("a");
        assert!(delivered.contains("a") && !delivered.contains("b"));
        let start = delivered.generations.lock().unwrap().started.unwrap();
        drop(delivered.at(start + KEPT));
        assert!(delivered.contains("a"), "in the previous generation");
        drop(delivered.at(start + 2 * KEPT));
        assert!(!delivered.contains("a"));
    }

    #[test]
    fn ids_of_two_days_ago_are_forgotten_at_once() {
        let delivered = Delivered::new();
        delivered.insert("a");
        let start = delivered.generations.lock().unwrap().started.unwrap();
        drop(delivered.at(start + 2 * KEPT));
        assert!(!delivered.contains("a"));
    }

    #[test]
    fn too_many_ids_displace_the_oldest() {
        let delivered = Delivered::with_capacity(2);
        ["a", "b", "c", "d"].iter().for_each(|id| delivered.insert(id));
        assert!(["a", "b", "c", "d"].iter().all(|id| delivered.contains(id)));
        delivered.insert("e");
        assert!(!delivered.contains("a") && delivered.contains("c") && delivered.contains("e"));
        let generations = delivered.generations.lock().unwrap();
        assert_eq!(generations.current.len() + generations.previous.len(), 3);
    }
}
