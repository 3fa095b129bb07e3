//! Revocations, in memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::entry::RevocationEntry;
use super::error::PublishError;
use super::page::{RevocationCursor, RevocationPage};
use super::store::RevocationStore;
use crate::auth::BoxError;
use crate::crypto::random;

/// How many entries a page has at most.
const PAGE: usize = 1_000;

/// A log of revocations in memory, for the layers of one process. Clones share the log.
///
/// It never fails. It needs a Tokio runtime with timers.
#[derive(Clone)]
pub struct MemoryRevocationStore(Arc<Shared>);

struct Shared {
    log: Mutex<Log>,
    /// Wakes the readers after each change of the log.
    changed: watch::Sender<()>,
}

struct Log {
    /// Tells this log from every other one.
    history: u64,
    /// How many entries were removed from its front.
    removed: u64,
    entries: VecDeque<(Instant, RevocationEntry)>,
}

impl MemoryRevocationStore {
    /// Creates an empty log.
    pub fn new() -> Self {
        let log = Mutex::new(Log::new());
        Self(Arc::new(Shared { log, changed: watch::Sender::new(()) }))
    }

    /// Forgets every entry, as a server does that restarts without its data.
    pub fn clear(&self) {
        *self.lock() = Log::new();
        self.0.changed.send_replace(());
    }

    /// Returns how many entries there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Replaces the log by another one with these entries.
    #[cfg(test)]
    pub(crate) fn replace(&self, entries: &[RevocationEntry]) {
        let mut log = self.lock();
        *log = Log::new();
        log.add(entries, Duration::MAX);
        drop(log);
        self.0.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn new() -> Self {
        let history = u64::from_ne_bytes(random());
        Self { history, removed: 0, entries: VecDeque::new() }
    }

    fn add(&mut self, entries: &[RevocationEntry], keep: Duration) {
        let now = Instant::now();
        while self.entries.front().is_some_and(|(added, _)| now.duration_since(*added) > keep) {
            self.entries.pop_front();
            self.removed += 1;
        }
        self.entries.extend(entries.iter().map(|entry| (now, *entry)));
    }

    /// Returns the page after a cursor.
    fn page(&self, after: &RevocationCursor) -> RevocationPage {
        let position = self.position(after);
        let lost_history = position.is_none() && !after.is_start();
        let first = position.unwrap_or_default().saturating_sub(self.removed) as usize;
        let entries: Vec<_> =
            self.entries.iter().skip(first).take(PAGE).map(|(_, entry)| *entry).collect();
        let end = first.min(self.entries.len()) + entries.len();
        let next = format!("{:016x} {}", self.history, self.removed + end as u64);
        RevocationPage::new(entries, RevocationCursor::new(next))
            .with_more(end < self.entries.len())
            .with_lost_history(lost_history)
    }

    /// Returns how many entries are before a cursor of this log.
    fn position(&self, cursor: &RevocationCursor) -> Option<u64> {
        let (history, position) = cursor.as_str().split_once(' ')?;
        let is_own = u64::from_str_radix(history, 16).is_ok_and(|history| history == self.history);
        is_own.then(|| position.parse().ok()).flatten()
    }
}

impl RevocationStore for MemoryRevocationStore {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        self.lock().add(entries, keep);
        self.0.changed.send_replace(());
        Ok(())
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        let mut changed = self.0.changed.subscribe();
        let page = self.lock().page(after);
        if wait.is_zero() || !page.entries.is_empty() || page.lost_history {
            return Ok(page);
        }
        // The sender lives as long as the store. A change before the first look was seen there.
        let _ = timeout(wait, changed.changed()).await;
        Ok(self.lock().page(after))
    }
}

impl Default for MemoryRevocationStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRevocationStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRevocationStore")
    }
}
