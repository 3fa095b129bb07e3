//! The task that fetches keys.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::error::RemoteError;
use super::fetch::{Fetch, Fetched};
use super::moment::Moment;
use super::report::{self, Change};
use super::schedule::Schedule;
use crate::schemes::oauth::keys::{KeySet, KeySetError};
use crate::sync::{ArcSwap, AtomicU64, Mutex, MutexGuard, timeout};

/// How long a fetch may take in all. It has up to four requests, each with a limit of its own.
const MAX_FETCH: Duration = Duration::from_secs(20);
/// How long the task sleeps at most: a machine that slept finds out after this time.
pub(super) const MAX_SLEEP: Duration = Duration::from_secs(30);
/// How long the task may say nothing until another one takes its place. Its runtime may exist and not run.
const LEASE: Duration = Duration::from_secs(60);

/// What the task shares with the requests.
pub(super) struct Shared {
    pub(super) issuer: String,
    pub(super) keys: ArcSwap<KeySet>,
    source: Box<dyn Fetch>,
    state: Mutex<State>,
    /// Wakes the task.
    pub(super) wake: Notify,
    /// Wakes who waits for a fetch, after every change of the state.
    pub(super) changed: watch::Sender<()>,
    created: Instant,
    /// Until when the task need not be looked after, in milliseconds since `created`: 0 if there is none.
    lease: AtomicU64,
}

pub(super) struct State {
    pub(super) schedule: Schedule,
    /// The number of the task. What a previous one does has no effect.
    task: u64,
}

impl Shared {
    pub(super) fn new(issuer: &str, source: Box<dyn Fetch>) -> Self {
        let created = Instant::now();
        Self {
            issuer: issuer.to_owned(),
            keys: ArcSwap::from_pointee(KeySet::empty()),
            source,
            state: Mutex::new(State { schedule: Schedule::new(created), task: 0 }),
            wake: Notify::new(),
            changed: watch::Sender::new(()),
            created,
            lease: AtomicU64::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether there is a task and its runtime runs.
    pub(super) fn has_task(&self) -> bool {
        self.now() < self.lease.load(Ordering::Acquire)
    }

    fn now(&self) -> u64 {
        let elapsed = Instant::now().saturating_duration_since(self.created);
        elapsed.as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Prepares a task that replaces the previous one, whatever became of that.
    pub(super) fn new_task(self: &Arc<Self>) -> Task {
        let mut state = self.lock();
        state.task += 1;
        state.schedule.abandon();
        let task = Task { shared: self.clone(), number: state.task };
        drop(state);
        task.renew_lease();
        task
    }

    /// Drops keys that have become too old, and ends what they signed.
    pub(super) fn end_old_keys(&self) {
        // The lock is kept, so that no task activates new ones in between.
        let mut state = self.lock();
        if state.schedule.end(Moment::now()) {
            let keys = self.activate(KeySet::empty()).removed;
            report::ended(&self.issuer, keys);
        }
    }

    fn activate(&self, next: KeySet) -> Change {
        let previous = self.keys.load_full();
        let added = next.count_missing_from(&previous);
        let next = Arc::new(next.replacing(&previous));
        self.keys.store(next.clone());
        previous.revoke_missing_from(&next);
        Change { keys: next.len(), added, removed: previous.count_missing_from(&next) }
    }
}

/// The task, until it is dropped.
pub(super) struct Task {
    shared: Arc<Shared>,
    number: u64,
}

impl Task {
    pub(super) async fn run(self) {
        loop {
            self.renew_lease();
            if self.lock().is_some_and(|mut state| state.schedule.begin(Moment::now())) {
                let fetched = timeout(MAX_FETCH, self.shared.source.fetch()).await;
                self.finish(fetched.unwrap_or(Err(RemoteError::TimedOut)));
            }
            self.shared.end_old_keys();
            let now = Moment::now();
            let (age, idle) = match self.lock() {
                Some(state) => (state.schedule.age(now), state.schedule.idle(now)),
                None => return,
            };
            if let Some(age) = age {
                report::age(&self.shared.issuer, age);
            }
            let _ = timeout(idle.min(MAX_SLEEP), self.shared.wake.notified()).await;
        }
    }

    /// Returns the state, unless another task has taken the place of this one.
    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        Some(self.shared.lock()).filter(|state| state.task == self.number)
    }

    fn renew_lease(&self) {
        let until = self.shared.now() + LEASE.as_secs() * 1000;
        if let Some(_state) = self.lock() {
            self.shared.lease.store(until, Ordering::Release);
        }
    }

    /// Notes the outcome of a fetch. The keys are active before anybody learns of it.
    fn finish(&self, fetched: Result<Fetched, RemoteError>) {
        let Some(mut state) = self.lock() else { return };
        let issuer = &self.shared.issuer;
        match fetched {
            Ok(Fetched { keys, max_age }) => {
                let change = self.shared.activate(keys);
                let failures = state.schedule.succeed(Moment::now(), max_age);
                report::succeeded(issuer, &change, failures);
            }
            Err(error) => {
                let error = KeySetError::from(error);
                let failures = state.schedule.fail(Instant::now(), error.clone());
                report::failed(issuer, &error, failures, self.shared.keys.load().len());
            }
        }
        drop(state);
        self.shared.changed.send_replace(());
    }
}

/// The runtime has ended, the keys are not used any more, or the task panicked.
impl Drop for Task {
    fn drop(&mut self) {
        // A panic is a failure, and what caused it is not repeated at once.
        if std::thread::panicking() {
            self.finish(Err(RemoteError::Panicked));
        }
        if let Some(mut state) = self.lock() {
            state.schedule.abandon();
            self.shared.lease.store(0, Ordering::Release);
        }
        self.shared.changed.send_replace(());
    }
}
