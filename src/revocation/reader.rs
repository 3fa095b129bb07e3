//! The task that reads the log of revocations.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::report;
use super::shared::Shared;
use super::time::now;
use super::wall_clock::WallClock;
use crate::auth::BoxError;
use crate::stores::{PublishError, RevocationCursor, RevocationPage, RevocationStore};

/// How long the store may wait for new entries.
const WAIT: Duration = Duration::from_secs(2);
/// How much longer the store may take to answer.
const GRACE: Duration = Duration::from_secs(2);
/// How long adding entries may take.
pub(super) const MAX_PUBLISH: Duration = Duration::from_secs(2);
/// How long the task waits after a failure, first and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// How often a store is asked at most that does not wait.
const MIN_WAIT: Duration = Duration::from_millis(50);
/// How often expired entries are removed.
const SWEEP: Duration = Duration::from_secs(60);
/// How many entries are added again at a time.
const CHUNK: usize = 1_000;

/// Stops the task when it is dropped.
pub(super) struct Reader(AbortHandle);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads the log from its start to its end.
pub(super) async fn read_all(shared: &Shared) -> Result<RevocationCursor, BoxError> {
    let mut cursor = RevocationCursor::start();
    loop {
        let page = read(shared, &cursor, Duration::ZERO).await?;
        shared.set_heard();
        shared.apply_read(page.entries);
        cursor = page.next;
        if !page.has_more {
            return Ok(cursor);
        }
        yield_now().await;
    }
}

/// Starts the task.
pub(super) fn start(shared: Arc<Shared>, cursor: RevocationCursor, max_wait: Duration) -> Reader {
    let wait = WAIT.min(max_wait);
    let (swept, clock) = (Instant::now(), WallClock::new());
    let task = Task { shared, cursor, wait, back_off: None, swept, clock };
    Reader(tokio::spawn(task.run()).abort_handle())
}

async fn read(
    shared: &Shared,
    after: &RevocationCursor,
    wait: Duration,
) -> Result<RevocationPage, BoxError> {
    match timeout(wait + GRACE, shared.store.read(after, wait)).await {
        Ok(page) => page,
        Err(_) => Err("it took too long".into()),
    }
}

struct Task {
    shared: Arc<Shared>,
    cursor: RevocationCursor,
    wait: Duration,
    /// How long to wait after the next failure, during an outage.
    back_off: Option<Duration>,
    swept: Instant,
    clock: WallClock,
}

impl Task {
    async fn run(mut self) {
        let mut wait = self.wait;
        loop {
            let started = Instant::now();
            match read(&self.shared, &self.cursor, wait).await {
                Ok(page) => {
                    self.note_answer();
                    let is_empty = page.entries.is_empty();
                    let has_more = self.apply(page);
                    let has_added = !has_more && self.add_missing().await;
                    wait = if has_added { Duration::ZERO } else { self.wait };
                    if is_empty && !has_added {
                        sleep(MIN_WAIT.saturating_sub(started.elapsed())).await;
                    } else {
                        yield_now().await;
                    }
                }
                Err(error) => self.note_failure(&*error).await,
            }
            // While the clock was ahead, revocations seemed to have expired.
            if self.clock.was_put_back() {
                report::clock_put_back();
                self.cursor = RevocationCursor::start();
                wait = Duration::ZERO;
            }
            if self.swept.elapsed() >= SWEEP {
                self.shared.known.sweep(now());
                self.swept = Instant::now();
            }
        }
    }

    /// Applies a page, and returns whether there is more.
    fn apply(&mut self, page: RevocationPage) -> bool {
        if page.lost_history {
            report::lost_history(self.shared.known.len());
            self.shared.set_missing(self.shared.known.digests());
        }
        self.shared.apply_read(page.entries);
        self.cursor = page.next;
        page.has_more
    }

    /// Adds some of the entries that the log does not have, and returns whether the log should be read at once: other
    /// replicas add the same ones.
    async fn add_missing(&self) -> bool {
        let entries = self.shared.some_missing(CHUNK);
        if entries.is_empty() {
            return false;
        }
        let published =
            timeout(MAX_PUBLISH, self.shared.store.publish(&entries, self.shared.log_keep())).await;
        match published.unwrap_or_else(|_| Err(PublishError::Unsure("it took too long".into()))) {
            Ok(()) => {
                self.shared.unset_missing(&entries);
                report::added_again(entries.len());
                true
            }
            Err(error) => {
                report::not_added(&error);
                false
            }
        }
    }

    fn note_answer(&mut self) {
        let silence = self.shared.heard().elapsed();
        self.shared.set_heard();
        report::heard(Duration::ZERO);
        if self.back_off.take().is_some() {
            report::hears_again(silence);
        }
    }

    /// Reports a failure, and waits before the next try.
    async fn note_failure(&mut self, error: &(dyn std::error::Error + Send + Sync)) {
        report::heard(self.shared.heard().elapsed());
        let [first, max] = BACK_OFF;
        let back_off = match self.back_off {
            None => {
                report::deaf(error);
                first
            }
            Some(back_off) => {
                report::still_deaf(error);
                back_off
            }
        };
        self.back_off = Some((2 * back_off).min(max));
        sleep(back_off).await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report::heard(Duration::MAX);
            report::reader_panicked();
        }
    }
}
