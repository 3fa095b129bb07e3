//! A clock in seconds since 1970 that neither steps back nor stands still: what has expired stays
//! expired, and what has not will.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// By how many milliseconds the wall clock must be ahead to have been put forward: two readings of
/// two clocks never quite agree.
const STEP: u64 = 1000;

#[derive(Debug)]
pub(super) struct Clock {
    since: Instant,
    /// When it was started, in milliseconds since 1970. The wall clock may be put forward, as after
    /// a boot without one; then it was started later than had been thought.
    started: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), started: AtomicU64::new(wall_millis()) }
    }

    /// When this clock was started.
    pub(super) fn started(&self) -> u64 {
        self.started.load(Relaxed) / 1000
    }

    /// What the wall clock says or, where it was put back, what it would have said.
    pub(super) fn now(&self) -> u64 {
        self.at(wall_millis(), self.since.elapsed().as_millis() as u64)
    }

    fn at(&self, wall: u64, elapsed: u64) -> u64 {
        let started = wall.saturating_sub(elapsed);
        if started > self.started.load(Relaxed).saturating_add(STEP) {
            self.started.fetch_max(started, Relaxed);
        }
        self.started.load(Relaxed).saturating_add(elapsed) / 1000
    }
}

pub(super) fn wall() -> u64 {
    wall_millis() / 1000
}

fn wall_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_wall_forward_and_goes_on_when_that_is_put_back() {
        let clock = Clock { since: Instant::now(), started: AtomicU64::new(1_000_999) };
        assert_eq!(clock.at(1_005_000, 5_000), 1005);
        assert_eq!(clock.at(406_000, 6_000), 1006, "put back by ten minutes");
        assert_eq!(clock.at(500_000, 100_000), 1100);
        assert_eq!(clock.started(), 1000);
        assert_eq!(clock.at(1_102_000, 101_000), 1101, "read a moment later");
        assert_eq!(clock.started(), 1000);
        assert_eq!(clock.at(2_000_000, 101_000), 2000, "put forward");
        assert_eq!(clock.started(), 1899);
        assert_eq!(clock.at(1_102_000, 102_000), 2001);
    }
}
