//! The clock of signatures: the wall clock, which may be set forward and back, and what that means
//! for signatures that were accepted before.
//!
//! Nonces are remembered for a time that the monotonic clock measures: as long as their signatures
//! are valid, if the wall clock runs at the same rate. If the wall clock is set back, a signature
//! whose nonce was forgotten would be valid once more. So for each period between two steps of the
//! wall clock, the range of the `created` times that were accepted in it is remembered. Signatures
//! from this range are rejected once their nonces may be forgotten.
//!
//! Which signatures an earlier process accepted is not known: those from before the start of this
//! process are rejected. The time of the start counts as right once a signature was accepted while
//! the wall clock agreed with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::telemetry::TARGET;
use tracing::error;

/// The difference, in milliseconds, between the wall clock and its expected time from which it counts
/// as a step: two readings of two clocks never quite agree.
const STEP: u64 = 1000;
/// The maximum number of periods. Beyond it, the two that are closest are joined.
const MAX_PERIODS: usize = 16;

#[derive(Debug)]
pub(crate) struct Clock {
    since: Instant,
    state: Mutex<State>,
}

/// Times are milliseconds since 1970, or since the start.
#[derive(Debug)]
struct State {
    /// The time of the start by the wall clock: as read then, and according to its present time.
    started: u64,
    started_by_now: u64,
    /// Whether a signature was accepted while the wall clock agreed with `started`.
    is_start_confirmed: bool,
    /// The `created` times that were accepted since the last step.
    accepted: Option<Accepted>,
    /// The earlier periods, of which there are few.
    earlier: Vec<Period>,
}

/// The first and last accepted `created` time, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    first: u64,
    last: u64,
}

/// A period between two steps of the wall clock.
#[derive(Clone, Copy, Debug)]
struct Period {
    accepted: Accepted,
    /// The time of the start according to the wall clock of this period.
    started: u64,
}

/// A reading of the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// In seconds since 1970.
    pub(crate) now: u64,
    /// The time of the start according to this reading, in milliseconds.
    started: u64,
}

/// A step of the wall clock, in seconds: forward, or back if negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    by: i64,
    since_start: i64,
}

/// For how long, in seconds, signatures are valid and nonces remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) skew: u64,
    pub(crate) window: u64,
    /// The minimum time for which a nonce is remembered.
    pub(crate) keep: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self::started_at(unix_millis())
    }

    fn started_at(started: u64) -> Self {
        let state = State {
            started,
            started_by_now: started,
            is_start_confirmed: false,
            accepted: None,
            earlier: Vec::new(),
        };
        Self { since: Instant::now(), state: Mutex::new(state) }
    }

    /// Reads the wall clock. A step by more than the skew is logged, once.
    pub(crate) fn read(&self, terms: Terms) -> Reading {
        let (reading, step) = self.state().read(unix_millis(), self.elapsed(), terms);
        if let Some(Step { by, since_start }) = step {
            error!(
                target: TARGET,
                since_start,
                "this server's clock was set {} by {} s: signatures that may have been accepted before \
                 stay rejected",
                if by < 0 { "back" } else { "forward" },
                by.unsigned_abs()
            );
        }
        reading
    }

    /// Returns whether a signature with this `created` time may have been accepted by an earlier
    /// process.
    pub(crate) fn is_before_start(&self, created: u64) -> bool {
        self.state().is_before_start(created)
    }

    /// Returns whether a signature with this `created` time may have been accepted before the wall
    /// clock was set back, and its nonce forgotten since.
    pub(crate) fn may_be_forgotten(&self, created: u64, terms: Terms) -> bool {
        let state = self.state();
        // In most cases the clock was never set, and need not be read.
        !state.earlier.is_empty() && state.may_be_forgotten(created, self.elapsed(), terms)
    }

    /// Remembers that a signature with this `created` time, which is valid by this reading, is about
    /// to be accepted.
    pub(crate) fn accept(&self, created: u64, reading: Reading) {
        self.state().accept(created, reading);
    }

    fn elapsed(&self) -> u64 {
        self.since.elapsed().as_millis() as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the reading, with a step if there was one by more than the skew.
    fn read(&mut self, wall: u64, elapsed: u64, terms: Terms) -> (Reading, Option<Step>) {
        let started = wall.saturating_sub(elapsed);
        let mut seen = None;
        if started.abs_diff(self.started_by_now) > STEP {
            let seconds = |from: u64| (started as i64).saturating_sub(from as i64) / 1000;
            let step =
                Step { by: seconds(self.started_by_now), since_start: seconds(self.started) };
            seen = Some(step).filter(|step| step.by.unsigned_abs() > terms.skew);
            self.step_to(started);
        }
        (Reading { now: wall / 1000, started: self.started_by_now }, seen)
    }

    fn step_to(&mut self, started: u64) {
        if let Some(accepted) = self.accepted.take() {
            self.remember(Period { accepted, started: self.started_by_now });
        }
        self.started_by_now = started;
    }

    fn remember(&mut self, period: Period) {
        self.earlier.push(period);
        if self.earlier.len() > MAX_PERIODS {
            self.join_closest();
        }
    }

    fn join_closest(&mut self) {
        self.earlier.sort_unstable_by_key(|period| period.accepted.first);
        let gap = |pair: &[Period]| pair[1].accepted.first.saturating_sub(pair[0].accepted.last);
        let pairs = self.earlier.windows(2).enumerate();
        let Some((at, _)) = pairs.min_by_key(|(_, pair)| gap(pair)) else { return };
        let other = self.earlier.remove(at + 1);
        let period = &mut self.earlier[at];
        period.accepted.last = period.accepted.last.max(other.accepted.last);
        period.started = period.started.max(other.started);
    }

    /// Times are the client's and in whole seconds: a signature of the very second of the start cannot
    /// be told from a new one.
    ///
    /// If the clock was set back since, the time that was read at the start counts, provided that it is
    /// confirmed. Otherwise it may have been wrong.
    fn is_before_start(&self, created: u64) -> bool {
        let start = if self.is_start_confirmed {
            self.started.max(self.started_by_now)
        } else {
            self.started_by_now
        };
        created < start / 1000
    }

    fn may_be_forgotten(&self, created: u64, elapsed: u64, terms: Terms) -> bool {
        // Nonces that were claimed by then may be forgotten.
        let Some(forgotten) = elapsed.checked_sub(terms.keep.saturating_mul(1000)) else {
            return false;
        };
        self.earlier.iter().any(|period| {
            let last_forgotten =
                ((period.started + forgotten) / 1000).saturating_add(terms.skew.saturating_add(1));
            let last = period.accepted.last.min(last_forgotten);
            (period.accepted.first..=last).contains(&created)
        })
    }

    fn accept(&mut self, created: u64, reading: Reading) {
        self.is_start_confirmed |= reading.started.abs_diff(self.started) <= STEP;
        let now = Accepted { first: created, last: created };
        if reading.started != self.started_by_now {
            // There was a step in between.
            return self.remember(Period { accepted: now, started: reading.started });
        }
        let accepted = self.accepted.get_or_insert(now);
        accepted.first = accepted.first.min(created);
        accepted.last = accepted.last.max(created);
    }
}

/// Returns the time of the wall clock, in seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    unix_millis() / 1000
}

fn unix_millis() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
