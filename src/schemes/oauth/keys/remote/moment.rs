//! Ages that count while the machine sleeps.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A point in time on two clocks. The monotonic one may stand still while the machine sleeps, and the
/// other one can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) instant: Instant,
    pub(super) wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns the time since an earlier moment, by the clock that says more.
    pub(super) fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.instant.saturating_duration_since(earlier.instant).max(wall)
    }
}

#[cfg(test)]
impl Moment {
    /// Returns the moment at which both clocks went on.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { instant: self.instant + time, wall: self.wall + time }
    }
}
