//! The keys of an issuer, as requests see them.

use std::sync::{Arc, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::error::RemoteError;
use super::fetch::Fetch;
use super::schedule::Schedule;
use super::task::{MAX_SLEEP, Shared};
use crate::schemes::oauth::keys::{Absent, KeySet, KeySetError};
use crate::sync::{AbortHandle, Handle, Mutex, timeout};

/// How many requests may wait for a fetch: anyone can make requests wait, by tokens of unknown keys.
const MAX_WAITING: usize = 1_000;

/// Keys that a task fetches. It starts with the first use, in the Tokio runtime of that, and in another one if
/// that has ended.
pub(in crate::schemes::oauth) struct RemoteKeys {
    shared: Arc<Shared>,
    task: Mutex<Option<AbortHandle>>,
    /// A permit for each request that may wait.
    waiting: Semaphore,
}

impl RemoteKeys {
    pub(in crate::schemes::oauth) fn new(endpoint: Endpoint) -> Self {
        let issuer = endpoint.issuer().to_owned();
        Self::with(&issuer, Box::new(endpoint))
    }

    pub(super) fn with(issuer: &str, source: Box<dyn Fetch>) -> Self {
        let (shared, task) = (Arc::new(Shared::new(issuer, source)), Mutex::default());
        Self { shared, task, waiting: Semaphore::new(MAX_WAITING) }
    }

    /// Calls `decide` with the current keys, without a lock.
    pub(in crate::schemes::oauth) fn with_current<T>(
        &self,
        decide: impl FnOnce(&KeySet) -> T,
    ) -> T {
        self.has_task();
        decide(&self.shared.keys.load())
    }

    /// Returns what it means that no key of this set fits, which is or was the current one. Never waits.
    pub(in crate::schemes::oauth) fn absent(&self, from: &KeySet) -> Absent {
        let has_task = self.has_task();
        let absent = self.shared.lock().schedule.absent(Instant::now());
        match absent {
            Absent::Ask if !has_task => Absent::Unavailable { retry_after: MAX_SLEEP },
            Absent::Ask => {
                self.shared.wake.notify_one();
                Absent::Ask
            }
            // A fetch has ended since. That is why the key counts as unknown, but the new set may have it.
            _ if !std::ptr::eq(from, &**self.shared.keys.load()) => Absent::Ask,
            absent => absent,
        }
    }

    /// Waits until the fetch has ended that is under way, or that was asked for. A requester that goes away
    /// does not interrupt it. If too many wait already, it returns at once.
    pub(in crate::schemes::oauth) async fn fetched(&self) {
        let Ok(_permit) = self.waiting.try_acquire() else { return };
        let number = self.shared.lock().schedule.pending();
        let _ = self.until(|schedule| schedule.outcome_of(number)).await;
    }

    /// Waits for a fetch that begins now, or after the one that is under way.
    ///
    /// # Errors
    ///
    /// If the fetch fails. The previous keys stay active.
    pub(in crate::schemes::oauth) async fn refresh(&self) -> Result<(), KeySetError> {
        let number = self.shared.lock().schedule.want_next();
        self.shared.wake.notify_one();
        self.until(|schedule| schedule.outcome_of(number)).await?
    }

    /// Waits until the schedule has what is looked for, and looks after the task meanwhile.
    async fn until<T>(&self, look: impl Fn(&Schedule) -> Option<T>) -> Result<T, RemoteError> {
        let mut changed = self.shared.changed.subscribe();
        loop {
            let found = look(&self.shared.lock().schedule);
            match found {
                Some(found) => return Ok(found),
                None if !self.has_task() => return Err(RemoteError::NoRuntime),
                None => {
                    let _ = timeout(MAX_SLEEP, changed.changed()).await;
                }
            }
        }
    }

    /// Starts the task unless it runs. Returns whether there is one.
    fn has_task(&self) -> bool {
        self.shared.has_task() || self.start()
    }

    #[cold]
    fn start(&self) -> bool {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.has_task() {
            return true;
        }
        // No task has done it for a while.
        self.shared.end_old_keys();
        let Ok(runtime) = Handle::try_current() else { return false };
        if let Some(previous) = task.take() {
            previous.abort();
        }
        let next = self.shared.new_task();
        *task = Some(runtime.spawn(next.run()).abort_handle());
        true
    }
}

impl Drop for RemoteKeys {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}
