//! When keys are fetched, and what it means that a key is unknown.

use std::time::Duration;

use tokio::time::Instant;

use super::moment::Moment;
use crate::schemes::oauth::keys::{Absent, KeySetError};

/// How long keys are fresh if the server does not say.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// Shorter freshness is ignored: it would be load for the server alone.
const MIN_FRESH: Duration = Duration::from_secs(60);
/// Longer freshness is ignored. It is an hour less than keys are used, which leaves time for retries.
const MAX_FRESH: Duration = Duration::from_secs(23 * 3600);
/// How long keys are used without a successful fetch. A key that was withdrawn must not live for ever.
pub(super) const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// How long unknown keys are not asked for after a fetch. Clients can name any number of unknown keys.
const COOLDOWN: Duration = Duration::from_secs(10);
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// The state of the fetches of one issuer's keys. It reads no clock, and sends nothing.
///
/// Fetches are numbered, so that a requester can wait for one that begins after it asked.
pub(super) struct Schedule {
    /// The numbers of the last fetch that somebody waits for, that began, and that ended.
    wanted: u64,
    started: u64,
    finished: u64,
    /// When the last fetch ended.
    finished_at: Option<Instant>,
    /// When the keys are fetched even if nobody waits for it.
    next: Instant,
    /// How long the active keys are fresh, and since when. `None` if there are none.
    active: Option<(Moment, Duration)>,
    /// How many fetches failed since the last success.
    failures: u32,
    outcome: Result<(), KeySetError>,
}

impl Schedule {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            wanted: 0,
            started: 0,
            finished: 0,
            finished_at: None,
            next: now,
            active: None,
            failures: 0,
            outcome: Ok(()),
        }
    }

    /// Returns what it means that a key is unknown now.
    pub(super) fn absent(&mut self, now: Instant) -> Absent {
        let asked_at = match self.finished_at {
            Some(finished) => self.next.min(finished + COOLDOWN),
            None => now,
        };
        if self.is_pending() {
            Absent::Ask
        } else if asked_at <= now {
            self.want_next();
            Absent::Ask
        } else if self.failures > 0 || self.active.is_none() {
            Absent::Unavailable { retry_after: asked_at - now }
        } else {
            Absent::Unknown
        }
    }

    /// Returns the number of the next fetch to begin, which is due now.
    pub(super) fn want_next(&mut self) -> u64 {
        self.wanted = self.started + 1;
        self.wanted
    }

    /// Returns the number of the fetch that is under way or due because somebody waits for it. It has
    /// ended if there is none.
    pub(super) fn pending(&self) -> u64 {
        self.wanted.max(self.started)
    }

    fn is_pending(&self) -> bool {
        self.pending() > self.finished
    }

    /// Returns the outcome of the last fetch once the fetch of this number has ended.
    pub(super) fn outcome_of(&self, number: u64) -> Option<Result<(), KeySetError>> {
        (self.finished >= number).then(|| self.outcome.clone())
    }

    /// Begins a fetch if one is due.
    pub(super) fn begin(&mut self, now: Moment) -> bool {
        // The monotonic clock may have stood still: the keys are older than it says.
        let is_stale = self.failures == 0
            && self.active.is_some_and(|(since, fresh)| now.since(since) >= fresh);
        let is_due = self.wanted > self.started || self.next <= now.instant || is_stale;
        if is_due && self.started == self.finished {
            self.started += 1;
            return true;
        }
        false
    }

    /// Forgets the fetch that has begun, as it was interrupted. It stays due.
    pub(super) fn abandon(&mut self) {
        if self.started > self.finished {
            self.wanted = self.wanted.max(self.started);
            self.started = self.finished;
        }
    }

    /// Notes that the fetch succeeded. Returns how many had failed before.
    pub(super) fn succeed(&mut self, now: Moment, max_age: Option<Duration>) -> u32 {
        let fresh = max_age.unwrap_or(FRESH).clamp(MIN_FRESH, MAX_FRESH);
        self.active = Some((now, fresh));
        self.finish(now.instant, fresh, Ok(()));
        std::mem::take(&mut self.failures)
    }

    /// Notes that the fetch failed. Returns how many failed in a row.
    pub(super) fn fail(&mut self, now: Instant, error: KeySetError) -> u32 {
        // 1, 2, 4 … seconds.
        let back_off = Duration::from_secs(1 << self.failures.min(6)).min(MAX_BACK_OFF);
        self.failures = self.failures.saturating_add(1);
        self.finish(now, back_off, Err(error));
        self.failures
    }

    fn finish(&mut self, now: Instant, wait: Duration, outcome: Result<(), KeySetError>) {
        self.finished = self.started;
        self.finished_at = Some(now);
        self.next = now + wait;
        self.outcome = outcome;
    }

    /// Returns how old the active keys are, if there are any.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        self.active.map(|(since, _)| now.since(since))
    }

    /// Returns whether the active keys have become too old. They are not active any more then.
    pub(super) fn end(&mut self, now: Moment) -> bool {
        let has_ended = self.age(now).is_some_and(|age| age >= MAX_AGE);
        if has_ended {
            self.active = None;
        }
        has_ended
    }

    /// Returns how long nothing is due, unless somebody asks.
    pub(super) fn idle(&self, now: Moment) -> Duration {
        if self.wanted > self.started {
            return Duration::ZERO;
        }
        let idle = self.next.saturating_duration_since(now.instant);
        match self.age(now) {
            Some(age) => idle.min(MAX_AGE.saturating_sub(age)),
            None => idle,
        }
    }
}
